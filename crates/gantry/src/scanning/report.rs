use super::Subject;
use gantry_scan::{Distribution, Finding, Matched, Misconfiguration, Severity, Undecided};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is printed as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<'a> {
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    distribution: Option<&'a Distribution>,
    packages: usize,
    severity_counts: BTreeMap<&'static str, usize>,
    findings: Vec<Line<'a>>,
    misconfigurations: &'a [Misconfiguration],
    undecided: &'a [Undecided],
    left_out: &'a [Undecided],
    complaints: &'a [String],
}

/// One finding: the members that other programs rely on come first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    id: &'a str,
    aliases: &'a [String],
    package: &'a str,
    version: &'a str,
    fixed_version: Option<&'a str>,
    severity: Severity,
    #[serde(rename = "type")]
    kind: &'static str,
    fix_state: gantry_scan::FixState,
    severity_source: Option<&'a str>,
    cvss_vector: Option<&'a str>,
    cvss_score: Option<f32>,
    epss: Option<f32>,
    known_exploited: bool,
    title: &'a str,
    references: &'a [String],
    published: Option<&'a str>,
    paths: &'a [String],
    evidence: &'a gantry_scan::Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Puts together what was looked at and the findings that are to be shown.
    pub(crate) fn new(subject: &'a Subject, matched: &'a Matched, findings: &'a [Finding]) -> Report<'a> {
        Report {
            image: &subject.name,
            digest: subject.digest.as_ref().map(gantry_oci::Digest::as_str),
            distribution: subject.inventory.distribution.as_ref(),
            packages: subject.inventory.packages.len(),
            severity_counts: counts(findings),
            findings: findings.iter().map(line).collect(),
            misconfigurations: &subject.misconfigurations,
            undecided: &matched.undecided,
            left_out: &matched.left_out,
            complaints: &subject.inventory.complaints,
        }
    }
}

/// Counts what is not suppressed, by severity.
fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.suppressed.is_none()) {
        *counts.entry(finding.severity.name()).or_default() += 1;
    }
    counts
}

fn line(finding: &Finding) -> Line<'_> {
    Line {
        id: &finding.id,
        aliases: &finding.aliases,
        package: &finding.package.name,
        version: &finding.package.version,
        fixed_version: finding.fixed_version.as_deref(),
        severity: finding.severity,
        kind: finding.package.kind.name(),
        fix_state: finding.fix_state,
        severity_source: finding.severity_source.as_deref(),
        cvss_vector: finding.cvss_vector.as_deref(),
        cvss_score: finding.cvss_score,
        epss: finding.epss,
        known_exploited: finding.known_exploited,
        title: &finding.title,
        references: &finding.references,
        published: finding.published.as_deref(),
        paths: &finding.paths,
        evidence: &finding.evidence,
        suppressed: finding.suppressed.as_deref(),
    }
}
