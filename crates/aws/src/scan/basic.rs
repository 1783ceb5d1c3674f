use super::{page_of, severity};
use crate::model::{Attribute, ImageScanFinding};
use gantry_scan::Finding;

/// Shows a finding as `BASIC` scanning does.
pub(super) fn show(finding: &Finding) -> ImageScanFinding {
    let is_second = finding.cvss_vector.as_deref().is_some_and(|vector| !vector.starts_with("CVSS:"));
    let (vector_key, score_key) =
        if is_second { ("CVSS2_VECTOR", "CVSS2_SCORE") } else { ("CVSS3_VECTOR", "CVSS3_SCORE") };
    let attributes = [
        ("package_version", Some(finding.package.version.clone())),
        ("package_name", Some(finding.package.name.clone())),
        (vector_key, finding.cvss_vector.clone()),
        (score_key, finding.cvss_score.map(|score| format!("{score:.1}"))),
        ("fixed_version", finding.fixed_version.clone()),
    ];
    let attributes =
        attributes.into_iter().filter_map(|(key, value)| Some(Attribute { key: key.into(), value: Some(value?) }));
    let description = if finding.description.is_empty() { &finding.title } else { &finding.description };
    ImageScanFinding {
        name: Some(finding.id.clone()),
        description: Some(description.clone()).filter(|text| !text.is_empty()),
        uri: page_of(finding),
        severity: Some(severity(finding.severity)),
        attributes: Some(attributes.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::{Package, PackageType, Severity};

    #[test]
    fn a_finding_names_package_version_and_score_as_ecr_does() {
        let finding = Finding {
            severity: Severity::High,
            cvss_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".into()),
            cvss_score: Some(7.5),
            fixed_version: Some("3.0.13-1~deb12u1".into()),
            ..Finding::new("CVE-2023-5678", Package::new(PackageType::Deb, "libssl3", "3.0.11-1~deb12u2"))
        };

        let shown = serde_json::to_value(show(&finding)).unwrap();

        let attribute = |key: &str, value: &str| serde_json::json!({ "key": key, "value": value });
        assert_eq!(shown["name"], "CVE-2023-5678");
        assert_eq!(shown["uri"], "https://www.cve.org/CVERecord?id=CVE-2023-5678");
        let expected = [
            attribute("package_version", "3.0.11-1~deb12u2"),
            attribute("package_name", "libssl3"),
            attribute("CVSS3_VECTOR", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"),
            attribute("CVSS3_SCORE", "7.5"),
            attribute("fixed_version", "3.0.13-1~deb12u1"),
        ];
        assert_eq!(shown["attributes"], serde_json::json!(expected));
    }
}
