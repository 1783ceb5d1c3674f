//! The events of ECR and Inspector, in the envelope of EventBridge.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{
    advice,
    aws::{Case, EcrImage, vulnerable_packages},
    cvss_version, number, page_of, probability,
};
use crate::{Finding, Severity, count_by_severity};

/// What one event is: its own name and when it happened.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The event's id (a UUID), given by who sends it.
    pub id: &'a str,
    /// RFC 3339 in UTC, whole seconds.
    pub time: &'a str,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOutcome {
    /// All was looked at.
    Complete,
    /// It broke off.
    Failed,
}

/// Writes `ECR Image Scan`: a scan ended, with so many findings of each severity (suppressed ones are not counted).
pub fn image_scan(image: &EcrImage<'_>, findings: &[Finding], outcome: ScanOutcome, occasion: &Occasion<'_>) -> Value {
    let detail = json!({
        "scan-status": match outcome { ScanOutcome::Complete => "COMPLETE", ScanOutcome::Failed => "FAILED" },
        "repository-name": image.repository,
        "finding-severity-counts": severity_counts(findings),
        "image-digest": image.digest,
        "image-tags": image.tags,
    });
    envelope("aws.ecr", "ECR Image Scan", image, image.repository_arn(), detail, occasion)
}

/// Writes `Inspector2 Scan`: the first scan of an image ended.
pub fn initial_scan(image: &EcrImage<'_>, findings: &[Finding], occasion: &Occasion<'_>) -> Value {
    let mut counted = severity_counts(findings);
    let total = findings.iter().filter(|finding| finding.suppressed.is_none()).count();
    counted.insert("TOTAL".into(), json!(total));
    let detail = json!({
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": image.repository_arn(),
        "finding-severity-counts": counted,
        "image-digest": image.digest,
        "image-tags": image.tags,
    });
    envelope("aws.inspector2", "Inspector2 Scan", image, image.repository_arn(), detail, occasion)
}

/// Whether a finding is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingStatus {
    /// The image has the flaw; a suppressed finding is told as `SUPPRESSED`.
    Active,
    /// The image has it no more, or is no more.
    Closed,
}

/// Writes `Inspector2 Finding`: a finding came, changed or was closed. `first_seen` is RFC 3339 in UTC.
pub fn finding(
    image: &EcrImage<'_>,
    finding: &Finding,
    status: FindingStatus,
    first_seen: &str,
    occasion: &Occasion<'_>,
) -> Value {
    let status = match (status, &finding.suppressed) {
        (FindingStatus::Closed, _) => "CLOSED",
        (FindingStatus::Active, Some(_)) => "SUPPRESSED",
        (FindingStatus::Active, None) => "ACTIVE",
    };
    let mut detail = json!({
        "awsAccountId": image.account,
        "description": if finding.description.is_empty() { &finding.title } else { &finding.description },
        "findingArn": image.finding_arn(finding),
        "firstObservedAt": inspector_time(first_seen),
        "lastObservedAt": inspector_time(occasion.time),
        "updatedAt": inspector_time(occasion.time),
        "fixAvailable": super::aws::fix_available(finding),
        "exploitAvailable": if finding.known_exploited { "YES" } else { "NO" },
        "packageVulnerabilityDetails": details(finding),
        "remediation": {"recommendation": {"text": advice(finding)}},
        "resources": [resource(image)],
        "severity": severity(finding.severity),
        "status": status,
        "title": format!("{} - {}", finding.id, finding.package.name),
        "type": "PACKAGE_VULNERABILITY",
    });
    if let Some(score) = finding.cvss_score {
        detail["inspectorScore"] = json!(number(score));
        detail["inspectorScoreDetails"] = json!({"adjustedCvss": adjusted(finding, score)});
    }
    if let Some(epss) = finding.epss {
        detail["epss"] = json!({"score": probability(epss)});
    }
    envelope("aws.inspector2", "Inspector2 Finding", image, image.arn(), detail, occasion)
}

fn envelope(
    source: &str,
    kind: &str,
    image: &EcrImage<'_>,
    resource: String,
    detail: Value,
    occasion: &Occasion<'_>,
) -> Value {
    json!({
        "version": "0",
        "id": occasion.id,
        "detail-type": kind,
        "source": source,
        "account": image.account,
        "time": occasion.time,
        "region": image.region,
        "resources": [resource],
        "detail": detail,
    })
}

/// Severities without findings are left out, as ECR does.
fn severity_counts(findings: &[Finding]) -> Map<String, Value> {
    count_by_severity(findings)
        .into_iter()
        .map(|(severity, count)| (severity.name().to_owned(), json!(count)))
        .collect()
}

fn adjusted(finding: &Finding, score: f32) -> Value {
    let vector = finding.cvss_vector.as_deref().unwrap_or_default();
    let source = source(finding);
    json!({
        "adjustments": [],
        "cvssSource": source,
        "score": number(score),
        "scoreSource": source,
        "scoringVector": vector,
        "version": cvss_version(vector),
    })
}

fn source(finding: &Finding) -> String {
    finding.severity_source.as_deref().unwrap_or("cvss").to_ascii_uppercase()
}

fn details(finding: &Finding) -> Value {
    let mut details = json!({
        "vulnerabilityId": finding.id,
        "source": source(finding),
        "sourceUrl": page_of(finding),
        "vendorSeverity": finding.severity.name(),
        "referenceUrls": finding.references,
        "relatedVulnerabilities": finding.aliases,
        "vulnerablePackages": vulnerable_packages(finding, Case::Lower),
        "cvss": [],
    });
    if let (Some(vector), Some(score)) = (&finding.cvss_vector, finding.cvss_score) {
        details["cvss"] = json!([{
            "baseScore": number(score),
            "scoringVector": vector,
            "source": source(finding),
            "version": cvss_version(vector),
        }]);
    }
    for (key, time) in [("vendorCreatedAt", &finding.published), ("vendorUpdatedAt", &finding.modified)] {
        if let Some(time) = time {
            details[key] = json!(inspector_time(time));
        }
    }
    details
}

fn resource(image: &EcrImage<'_>) -> Value {
    let mut details = json!({
        "imageHash": image.digest,
        "imageTags": image.tags,
        "pushedAt": inspector_time(image.pushed_at),
        "registry": image.account,
        "repositoryName": image.repository,
    });
    for (key, value) in [("architecture", image.architecture), ("platform", image.platform)] {
        if let Some(value) = value {
            details[key] = json!(value);
        }
    }
    json!({
        "type": "AWS_ECR_CONTAINER_IMAGE",
        "id": image.arn(),
        "partition": image.partition(),
        "region": image.region,
        "details": {"awsEcrContainerImage": details},
    })
}

/// Inspector's word where nobody said how bad it is.
fn severity(severity: Severity) -> &'static str {
    if severity == Severity::Undefined { "UNTRIAGED" } else { severity.name() }
}

/// Writes a time as Inspector's events do: `Dec 3, 2021, 6:02:30 PM`, in UTC. What is no time stays as it is.
fn inspector_time(time: &str) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.to_zoned(TimeZone::UTC).strftime("%b %-d, %Y, %-I:%M:%S %p").to_string(),
        Err(_) => time.to_owned(),
    }
}
