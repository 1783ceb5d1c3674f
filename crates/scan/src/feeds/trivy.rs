//! trivy-db (schema 2): a bbolt file of advisories from many sources, as sites without a way out have it from a mirror. Read
//! as a whole into advisories; matching never asks it.
//!
//! | file | what |
//! |---|---|
//! | `trivy/constraint.rs` | what its language sources say of versions: `>=4.0.0, <4.17.21` |
//! | `trivy/redhat.rs` | its bucket of Red Hat, whose entries are by CPE |

mod constraint;
mod redhat;

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use serde::Deserialize;

use super::{
    FeedError,
    bolt::{Bolt, BoltError, Bucket, Entry},
    packed, parse_json,
};
use crate::{Advisory, Affected, KnowledgeSource, Range, Rating, Severity, Standing, Until};

/// The media type of the layer that holds the database: a `tar` packed with gzip.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
/// The schema that is read here, which is also the artifact's tag.
pub const SCHEMA: u32 = 2;

const DATABASE_FILE: &str = "trivy.db";
const METADATA_FILE: &str = "metadata.json";

/// What the artifact says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// The schema.
    pub version: u32,
    /// When the next one is published, RFC 3339.
    pub next_update: Option<String>,
    /// When it was made, RFC 3339.
    pub updated_at: Option<String>,
}

/// Reads the artifact's layer, a tar of `trivy.db` and `metadata.json`, packed or not.
///
/// # Errors
/// [`FeedError`]; where one of the two is missing or the schema is another, too.
pub fn read_layer(file: &str, bytes: &[u8]) -> Result<(Metadata, Vec<Advisory>), FeedError> {
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    let (mut metadata, mut advisories) = (None, None);
    packed::each_file(file, &bytes, |name, bytes| {
        match name.trim_start_matches("./") {
            METADATA_FILE => metadata = Some(read_metadata(file, bytes)?),
            DATABASE_FILE => advisories = Some(read(file, bytes)?),
            _ => {}
        }
        Ok(())
    })?;
    let missing = |name: &str| FeedError::record(file, name, "the archive lacks it");
    Ok((metadata.ok_or_else(|| missing(METADATA_FILE))?, advisories.ok_or_else(|| missing(DATABASE_FILE))?))
}

fn read_metadata(file: &str, bytes: &[u8]) -> Result<Metadata, FeedError> {
    let metadata: Metadata = parse_json(file, bytes)?;
    match metadata.version {
        SCHEMA => Ok(metadata),
        other => Err(FeedError::record(
            file,
            METADATA_FILE,
            format!("its schema is {other}; give one of schema {SCHEMA} (the artifact's tag)"),
        )),
    }
}

/// What all sources together say of a vulnerability.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Detail {
    title: String,
    description: String,
    severity: String,
    vendor_severity: BTreeMap<String, u8>,
    #[serde(rename = "CVSS")]
    cvss: BTreeMap<String, Cvss>,
    references: Option<Vec<String>>,
    published_date: Option<String>,
    last_modified_date: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Cvss {
    v2_vector: Option<String>,
    v3_vector: Option<String>,
    v40_vector: Option<String>,
    v2_score: Option<f32>,
    v3_score: Option<f32>,
    v40_score: Option<f32>,
}

/// What one source says of a vulnerability in a package.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Said {
    fixed_version: String,
    status: u8,
    severity: u8,
    #[serde(rename = "VendorIDs")]
    vendor_ids: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    vulnerable_versions: Option<Vec<String>>,
    patched_versions: Option<Vec<String>>,
    unaffected_versions: Option<Vec<String>>,
}

/// All that is said of a vulnerability, while it is put together.
#[derive(Default)]
struct Gathered {
    affected: Vec<Affected>,
    vendor_ids: Vec<String>,
}

/// Reads `trivy.db` itself: one advisory for each vulnerability, with what all sources say of it.
///
/// Buckets of sources that are not known here (Kubernetes, Conan, Swift, …) are left out. Names of packages are in small
/// letters, as trivy-db has them.
///
/// # Errors
/// [`FeedError`], naming the bucket, the package and the vulnerability.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    let bolt = Bolt::open(bytes).map_err(|error| FeedError::record(file, "the file", error.to_string()))?;
    let entries_left = Cell::new(bytes.len() / ENTRY_BYTES_MIN);
    let database = Database { file, bolt, entries_left };
    let buckets = database.buckets("the list of sources", bolt.root())?;
    let mut gathered = BTreeMap::<String, Gathered>::new();
    for (name, bucket) in &buckets {
        match source(name) {
            Some(source) => read_source(&database, name, *bucket, &source, &mut gathered)?,
            None if name == redhat::BUCKET => redhat::read(&database, *bucket, &buckets, &mut gathered)?,
            None => {}
        }
    }
    let mut details = HashMap::new();
    if let Some((_, bucket)) = buckets.iter().find(|(name, _)| name == "vulnerability") {
        for (id, value) in database.values("vulnerability", *bucket)? {
            if gathered.contains_key(&id) {
                details.insert(id, value);
            }
        }
    }
    gathered.into_iter().map(|(id, one)| advisory(file, id, one, &details)).collect()
}

/// Bytes that an entry takes in a file at least.
const ENTRY_BYTES_MIN: usize = 16;

/// The file, and how many entries it can still have: where buckets share pages, a small file would have countless ones.
struct Database<'a> {
    file: &'a str,
    bolt: Bolt<'a>,
    entries_left: Cell<usize>,
}

/// Names with what they name.
type Named<T> = Vec<(String, T)>;

impl<'a> Database<'a> {
    /// Returns the buckets within a bucket; `name` is what errors call it.
    fn buckets(&self, name: &str, bucket: Bucket<'a>) -> Result<Named<Bucket<'a>>, FeedError> {
        let only = |entry| match entry {
            Entry::Bucket { key, bucket } => Some((key, bucket)),
            Entry::Value { .. } => None,
        };
        self.entries(name, bucket, only)
    }

    /// Returns the values within a bucket.
    fn values(&self, name: &str, bucket: Bucket<'a>) -> Result<Named<&'a [u8]>, FeedError> {
        let only = |entry| match entry {
            Entry::Value { key, value } => Some((key, value)),
            Entry::Bucket { .. } => None,
        };
        self.entries(name, bucket, only)
    }

    fn entries<T>(
        &self,
        name: &str,
        bucket: Bucket<'a>,
        only: impl Fn(Entry<'a>) -> Option<(&'a [u8], T)>,
    ) -> Result<Named<T>, FeedError> {
        let refuse = |reason: String| FeedError::record(self.file, name, reason);
        let mut found = Vec::new();
        for entry in self.bolt.entries(bucket) {
            let entry = entry.map_err(|error: BoltError| refuse(error.to_string()))?;
            let left = self.entries_left.get().checked_sub(1);
            self.entries_left.set(left.ok_or_else(|| refuse("its buckets share pages".to_owned()))?);
            if let Some((key, value)) = only(entry) {
                let key = std::str::from_utf8(key).map_err(|_| refuse("a key is no text".to_owned()))?;
                found.push((key.to_owned(), value));
            }
        }
        Ok(found)
    }
}

/// Prefixes of buckets of distributions, and OSV's words for these.
const DISTRIBUTIONS: &[(&str, &str)] = &[
    ("alma ", "AlmaLinux"),
    ("alpine ", "Alpine"),
    ("amazon linux ", "Amazon Linux"),
    ("Azure Linux ", "Azure Linux"),
    ("CBL-Mariner ", "Azure Linux"),
    ("debian ", "Debian"),
    ("openSUSE ", "openSUSE"),
    ("Oracle Linux ", "Oracle Linux"),
    ("Photon OS ", "Photon OS"),
    ("rocky ", "Rocky Linux"),
    ("SUSE ", "SUSE"),
    ("ubuntu ", "Ubuntu"),
];

/// Prefixes of buckets of languages (before `::`), and OSV's words for these.
const LANGUAGES: &[(&str, &str)] = &[
    ("bitnami", "Bitnami"),
    ("cargo", "crates.io"),
    ("composer", "Packagist"),
    ("go", "Go"),
    ("maven", "Maven"),
    ("npm", "npm"),
    ("nuget", "NuGet"),
    ("pip", "PyPI"),
    ("rubygems", "RubyGems"),
];

/// Returns whose advisories a bucket holds.
fn source(bucket: &str) -> Option<KnowledgeSource> {
    if let Some((language, _)) = bucket.split_once("::") {
        let (_, ecosystem) = LANGUAGES.iter().find(|(name, _)| *name == language)?;
        return Some(KnowledgeSource::new(*ecosystem, ""));
    }
    match bucket {
        "wolfi" => return Some(KnowledgeSource::new("Wolfi", "")),
        "chainguard" => return Some(KnowledgeSource::new("Chainguard", "")),
        _ => {}
    }
    let (prefix, ecosystem) = DISTRIBUTIONS.iter().find(|(prefix, _)| bucket.starts_with(prefix))?;
    let release = &bucket[prefix.len()..];
    let release = match *ecosystem {
        // OSV says `v3.17`; edge stays.
        "Alpine" if release.starts_with(|one: char| one.is_ascii_digit()) => format!("v{release}"),
        "Ubuntu" => release.strip_suffix("-ESM").map_or(release.to_owned(), |release| format!("Pro:{release}")),
        _ => release.to_owned(),
    };
    Some(KnowledgeSource::new(*ecosystem, release))
}

fn read_source<'a>(
    database: &Database<'a>,
    name: &str,
    bucket: Bucket<'a>,
    source: &KnowledgeSource,
    gathered: &mut BTreeMap<String, Gathered>,
) -> Result<(), FeedError> {
    let file = database.file;
    for (package, bucket) in database.buckets(name, bucket)? {
        for (id, value) in database.values(name, bucket)? {
            let record = format!("{name} / {package} / {id}");
            let said: Said = parse_json(&format!("{file}: {record}"), value)?;
            let affected =
                affected(source, &package, &said).map_err(|reason| FeedError::record(file, &record, reason))?;
            let one = gathered.entry(id).or_default();
            one.affected.extend(affected);
            one.vendor_ids.extend(said.vendor_ids.unwrap_or_default());
        }
    }
    Ok(())
}

/// trivy-db's statuses, by their numbers.
fn standing(status: u8) -> Standing {
    match status {
        1 => Standing::NotAffected,
        5 => Standing::WontFix,
        6 => Standing::Deferred,
        7 => Standing::EndOfLife,
        // Unknown, affected, fixed, under investigation: the range says it.
        _ => Standing::Affected,
    }
}

/// trivy-db's severities, by their numbers.
fn severity(number: u8) -> Option<Severity> {
    Some(match number {
        1 => Severity::Low,
        2 => Severity::Medium,
        3 => Severity::High,
        4 => Severity::Critical,
        _ => return None,
    })
}

fn affected(source: &KnowledgeSource, package: &str, said: &Said) -> Result<Option<Affected>, String> {
    let mut affected = Affected::new(source.clone(), package);
    affected.severity = severity(said.severity);
    affected.architectures = said.arches.clone().unwrap_or_default();
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let vulnerable = list(&said.vulnerable_versions);
    let safe = [list(&said.patched_versions), list(&said.unaffected_versions)].concat();
    let is_language = source.kind().is_some_and(|kind| !kind.is_distribution());
    if is_language && !(vulnerable.is_empty() && safe.is_empty()) {
        let versions = source.kind().map(crate::PackageType::versions).ok_or("its ecosystem is not known")?;
        affected.ranges = match vulnerable.is_empty() {
            false => constraint::ranges(&vulnerable)?,
            true => constraint::outside(&safe, versions)?,
        };
        return Ok(Some(affected));
    }
    affected.standing = standing(said.status);
    match said.fixed_version.as_str() {
        _ if affected.standing == Standing::NotAffected => {}
        "0" => affected.standing = Standing::NotAffected,
        "" => affected.ranges.push(Range::default()),
        fixed => affected.ranges.push(Range { from: None, until: Until::Fixed(fixed.to_owned()) }),
    }
    Ok(Some(affected))
}

fn advisory(
    file: &str,
    id: String,
    gathered: Gathered,
    details: &HashMap<String, &[u8]>,
) -> Result<Advisory, FeedError> {
    let detail: Detail = match details.get(&id) {
        Some(value) => parse_json(&format!("{file}: vulnerability / {id}"), value)?,
        None => Detail::default(),
    };
    let mut related = gathered.vendor_ids;
    related.sort_unstable();
    related.dedup();
    let mut affected = gathered.affected;
    for one in &mut affected {
        let own =
            || crate::severity::raters(one.source.ecosystem()).find_map(|rater| detail.vendor_severity.get(rater));
        one.severity = one.severity.or_else(|| severity(*own()?));
    }
    Ok(Advisory {
        related,
        published: detail.published_date.clone(),
        modified: detail.last_modified_date.clone(),
        title: detail.title.clone(),
        description: detail.description.clone(),
        ratings: ratings(&detail),
        references: detail.references.unwrap_or_default(),
        affected,
        id,
        ..Advisory::default()
    })
}

fn ratings(detail: &Detail) -> Vec<Rating> {
    let mut ratings = BTreeMap::<&str, Rating>::new();
    for (source, cvss) in &detail.cvss {
        let vector = [&cvss.v40_vector, &cvss.v3_vector, &cvss.v2_vector].into_iter().flatten();
        let score = [cvss.v40_score, cvss.v3_score, cvss.v2_score].into_iter().flatten();
        let rating = Rating {
            vector: vector.into_iter().find(|vector| !vector.is_empty()).cloned(),
            score: score.into_iter().find(|score| (0.0..=10.0).contains(score)),
            ..Rating::default()
        };
        ratings.insert(source, rating);
    }
    for (source, number) in &detail.vendor_severity {
        ratings.entry(source).or_default().severity = severity(*number);
    }
    let mut ratings: Vec<_> = ratings.into_iter().collect();
    // The first word counts where no distribution has one: GitHub's is about the package itself, NVD's about the flaw.
    ratings.sort_by_key(|(source, _)| match *source {
        "ghsa" => 0,
        "nvd" => 1,
        _ => 2,
    });
    let mut ratings: Vec<_> = ratings
        .into_iter()
        .map(|(source, rating)| Rating { source: source.to_owned(), ..rating })
        .filter(|rating| rating.severity.is_some() || rating.vector.is_some() || rating.score.is_some())
        .collect();
    if ratings.is_empty()
        && let Some(severity) = crate::severity::parse_word(&detail.severity)
    {
        ratings.push(Rating { source: "trivy".to_owned(), severity: Some(severity), ..Rating::default() });
    }
    ratings
}

#[cfg(test)]
mod tests;
