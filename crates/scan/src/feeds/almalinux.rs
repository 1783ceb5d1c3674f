//! AlmaLinux's errata (`https://errata.almalinux.org/9/errata.full.json`). Untested against the live feed; the fixtures
//! follow its published format.

use serde::Deserialize;

use super::{FeedError, errata, errata::Build, packed, parse_json};
use crate::{Advisory, KnowledgeSource, Rating, severity};

#[derive(Deserialize)]
struct Document {
    data: Vec<Errata>,
}

#[derive(Deserialize)]
struct Errata {
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    /// Seconds since 1970.
    issued_date: Option<i64>,
    updated_date: Option<i64>,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    modules: Vec<Module>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    epoch: String,
    version: String,
    release: String,
    #[serde(default)]
    arch: String,
    /// `nodejs:18:8090020240101:abcd:x86_64`.
    module: Option<String>,
}

#[derive(Deserialize)]
struct Module {
    name: String,
    stream: String,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    href: String,
    #[serde(default)]
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
}

/// Reads the errata of one release, also packed: those of type `security`, each with the CVEs that it refers to.
///
/// `release` is the major version: `9`. A modular build whose stream is not said may be of any of the errata's modules.
///
/// # Errors
/// [`FeedError`], naming the errata.
pub fn read(file: &str, bytes: &[u8], release: &str) -> Result<Vec<Advisory>, FeedError> {
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    let document: Document = parse_json(file, &bytes)?;
    let source = KnowledgeSource::new("AlmaLinux", release);
    document
        .data
        .into_iter()
        .filter(|errata| errata.kind.is_empty() || errata.kind == "security")
        .map(|errata| advisory(file, errata, &source))
        .collect()
}

fn advisory(file: &str, errata: Errata, source: &KnowledgeSource) -> Result<Advisory, FeedError> {
    let time = |seconds: Option<i64>| {
        let parse = |seconds| jiff::Timestamp::from_second(seconds).map(|time| time.to_string());
        seconds.map(parse).transpose().map_err(|_| FeedError::record(file, &errata.id, "its date is no time"))
    };
    let (published, modified) = (time(errata.issued_date)?, time(errata.updated_date)?);
    let mut streams: Vec<_> =
        errata.modules.iter().map(|module| format!("{}:{}", module.name, module.stream)).collect();
    streams.sort_unstable();
    streams.dedup();
    let builds = errata.packages.into_iter().map(|package| {
        let named = package.module.as_deref().map(|module| module.split(':').take(2).collect::<Vec<_>>().join(":"));
        let is_modular = package.release.contains(".module");
        Build {
            module_streams: match named.filter(|stream| stream.contains(':')) {
                Some(stream) => vec![stream],
                None if is_modular => streams.clone(),
                None => Vec::new(),
            },
            name: package.name,
            epoch: package.epoch,
            version: package.version,
            release: package.release,
            architecture: package.arch,
        }
    });
    let affected = errata::affected(source, builds);
    let is_cve = |reference: &&Reference| reference.kind == "cve" || reference.id.starts_with("CVE-");
    let mut upstream: Vec<_> = errata.references.iter().filter(is_cve).map(|one| one.id.clone()).collect();
    upstream.sort_unstable();
    upstream.dedup();
    let rating = severity::parse_word(&errata.severity).map(|severity| Rating {
        source: "almalinux".to_owned(),
        severity: Some(severity),
        ..Rating::default()
    });
    Ok(Advisory {
        upstream,
        published,
        modified,
        title: errata.title,
        description: errata.description,
        ratings: rating.into_iter().collect(),
        references: errata.references.into_iter().map(|one| one.href).filter(|href| !href.is_empty()).collect(),
        affected,
        id: errata.id,
        ..Advisory::default()
    })
}
