use super::*;
use crate::{Distribution, Evidence, FixState, Installed, PackageType, SourcePackage};

const IMAGE: Image<'static> = Image {
    reference: "registry.example.com/team/app:v1",
    digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    created: "2026-11-26T10:00:00Z",
};

fn openssl() -> Package {
    Package {
        source: Some(SourcePackage { name: "openssl".into(), version: "3.0.11-1".into() }),
        architecture: Some("amd64".into()),
        vendor: Some("Debian OpenSSL Team <pkg-openssl@example.org>".into()),
        licences: vec!["Apache-2.0".into(), "Artistic or GPL-1+".into()],
        ..Package::new(PackageType::Deb, "libssl3", "3.0.11-1")
    }
}

fn lodash() -> Package {
    Package { licences: vec!["MIT OR Apache-2.0".into()], ..Package::new(PackageType::Npm, "@types/lodash", "4.17.1") }
}

fn inventory() -> Inventory {
    let at = |package, path: &str, layer| Installed { package, path: path.into(), layer };
    Inventory {
        distribution: Some(Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() }),
        packages: vec![
            at(openssl(), "var/lib/dpkg/status", 0),
            at(lodash(), "app/a b/node_modules/@types/lodash/package.json", 2),
            at(lodash(), "app/node_modules/@types/lodash/package.json", 1),
        ],
        complaints: Vec::new(),
    }
}

fn finding(package: Package) -> Finding {
    Finding {
        id: "CVE-2024-0001".into(),
        aliases: vec!["GHSA-aaaa-bbbb-cccc".into()],
        package,
        paths: vec!["var/lib/dpkg/status".into()],
        fixed_version: Some("3.0.12-1".into()),
        fix_state: FixState::Fixed,
        severity: Severity::High,
        severity_source: Some("nvd".into()),
        cvss_vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".into()),
        cvss_score: Some(7.5),
        title: "A flaw".into(),
        description: "A longer text about it.".into(),
        references: vec!["https://example.org/1".into()],
        published: Some("2024-01-02T00:00:00Z".into()),
        modified: None,
        epss: Some(0.25),
        known_exploited: true,
        evidence: Evidence { source: "Debian:12".into(), ..Evidence::default() },
        suppressed: None,
    }
}

fn findings() -> Vec<Finding> {
    let other = Finding {
        id: "EXAMPLE-1".into(),
        aliases: Vec::new(),
        fixed_version: None,
        fix_state: FixState::NotFixed,
        severity: Severity::Undefined,
        severity_source: None,
        cvss_vector: None,
        cvss_score: None,
        references: Vec::new(),
        epss: None,
        known_exploited: false,
        suppressed: Some("not affected: the code is not there".into()),
        paths: vec![
            "app/a b/node_modules/@types/lodash/package.json".into(),
            "app/node_modules/@types/lodash/package.json".into(),
        ],
        ..finding(lodash())
    };
    vec![finding(openssl()), other]
}

#[test]
fn a_bill_of_materials_of_cyclonedx() {
    insta::assert_json_snapshot!(cyclonedx::write(&IMAGE, &inventory(), Some(&findings())));
}

#[test]
fn a_bill_of_materials_of_spdx() {
    insta::assert_json_snapshot!(spdx::write(&IMAGE, &inventory()));
}

#[test]
fn findings_as_sarif() {
    let inventory = inventory();

    insta::assert_json_snapshot!(sarif::write(&IMAGE, inventory.distribution.as_ref(), &findings()));
}

#[test]
fn a_bill_without_findings_says_nothing_of_vulnerabilities() {
    let without = cyclonedx::write(&IMAGE, &inventory(), None);
    let clean = cyclonedx::write(&IMAGE, &inventory(), Some(&[]));

    assert_eq!(without.get("vulnerabilities"), None);
    assert_eq!(clean["vulnerabilities"], serde_json::json!([]));
}

#[test]
fn packages_of_the_same_purl_are_told_apart() {
    let mut inventory = inventory();
    let twin = Package { sha1: Some("da39a3ee5e6b4b0d3255bfef95601890afd80709".into()), ..lodash() };
    inventory.packages.push(Installed { package: twin, path: "b".into(), layer: 1 });

    let ids: BTreeSet<_> = components(&inventory).into_iter().map(|component| component.id).collect();

    assert_eq!(ids.len(), 3);
}

#[test]
fn the_same_flaw_in_another_version_has_the_same_fingerprint_in_sarif() {
    let print = |finding: Finding| {
        sarif::write(&IMAGE, None, &[finding])["runs"][0]["results"][0]["partialFingerprints"].to_string()
    };
    let newer = Package { version: "3.0.11-2".into(), ..openssl() };
    let elsewhere = Finding { paths: vec!["var/lib/dpkg/status.d/libssl3".into()], ..finding(openssl()) };

    assert_eq!(print(finding(openssl())), print(finding(newer)));
    assert_ne!(print(finding(openssl())), print(elsewhere));
}

#[test]
fn a_finding_without_a_score_is_sorted_by_its_severity() {
    let score = |severity| {
        let finding = Finding { severity, cvss_score: None, ..finding(openssl()) };
        sarif::write(&IMAGE, None, &[finding])["runs"][0]["tool"]["driver"]["rules"][0]["properties"]
            ["security-severity"]
            .to_string()
    };

    assert_eq!(score(Severity::Critical), "\"9.5\"");
    assert_eq!(score(Severity::Low), "\"2.0\"");
}

#[test]
fn an_image_has_a_purl() {
    let of = |reference| Image { reference, ..IMAGE }.purl();
    let digest = IMAGE.digest;

    assert_eq!(
        of("registry.example.com:5000/team/App:v1"),
        format!("pkg:oci/app@{digest}?repository_url=registry.example.com:5000%2Fteam%2FApp&tag=v1")
    );
    assert_eq!(of("localhost:5000/app"), format!("pkg:oci/app@{digest}?repository_url=localhost:5000%2Fapp"));
    assert_eq!(
        of(&format!("example.com/app@{digest}")),
        format!("pkg:oci/app@{digest}?repository_url=example.com%2Fapp")
    );
}

#[test]
fn a_long_text_is_cut_between_characters() {
    assert_eq!(shorten("äöü", 3), "äöü");
    assert_eq!(shorten("äöüß", 3), "äö…");
}
