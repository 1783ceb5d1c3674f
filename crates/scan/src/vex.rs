//! What somebody says about whether a flaw matters in a product: VEX statements. They are applied when findings are read,
//! suppress with a reason, and never drop.
//!
//! | file | what |
//! |---|---|
//! | `vex/openvex.rs` | OpenVEX 0.2.0 |
//! | `vex/csaf.rs` | CSAF 2.0, profile VEX |
//! | `vex/cyclonedx.rs` | CycloneDX 1.4 to 1.6, `vulnerabilities[].analysis` |
//! | `vex/bearer.rs` | what a document says of the one image that it hangs on |

mod bearer;
mod csaf;
mod cyclonedx;
mod openvex;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Finding, Package,
    feeds::{FeedError, packed, parse_json},
    purl,
};
pub use bearer::{Bearer, read_borne};

/// Bytes of a document, unpacked, at most.
pub const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// Statements of a document at most.
pub const STATEMENTS_MAX: usize = 1_000_000;

/// What is said about one vulnerability in some products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its id: `CVE-2023-0464`.
    pub vulnerability: String,
    /// Other ids of the same flaw.
    pub aliases: Vec<String>,
    /// For what it is said; for nothing, if there is none.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// Why, in the format's word or in the author's own: `vulnerable_code_not_present`.
    pub justification: Option<String>,
    /// Who says so.
    pub author: Option<String>,
    /// When it was said; `None` is older than any time.
    #[serde(default, with = "time_as_text")]
    pub time: Option<Timestamp>,
}

/// What is said about a vulnerability in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// The product does not have it, or cannot be attacked by it.
    NotAffected,
    /// The product has it.
    Affected,
    /// The product has it no more.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

/// For what a statement is: a package, an image, or a package within an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Product {
    /// The image's digest: `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The images of a repository, as a purl without a digest names it: `registry.example.com/team/app`, or only `app`; empty for
    /// whatever the document hangs on. No image is found by it: it counts only for who reads what hangs on an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// A package as its purl names it; an empty version means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// For a package of a distribution, whose it is, by the purl's namespace: `debian`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// For which release of the distribution alone it is said, by the purl's qualifier `distro`: `debian-12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

impl Product {
    /// Reads what documents name a product by: a package's purl, an image's purl (`pkg:oci/app@sha256:…`, or without the digest),
    /// or an image's digest. `None` where it is none of these: such a name cannot be found in an image.
    pub fn parse(text: &str) -> Option<Product> {
        if let Some(image) = digest(text) {
            return Some(Product { image: Some(image), ..Product::default() });
        }
        if let Some(rest) = text.strip_prefix("pkg:oci/") {
            let Some((_, version)) = rest.split(['?', '#']).next()?.split_once('@') else {
                return Some(Product { repository: Some(bearer::repository(rest)?), ..Product::default() });
            };
            let image = digest(&version.replace("%3A", ":").replace("%3a", ":"))?;
            return Some(Product { image: Some(image), ..Product::default() });
        }
        let package = purl::parse(text)?;
        let is_distribution = package.kind.is_distribution();
        let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
        let namespace = path.split('/').nth(1).filter(|_| path.matches('/').count() > 1);
        let release = qualifiers.split(['&', '#']).find_map(|pair| pair.strip_prefix("distro="));
        let own = |word: Option<&str>| word.filter(|_| is_distribution).map(str::to_ascii_lowercase);
        let (distribution, release) = (own(namespace), own(release));
        Some(Product { image: None, repository: None, package: Some(package), distribution, release })
    }

    fn is_of(&self, flaw: Flaw<'_>, image: &str) -> bool {
        let is_image = self.image.as_deref().is_none_or(|one| one.eq_ignore_ascii_case(image));
        let is_package = self.package.as_ref().is_none_or(|one| names(one, flaw.package));
        is_image && is_package && self.is_of_release(flaw.source) && (self.image.is_some() || self.package.is_some())
    }
}

impl Product {
    /// Tells whether it is said for the distribution whose advisory a flaw is of; a version settles it, without one only a
    /// release that is the flaw's does.
    fn is_of_release(&self, source: &str) -> bool {
        let (ecosystem, release) = source.split_once(':').unwrap_or((source, ""));
        let ecosystem: String = ecosystem.to_ascii_lowercase().split_whitespace().collect();
        let same = |name: &str| match name {
            "amzn" | "amazon" => ecosystem == "amazonlinux",
            "rhel" => ecosystem == "redhat",
            // Rocky Linux's id is `rocky`.
            name => ecosystem == name || ecosystem.strip_suffix("linux") == Some(name),
        };
        let is_distribution = self.distribution.as_deref().is_none_or(same);
        let has_version = self.package.as_ref().is_some_and(|package| !package.version.is_empty());
        let is_release = self.release.as_deref().is_none_or(|said| {
            said.rsplit_once('-').is_some_and(|(name, version)| same(name) && is_within(release, version))
        });
        is_distribution && (has_version || is_release)
    }
}

/// Tells whether a feed's release (`12`, `v3.17`) holds an image's (`12`, `3.17.2`).
fn is_within(release: &str, version: &str) -> bool {
    let release = release.strip_prefix('v').unwrap_or(release);
    !release.is_empty()
        && (version == release || version.strip_prefix(release).is_some_and(|rest| rest.starts_with('.')))
}

fn digest(text: &str) -> Option<String> {
    let (algorithm, hex) = text.split_once(':')?;
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return None,
    };
    let is_hex = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| format!("{algorithm}:{}", hex.to_ascii_lowercase()))
}

/// Tells whether a purl's package is this one, or the source that it was built from (`arch=src`, `arch=source`).
fn names(said: &Package, package: &Package) -> bool {
    let is_source = matches!(said.architecture.as_deref(), Some("src" | "source"));
    let (name, version) = match &package.source {
        Some(source) if is_source => (&source.name, &source.version),
        Some(_) | None => (&package.name, &package.version),
    };
    let is_architecture = is_source || said.architecture.is_none() || said.architecture == package.architecture;
    let is_version = said.version.is_empty() || without_zero_epoch(&said.version) == without_zero_epoch(version);
    said.kind == package.kind && said.name == *name && is_version && is_architecture
}

fn without_zero_epoch(version: &str) -> &str {
    version.strip_prefix("0:").unwrap_or(version)
}

/// Which format a document is of, by what only that format has.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "@context")]
    context: Option<String>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    document: Option<serde::de::IgnoredAny>,
}

/// Reads a VEX document of any known format, also packed with gzip or zstd.
///
/// # Errors
/// [`FeedError`], naming the statement that is wrong.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Statement>, FeedError> {
    let (mut statements, is_csaf) = read_any(file, bytes)?;
    for statement in &mut statements {
        // Which images are a repository's is not known here. What CSAF says of a component it says of it wherever it is.
        statement.products.retain(|product| product.repository.is_none() || (is_csaf && product.package.is_some()));
        statement.products.iter_mut().for_each(|product| product.repository = None);
    }
    Ok(statements)
}

/// Reads a document, with what it says of repositories; tells whether it is CSAF.
fn read_any(file: &str, bytes: &[u8]) -> Result<(Vec<Statement>, bool), FeedError> {
    let bytes = packed::unpack(file, bytes, DOCUMENT_BYTES_MAX)?;
    let kind: Kind = parse_json(file, &bytes)?;
    let is_csaf = matches!(kind, Kind { context: None, bom_format: None, document: Some(_) });
    let statements = match kind {
        Kind { context: Some(context), .. } if context.contains("openvex") => openvex::read(file, &bytes)?,
        Kind { bom_format: Some(_), .. } => cyclonedx::read(file, &bytes)?,
        Kind { document: Some(_), .. } => csaf::read(file, &bytes)?,
        Kind { .. } => {
            let reason = "it is neither OpenVEX nor CSAF nor CycloneDX; give one of these as JSON";
            return Err(FeedError::record(file, "the document", reason));
        }
    };
    if statements.len() > STATEMENTS_MAX {
        return Err(FeedError::record(file, "the document", format!("it has more than {STATEMENTS_MAX} statements")));
    }
    Ok((statements, is_csaf))
}

/// Statements, found by the vulnerability that they speak of.
///
/// Of those about the same vulnerability and product the newest counts, whatever it says; of several products that a finding is
/// of, the newest statement among theirs. Of equally old ones the later counts.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    documents: Vec<Arc<Vec<Statement>>>,
    /// By id: the document and the statement in it, in their order.
    by_id: HashMap<Box<str>, Vec<(u32, u32)>>,
}

/// A flaw in a package, of which something may be said.
#[derive(Clone, Copy, Debug)]
pub struct Flaw<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its other ids.
    pub aliases: &'a [String],
    /// The package.
    pub package: &'a Package,
    /// Whose advisory it is of: `Debian:12`, `PyPI`.
    pub source: &'a str,
}

impl<'a> Flaw<'a> {
    fn of(finding: &'a Finding) -> Flaw<'a> {
        let Finding { id, aliases, package, evidence, .. } = finding;
        Flaw { id, aliases, package, source: &evidence.source }
    }
}

impl Lookup {
    /// Takes the statements of documents, the oldest document first.
    pub fn new(documents: Vec<Arc<Vec<Statement>>>) -> Lookup {
        let mut by_id = HashMap::<Box<str>, Vec<(u32, u32)>>::new();
        for (document, statements) in (0..).zip(&documents) {
            for (place, statement) in (0..).zip(statements.iter()) {
                for id in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
                    by_id.entry(id.as_str().into()).or_default().push((document, place));
                }
            }
        }
        Lookup { documents, by_id }
    }

    /// Tells whether any statement is about one of these ids: without one nothing is suppressed, in no image.
    pub fn speaks_of<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> bool {
        ids.any(|id| self.by_id.contains_key(id))
    }

    /// The ids that statements are about, each once.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(|id| &**id)
    }

    /// Returns why a flaw does not count in an image, which is named by its digest; `None` where it does.
    pub fn suppression(&self, flaw: Flaw<'_>, image: &str) -> Option<String> {
        self.newest(flaw, image).and_then(reason)
    }

    /// The same where `borne` is what documents say that hang on the image. It counts of flaws of which the others say nothing: who may
    /// push an image is not to overrule who may say what counts.
    pub fn suppression_beside(&self, borne: &Lookup, flaw: Flaw<'_>, image: &str) -> Option<String> {
        self.newest(flaw, image).or_else(|| borne.newest(flaw, image)).and_then(reason)
    }

    fn newest(&self, flaw: Flaw<'_>, image: &str) -> Option<&Statement> {
        // The newest of all that speak of it is also the newest for its own product.
        std::iter::once(flaw.id)
            .chain(flaw.aliases.iter().map(String::as_str))
            .filter_map(|id| self.by_id.get(id))
            .flatten()
            .filter_map(|(document, place)| self.documents.get(*document as usize)?.get(*place as usize))
            .filter(|statement| statement.products.iter().any(|product| product.is_of(flaw, image)))
            .max_by_key(|statement| statement.time)
    }

    /// Suppresses the findings of an image that statements speak against, each with a reason; what is suppressed already stays.
    /// Never drops a finding, and never lifts a suppression.
    pub fn apply(&self, findings: &mut [Finding], image: &str) {
        for finding in findings.iter_mut().filter(|finding| finding.suppressed.is_none()) {
            finding.suppressed = self.suppression(Flaw::of(finding), image);
        }
    }

    /// The same with what documents say that hang on the image ([`Lookup::suppression_beside`]).
    pub fn apply_beside(&self, borne: &Lookup, findings: &mut [Finding], image: &str) {
        for finding in findings.iter_mut().filter(|finding| finding.suppressed.is_none()) {
            finding.suppressed = self.suppression_beside(borne, Flaw::of(finding), image);
        }
    }
}

fn reason(statement: &Statement) -> Option<String> {
    let said = match statement.status {
        Status::NotAffected => "not affected",
        Status::Fixed => "fixed",
        Status::Affected | Status::UnderInvestigation => return None,
    };
    let by = statement.author.as_ref().map(|author| format!(", says {author}")).unwrap_or_default();
    Some(match &statement.justification {
        Some(why) => format!("VEX: {said}: {why}{by}"),
        None => format!("VEX: {said}{by}"),
    })
}

/// Reads a time; what is no time is refused, since it decides which statement counts.
fn time(file: &str, record: &str, text: Option<&str>) -> Result<Option<Timestamp>, FeedError> {
    let parse = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|_| FeedError::record(file, record, format!("`{text}` is no time; write it as RFC 3339 says")))
    };
    text.map(parse).transpose()
}

/// A time as RFC 3339 writes it, and nothing where there is none.
mod time_as_text {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests;
