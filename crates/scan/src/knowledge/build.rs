//! Makes a file of advisories.

use super::KnowledgeError;
use super::exploitation::{EPSS, KEV};
use super::flaws::{Flaws, Member, best_rating};
use super::layout::Layout;
use super::texts::TextWriter;
use crate::{Advisory, Affected, Exploitation, Range, Until, VersionScheme, matching::lookup_name};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Collects advisories, in any order, and writes them.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) strings: Strings,
    words: Vec<u32>,
    ranges: Vec<[u32; 5]>,
    advisories: Vec<[u32; 12]>,
    /// What each advisory is about, for folding.
    members: Vec<Member>,
    rules: Vec<Pending>,
    sources: BTreeMap<String, Source>,
    texts: TextWriter,
    pub(super) exploitation: Exploitation,
}

/// A rule, before it has its place.
struct Pending {
    source: u32,
    name: u32,
    hash: u64,
    row: [u32; 10],
}

#[derive(Default)]
struct Source {
    newest: String,
    advisories: u32,
}

impl Builder {
    /// Takes one; records that were taken back are left out.
    pub(super) fn add(&mut self, advisory: &Advisory) -> Result<(), KnowledgeError> {
        if advisory.withdrawn.is_some() || advisory.affected.is_empty() {
            return Ok(());
        }
        let at = number(self.advisories.len())?;
        let rating = best_rating(&advisory.ratings);
        let (block, place) = self.texts.add(advisory)?;
        let row = [
            self.strings.add(advisory.id.as_bytes())?,
            0,
            0,
            self.strings.add_some(advisory.published.as_deref())?,
            self.strings.add_some(advisory.modified.as_deref())?,
            self.strings.add_some(rating.vector.as_deref())?,
            rating.tenths.map_or(0, |tenths| u32::from(tenths) + 1),
            self.strings.add_some(rating.score_source.as_deref())?,
            rating.severity.map_or(0, |severity| severity as u32 + 1),
            self.strings.add_some(rating.severity_source.as_deref())?,
            block,
            place,
        ];
        // Not every feed says when a record changed: what a finding tells of it, but for its texts, is in the hash itself.
        let Advisory { id, modified, published, .. } = advisory;
        let hash = xxh3_64(format!("{id}\0{modified:?}\0{published:?}\0{rating:?}").as_bytes());
        self.advisories.push(row);
        let member = Member {
            id: row[0],
            aliases: self.strings.add_all(&advisory.aliases)?,
            upstream: self.strings.add_all(&advisory.upstream)?,
            rating,
        };
        self.members.push(member);
        let mut sources = BTreeSet::new();
        for affected in &advisory.affected {
            if let Some(kind) = affected.source.kind() {
                let source = affected.source.to_string();
                let name = lookup_name(kind, &affected.package);
                let pending = self.rule(at, affected, kind.versions(), &source, &name, hash)?;
                self.rules.push(pending);
                sources.insert(source);
            }
        }
        for source in sources {
            let source = self.sources.entry(source).or_default();
            source.advisories += 1;
            if let Some(modified) = advisory.modified.as_ref().filter(|modified| **modified > source.newest) {
                source.newest.clone_from(modified);
            }
        }
        Ok(())
    }

    fn rule(
        &mut self,
        advisory: u32,
        affected: &Affected,
        scheme: VersionScheme,
        source: &str,
        name: &str,
        hash: u64,
    ) -> Result<Pending, KnowledgeError> {
        let ranges_start = number(self.ranges.len())?;
        for range in &affected.ranges {
            let row = self.range(range, scheme)?;
            self.ranges.push(row);
        }
        let mut versions: Vec<Vec<u8>> = affected.versions.iter().map(|version| exact(scheme, version)).collect();
        versions.sort();
        versions.dedup();
        let versions = self.list_of(versions.iter().map(Vec::as_slice))?;
        let modules = self.list_of(affected.module_streams.iter().map(String::as_bytes))?;
        let architectures = self.list_of(affected.architectures.iter().map(String::as_bytes))?;
        let severity = affected.severity.map_or(0, |severity| severity as u32 + 1);
        let bits = affected.standing as u32 | (severity << 8);
        let row = [
            advisory,
            bits,
            ranges_start,
            number(affected.ranges.len())?,
            versions.0,
            versions.1,
            modules.0,
            modules.1,
            architectures.0,
            architectures.1,
        ];
        let mut hasher = Xxh3::new();
        hasher.update(&hash.to_le_bytes());
        hasher.update(format!("{affected:?}").as_bytes());
        Ok(Pending {
            source: self.strings.add(source.as_bytes())?,
            name: self.strings.add(name.as_bytes())?,
            hash: hasher.digest(),
            row,
        })
    }

    /// How it ends (0 open, 1 before a fixed version, 2 with the last one), then text and key of both ends.
    fn range(&mut self, range: &Range, scheme: VersionScheme) -> Result<[u32; 5], KnowledgeError> {
        let (kind, until) = match &range.until {
            Until::Open => (0, None),
            Until::Fixed(version) => (1, Some(version.as_str())),
            Until::Last(version) => (2, Some(version.as_str())),
        };
        let mut row = [kind, 0, 0, 0, 0];
        for (at, version) in [(1, range.from.as_deref()), (3, until)] {
            let Some(version) = version else { continue };
            row[at] = self.strings.add(version.as_bytes())?;
            row[at + 1] = self.strings.add(&scheme.key(version).unwrap_or_default())?;
        }
        Ok(row)
    }

    fn list_of<'a>(&mut self, items: impl Iterator<Item = &'a [u8]>) -> Result<(u32, u32), KnowledgeError> {
        let start = self.words.len();
        for item in items {
            let at = self.strings.add(item)?;
            self.words.push(at);
        }
        Ok((number(start)?, number(self.words.len() - start)?))
    }

    fn list(&mut self, items: &[u32]) -> Result<(u32, u32), KnowledgeError> {
        let start = self.words.len();
        self.words.extend_from_slice(items);
        Ok((number(start)?, number(items.len())?))
    }

    /// Folds ids to flaws, sorts the rules by source and name, and writes all tables.
    pub(super) fn finish(mut self, read_at: &[(String, String)]) -> Result<Vec<u8>, KnowledgeError> {
        self.texts.close()?;
        let flaws = Flaws::fold(&self.members, &self.strings);
        let mut flaw_rows: Vec<[u32; 7]> = Vec::with_capacity(flaws.all.len());
        for flaw in &flaws.all {
            let (aliases, members) = (self.list(&flaw.aliases)?, self.list(&flaw.members)?);
            let (score, word) = flaw.best(&self.members);
            flaw_rows.push([flaw.id, aliases.0, aliases.1, members.0, members.1, score, word]);
        }
        for (at, of_advisory) in flaws.of_advisory.iter().enumerate() {
            let (start, count) = self.list(of_advisory)?;
            self.advisories[at][1..3].copy_from_slice(&[start, count]);
        }
        // An advisory whose fold changed has changed: its flaws go into the hash of its names.
        let fold_hashes: Vec<u64> = flaws.of_advisory.iter().map(|of| self.fold_hash(&flaws, of)).collect();
        let mut rules = std::mem::take(&mut self.rules);
        let strings = &self.strings;
        let order = |rule: &Pending| {
            let id = self.advisories.get(rule.row[0] as usize).map_or(0, |row| row[0]);
            (strings.get(rule.source), strings.get(rule.name), strings.get(id))
        };
        rules.sort_by(|left, right| order(left).cmp(&order(right)));
        let mut names: Vec<[u32; 5]> = Vec::new();
        let mut sources: Vec<(u32, u32)> = Vec::new();
        let mut at = 0;
        for same in rules.chunk_by(|left, right| (left.source, left.name) == (right.source, right.name)) {
            let first = &same[0];
            if sources.last().is_none_or(|(source, _)| *source != first.source) {
                sources.push((first.source, number(names.len())?));
            }
            let mut hasher = Xxh3::new();
            for rule in same {
                hasher.update(&rule.hash.to_le_bytes());
                hasher.update(&fold_hashes[rule.row[0] as usize].to_le_bytes());
            }
            let hash = hasher.digest();
            names.push([first.name, at, number(same.len())?, hash as u32, (hash >> 32) as u32]);
            at += number(same.len())?;
        }
        let source_rows = self.source_rows(&sources, number(names.len())?, read_at)?;
        let exploitation = self.exploitation_rows()?;
        let rule_rows: Vec<[u32; 10]> = rules.iter().map(|rule| rule.row).collect();
        Layout::write([
            rows(&self.strings.ends.iter().map(|end| [*end]).collect::<Vec<_>>()),
            self.strings.bytes,
            rows(&self.words.iter().map(|word| [*word]).collect::<Vec<_>>()),
            rows(&source_rows),
            rows(&names),
            rows(&rule_rows),
            rows(&self.ranges),
            rows(&self.advisories),
            rows(&flaw_rows),
            rows(&self.texts.blocks),
            self.texts.packed,
            rows(&exploitation),
        ])
    }

    fn fold_hash(&self, flaws: &Flaws, of_advisory: &[u32]) -> u64 {
        let mut hasher = Xxh3::new();
        for flaw in of_advisory.iter().filter_map(|flaw| flaws.all.get(*flaw as usize)) {
            let (score, word) = flaw.best(&self.members);
            for best in [score, word] {
                let rating = best.checked_sub(1).and_then(|at| self.members.get(at as usize));
                hasher.update(format!("{:?}", rating.map(|member| &member.rating)).as_bytes());
            }
            for id in [flaw.id].iter().chain(&flaw.aliases) {
                hasher.update(self.strings.get(*id));
                hasher.update(&[0]);
            }
        }
        hasher.digest()
    }

    /// Its word, when it was read, its names, and how many advisories speak of it.
    fn source_rows(
        &mut self,
        sources: &[(u32, u32)],
        names: u32,
        read_at: &[(String, String)],
    ) -> Result<Vec<[u32; 5]>, KnowledgeError> {
        let mut found = Vec::with_capacity(sources.len());
        for (at, (source, start)) in sources.iter().enumerate() {
            let end = sources.get(at + 1).map_or(names, |(_, start)| *start);
            let text = String::from_utf8_lossy(self.strings.get(*source)).into_owned();
            let ecosystem = text.split(':').next().unwrap_or_default();
            let known = self.sources.get(&text);
            let read = read_at.iter().find(|(of, _)| of == ecosystem || *of == text).map(|(_, time)| time.clone());
            let read = read.or_else(|| known.map(|source| source.newest.clone())).unwrap_or_default();
            let count = known.map_or(0, |source| source.advisories);
            found.push([*source, self.strings.add(read.as_bytes())?, *start, end.saturating_sub(*start), count]);
        }
        let Exploitation { kev, epss } = &self.exploitation;
        let side_tables = [(KEV, kev.rows.len(), &kev.made_at), (EPSS, epss.rows.len(), &epss.made_at)];
        for (name, count, made_at) in side_tables.into_iter().filter(|(_, count, _)| *count > 0) {
            let read = self.strings.add(made_at.as_deref().unwrap_or_default().as_bytes())?;
            found.push([self.strings.add(name.as_bytes())?, read, names, 0, number(count)?]);
        }
        Ok(found)
    }
}

/// What an enumerated version is compared by: its key, or its text where it has none.
pub(crate) fn exact(scheme: VersionScheme, version: &str) -> Vec<u8> {
    match scheme.key(version) {
        Some(key) => [b"\x01", key.as_slice()].concat(),
        None => [b"\x00", version.as_bytes()].concat(),
    }
}

fn number(count: usize) -> Result<u32, KnowledgeError> {
    u32::try_from(count).map_err(|_| KnowledgeError::TooMany("more than 4 billion rows"))
}

fn rows<const WORDS: usize>(rows: &[[u32; WORDS]]) -> Vec<u8> {
    rows.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
}

/// Strings, each once; number 0 is the empty one.
pub(super) struct Strings {
    known: HashMap<Box<[u8]>, u32>,
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Default for Strings {
    fn default() -> Strings {
        Strings { known: HashMap::from([(Box::default(), 0)]), ends: vec![0], bytes: Vec::new() }
    }
}

impl Strings {
    pub(super) fn add(&mut self, string: &[u8]) -> Result<u32, KnowledgeError> {
        if let Some(at) = self.known.get(string) {
            return Ok(*at);
        }
        let at = number(self.ends.len())?;
        self.bytes.extend_from_slice(string);
        self.ends.push(number(self.bytes.len())?);
        self.known.insert(string.into(), at);
        Ok(at)
    }

    fn add_some(&mut self, text: Option<&str>) -> Result<u32, KnowledgeError> {
        self.add(text.unwrap_or_default().as_bytes())
    }

    fn add_all(&mut self, texts: &[String]) -> Result<Vec<u32>, KnowledgeError> {
        texts.iter().filter(|text| !text.is_empty()).map(|text| self.add(text.as_bytes())).collect()
    }

    pub(super) fn get(&self, at: u32) -> &[u8] {
        let end = self.ends.get(at as usize).copied().unwrap_or_default();
        let start = (at as usize).checked_sub(1).and_then(|before| self.ends.get(before).copied()).unwrap_or_default();
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }
}
