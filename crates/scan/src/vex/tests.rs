use super::*;
use crate::{Evidence, FixState, PackageType, Severity, SourcePackage};

const IMAGE: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn finding(id: &str) -> Finding {
    let source = SourcePackage { name: "openssl".into(), version: "3.0.11-1".into() };
    Finding {
        id: id.into(),
        aliases: Vec::new(),
        package: Package {
            source: Some(source),
            architecture: Some("amd64".into()),
            ..Package::new(PackageType::Deb, "libssl3", "3.0.11-1")
        },
        paths: Vec::new(),
        fixed_version: None,
        fix_state: FixState::NotFixed,
        severity: Severity::High,
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
        evidence: Evidence { source: "Debian:12".into(), ..Evidence::default() },
        suppressed: None,
    }
}

fn say(status: Status, product: &str, time: &str) -> Statement {
    Statement {
        vulnerability: "CVE-1".into(),
        aliases: Vec::new(),
        products: Product::parse(product).into_iter().collect(),
        status,
        justification: Some("code_not_present".into()),
        author: None,
        time: Some(time.parse().unwrap()),
    }
}

fn apply(findings: &mut [Finding], statements: &[Statement], image: &str) {
    Lookup::new(vec![Arc::new(statements.to_vec())]).apply(findings, image);
}

fn suppressed(statements: &[Statement], image: &str) -> Option<String> {
    let mut findings = [finding("CVE-1")];
    apply(&mut findings, statements, image);
    let [finding] = findings;
    finding.suppressed
}

const JANUARY: &str = "2024-01-01T00:00:00Z";
const MARCH: &str = "2024-03-01T00:00:00Z";

#[test]
fn openvex_is_read() {
    let statements = read("vex.json", include_bytes!("../../fixtures/vex/openvex.json")).unwrap();

    insta::assert_debug_snapshot!(statements);
}

#[test]
fn cyclonedx_is_read() {
    let statements = read("vex.cdx.json", include_bytes!("../../fixtures/vex/cyclonedx.json")).unwrap();

    insta::assert_debug_snapshot!(statements);
}

#[test]
fn csaf_is_read() {
    let statements = read("csaf.json", include_bytes!("../../fixtures/feeds/csaf.json")).unwrap();

    let told: Vec<_> = statements
        .iter()
        .map(|one| (one.status, one.products.len(), one.justification.as_deref(), one.author.as_deref()))
        .collect();
    let author = Some("Example Security");
    assert_eq!(
        told,
        [
            (Status::Fixed, 6, None, author),
            (Status::Affected, 2, None, author),
            (Status::NotAffected, 1, Some("vulnerable_code_not_present"), author),
        ]
    );
}

#[test]
fn a_statement_of_a_package_in_an_image_holds_only_there() {
    let statements = read("vex.json", include_bytes!("../../fixtures/vex/openvex.json")).unwrap();
    let mut here = [finding("CVE-2023-0464"), finding("CVE-2023-0466")];
    let mut there = here.clone();

    apply(&mut here, &statements, IMAGE);
    apply(&mut there, &statements, OTHER);

    let reason = "VEX: not affected: vulnerable_code_not_in_execute_path, says Example Security";
    assert_eq!(here[0].suppressed.as_deref(), Some(reason));
    assert_eq!(here[1].suppressed, None);
    assert_eq!(there[0].suppressed, None);
}

#[test]
fn the_newest_statement_about_a_product_counts() {
    let not = |time| say(Status::NotAffected, "pkg:deb/debian/libssl3", time);
    let affected = |time| say(Status::Affected, "pkg:deb/debian/libssl3", time);

    assert_eq!(
        suppressed(&[not(MARCH), affected(JANUARY)], IMAGE).as_deref(),
        Some("VEX: not affected: code_not_present")
    );
    assert_eq!(suppressed(&[not(JANUARY), affected(MARCH)], IMAGE), None);
    assert_eq!(
        suppressed(&[affected(MARCH), not(MARCH)], IMAGE).as_deref(),
        Some("VEX: not affected: code_not_present")
    );
}

#[test]
fn a_statement_is_of_the_products_that_it_names() {
    for (product, is_of) in [
        ("pkg:deb/debian/libssl3", true),
        ("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12", true),
        ("pkg:deb/debian/libssl3@3.0.11-2", false),
        ("pkg:deb/debian/libssl3?arch=arm64", false),
        ("pkg:deb/debian/openssl@3.0.11-1?arch=source", true),
        ("pkg:deb/debian/openssl@3.0.11-1", false),
        ("pkg:deb/debian/libssl3?distro=debian-12", true),
        ("pkg:deb/debian/libssl3?distro=debian-11", false),
        ("pkg:deb/debian/libssl3?distro=debian-1", false),
        ("pkg:deb/ubuntu/libssl3", false),
        ("pkg:npm/libssl3", false),
        (IMAGE, true),
        (OTHER, false),
        (&format!("pkg:oci/app@{IMAGE}?repository_url=example.com/app"), true),
    ] {
        let reason = suppressed(&[say(Status::Fixed, product, JANUARY)], IMAGE);

        assert_eq!(reason.is_some(), is_of, "{product}");
    }
}

#[test]
fn a_statement_without_a_product_that_can_be_found_suppresses_nothing() {
    assert_eq!(Product::parse("Example Server 2"), None);
    assert_eq!(suppressed(&[say(Status::Fixed, "Example Server 2", JANUARY)], IMAGE), None);
}

#[test]
fn a_finding_is_known_by_its_other_ids_too() {
    let statement = Statement { aliases: vec!["GHSA-1".into()], ..say(Status::Fixed, IMAGE, JANUARY) };
    let mut findings = [Finding { aliases: vec!["GHSA-1".into()], ..finding("PYSEC-1") }];

    apply(&mut findings, &[statement], IMAGE);

    assert!(findings[0].suppressed.is_some());
}

#[test]
fn what_is_suppressed_already_keeps_its_reason() {
    let mut findings = [Finding { suppressed: Some("an exception".into()), ..finding("CVE-1") }];

    apply(&mut findings, &[say(Status::NotAffected, IMAGE, JANUARY)], IMAGE);

    assert_eq!(findings[0].suppressed.as_deref(), Some("an exception"));
}

#[test]
fn a_broken_document_is_refused_with_its_place() {
    for (text, place) in [
        (
            r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"maybe"}]}"#,
            "v: statements[0].status: ",
        ),
        (
            r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"fixed","timestamp":"yesterday"}]}"#,
            "v: statements[0]: `yesterday` is no time",
        ),
        (
            r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{},"status":"fixed"}]}"#,
            "v: statements[0]: the vulnerability has no name",
        ),
        (
            r#"{"bomFormat":"CycloneDX","vulnerabilities":[{"analysis":{"state":"resolved"}}]}"#,
            "v: vulnerabilities[0]: it has no id",
        ),
        (r#"{"document":{"tracking":{}},"vulnerabilities":[{}]}"#, "v: vulnerabilities[0]: it has no id"),
        ("{}", "v: the document: it is neither"),
        ("", "v: "),
    ] {
        let refusal = read("v", text.as_bytes()).unwrap_err().to_string();

        assert!(refusal.starts_with(place), "{refusal}");
    }
}

#[test]
fn what_hangs_on_an_image_counts_where_nothing_else_speaks_of_the_flaw() {
    let lookup = |statements: &[Statement]| Lookup::new(vec![Arc::new(statements.to_vec())]);
    let borne = lookup(&[say(Status::NotAffected, IMAGE, MARCH)]);
    let suppressed = |uploaded: &[Statement], image: &str| {
        let mut findings = [finding("CVE-1")];
        lookup(uploaded).apply_beside(&borne, &mut findings, image);
        let [finding] = findings;
        finding.suppressed
    };

    assert_eq!(suppressed(&[], IMAGE).as_deref(), Some("VEX: not affected: code_not_present"));
    assert_eq!(suppressed(&[], OTHER), None);
    assert_eq!(suppressed(&[say(Status::Affected, "pkg:deb/debian/libssl3", JANUARY)], IMAGE), None);
}

#[test]
fn an_uploaded_document_says_nothing_of_what_it_hangs_on_or_of_a_repository() {
    for product in ["", r#""products": [{"@id": "pkg:oci/app"}],"#, r#""subcomponents": [{"@id": "pkg:npm/a"}],"#] {
        let document = format!(
            r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
                {{"vulnerability": {{"name": "CVE-1"}}, {product} "status": "fixed"}}]}}"#
        );

        let statements = read("vex", document.as_bytes()).unwrap();

        assert_eq!(statements[0].products, [], "{product}");
    }
}
