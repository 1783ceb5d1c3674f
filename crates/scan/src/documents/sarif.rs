//! SARIF 2.1.0 (OASIS), as GitHub's code scanning reads it.

mod secrets;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Image, TOOL, TOOL_VERSION, advice, cvss_version, fingerprint, number, page_of, probability, score_of, shorten,
    title_of,
};
use crate::{Distribution, Finding, Severity, purl};
pub use secrets::add_secrets;

/// Writes the findings of an image: one rule per vulnerability, one result per package and path.
///
/// `security-severity` is the CVSS score, or a score from the middle of the severity's range where there is none. Suppressed
/// findings are results with a suppression and its reason.
pub fn write(image: &Image<'_>, distribution: Option<&Distribution>, findings: &[Finding]) -> Value {
    let mut worst = BTreeMap::<&str, &Finding>::new();
    for finding in findings {
        worst
            .entry(&finding.id)
            .and_modify(|known| {
                if score_of(finding) > score_of(known) {
                    *known = finding;
                }
            })
            .or_insert(finding);
    }
    let places: BTreeMap<_, _> = worst.keys().enumerate().map(|(place, id)| (*id, place)).collect();
    let results: Vec<_> = findings
        .iter()
        .flat_map(|finding| {
            let place = places.get(finding.id.as_str()).copied().unwrap_or_default();
            // Where no path is known the result still needs a place.
            let paths = if finding.paths.is_empty() { vec![""] } else { finding.paths.iter().map(|p| &**p).collect() };
            paths.into_iter().map(move |path| result(image, distribution, finding, path, place)).collect::<Vec<_>>()
        })
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": TOOL,
                "version": TOOL_VERSION,
                "semanticVersion": TOOL_VERSION,
                "rules": worst.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("{TOOL}/{}/", image.reference)},
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": {"ROOTPATH": {"uri": "file:///"}},
            "properties": {"imageReference": image.reference, "imageDigest": image.digest},
            "results": results,
        }],
    })
}

fn rule(finding: &Finding) -> Value {
    let page = page_of(finding);
    let description = if finding.description.is_empty() { title_of(finding) } else { &finding.description };
    json!({
        "id": finding.id,
        "name": "VulnerablePackage",
        "shortDescription": {"text": shorten(title_of(finding), 1024)},
        "fullDescription": {"text": shorten(description, 1024)},
        "defaultConfiguration": {"level": level(finding.severity)},
        "helpUri": page,
        "help": {
            "text": format!("{}\n\n{description}\n\n{page}", title_of(finding)),
            "markdown": format!("**{}**\n\n{description}\n\n[{}]({page})", title_of(finding), finding.id),
        },
        "properties": {
            "precision": "very-high",
            "security-severity": format!("{:.1}", score_of(finding)),
            "tags": ["vulnerability", "security", finding.severity.name()],
        },
    })
}

fn result(
    image: &Image<'_>,
    distribution: Option<&Distribution>,
    finding: &Finding,
    path: &str,
    rule_index: usize,
) -> Value {
    let package = &finding.package;
    let purl = purl::of(package, distribution);
    let place = if path.is_empty() { image.reference } else { path };
    let fixed = finding.fixed_version.as_deref().unwrap_or("none known");
    let text = format!(
        "{} {} has {} ({}): {}\nFixed in: {fixed}\nFound in: {place} of {}",
        package.name,
        package.version,
        finding.id,
        finding.severity.name(),
        title_of(finding),
        image.reference,
    );
    let mut result = json!({
        "ruleId": finding.id,
        "ruleIndex": rule_index,
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(place), "uriBaseId": "ROOTPATH"},
                "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": purl, "kind": "module", "name": package.name}],
            "message": {"text": format!("{place}: {} {}", package.name, package.version)},
        }],
        // GitHub reads only this key. Without the version, so that an update that does not mend it is no new alert.
        "partialFingerprints": {
            "primaryLocationLineHash":
                format!("{:016x}:1", fingerprint(&[&finding.id, package.kind.name(), &package.name, path]) >> 64),
        },
        "properties": properties(finding),
    });
    if let Some(reason) = &finding.suppressed {
        result["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": reason}]);
    }
    result
}

fn properties(finding: &Finding) -> Value {
    let mut properties = json!({
        "fixedVersion": finding.fixed_version,
        "installedVersion": finding.package.version,
        "knownExploited": finding.known_exploited,
        "recommendation": advice(finding),
    });
    if let Some(epss) = finding.epss {
        properties["epss"] = json!(probability(epss));
    }
    if let Some(vector) = &finding.cvss_vector {
        properties["cvssVector"] = json!(vector);
        properties["cvssVersion"] = json!(cvss_version(vector));
    }
    if let Some(score) = finding.cvss_score {
        properties["cvssScore"] = json!(number(score));
    }
    properties
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational | Severity::Undefined => "note",
    }
}

/// Returns a path as a relative reference (RFC 3986, section 4.2): slashes stay, a colon may not stand in its first segment.
fn uri(path: &str) -> String {
    path.split('/').map(|segment| super::percent(segment).replace(':', "%3A")).collect::<Vec<_>>().join("/")
}
