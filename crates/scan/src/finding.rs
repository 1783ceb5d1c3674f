//! What is wrong with a package.

use std::collections::BTreeMap;

use crate::{Package, PackageType};

/// How bad it is, in ECR's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Nobody said.
    #[default]
    Undefined,
    /// Hardly a flaw.
    Informational,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: &'static [Severity] = &[
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Informational,
        Severity::Undefined,
    ];

    /// Returns ECR's word.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Undefined => "UNDEFINED",
            Severity::Informational => "INFORMATIONAL",
            Severity::Low => "LOW",
            Severity::Medium => "MEDIUM",
            Severity::High => "HIGH",
            Severity::Critical => "CRITICAL",
        }
    }
}

/// Counts findings by how bad they are; suppressed ones are not counted, and a severity without any is missing.
pub fn count_by_severity<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> BTreeMap<Severity, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings.into_iter().filter(|finding| finding.suppressed.is_none()) {
        *counts.entry(finding.severity).or_default() += 1;
    }
    counts
}

/// What a distribution says about a flaw that its package has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixState {
    /// A version without it is there.
    Fixed,
    /// No version without it is known.
    #[default]
    NotFixed,
    /// There will be none.
    WontFix,
    /// It is put off as minor.
    Deferred,
    /// The release is looked after no more.
    EndOfLife,
}

/// A flaw in one version of one package, however many paths hold it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// All other ids of the same flaw, sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: Package,
    /// Where the package lies in the image, or which document says that it does ([`crate::Installed::path`]), sorted.
    pub paths: Vec<String>,
    /// The lowest version above the installed one that is without the flaw.
    pub fixed_version: Option<String>,
    /// What the distribution says about it.
    pub fix_state: FixState,
    /// How bad it is.
    pub severity: Severity,
    /// Who said so: `debian`, `ghsa`, `cvss`.
    pub severity_source: Option<String>,
    /// The CVSS vector that the score is of.
    pub cvss_vector: Option<String>,
    /// The CVSS base score, 0.0 to 10.0.
    pub cvss_score: Option<f32>,
    /// One line.
    pub title: String,
    /// The whole text, as long as the source gives it.
    pub description: String,
    /// Pages that tell more.
    pub references: Vec<String>,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// When its record last changed, RFC 3339.
    pub modified: Option<String>,
    /// The probability that it is exploited within 30 days (EPSS), 0.0 to 1.0.
    pub epss: Option<f32>,
    /// Whether CISA's catalogue of known exploited vulnerabilities names it.
    pub known_exploited: bool,
    /// The record that made it: the advisory's id, and the range that held.
    pub evidence: Evidence,
    /// Why it is not counted: what a VEX statement or an exception says.
    pub suppressed: Option<String>,
}

impl Finding {
    /// Makes one of which only the id and the package are known.
    pub fn new(id: impl Into<String>, package: Package) -> Finding {
        Finding {
            id: id.into(),
            aliases: Vec::new(),
            package,
            paths: Vec::new(),
            fixed_version: None,
            fix_state: FixState::default(),
            severity: Severity::default(),
            severity_source: None,
            cvss_vector: None,
            cvss_score: None,
            title: String::new(),
            description: String::new(),
            references: Vec::new(),
            published: None,
            modified: None,
            epss: None,
            known_exploited: false,
            evidence: Evidence::default(),
            suppressed: None,
        }
    }
}

/// Why a finding is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The advisory's own id.
    pub advisory: String,
    /// Whose advisory: `Debian:12`, `PyPI`.
    pub source: String,
    /// The name that was looked up: the source package's where the distribution speaks of those.
    pub name: String,
    /// The version that was compared.
    pub version: String,
    /// The range that held it: `>=1.2, <1.4`.
    pub range: String,
}

/// A package about which nothing can be said, and why; never silently clean.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Undecided {
    /// The kind.
    pub kind: PackageType,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why, in a sentence for people.
    pub reason: String,
}
