//! Debian's security tracker (`https://security-tracker.debian.org/tracker/data/json`): for each source package and
//! vulnerability, what holds in each release. Untested against the live feed; the fixtures follow its published format.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{FeedError, packed, parse_json};
use crate::{Advisory, Affected, KnowledgeSource, Range, Rating, Severity, Standing, Until, severity};

/// Whose word the ratings are.
const RATED_BY: &str = "debian";

/// Releases by their code names (debian.org/releases).
const RELEASES: &[(&str, &str)] = &[
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];

/// By package, by vulnerability.
type Tracker = BTreeMap<String, BTreeMap<String, Record>>;

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    description: String,
    #[serde(default)]
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: Status,
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: String,
    nodsa: Option<String>,
    #[serde(default)]
    nodsa_reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Resolved,
    Undetermined,
}

/// Reads the tracker's JSON, also packed: one advisory for each vulnerability, with all its packages and releases.
///
/// A fixed version `0` means that the release never had the flaw. What is undetermined says nothing and is left out; `sid`
/// keeps its name as release.
///
/// # Errors
/// [`FeedError`], naming the package and the vulnerability.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    let tracker: Tracker = parse_json(file, &bytes)?;
    let mut advisories = BTreeMap::<String, Advisory>::new();
    for (package, records) in tracker {
        for (id, record) in records {
            let place = || format!("{package} {id}");
            let advisory = advisories.entry(id.clone()).or_insert_with(|| head(&id));
            if advisory.description.is_empty() {
                advisory.description = record.description;
            }
            for (codename, release) in record.releases {
                let version = RELEASES.iter().find(|(name, _)| *name == codename);
                let version = version.map_or(codename.as_str(), |(_, version)| version);
                let source = KnowledgeSource::new("Debian", version);
                advisory.affected.extend(affected(source, &package, &release, &|reason| {
                    FeedError::record(file, format!("{} in {codename}", place()), reason)
                })?);
            }
        }
    }
    let mut advisories: Vec<_> = advisories.into_values().filter(|advisory| !advisory.affected.is_empty()).collect();
    advisories.iter_mut().for_each(rate);
    Ok(advisories)
}

fn head(id: &str) -> Advisory {
    let is_cve = id.starts_with("CVE-");
    Advisory {
        // As OSV calls Debian's records; what has no CVE yet (`TEMP-…`) has the tracker's own id.
        id: if is_cve { format!("DEBIAN-{id}") } else { id.to_owned() },
        upstream: if is_cve { vec![id.to_owned()] } else { Vec::new() },
        references: vec![format!("https://security-tracker.debian.org/tracker/{id}")],
        ..Advisory::default()
    }
}

fn affected(
    source: KnowledgeSource,
    package: &str,
    release: &Release,
    refuse: &dyn Fn(&str) -> FeedError,
) -> Result<Option<Affected>, FeedError> {
    let mut affected = Affected::new(source, package);
    affected.severity = urgency(&release.urgency);
    match (release.status, release.fixed_version.as_deref()) {
        (Status::Undetermined, _) => return Ok(None),
        (Status::Resolved, Some("0")) => affected.standing = Standing::NotAffected,
        (Status::Resolved, Some("") | None) => return Err(refuse("it is resolved, but by no version")),
        (Status::Resolved, Some(fixed)) => {
            affected.ranges.push(Range { from: None, until: Until::Fixed(fixed.to_owned()) });
        }
        (Status::Open, _) => {
            affected.ranges.push(Range::default());
            affected.standing = match (release.urgency.as_str(), release.nodsa_reason.as_str()) {
                ("end-of-life", _) => Standing::EndOfLife,
                (_, "ignored") => Standing::WontFix,
                (_, "postponed") => Standing::Deferred,
                _ if release.nodsa.is_some() => Standing::Deferred,
                _ => Standing::Affected,
            };
        }
    }
    Ok(Some(affected))
}

/// Reads Debian's urgency (`low**` is the tracker's own guess); `not yet assigned` and `end-of-life` say nothing.
fn urgency(word: &str) -> Option<Severity> {
    severity::parse_word(word.trim_end_matches('*'))
}

/// The worst word of all packages is the advisory's rating.
fn rate(advisory: &mut Advisory) {
    let worst = advisory.affected.iter().filter_map(|affected| affected.severity).max();
    if let Some(severity) = worst {
        let rating = Rating { source: RATED_BY.to_owned(), severity: Some(severity), ..Rating::default() };
        advisory.ratings.push(rating);
    }
}
