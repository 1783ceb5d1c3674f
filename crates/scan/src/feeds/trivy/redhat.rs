//! trivy-db's bucket of Red Hat: for each package and errata (or CVE without one) a list of entries, each for some CPEs,
//! which are numbers into a bucket of their own.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Database, Gathered, severity, standing};
use crate::{
    Affected, KnowledgeSource, Range, Standing, Until,
    feeds::{FeedError, bolt::Bucket, parse_json},
};

/// The bucket's name.
pub(super) const BUCKET: &str = "Red Hat";
/// The bucket of CPEs, and the one within it that has them by number.
const CPES: &str = "Red Hat CPE";
const CPE_NAMES: &str = "cpe";

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "Entries")]
    entries: Vec<Judgement>,
}

/// What one entry says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Judgement {
    fixed_version: String,
    cves: Option<Vec<Flaw>>,
    arches: Option<Vec<String>>,
    status: u8,
    affected: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Flaw {
    #[serde(rename = "ID", default)]
    id: String,
    #[serde(default)]
    severity: u8,
}

pub(super) fn read<'a>(
    database: &Database<'a>,
    bucket: Bucket<'a>,
    all: &[(String, Bucket<'a>)],
    gathered: &mut BTreeMap<String, Gathered>,
) -> Result<(), FeedError> {
    let file = database.file;
    let cpes = cpes(database, all)?;
    for (package, bucket) in database.buckets(BUCKET, bucket)? {
        for (errata, value) in database.values(BUCKET, bucket)? {
            let record = format!("{BUCKET} / {package} / {errata}");
            let said: Said = parse_json(&format!("{file}: {record}"), value)?;
            for entry in said.entries {
                let sources = sources(&entry, &cpes).map_err(|cpe| {
                    FeedError::record(file, &record, format!("CPE {cpe} is not in its list; fetch it again"))
                })?;
                add(&package, &errata, &entry, &sources, gathered);
            }
        }
    }
    Ok(())
}

/// Returns the CPEs by their numbers.
fn cpes<'a>(
    database: &Database<'a>,
    all: &[(String, Bucket<'a>)],
) -> Result<BTreeMap<u32, KnowledgeSource>, FeedError> {
    let mut cpes = BTreeMap::new();
    let Some((_, bucket)) = all.iter().find(|(name, _)| name == CPES) else { return Ok(cpes) };
    let file = database.file;
    let within = database.buckets(CPES, *bucket)?;
    let Some((_, bucket)) = within.iter().find(|(name, _)| name == CPE_NAMES) else { return Ok(cpes) };
    for (number, value) in database.values(CPES, *bucket)? {
        let record = || format!("{CPES} / {number}");
        let place = number.parse().map_err(|_| FeedError::record(file, record(), "it is no number"))?;
        let cpe: String = parse_json(&format!("{file}: {}", record()), value)?;
        let product = cpe.split_once(":redhat:").map_or(cpe.as_str(), |(_, product)| product);
        cpes.insert(place, KnowledgeSource::parse(&format!("Red Hat:{product}")));
    }
    Ok(cpes)
}

fn sources(entry: &Judgement, cpes: &BTreeMap<u32, KnowledgeSource>) -> Result<Vec<KnowledgeSource>, u32> {
    let mut sources: Vec<_> =
        entry.affected.iter().map(|cpe| cpes.get(cpe).cloned().ok_or(*cpe)).collect::<Result<_, _>>()?;
    sources.sort_unstable();
    sources.dedup();
    Ok(sources)
}

fn add(
    package: &str,
    errata: &str,
    entry: &Judgement,
    sources: &[KnowledgeSource],
    gathered: &mut BTreeMap<String, Gathered>,
) {
    // A modular package is `nodejs:18::nodejs`.
    let (module, name) = match package.split_once("::") {
        Some((module, name)) => (Some(module.to_owned()), name),
        None => (None, package),
    };
    for flaw in entry.cves.iter().flatten() {
        // Without an errata the key is the CVE itself, and the list has its severity only.
        let id = if flaw.id.is_empty() { errata } else { &flaw.id };
        let one = gathered.entry(id.to_owned()).or_default();
        if id != errata {
            one.vendor_ids.push(errata.to_owned());
        }
        for source in sources {
            let mut affected = Affected::new(source.clone(), name);
            affected.module_streams.extend(module.clone());
            affected.architectures = entry.arches.clone().unwrap_or_default();
            affected.severity = severity(flaw.severity);
            affected.standing = standing(entry.status);
            if affected.standing != Standing::NotAffected {
                let until = match entry.fixed_version.as_str() {
                    "" => Until::Open,
                    fixed => Until::Fixed(fixed.to_owned()),
                };
                affected.ranges.push(Range { from: None, until });
            }
            one.affected.push(affected);
        }
    }
}
