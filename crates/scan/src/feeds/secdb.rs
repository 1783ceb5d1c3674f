//! Alpine's security database (`https://secdb.alpinelinux.org/v3.20/main.json`), and those of Wolfi and Chainguard, which
//! have the same format. Untested against the live feed; the fixtures follow its published format.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{FeedError, packed, parse_json};
use crate::{Advisory, Affected, KnowledgeSource, Range, Standing, Until};

#[derive(Deserialize)]
struct Database {
    distroversion: Option<String>,
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// By fixed version, the flaws that it mends; some are `null`.
    #[serde(default)]
    secfixes: BTreeMap<String, Option<Vec<String>>>,
}

/// Reads one repository's database, also packed: one advisory for each vulnerability, with all its packages.
///
/// `ecosystem` is OSV's word for whose database it is: `Alpine`, `Wolfi`, `Chainguard`; the release is the database's own
/// (`v3.20`, `edge`). Version `0` means that the package never had the flaw. Several ids in one text are the same flaw.
///
/// # Errors
/// [`FeedError`], naming the package.
pub fn read(file: &str, bytes: &[u8], ecosystem: &str) -> Result<Vec<Advisory>, FeedError> {
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    let database: Database = parse_json(file, &bytes)?;
    let source = KnowledgeSource::new(ecosystem, database.distroversion.unwrap_or_default());
    let mut advisories = BTreeMap::<String, Advisory>::new();
    for Entry { pkg: Package { name, secfixes } } in database.packages {
        if name.is_empty() {
            return Err(FeedError::record(file, "packages", "one has no name"));
        }
        let mut fixes = BTreeMap::<&str, (Vec<&str>, Vec<&str>)>::new();
        for (version, texts) in &secfixes {
            for text in texts.iter().flatten() {
                let mut ids = ids(text);
                let Some(id) = ids.next() else {
                    return Err(FeedError::record(file, &name, format!("`{text}` is no vulnerability")));
                };
                let (versions, aliases) = fixes.entry(id).or_default();
                versions.push(version);
                aliases.extend(ids);
            }
        }
        for (id, (versions, aliases)) in fixes {
            let advisory = advisories.entry(id.to_owned()).or_insert_with(|| head(ecosystem, id));
            for alias in aliases {
                if !advisory.upstream.iter().any(|known| known == alias) {
                    advisory.upstream.push(alias.to_owned());
                }
            }
            advisory.affected.push(affected(&source, &name, &versions));
        }
    }
    Ok(advisories.into_values().collect())
}

/// Returns what looks like an id in a text such as `CVE-2017-2616 (+ regression fix)` or `CVE-2019-14697 GHSA-…`.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|one: char| one.is_whitespace() || ",;()".contains(one)).filter(|word| {
        let (family, number) = word.split_once(['-', '_']).unwrap_or((word, ""));
        !family.is_empty() && family.bytes().all(|byte| byte.is_ascii_uppercase()) && !number.is_empty()
    })
}

fn head(ecosystem: &str, id: &str) -> Advisory {
    // As OSV calls Alpine's records.
    Advisory {
        id: format!("{}-{id}", ecosystem.to_ascii_uppercase()),
        upstream: vec![id.to_owned()],
        ..Advisory::default()
    }
}

fn affected(source: &KnowledgeSource, package: &str, versions: &[&str]) -> Affected {
    let mut affected = Affected::new(source.clone(), package);
    let fixed = versions.iter().filter(|version| **version != "0");
    affected.ranges = fixed.map(|version| Range { from: None, until: Until::Fixed((*version).to_owned()) }).collect();
    if affected.ranges.is_empty() {
        affected.standing = Standing::NotAffected;
    }
    affected
}
