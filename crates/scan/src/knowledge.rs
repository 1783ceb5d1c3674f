//! All advisories in one compact, immutable file, found by the name of a package.
//!
//! | file | what |
//! |---|---|
//! | `knowledge/build.rs` | from advisories to a file |
//! | `knowledge/exploitation.rs` | what is known of the exploitation of CVEs |
//! | `knowledge/flaws.rs` | which ids are the same flaw |
//! | `knowledge/layout.rs` | the file's bytes |
//! | `knowledge/texts.rs` | titles, descriptions, references, compressed apart |

mod build;
mod exploitation;
mod flaws;
mod layout;
mod texts;

pub(crate) use build::exact;
pub(crate) use texts::{Text, TextReader};

use crate::{Advisory, Exploitation, FixState, KnowledgeSource, Severity, Standing};
use layout::{Layout, Table};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a knowledge file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The file cannot be read.
    #[error("the advisories cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Its bytes are not what was written.
    #[error("the advisories are damaged ({0}); fetch or import them again")]
    Damaged(&'static str),
    /// It is of another version of this program.
    #[error("the advisories have format {found}, this program reads {expected}; fetch or import them again")]
    Format {
        /// The file's format.
        found: u32,
        /// This program's.
        expected: u32,
    },
    /// There is more than the file can hold.
    #[error("there are too many advisories: {0}; import fewer feeds")]
    TooMany(&'static str),
}

/// One generation of advisories.
#[derive(Clone, Debug)]
pub struct Knowledge {
    layout: Layout,
    sources: BTreeMap<KnowledgeSource, SourceInfo>,
}

/// Sources in a file at most.
const SOURCES_MAX: u32 = 65_536;

/// What a file holds of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// When its feed was read, or its newest record changed, RFC 3339; empty where nobody said.
    pub read_at: String,
    /// How many advisories speak of it.
    pub advisories: u32,
    /// How many packages they name.
    pub packages: u32,
    names_start: u32,
}

/// A name about which two generations say different things.
pub type ChangedName = (KnowledgeSource, String);

impl Knowledge {
    /// Opens a file that [`Knowledge::build`] made.
    ///
    /// # Errors
    /// [`KnowledgeError`].
    pub fn open(path: &Path) -> Result<Knowledge, KnowledgeError> {
        Knowledge::read(std::fs::read(path)?)
    }

    /// Takes the bytes that [`Knowledge::build`] made. Header and checksum are looked at, the tables only when they are
    /// asked.
    ///
    /// # Errors
    /// [`KnowledgeError`].
    pub fn read(bytes: Vec<u8>) -> Result<Knowledge, KnowledgeError> {
        let layout = Layout::read(bytes)?;
        let mut sources = BTreeMap::new();
        let count = layout.count::<5>(Table::Sources);
        if count > SOURCES_MAX {
            return Err(KnowledgeError::Damaged("it has too many sources"));
        }
        for at in 0..count {
            let [source, read_at, names_start, packages, advisories] = layout.row(Table::Sources, at)?;
            let read_at = layout.text(read_at)?.to_owned();
            let source = KnowledgeSource::parse(layout.text(source)?);
            sources.insert(source, SourceInfo { read_at, advisories, packages, names_start });
        }
        Ok(Knowledge { layout, sources })
    }

    /// Returns the bytes of a file that holds these advisories. `read_at` are the times (RFC 3339) of the feeds by
    /// ecosystem (`Debian`) or source (`Debian:12`); those without one have that of their newest record. The same
    /// advisories give the same bytes where they come in the same order.
    ///
    /// # Errors
    /// [`KnowledgeError::TooMany`].
    pub fn build(
        advisories: impl IntoIterator<Item = Advisory>,
        read_at: &[(String, String)],
    ) -> Result<Vec<u8>, KnowledgeError> {
        let mut writer = KnowledgeWriter::default();
        for advisory in advisories {
            writer.add(&advisory)?;
        }
        writer.finish(read_at)
    }

    /// The bytes of the file: what another program reads.
    pub fn bytes(&self) -> &[u8] {
        self.layout.bytes()
    }

    /// A number for the content (XXH3-64): another content has another one.
    pub fn checksum(&self) -> u64 {
        self.layout.checksum()
    }

    /// Returns what it holds, by source; `KEV` and `EPSS`, where they are in it, name no packages.
    pub fn sources(&self) -> &BTreeMap<KnowledgeSource, SourceInfo> {
        &self.sources
    }

    /// Returns the names about which `self` and the `older` one say different things: what has to be matched again. Neither texts, where
    /// their record says that it did not change, nor what is known of exploitation ([`Knowledge::exploitation_changed_since`]) are
    /// compared. Where all advisories of Ubuntu Pro for a release came or went, all names of the release are among them: by its own
    /// advisories Pro's packages are judged without those.
    ///
    /// # Errors
    /// [`KnowledgeError::Damaged`].
    pub fn changed_since(&self, older: &Knowledge) -> Result<Vec<ChangedName>, KnowledgeError> {
        let (mut changed, mut of_releases) = (Vec::new(), Vec::new());
        let all: std::collections::BTreeSet<&KnowledgeSource> =
            self.sources.keys().chain(older.sources.keys()).collect();
        for source in all {
            if let Some(plain) = source.without_pro()
                && self.sources.contains_key(source) != older.sources.contains_key(source)
            {
                for name in self.names_of(&plain).chain(older.names_of(&plain)) {
                    of_releases.push((plain.clone(), name?.0.to_owned()));
                }
            }
            let (new, old) = (self.names_of(source), older.names_of(source));
            let (mut new, mut old) = (new.peekable(), old.peekable());
            loop {
                // Both are sorted: what is only in one, or has another hash, has changed.
                let (one, other) = (peek(&mut new)?, peek(&mut old)?);
                let name = match (one, other) {
                    (None, None) => break,
                    (Some((name, hash)), Some((old_name, old_hash))) if name == old_name => {
                        new.next();
                        old.next();
                        if hash == old_hash {
                            continue;
                        }
                        name
                    }
                    (Some((name, _)), other) if other.is_none_or(|(other, _)| name.as_bytes() < other.as_bytes()) => {
                        new.next();
                        name
                    }
                    (_, Some((name, _))) => {
                        old.next();
                        name
                    }
                    (Some((name, _)), None) => {
                        new.next();
                        name
                    }
                };
                changed.push((source.clone(), name.to_owned()));
            }
        }
        if !of_releases.is_empty() {
            changed.append(&mut of_releases);
            changed.sort_unstable();
            changed.dedup();
        }
        Ok(changed)
    }

    fn names_of(&self, source: &KnowledgeSource) -> impl Iterator<Item = Result<(&str, u64), KnowledgeError>> {
        let (start, count) = self.sources.get(source).map_or((0, 0), |info| (info.names_start, info.packages));
        (start..start.saturating_add(count)).map(|at| {
            let [name, _, _, low, high] = self.layout.row(Table::Names, at)?;
            Ok((self.layout.text(name)?, u64::from(low) | (u64::from(high) << 32)))
        })
    }

    /// Returns the rules for a name, as a row of their numbers; `None` where no advisory names it.
    pub(crate) fn rules(&self, source: &SourceInfo, name: &str) -> Result<Option<(u32, u32)>, KnowledgeError> {
        let (mut low, mut high) = (source.names_start, source.names_start.saturating_add(source.packages));
        while low < high {
            let middle = low + (high - low) / 2;
            let [found, start, count, _, _] = self.layout.row(Table::Names, middle)?;
            match self.layout.string(found)?.cmp(name.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Some((start, count))),
            }
        }
        Ok(None)
    }

    pub(crate) fn rule(&self, at: u32) -> Result<Rule, KnowledgeError> {
        let [advisory, bits, ranges, range_count, versions, version_count, modules, module_count, archs, arch_count] =
            self.layout.row(Table::Rules, at)?;
        Ok(Rule {
            advisory,
            standing: standing(bits & 0xff)?,
            severity: severity(bits >> 8)?,
            ranges: (ranges, range_count),
            versions: (versions, version_count),
            modules: (modules, module_count),
            architectures: (archs, arch_count),
        })
    }

    /// Returns a range of a rule by its number in `rule.ranges`.
    pub(crate) fn range(&self, at: u32) -> Result<Span<'_>, KnowledgeError> {
        let [kind, from, from_key, until, until_key] = self.layout.row(Table::Ranges, at)?;
        Ok(Span {
            kind: match kind {
                0 => SpanEnd::Open,
                1 => SpanEnd::Fixed,
                2 => SpanEnd::Last,
                _ => return Err(KnowledgeError::Damaged("a range has no end")),
            },
            from: self.layout.text(from)?,
            from_key: self.layout.string(from_key)?,
            until: self.layout.text(until)?,
            until_key: self.layout.string(until_key)?,
        })
    }

    /// Tells whether a sorted list of strings holds one.
    pub(crate) fn holds(&self, (start, count): (u32, u32), string: &[u8]) -> Result<bool, KnowledgeError> {
        let (mut low, mut high) = (start, start.saturating_add(count));
        while low < high {
            let middle = low + (high - low) / 2;
            let [at] = self.layout.row(Table::Words, middle)?;
            match self.layout.string(at)?.cmp(string) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(true),
            }
        }
        Ok(false)
    }

    pub(crate) fn texts(&self, list: (u32, u32)) -> Result<Vec<String>, KnowledgeError> {
        self.layout.texts(list)
    }

    pub(crate) fn record(&self, at: u32) -> Result<Record, KnowledgeError> {
        let [id, _, _, published, modified, vector, tenths, scored_by, word, worded_by, block, place] =
            self.layout.row(Table::Advisories, at)?;
        let score = tenths.checked_sub(1).map(|tenths| tenths.min(100) as f32 / 10.0);
        Ok(Record {
            id: self.layout.text(id)?.to_owned(),
            published: self.layout.some_text(published)?,
            modified: self.layout.some_text(modified)?,
            vector: self.layout.some_text(vector)?,
            score: score.zip(self.layout.some_text(scored_by)?),
            word: severity(word)?.zip(self.layout.some_text(worded_by)?),
            text: (block, place),
        })
    }

    /// Returns the id of an advisory.
    pub(crate) fn record_id(&self, at: u32) -> Result<&str, KnowledgeError> {
        let [id, ..]: [u32; 12] = self.layout.row(Table::Advisories, at)?;
        self.layout.text(id)
    }

    /// Returns the numbers of the flaws that an advisory speaks of.
    pub(crate) fn flaws_of(&self, advisory: u32) -> Result<impl Iterator<Item = u32> + '_, KnowledgeError> {
        let [_, start, count, ..]: [u32; 12] = self.layout.row(Table::Advisories, advisory)?;
        self.layout.list(start, count)
    }

    /// Returns a flaw by its number.
    pub(crate) fn flaw(&self, at: u32) -> Result<Flaw, KnowledgeError> {
        let [id, aliases, alias_count, members, member_count, scored, worded] = self.layout.row(Table::Flaws, at)?;
        Ok(Flaw {
            id: self.layout.text(id)?.to_owned(),
            aliases: self.layout.texts((aliases, alias_count))?,
            members: self.layout.list(members, member_count)?.collect(),
            scored: scored.checked_sub(1),
            worded: worded.checked_sub(1),
        })
    }

    /// Returns the id of a flaw by the number that [`crate::Match`] has of it.
    ///
    /// # Errors
    /// [`KnowledgeError::Damaged`].
    pub fn flaw_id(&self, at: u32) -> Result<&str, KnowledgeError> {
        let [id, ..]: [u32; 7] = self.layout.row(Table::Flaws, at)?;
        self.layout.text(id)
    }

    pub(crate) fn text_reader(&self) -> TextReader<'_> {
        TextReader::new(&self.layout)
    }
}

fn peek<T: Copy>(
    items: &mut std::iter::Peekable<impl Iterator<Item = Result<T, KnowledgeError>>>,
) -> Result<Option<T>, KnowledgeError> {
    if let Some(Err(_)) = items.peek() {
        return items.next().transpose();
    }
    Ok(items.peek().and_then(|item| item.as_ref().ok().copied()))
}

/// Writes a file, one advisory after the other, so that they need not be in memory together.
#[derive(Default)]
pub struct KnowledgeWriter(build::Builder);

impl KnowledgeWriter {
    /// The format of the files that it writes.
    pub const FORMAT: u32 = layout::FORMAT;

    /// Takes what is known of exploitation, instead of what was given before.
    pub fn set_exploitation(&mut self, exploitation: Exploitation) {
        self.0.exploitation = exploitation;
    }

    /// Takes an advisory; one that was taken back is left out.
    ///
    /// # Errors
    /// [`KnowledgeError::TooMany`].
    pub fn add(&mut self, advisory: &Advisory) -> Result<(), KnowledgeError> {
        self.0.add(advisory)
    }

    /// Returns the file's bytes; `read_at` as for [`Knowledge::build`].
    ///
    /// # Errors
    /// [`KnowledgeError::TooMany`].
    pub fn finish(self, read_at: &[(String, String)]) -> Result<Vec<u8>, KnowledgeError> {
        self.0.finish(read_at)
    }
}

/// Writes the checksum of a file into it, so that a fuzzer comes behind it.
#[doc(hidden)]
pub fn seal(file: &mut [u8]) {
    layout::seal(file);
}

/// What one advisory says about one package of one source. Pairs are places of lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) advisory: u32,
    pub(crate) standing: Standing,
    pub(crate) severity: Option<Severity>,
    pub(crate) ranges: (u32, u32),
    pub(crate) versions: (u32, u32),
    pub(crate) modules: (u32, u32),
    pub(crate) architectures: (u32, u32),
}

/// A range with the keys of its ends; a key is empty where there is no end, or where it is no version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) kind: SpanEnd,
    pub(crate) from: &'a str,
    pub(crate) from_key: &'a [u8],
    pub(crate) until: &'a str,
    pub(crate) until_key: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanEnd {
    Open,
    Fixed,
    Last,
}

/// What an advisory says but for its packages.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) published: Option<String>,
    pub(crate) modified: Option<String>,
    pub(crate) vector: Option<String>,
    pub(crate) score: Option<(f32, String)>,
    pub(crate) word: Option<(Severity, String)>,
    pub(crate) text: (u32, u32),
}

/// A flaw, whatever records speak of it.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) id: String,
    pub(crate) aliases: Vec<String>,
    /// Advisories about it alone.
    pub(crate) members: Vec<u32>,
    /// The advisory with the best score.
    pub(crate) scored: Option<u32>,
    /// The advisory with the first word.
    pub(crate) worded: Option<u32>,
}

fn standing(bits: u32) -> Result<Standing, KnowledgeError> {
    let all = [Standing::Affected, Standing::WontFix, Standing::Deferred, Standing::EndOfLife, Standing::NotAffected];
    all.into_iter().find(|one| *one as u32 == bits).ok_or(KnowledgeError::Damaged("a standing is unknown"))
}

fn severity(bits: u32) -> Result<Option<Severity>, KnowledgeError> {
    let Some(word) = bits.checked_sub(1) else { return Ok(None) };
    let found = Severity::ALL.iter().copied().find(|one| *one as u32 == word);
    found.map(Some).ok_or(KnowledgeError::Damaged("a severity is unknown"))
}

impl Standing {
    /// What it is where no fixed version is known.
    pub(crate) fn without_fix(self) -> FixState {
        match self {
            Standing::Affected | Standing::NotAffected => FixState::NotFixed,
            Standing::WontFix => FixState::WontFix,
            Standing::Deferred => FixState::Deferred,
            Standing::EndOfLife => FixState::EndOfLife,
        }
    }
}

#[cfg(test)]
mod tests;
