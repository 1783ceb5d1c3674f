use super::*;
use crate::{
    Confidence, Distribution, Evidence, ExposedSecret, FixState, Installed, LayerSecret, PackageType, SourcePackage,
};

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
        build_steps: vec!["ADD file:2f9a in /".into(), "COPY package.json .".into(), "RUN npm ci".into()],
        ..Inventory::default()
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
        epss: Some(0.94358),
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
fn secrets_in_sarif_have_a_rule_for_each_kind() {
    let secret = |rule: &str, path: &str| LayerSecret {
        secret: ExposedSecret {
            rule: rule.into(),
            title: format!("A {rule}"),
            severity: Severity::High,
            confidence: Confidence::High,
            path: path.into(),
            line: 3,
            preview: "ghp_…".into(),
            fingerprint: "00112233445566aa".into(),
        },
        layer: 1,
        is_deleted: path.ends_with("old"),
    };
    let secrets = [secret("token", "app/.env"), secret("key", "app/key"), secret("token", "app/old")];
    let mut document = sarif::write(&IMAGE, None, &[]);

    sarif::add_secrets(&mut document, &IMAGE, &secrets);

    insta::assert_json_snapshot!(document["runs"][0]["tool"]["driver"]["rules"]);
    insta::assert_json_snapshot!(document["runs"][0]["results"]);
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

const TAGS: &[String] = &[];

fn ecr_image() -> EcrImage<'static> {
    EcrImage {
        account: "123456789012",
        region: "eu-central-1",
        repository: "team/app",
        digest: IMAGE.digest,
        tags: TAGS,
        architecture: Some("amd64"),
        platform: None,
        pushed_at: "2026-11-25T18:02:30Z",
    }
}

const OCCASION: events::Occasion<'static> =
    events::Occasion { id: "0c18352a-a4d4-6853-ef53-0ab8638973bf", time: "2026-11-26T10:00:00Z" };

#[test]
fn findings_for_security_hub() {
    let first_seen = |_: &Finding| "2026-11-25T18:02:31Z".to_owned();

    insta::assert_json_snapshot!(asff::write(&ecr_image(), &findings(), first_seen, IMAGE.created));
}

#[test]
fn an_event_of_a_scan_counts_what_is_not_suppressed() {
    let event = events::image_scan(&ecr_image(), &findings(), events::ScanOutcome::Complete, &OCCASION);

    insta::assert_json_snapshot!(event);
}

#[test]
fn an_event_of_a_first_scan_counts_all_together_too() {
    let event = events::initial_scan(&ecr_image(), &findings(), &OCCASION);

    assert_eq!(event["detail"]["finding-severity-counts"], serde_json::json!({"HIGH": 1, "TOTAL": 1}));
    assert_eq!(event["detail-type"], "Inspector2 Scan");
}

#[test]
fn an_event_of_a_finding() {
    let status = events::FindingStatus::Active;

    let event = events::finding(&ecr_image(), &findings()[0], status, "2026-11-25T18:02:31Z", &OCCASION);

    insta::assert_json_snapshot!(event);
}

#[test]
fn a_finding_has_the_same_arn_in_every_document() {
    let image = ecr_image();
    let hub = asff::write(&image, &findings(), |_| IMAGE.created.to_owned(), IMAGE.created);
    let event = events::finding(&image, &findings()[0], events::FindingStatus::Closed, IMAGE.created, &OCCASION);

    assert_eq!(hub[0]["Id"], event["detail"]["findingArn"]);
    assert_eq!(event["detail"]["status"], "CLOSED");
    assert_ne!(hub[0]["Id"], hub[1]["Id"]);
}

#[test]
fn versions_of_a_distribution_are_split_and_others_are_not() {
    let parts = |package: Package| {
        let finding = Finding { paths: Vec::new(), ..finding(package) };
        let all = aws::vulnerable_packages(&finding, aws::Case::Lower);
        ["epoch", "version", "release"].map(|key| all[0][key].to_string())
    };

    let rpm = Package::new(PackageType::Rpm, "openssl", "1:3.0.7-24.el9");
    assert_eq!(parts(rpm), ["1", "\"3.0.7\"", "\"24.el9\""]);
    assert_eq!(parts(Package::new(PackageType::Apk, "zlib", "1.2.13-r0")), ["null", "\"1.2.13\"", "\"r0\""]);
    assert_eq!(parts(Package::new(PackageType::Npm, "a", "1.0.0-rc.1")), ["null", "\"1.0.0-rc.1\"", "null"]);
}

#[test]
fn what_installs_a_package_is_told_in_the_words_of_inspector() {
    let cases = [
        (PackageType::Deb, Some("var/lib/dpkg/status"), Some("OS")),
        (PackageType::Pypi, Some("opt/app/left_pad-1.0.dist-info/METADATA"), Some("PYTHONPKG")),
        (PackageType::Pypi, Some("app/requirements.txt"), Some("PIP")),
        (PackageType::Npm, Some("app/node_modules/a/package.json"), Some("NODEPKG")),
        (PackageType::Npm, Some("app/yarn.lock"), Some("YARN")),
        (PackageType::Gem, Some("app/Gemfile.lock"), Some("BUNDLER")),
        (PackageType::Nuget, Some("app/shop.deps.json"), Some("DOTNET_CORE")),
        (PackageType::Nuget, None, Some("NUGET")),
        (PackageType::Bitnami, None, None),
    ];

    for (kind, path, word) in cases {
        assert_eq!(package_manager(kind, path), word, "{kind:?} {path:?}");
    }
}

/// `PackageManager` of Inspector's API (2020-06-08), as botocore publishes it.
const PACKAGE_MANAGERS: [&str; 18] = [
    "BUNDLER",
    "CARGO",
    "COMPOSER",
    "NPM",
    "NUGET",
    "PIPENV",
    "POETRY",
    "YARN",
    "GOBINARY",
    "GOMOD",
    "JAR",
    "OS",
    "PIP",
    "PYTHONPKG",
    "NODEPKG",
    "POM",
    "GEMSPEC",
    "DOTNET_CORE",
];

#[test]
fn no_package_manager_is_told_that_inspector_does_not_have() {
    let paths =
        ["Gemfile.lock", "package-lock.json", "yarn.lock", "Pipfile.lock", "poetry.lock", "requirements.txt", "a"];

    for kind in PackageType::ALL {
        let words = paths.iter().filter_map(|path| package_manager(*kind, Some(*path)));
        let unknown: Vec<_> = words.filter(|word| !PACKAGE_MANAGERS.contains(word)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{kind:?}");
    }
}

#[test]
fn the_arn_of_a_finding_ends_with_32_hexadecimal_digits() {
    let arn = ecr_image().finding_arn(&findings()[0]);

    let name = arn.strip_prefix("arn:aws:inspector2:eu-central-1:123456789012:finding/").unwrap();
    assert_eq!((name.len(), name.bytes().all(|byte| b"0123456789abcdef".contains(&byte))), (32, true), "{arn}");
}

#[test]
fn a_release_is_told_in_the_words_of_inspector() {
    let of = |id: &str, version: &str| {
        platform_of(&crate::Distribution { id: id.into(), version: version.into(), ..crate::Distribution::default() })
    };

    let told =
        [of("debian", "12"), of("ubuntu", "22.04"), of("alpine", "3.19.1"), of("amzn", "2"), of("opensuse-leap", "")];
    assert_eq!(told, ["DEBIAN_12", "UBUNTU_22_04", "ALPINE_LINUX_3_19", "AMAZON_LINUX_2", "OPENSUSE_LEAP"]);
}

#[test]
fn a_time_is_cut_to_whole_seconds() {
    assert_eq!(whole_seconds("2026-11-26T15:06:50.713Z"), "2026-11-26T15:06:50Z");
    assert_eq!(whole_seconds("2026-11-26T15:06:50Z"), "2026-11-26T15:06:50Z");
}
