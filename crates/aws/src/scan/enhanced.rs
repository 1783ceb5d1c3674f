use super::{Asked, page_of};
use crate::model::{
    AwsEcrContainerImageDetails, CvssScore, CvssScoreDetails, EnhancedImageScanFinding, Epoch,
    PackageVulnerabilityDetails, Recommendation, Remediation, Resource, ResourceDetails, ScoreDetails,
    VulnerablePackage,
};
use gantry_findings::Scan;
use gantry_registry::ImageUse;
use gantry_scan::{
    Finding,
    documents::{EcrImage, package_manager, split_version},
};
use gantry_words::Timestamp;

/// An image whose findings are shown: how it was scanned, what AWS calls it, and who runs it.
pub(super) struct Image<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) scan: &'a Scan,
    pub(super) ecr: EcrImage<'a>,
    pub(super) uses: &'a [ImageUse],
}

/// Shows a finding as `ENHANCED` scanning does (Amazon Inspector's finding), with since when it is known of the image, and the digest
/// of the layer that brought the package.
pub(super) fn show(
    image: &Image<'_>,
    finding: &Finding,
    first_seen: Option<Timestamp>,
    source_layer: Option<String>,
) -> EnhancedImageScanFinding {
    let asked = image.asked;
    let first_observed = first_seen.or(image.scan.finished_at);
    // New advisories bring findings without another scan.
    let last_observed = first_observed.max(image.scan.finished_at).map(Epoch);
    let moment = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).map(Epoch);
    let package = &finding.package;
    EnhancedImageScanFinding {
        aws_account_id: Some(asked.cx.account),
        description: Some(finding.description.clone()),
        exploit_available: Some(if finding.known_exploited { "YES" } else { "NO" }.into()),
        finding_arn: Some(image.ecr.finding_arn(finding)),
        first_observed_at: first_observed.map(Epoch),
        fix_available: Some(if finding.fixed_version.is_some() { "YES" } else { "NO" }.into()),
        last_observed_at: last_observed,
        package_vulnerability_details: Some(PackageVulnerabilityDetails {
            cvss: cvss(finding).map(|score| vec![score]),
            reference_urls: Some(finding.references.clone()),
            related_vulnerabilities: Some(finding.aliases.clone()),
            source: finding.severity_source.clone().or_else(|| Some(finding.evidence.source.clone())),
            source_url: page_of(finding),
            vendor_created_at: moment(&finding.published),
            vendor_severity: Some(finding.severity.name().into()),
            vendor_updated_at: moment(&finding.modified),
            vulnerability_id: Some(finding.id.clone()),
            vulnerable_packages: Some(vec![vulnerable(finding, source_layer)]),
        }),
        remediation: Some(Remediation { recommendation: Some(recommendation(finding)) }),
        resources: Some(vec![resource(image)]),
        score: finding.cvss_score.map(f64::from),
        score_details: cvss(finding).map(|score| ScoreDetails {
            cvss: Some(CvssScoreDetails {
                score: score.base_score,
                score_source: score.source,
                scoring_vector: score.scoring_vector,
                version: score.version,
                ..CvssScoreDetails::default()
            }),
        }),
        severity: Some(finding.severity.name().into()),
        status: Some(if finding.suppressed.is_some() { "SUPPRESSED" } else { "ACTIVE" }.into()),
        title: Some(format!("{} - {}", finding.id, package.name)),
        r#type: Some("PACKAGE_VULNERABILITY".into()),
        updated_at: last_observed,
    }
}

fn cvss(finding: &Finding) -> Option<CvssScore> {
    let vector = finding.cvss_vector.clone()?;
    let version = vector.strip_prefix("CVSS:").and_then(|rest| rest.split('/').next()).unwrap_or("2.0").to_owned();
    Some(CvssScore {
        base_score: finding.cvss_score.map(f64::from),
        scoring_vector: Some(vector),
        source: finding.severity_source.clone(),
        version: Some(version),
    })
}

fn recommendation(finding: &Finding) -> Recommendation {
    let text = match &finding.fixed_version {
        // Where the reason is kept: Inspector's finding has no other place for it.
        _ if finding.suppressed.is_some() => {
            format!("Suppressed. {}", finding.suppressed.as_deref().unwrap_or_default())
        }
        Some(fixed) => format!("Upgrade {} to {fixed}.", finding.package.name),
        None => "None Provided".into(),
    };
    Recommendation { text: Some(text), url: page_of(finding) }
}

fn vulnerable(finding: &Finding, source_layer_hash: Option<String>) -> VulnerablePackage {
    let (package, parts) = (&finding.package, split_version(&finding.package));
    let path = finding.paths.first();
    VulnerablePackage {
        arch: package.architecture.clone(),
        epoch: Some(parts.epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0)),
        file_path: path.cloned(),
        fixed_in_version: finding.fixed_version.clone().or_else(|| Some("NotAvailable".into())),
        name: Some(package.name.clone()),
        package_manager: package_manager(package.kind, path.map(String::as_str)).map(String::from),
        release: parts.release.map(String::from),
        source_layer_hash,
        version: Some(parts.version.into()),
    }
}

fn resource(shown: &Image<'_>) -> Resource {
    let Image { asked, ecr, uses, .. } = shown;
    let (image, repository) = (asked.image, asked.repository);
    // Where nobody reports it, it is not known that nobody runs it.
    let in_use_count = Some(uses.len() as i64).filter(|count| *count > 0);
    Resource {
        id: Some(ecr.arn()),
        r#type: Some("AWS_ECR_CONTAINER_IMAGE".into()),
        details: Some(ResourceDetails {
            aws_ecr_container_image: Some(AwsEcrContainerImageDetails {
                architecture: ecr.architecture.map(String::from),
                image_hash: Some(image.digest.clone()),
                image_tags: Some(image.tags.clone()),
                in_use_count,
                last_in_use_at: uses.iter().map(|used| used.reported_at).max().map(Epoch),
                platform: ecr.platform.map(String::from),
                pushed_at: Some(image.pushed_at.into()),
                registry: Some(asked.cx.account),
                repository_name: Some(repository.name.clone()),
                ..AwsEcrContainerImageDetails::default()
            }),
        }),
        tags: None,
    }
}
