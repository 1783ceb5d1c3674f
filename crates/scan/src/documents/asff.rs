//! Security Hub's finding format (ASFF 2018-10-08), as `BatchImportFindings` takes it: 100 findings a call at most.

use serde_json::{Value, json};

use super::{
    advice,
    aws::{Case, EcrImage, fix_available, vulnerable_packages},
    cvss_version, number, page_of, probability, shorten, title_of,
};
use crate::{Finding, Severity};

/// Findings that one call of `BatchImportFindings` takes at most.
pub const FINDINGS_PER_CALL_MAX: usize = 100;

/// Characters of a title, of a description and of a recommendation at most (ASFF, required top-level attributes).
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 1024;
const ADVICE_CHARS_MAX: usize = 512;
/// References of a vulnerability that are told at most; Security Hub refuses findings above 240 KB.
const REFERENCES_MAX: usize = 20;

/// Writes the findings of an image as a list for Security Hub.
///
/// `first_seen` tells since when a finding is known; that and `now` are RFC 3339 in UTC. A suppressed finding has the workflow
/// status `SUPPRESSED` and its reason as a note.
pub fn write(image: &EcrImage<'_>, findings: &[Finding], first_seen: impl Fn(&Finding) -> String, now: &str) -> Value {
    findings.iter().map(|finding| one(image, finding, &first_seen(finding), now)).collect()
}

fn one(image: &EcrImage<'_>, finding: &Finding, first_seen: &str, now: &str) -> Value {
    let EcrImage { account, region, .. } = image;
    let partition = image.partition();
    let description = if finding.description.is_empty() { title_of(finding) } else { &finding.description };
    let title = format!("{} - {}", finding.id, finding.package.name);
    let mut made = json!({
        "SchemaVersion": "2018-10-08",
        "Id": image.finding_arn(finding),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Gantry",
        "CompanyName": "Gantry",
        "GeneratorId": format!("gantry/{}", finding.id),
        "AwsAccountId": account,
        "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
        "FirstObservedAt": first_seen,
        "LastObservedAt": now,
        "CreatedAt": first_seen,
        "UpdatedAt": now,
        "Severity": {"Label": label(finding.severity), "Original": finding.severity.name()},
        "Title": shorten(&title, TITLE_CHARS_MAX),
        "Description": shorten(description, DESCRIPTION_CHARS_MAX),
        "Remediation": {"Recommendation": {"Text": shorten(&advice(finding), ADVICE_CHARS_MAX), "Url": page_of(finding)}},
        "Resources": [resource(image)],
        "Vulnerabilities": [vulnerability(finding)],
        "Workflow": {"Status": if finding.suppressed.is_some() { "SUPPRESSED" } else { "NEW" }},
        "RecordState": "ACTIVE",
    });
    if let Some(reason) = &finding.suppressed {
        made["Note"] = json!({
            "Text": shorten(reason, ADVICE_CHARS_MAX),
            "UpdatedBy": "gantry",
            "UpdatedAt": now,
        });
    }
    made
}

fn resource(image: &EcrImage<'_>) -> Value {
    let mut details = json!({
        "RegistryId": image.account,
        "RepositoryName": image.repository,
        "ImageDigest": image.digest,
        "ImageTags": image.tags,
        "ImagePublishedAt": image.pushed_at,
    });
    if let Some(architecture) = image.architecture {
        details["Architecture"] = json!(architecture);
    }
    json!({
        "Type": "AwsEcrContainerImage",
        "Id": image.arn(),
        "Partition": image.partition(),
        "Region": image.region,
        "Details": {"AwsEcrContainerImage": details},
    })
}

fn vulnerability(finding: &Finding) -> Value {
    let mut made = json!({
        "Id": finding.id,
        "VulnerablePackages": vulnerable_packages(finding, Case::Upper),
        "FixAvailable": fix_available(finding),
        "ExploitAvailable": if finding.known_exploited { "YES" } else { "NO" },
    });
    if !finding.aliases.is_empty() {
        made["RelatedVulnerabilities"] = json!(finding.aliases);
    }
    if !finding.references.is_empty() {
        made["ReferenceUrls"] = finding.references.iter().take(REFERENCES_MAX).map(|url| json!(url)).collect();
    }
    if let Some(epss) = finding.epss {
        made["EpssScore"] = json!(probability(epss));
    }
    if let (Some(vector), Some(score)) = (&finding.cvss_vector, finding.cvss_score) {
        made["Cvss"] = json!([{"BaseVector": vector, "BaseScore": number(score), "Version": cvss_version(vector)}]);
    }
    if let Some(source) = &finding.severity_source {
        let mut vendor = json!({"Name": source, "VendorSeverity": finding.severity.name()});
        for (key, time) in [("VendorCreatedAt", &finding.published), ("VendorUpdatedAt", &finding.modified)] {
            if let Some(time) = time {
                vendor[key] = json!(time);
            }
        }
        made["Vendor"] = vendor;
    }
    made
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Informational | Severity::Undefined => "INFORMATIONAL",
    }
}
