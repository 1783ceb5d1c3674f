//! What the scanner knows of an image, as the management API shows it and `gantry scan` prints it.

use crate::base::BaseImageDocument;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{ImageFindings, Scan, ScanStatus, Scans};
use gantry_oci::Reference;
use gantry_registry::{ImageSummary, Images, Repositories, Repository};
use gantry_scan::{
    Distribution, EndOfLife, Evidence, Finding, FixState, Inventory, LayerSecret, LooseFile, Matched, Misconfiguration,
    Package, Severity, Undecided, count_by_severity, purl, unsupported,
};
use gantry_words::{Cx, RepositoryName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// How the scan of an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Scan")]
pub struct ScanDocument {
    /// The image's digest.
    pub digest: String,
    /// `COMPLETE`, `IN_PROGRESS`, `FAILED`, `UNSUPPORTED_IMAGE`, or `NOT_SCANNED` where none was ever asked for.
    pub status: String,
    /// Why, where it failed or cannot be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub asked_at: Option<String>,
    /// When it ended last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished_at: Option<String>,
}

impl ScanDocument {
    /// The status of a scan that has not ended.
    pub const IN_PROGRESS: &'static str = "IN_PROGRESS";
    /// The status of a scan that says what the image holds.
    pub const COMPLETE: &'static str = "COMPLETE";
    /// The status of a scan that could not read the image.
    pub const FAILED: &'static str = "FAILED";
    /// The status of an image that nobody had scanned.
    pub const NOT_SCANNED: &'static str = "NOT_SCANNED";

    pub(crate) fn of(digest: String, scan: Option<Scan>) -> ScanDocument {
        let Some(scan) = scan else {
            let status = ScanDocument::NOT_SCANNED.into();
            return ScanDocument { digest, status, reason: None, asked_at: None, finished_at: None };
        };
        let status = match scan.status {
            ScanStatus::Pending => ScanDocument::IN_PROGRESS,
            ScanStatus::Complete => ScanDocument::COMPLETE,
            ScanStatus::Failed => ScanDocument::FAILED,
            ScanStatus::Unsupported => "UNSUPPORTED_IMAGE",
        };
        ScanDocument {
            digest,
            status: status.into(),
            reason: Some(scan.reason).filter(|reason| !reason.is_empty()),
            asked_at: Some(scan.asked_at.to_string()),
            finished_at: scan.finished_at.map(|at| at.to_string()),
        }
    }
}

/// What an image holds that is known to be flawed, by the advisories of this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ImageFindings")]
pub struct ImageFindingsDocument {
    /// How the image was named.
    pub image: String,
    /// The digest of its manifest, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub digest: Option<String>,
    /// Its ARN, as Inspector and Security Hub name images; only of an image on a server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub arn: Option<String>,
    /// Its tags, at most a thousand; only of an image on a server.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
    /// When it was pushed, RFC 3339; only of an image on a server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub pushed_at: Option<String>,
    /// Its distribution, from os-release(5); null where no file names one.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub distribution: Option<Distribution>,
    /// When its distribution ceases to be looked after, where that is known: after that day flaws are told of it no more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "EndOfLifeDocument")]
    pub end_of_life: Option<EndOfLife>,
    /// How many packages it holds, counted at each path.
    pub packages: usize,
    /// When its layers were read, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub scanned_at: Option<String>,
    /// When the advisories were brought up to date, RFC 3339; missing where the server has none: then nothing is found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub advisories_at: Option<String>,
    /// How many findings of each severity are not suppressed.
    pub severity_counts: BTreeMap<String, usize>,
    /// What is wrong, the worst first.
    pub findings: Vec<FindingDocument>,
    /// The image that it was made from; only in what `gantry scan` prints of an image on a server.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "BaseImageDocument")]
    pub base: Option<BaseImageDocument>,
    /// Files that belong to no package; only in what `gantry scan --files` prints of an image on this disk.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Vec<LooseFileDocument>")]
    pub files: Option<Vec<LooseFile>>,
    /// What is unwise about how the image is made, the worst first.
    #[schemars(with = "Vec<MisconfigurationDocument>")]
    pub misconfigurations: Vec<Misconfiguration>,
    /// Secrets in its layers, those of files that a layer above deletes too; of none more than its first characters.
    #[serde(default)]
    #[schemars(with = "Vec<SecretDocument>")]
    pub secrets: Vec<LayerSecret>,
    /// Packages about which nothing, or not all, can be said, and why.
    #[schemars(with = "Vec<UndecidedDocument>")]
    pub undecided: Vec<Undecided>,
    /// Packages that were left out on purpose, and why.
    #[schemars(with = "Vec<UndecidedDocument>")]
    pub left_out: Vec<Undecided>,
    /// What could not be read of the image.
    pub complaints: Vec<String>,
}

/// A file that belongs to no package.
#[derive(JsonSchema)]
#[schemars(rename = "LooseFile")]
#[expect(dead_code, reason = "read by the document alone")]
struct LooseFileDocument {
    /// Its path, as its layer names it.
    path: String,
    /// Which layer brought it, counted from 0 at the bottom.
    layer: u32,
}

/// Something unwise about how an image is made.
#[derive(JsonSchema)]
#[schemars(rename = "Misconfiguration")]
#[expect(dead_code, reason = "read by the document alone")]
struct MisconfigurationDocument {
    /// The rule: `root-user`.
    rule: String,
    /// How bad it is.
    severity: String,
    /// One line.
    title: String,
    /// What shows it: a line of the history, a path.
    evidence: String,
    /// What to do.
    advice: String,
}

/// A secret in a layer of an image.
#[derive(JsonSchema)]
#[schemars(rename = "ExposedSecret")]
#[expect(dead_code, reason = "read by the document alone")]
struct SecretDocument {
    /// The rule that found it: `github-token`.
    rule: String,
    /// What it is.
    title: String,
    /// How bad it is that it is known.
    severity: String,
    /// How likely it is a live secret: `high`, or `low` among tests, examples and documentation.
    confidence: String,
    /// The file.
    path: String,
    /// The line on which it begins, counted from 1.
    line: u32,
    /// Its first four characters, and `…`.
    preview: String,
    /// The first 16 hexadecimal digits of its SHA-256, by which a file of what is ignored names it.
    fingerprint: String,
    /// Which layer holds it, counted from 0 at the bottom.
    layer: u32,
    /// Whether a layer above deletes or replaces the file.
    deleted: bool,
}

/// When a release of a distribution ceases to be looked after.
#[derive(JsonSchema)]
#[schemars(rename = "EndOfLife")]
#[expect(dead_code, reason = "read by the document alone")]
struct EndOfLifeDocument {
    /// The release: `Debian:9`.
    release: String,
    /// Its last day, `YYYY-MM-DD`, of the distribution's own (not paid) support.
    day: String,
}

/// A package of which it is said why it is not judged.
#[derive(JsonSchema)]
#[schemars(rename = "UndecidedPackage")]
#[expect(dead_code, reason = "read by the document alone")]
struct UndecidedDocument {
    /// The kind, in purl's word.
    kind: String,
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Why, in a sentence.
    reason: String,
}

/// Why a finding is one.
#[derive(JsonSchema)]
#[schemars(rename = "Evidence")]
#[expect(dead_code, reason = "read by the document alone")]
struct EvidenceDocument {
    /// The advisory's own id.
    advisory: String,
    /// Whose advisory.
    source: String,
    /// The name that was looked up.
    name: String,
    /// The version that was compared.
    version: String,
    /// The range that held it.
    range: String,
}

/// A flaw in one version of one package of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Finding")]
pub struct FindingDocument {
    /// The CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// All other ids of the same flaw.
    pub aliases: Vec<String>,
    /// The package's name.
    pub package: String,
    /// The version that is installed.
    pub version: String,
    /// The lowest version above it that is without the flaw; null where none is known.
    pub fixed_version: Option<String>,
    /// How bad it is: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`, `INFORMATIONAL` or `UNDEFINED`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// The package's kind, in purl's word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The package in one line (package-url).
    #[serde(default)]
    pub purl: String,
    /// What the distribution says: `fixed`, `not-fixed`, `wont-fix`, `deferred` or `end-of-life`.
    #[schemars(with = "String")]
    pub fix_state: FixState,
    /// Who said how bad it is.
    pub severity_source: Option<String>,
    /// The CVSS vector that the score is of.
    pub cvss_vector: Option<String>,
    /// The CVSS base score, 0.0 to 10.0.
    pub cvss_score: Option<f32>,
    /// The probability that it is exploited within 30 days (EPSS), 0.0 to 1.0.
    pub epss: Option<f32>,
    /// Whether CISA's catalogue of known exploited vulnerabilities names it.
    pub known_exploited: bool,
    /// One line.
    pub title: String,
    /// The whole text, as long as the source gives it.
    #[serde(default)]
    pub description: String,
    /// Pages that tell more.
    pub references: Vec<String>,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// Since when it is known of the image, RFC 3339: since its push, or since it is known of its repository; missing for some seconds
    /// after it is found, and where no server is asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub first_seen_at: Option<String>,
    /// When its record last changed, RFC 3339.
    #[serde(default)]
    pub modified: Option<String>,
    /// Where the package lies in the image; `referrer sha256:…` where only a document that hangs on the image says that it is there.
    pub paths: Vec<String>,
    /// Which layers brought it, counted from 0 at the bottom; empty where that is not said.
    #[serde(default)]
    pub layers: Vec<u32>,
    /// The build steps that made these layers, as the image's configuration has them (`created_by`); those that are known.
    #[serde(default)]
    pub build_steps: Vec<String>,
    /// The record that made it, and the range that held.
    #[schemars(with = "EvidenceDocument")]
    pub evidence: Evidence,
    /// Why it is not counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub suppressed: Option<String>,
}

impl ImageFindingsDocument {
    /// Puts together what an image holds and the findings that are to be shown, in this order.
    pub fn new(image: String, digest: Option<String>, inventory: &Inventory, matched: &Matched) -> Self {
        let distribution = inventory.distribution.as_ref();
        ImageFindingsDocument {
            image,
            digest,
            arn: None,
            tags: Vec::new(),
            pushed_at: None,
            distribution: distribution.cloned(),
            end_of_life: matched.end_of_life.clone(),
            packages: inventory.packages.len(),
            scanned_at: None,
            advisories_at: None,
            severity_counts: by_name(count_by_severity(&matched.findings)),
            findings: findings(inventory, matched),
            base: None,
            files: None,
            misconfigurations: inventory.misconfigurations.clone(),
            secrets: inventory.secrets.clone(),
            undecided: matched.undecided.clone(),
            left_out: matched.left_out.clone(),
            complaints: complaints(inventory, matched),
        }
    }

    /// Returns what was matched, for who has the inventory too.
    pub fn matched(self, inventory: &Inventory) -> Matched {
        let mut known: BTreeMap<(&str, &str, &str), &Package> = BTreeMap::new();
        for installed in &inventory.packages {
            known.entry(installed.package.key()).or_insert(&installed.package);
        }
        let package = |found: &FindingDocument| -> Option<Package> {
            let key = (found.kind.as_str(), found.package.as_str(), found.version.as_str());
            known.get(&key).map(|package| (*package).clone()).or_else(|| purl::parse(&found.purl))
        };
        let findings = self.findings.into_iter().filter_map(|found| Some((package(&found)?, found)));
        Matched {
            findings: findings.map(|(package, found)| found.finding(package)).collect(),
            undecided: self.undecided,
            left_out: self.left_out,
            end_of_life: self.end_of_life,
        }
    }
}

/// What could not be read, and a distribution without packages whose advisories nobody has.
fn complaints(inventory: &Inventory, matched: &Matched) -> Vec<String> {
    let unsupported = unsupported(inventory, &matched.undecided).filter(|_| matched.undecided.is_empty());
    inventory.complaints.iter().cloned().chain(unsupported).collect()
}

/// Counts by the names of the severities.
pub(crate) fn by_name<N>(counts: impl IntoIterator<Item = (Severity, N)>) -> BTreeMap<String, N> {
    counts.into_iter().map(|(severity, count)| (severity.name().to_owned(), count)).collect()
}

/// Shows findings with the layers that brought their packages, and their build steps.
fn findings(inventory: &Inventory, matched: &Matched) -> Vec<FindingDocument> {
    let layers = inventory.package_layers();
    let show = |finding: &Finding| {
        let layers: Vec<u32> = layers.get(&finding.package.key()).into_iter().flatten().copied().collect();
        let build_steps = layers.iter().filter_map(|layer| inventory.build_step(*layer)).map(String::from).collect();
        let shown = FindingDocument::new(finding, inventory.distribution.as_ref());
        FindingDocument { layers, build_steps, ..shown }
    };
    matched.findings.iter().map(show).collect()
}

impl FindingDocument {
    /// Shows a finding; `distribution` is that of the image.
    pub fn new(finding: &Finding, distribution: Option<&Distribution>) -> Self {
        let finding = finding.clone();
        FindingDocument {
            purl: purl::of(&finding.package, distribution),
            kind: finding.package.kind.name().into(),
            package: finding.package.name,
            version: finding.package.version,
            id: finding.id,
            aliases: finding.aliases,
            fixed_version: finding.fixed_version,
            severity: finding.severity,
            fix_state: finding.fix_state,
            severity_source: finding.severity_source,
            cvss_vector: finding.cvss_vector,
            cvss_score: finding.cvss_score,
            epss: finding.epss,
            known_exploited: finding.known_exploited,
            title: finding.title,
            description: finding.description,
            references: finding.references,
            published: finding.published,
            first_seen_at: None,
            modified: finding.modified,
            paths: finding.paths,
            layers: Vec::new(),
            build_steps: Vec::new(),
            evidence: finding.evidence,
            suppressed: finding.suppressed,
        }
    }

    fn finding(self, package: Package) -> Finding {
        Finding {
            id: self.id,
            aliases: self.aliases,
            package,
            paths: self.paths,
            fixed_version: self.fixed_version,
            fix_state: self.fix_state,
            severity: self.severity,
            severity_source: self.severity_source,
            cvss_vector: self.cvss_vector,
            cvss_score: self.cvss_score,
            title: self.title,
            description: self.description,
            references: self.references,
            published: self.published,
            modified: self.modified,
            epss: self.epss,
            known_exploited: self.known_exploited,
            evidence: self.evidence,
            suppressed: self.suppressed,
        }
    }
}

/// How [`known`] refuses, and who reads an image's name.
pub(crate) const REFUSALS: &[FaultKind] = &[
    FaultKind::InvalidParameter,
    FaultKind::RepositoryNotFound,
    FaultKind::ImageNotFound,
    FaultKind::ImageArchived,
    FaultKind::ScanNotFound,
];

/// What is known of an image.
pub(crate) struct KnownImage {
    pub(crate) repository: Repository,
    pub(crate) image: ImageSummary,
    /// When its layers were read.
    pub(crate) scan: Scan,
    /// What it holds, and what is wrong with it.
    pub(crate) found: Arc<ImageFindings>,
}

/// Finds what is known of an image.
///
/// # Errors
/// There is no such image; [`FaultKind::ImageArchived`], and [`FaultKind::ScanNotFound`] where it is not known what it holds: never
/// an empty list.
pub(crate) async fn known(
    (repositories, images, scans): &(Repositories, Images, Scans),
    cx: &Cx,
    name: &RepositoryName,
    reference: &Reference,
) -> Result<KnownImage, Fault> {
    let repository = repositories.load(cx, name).await?;
    let image = images.describe(&repository, reference).await?;
    let digest = &image.digest;
    image.status.refuse(name, digest, digest)?;
    let unknown = |why: String| Err(Fault::new(FaultKind::ScanNotFound, why));
    let scan = scans.find(&repository, digest).await?;
    let Some(scan) = scan else {
        return unknown(format!(
            "{name}@{digest} was never scanned. Have it scanned with: gantry scan {name}@{digest}"
        ));
    };
    match scan.status {
        ScanStatus::Pending => unknown(format!("{name}@{digest} is being scanned. Try again in a moment")),
        ScanStatus::Failed => unknown(format!("The scan of {name}@{digest} failed: {}", scan.reason)),
        ScanStatus::Unsupported => unknown(format!("{name}@{digest} cannot be scanned: {}", scan.reason)),
        ScanStatus::Complete => match scans.findings(&repository, digest, &scan).await? {
            Some(found) => Ok(KnownImage { repository, image, scan, found }),
            None => unknown(format!("What {name}@{digest} holds is to be read again: ask for a scan of it")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::{Installed, PackageType};

    #[test]
    fn what_was_shown_is_the_same_finding_again_for_who_has_the_packages() {
        let mut package = Package::new(PackageType::Deb, "libssl3", "3.0.11-1~deb12u2");
        package.licences = vec!["Apache-2.0".into()];
        let installed = Installed { package: package.clone(), path: "var/lib/dpkg/status".into(), layer: 0 };
        let build_steps = vec!["RUN apt-get install -y openssl".to_owned()];
        let inventory = Inventory { packages: vec![installed], build_steps, ..Inventory::default() };
        let finding = Finding { severity: Severity::High, title: "A flaw".into(), ..Finding::new("CVE-1", package) };
        let matched = Matched { findings: vec![finding], ..Matched::default() };

        let shown = ImageFindingsDocument::new("app:v1".into(), None, &inventory, &matched);
        let read: ImageFindingsDocument = serde_json::from_value(serde_json::to_value(&shown).unwrap()).unwrap();

        assert_eq!(read.findings[0].build_steps, ["RUN apt-get install -y openssl"]);
        assert_eq!(read.severity_counts, BTreeMap::from([("HIGH".into(), 1)]));
        assert_eq!(read.matched(&inventory), matched);
    }
}
