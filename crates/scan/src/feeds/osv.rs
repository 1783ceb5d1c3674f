//! OSV records (OSV schema 1.7): one, or all of an archive or a folder as osv.dev exports them.
//!
//! | file | what |
//! |---|---|
//! | `osv/archive.rs` | [`read_path`], [`read_zip`], [`read_tar_zst`] |
//! | `osv/record.rs` | a record as JSON has it |

mod archive;
mod record;

pub use archive::{ALL_BYTES_MAX, read_path, read_tar_zst, read_zip};

use crate::{Advisory, Affected, KnowledgeSource, Range, Rating, Severity, Standing, Until, VersionScheme, severity};
use record::{Event, Record};

/// Bytes of a record at most.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Bytes of a description at most; longer ones are cut.
const DESCRIPTION_BYTES_MAX: usize = 32 << 10;
/// Bytes of a title at most; longer ones are cut.
const TITLE_BYTES_MAX: usize = 512;
/// References at most; further ones are left out.
const REFERENCES_MAX: usize = 32;

/// Why advisories cannot be read. None of the file's are then taken: half of them would look like a clean image.
#[derive(Debug, thiserror::Error)]
pub enum OsvError {
    /// The file itself.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// Its path.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The archive.
    #[error("{file} is damaged or incomplete ({cause}); nothing of it was taken, fetch it again")]
    Archive {
        /// Its name.
        file: String,
        /// Why.
        cause: String,
    },
    /// A record in it.
    #[error("{file}: the record {record} cannot be read ({cause}); nothing of the file was taken")]
    Record {
        /// The archive's or the folder's name.
        file: String,
        /// The record's name within.
        record: String,
        /// Why.
        cause: String,
    },
}

/// Reads one record.
///
/// Affected packages of ecosystems that are not known here are left out, as are ranges of commits. An affected package
/// without ranges and versions matches nothing (OSV schema, section Evaluation). AlmaLinux names an errata's CVEs in
/// `related`; they become its `upstream`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_record(bytes: &[u8]) -> Result<Advisory, String> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(format!("it has more than {RECORD_BYTES_MAX} bytes"));
    }
    let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if record.id.is_empty() || record.id.len() > 256 {
        return Err("its id is empty or longer than 256 bytes".into());
    }
    Ok(advisory(record))
}

fn advisory(record: Record) -> Advisory {
    let party = party(&record.id);
    let title = record.summary.clone().unwrap_or_default();
    let mut ratings = ratings(&record, &party);
    let mut upstream = record.upstream.unwrap_or_default();
    let mut related = record.related.unwrap_or_default();
    let mut affected = Vec::new();
    for package in record.affected.unwrap_or_default() {
        ratings.extend(package_ratings(&package, &party));
        affected.extend(affected_package(package, &title));
    }
    if affected.iter().any(|one: &Affected| one.source.ecosystem() == "AlmaLinux") {
        upstream.extend(related.extract_if(.., |id| id.starts_with("CVE-")));
        ratings.extend(errata_rating(&title));
    }
    Advisory {
        id: record.id,
        aliases: record.aliases.unwrap_or_default(),
        upstream,
        related,
        published: record.published.filter(|time| is_time(time)),
        modified: record.modified.filter(|time| is_time(time)),
        withdrawn: record.withdrawn,
        title: cut(title, TITLE_BYTES_MAX),
        description: cut(record.details.unwrap_or_default(), DESCRIPTION_BYTES_MAX),
        ratings,
        references: record
            .references
            .unwrap_or_default()
            .into_iter()
            .map(|page| page.url)
            .take(REFERENCES_MAX)
            .collect(),
        affected,
    }
}

/// Whose record it is, by its id.
fn party(id: &str) -> String {
    match id.split(['-', ':']).next().unwrap_or_default() {
        "PYSEC" => "pypa".into(),
        "BIT" => "bitnami".into(),
        "ALSA" | "ALBA" | "ALEA" => "almalinux".into(),
        other => other.to_ascii_lowercase(),
    }
}

fn ratings(record: &Record, party: &str) -> Vec<Rating> {
    let mut found: Vec<Rating> =
        record.severity.iter().flatten().filter_map(|said| rating(&said.kind, &said.score, party)).collect();
    let Some(specific) = &record.database_specific else { return found };
    let severity = specific.severity.as_ref().and_then(|word| severity::parse_word(word.as_str()?));
    let score = [&specific.cvss_v3, &specific.cvss_v4, &specific.cvss_v2, &specific.cvss_score];
    let score = score.into_iter().flatten().find_map(|number| number.as_f64());
    let score = score.filter(|score| (0.0..=10.0).contains(score)).map(|score| score as f32);
    if severity.is_some() || score.is_some() {
        found.push(Rating { source: party.into(), vector: None, score, severity });
    }
    found
}

fn package_ratings(package: &record::AffectedPackage, party: &str) -> Vec<Rating> {
    let mut found: Vec<Rating> =
        package.severity.iter().flatten().filter_map(|said| rating(&said.kind, &said.score, party)).collect();
    // RustSec's word for what is no flaw, but worth knowing: unmaintained, unsound, notice.
    let informational = package.database_specific.as_ref().and_then(|specific| specific.informational.as_deref());
    if matches!(informational, Some("unmaintained" | "notice")) {
        found.push(Rating { source: party.into(), severity: Some(Severity::Informational), ..Rating::default() });
    }
    found
}

fn rating(kind: &str, score: &str, party: &str) -> Option<Rating> {
    if kind.starts_with("CVSS_") {
        return Some(Rating { source: party.into(), vector: Some(score.into()), ..Rating::default() });
    }
    let severity = severity::parse_word(score)?;
    Some(Rating { source: kind.to_ascii_lowercase(), severity: Some(severity), ..Rating::default() })
}

/// `Important: openssl security update`.
fn errata_rating(title: &str) -> Option<Rating> {
    let severity = severity::parse_word(title.split_once(':')?.0)?;
    Some(Rating { source: "almalinux".into(), severity: Some(severity), ..Rating::default() })
}

fn affected_package(package: record::AffectedPackage, title: &str) -> Option<Affected> {
    let named = package.package?;
    let source = KnowledgeSource::parse(&named.ecosystem);
    let scheme = source.kind()?.versions();
    let is_ordered = |range: &record::EventRange| range.kind != "GIT";
    let ranges: Vec<Range> = package
        .ranges
        .unwrap_or_default()
        .into_iter()
        .filter(is_ordered)
        .flat_map(|range| spans(range.events, scheme))
        .collect();
    let is_modular = |range: &Range| matches!(&range.until, Until::Fixed(fixed) if fixed.contains(".module"));
    let module_streams = if ranges.iter().any(is_modular) { streams(title) } else { Vec::new() };
    let urgency = package.ecosystem_specific.and_then(|specific| specific.urgency);
    Some(Affected {
        severity: urgency.and_then(|word| severity::parse_word(word.as_str()?)),
        ranges,
        versions: package.versions.unwrap_or_default(),
        standing: Standing::Affected,
        module_streams,
        ..Affected::new(source, named.name)
    })
}

/// Turns events into ranges: each `introduced` opens one, the next `fixed` or `last_affected` closes it.
fn spans(events: Vec<Event>, scheme: VersionScheme) -> Vec<Range> {
    let mut events: Vec<Event> = events.into_iter().flat_map(Event::single).collect();
    let keys: Option<Vec<Vec<u8>>> = events.iter().map(|event| event.key(scheme)).collect();
    // Where a version is none, the order is that of the file.
    if let Some(keys) = keys {
        let mut keyed: Vec<(Vec<u8>, Event)> = keys.into_iter().zip(events).collect();
        keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
        events = keyed.into_iter().map(|(_, event)| event).collect();
    }
    let mut found = Vec::new();
    let mut open: Option<Option<String>> = None;
    for event in events {
        match event {
            Event { introduced: Some(from), .. } => {
                open.get_or_insert((from != "0").then_some(from));
            }
            Event { fixed: Some(fixed), .. } => {
                found.extend(open.take().map(|from| Range { from, until: Until::Fixed(fixed) }));
            }
            Event { last_affected: Some(last), .. } => {
                found.extend(open.take().map(|from| Range { from, until: Until::Last(last) }));
            }
            Event { introduced: None, fixed: None, last_affected: None } => (),
        }
    }
    found.extend(open.map(|from| Range { from, until: Until::Open }));
    found
}

/// The module streams that an errata's title names: `Moderate: virt:rhel and virt-devel:rhel security update`.
fn streams(title: &str) -> Vec<String> {
    let is_stream = |word: &&str| {
        word.split_once(':')
            .is_some_and(|(name, stream)| !name.is_empty() && !stream.is_empty() && !stream.contains(':'))
    };
    title.split_whitespace().filter(is_stream).map(String::from).collect()
}

/// Go's records that never changed say so with the year 1.
fn is_time(text: &str) -> bool {
    text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_digit()) && !text.starts_with("0001")
}

fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}

#[cfg(test)]
mod tests;
