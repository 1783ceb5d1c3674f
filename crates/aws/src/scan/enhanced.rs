use super::{Asked, page_of};
use crate::model::{
    AwsEcrContainerImageDetails, CvssScore, CvssScoreDetails, EnhancedImageScanFinding, Epoch,
    PackageVulnerabilityDetails, Recommendation, Remediation, Resource, ResourceDetails, ScoreDetails,
    VulnerablePackage,
};
use gantry_findings::Scan;
use gantry_scan::{Finding, Package, PackageType};

/// Shows a finding as `ENHANCED` scanning does (Amazon Inspector's finding), with the digest of the layer that brought the package.
pub(super) fn show(
    asked: &Asked<'_>,
    scan: &Scan,
    finding: &Finding,
    source_layer: Option<String>,
) -> EnhancedImageScanFinding {
    let observed = scan.finished_at.map(Epoch);
    let moment = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).map(Epoch);
    let package = &finding.package;
    EnhancedImageScanFinding {
        aws_account_id: Some(asked.cx.account),
        description: Some(finding.description.clone()),
        exploit_available: Some(if finding.known_exploited { "YES" } else { "NO" }.into()),
        finding_arn: Some(arn(asked, finding)),
        first_observed_at: observed,
        fix_available: Some(if finding.fixed_version.is_some() { "YES" } else { "NO" }.into()),
        last_observed_at: observed,
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
        resources: Some(vec![resource(asked)]),
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
        updated_at: observed,
    }
}

/// A name that stays while image, flaw and package do.
fn arn(asked: &Asked<'_>, finding: &Finding) -> String {
    let (region, account, package) = (&asked.site.region, asked.cx.account, &finding.package);
    let hash = asked.image.digest.rsplit(':').next().unwrap_or_default();
    format!(
        "arn:aws:inspector2:{region}:{account}:finding/{}/{}/{}/{}",
        hash.get(..16).unwrap_or(hash),
        finding.id,
        package.name.replace('/', "."),
        package.version
    )
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
    let package = &finding.package;
    let (epoch, rest) = match package.version.split_once(':') {
        Some((epoch, rest)) if package.kind.is_distribution() => (epoch.parse().unwrap_or(0), rest),
        _ => (0, package.version.as_str()),
    };
    let (version, release) = match rest.rsplit_once('-') {
        Some((version, release)) if package.kind.is_distribution() => (version, Some(release.to_owned())),
        _ => (rest, None),
    };
    VulnerablePackage {
        arch: package.architecture.clone(),
        epoch: Some(epoch),
        file_path: finding.paths.first().cloned(),
        fixed_in_version: finding.fixed_version.clone().or_else(|| Some("NotAvailable".into())),
        name: Some(package.name.clone()),
        package_manager: Some(manager(package).into()),
        release,
        source_layer_hash,
        version: Some(version.into()),
    }
}

/// Inspector's word for what installs a package.
fn manager(package: &Package) -> &'static str {
    match package.kind {
        PackageType::Apk | PackageType::Deb | PackageType::Rpm => "OS",
        PackageType::Bitnami => "OTHER",
        PackageType::Cargo => "CARGO",
        PackageType::Composer => "COMPOSER",
        PackageType::Gem => "BUNDLER",
        PackageType::Golang => "GOBINARY",
        PackageType::Maven => "JAR",
        PackageType::Npm => "NPM",
        PackageType::Nuget => "NUGET",
        PackageType::Pypi => "PIP",
    }
}

fn resource(asked: &Asked<'_>) -> Resource {
    let (image, repository) = (asked.image, asked.repository);
    let arn = crate::repository::arn(asked.site, asked.cx.account, &repository.name);
    Resource {
        id: Some(format!("{arn}/{}", image.digest)),
        r#type: Some("AWS_ECR_CONTAINER_IMAGE".into()),
        details: Some(ResourceDetails {
            aws_ecr_container_image: Some(AwsEcrContainerImageDetails {
                image_hash: Some(image.digest.clone()),
                image_tags: Some(image.tags.clone()),
                pushed_at: Some(image.pushed_at.into()),
                registry: Some(asked.cx.account),
                repository_name: Some(repository.name.clone()),
                ..AwsEcrContainerImageDetails::default()
            }),
        }),
        tags: None,
    }
}
