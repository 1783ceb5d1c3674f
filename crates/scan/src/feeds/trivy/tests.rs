use super::*;
use crate::VersionScheme;
use flate2::{Compression, write::GzEncoder};

const DATABASE: &[u8] = include_bytes!("../../../fixtures/trivy/trivy.db");

fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn find(id: &str, source: &str, package: &str) -> Vec<Affected> {
    let advisories = read("trivy.db", DATABASE).unwrap();
    let advisory = advisories.into_iter().find(|advisory| advisory.id == id).unwrap();
    let is_it = |one: &Affected| one.source.to_string() == source && one.package == package;
    advisory.affected.into_iter().filter(is_it).collect()
}

fn range(from: Option<&str>, until: Until) -> Range {
    Range { from: from.map(str::to_owned), until }
}

#[test]
fn what_all_sources_say_of_a_vulnerability_is_one_advisory() {
    let advisories = read("trivy.db", DATABASE).unwrap();

    let advisory = advisories.iter().find(|advisory| advisory.id == "CVE-2023-5363").unwrap();
    let sources: Vec<_> = advisory.affected.iter().map(|affected| affected.source.to_string()).collect();
    let expected = ["Red Hat:9", "Red Hat:rhel_eus:9.2::baseos", "AlmaLinux:9", "Alpine:v3.17", "Debian:12"];
    assert_eq!(sources, expected);
    assert_eq!(advisory.title, "openssl: Incorrect cipher key and IV length processing");
    assert_eq!(advisory.related, ["ALSA-2023:6779", "RHSA-2024:0310"]);
    let ratings: Vec<_> = advisory.ratings.iter().map(|one| (one.source.as_str(), one.severity, one.score)).collect();
    assert_eq!(ratings, [("nvd", Some(Severity::High), Some(7.5)), ("redhat", Some(Severity::Low), None)]);
}

#[test]
fn a_word_counts_for_packages_of_whose_it_is() {
    let own = |source: &str| find("CVE-2023-5363", source, "openssl")[0].severity;

    assert_eq!(
        [own("Red Hat:9"), own("AlmaLinux:9"), own("Debian:12")],
        [Some(Severity::Low), None, Some(Severity::Medium)]
    );
}

#[test]
fn a_distributions_states_are_told_apart() {
    let state = |id: &str, source: &str, package: &str| {
        let found = find(id, source, package);
        found.into_iter().map(|one| (one.standing, one.ranges)).collect::<Vec<_>>()
    };
    let fixed = |version: &str| vec![range(None, Until::Fixed(version.into()))];

    for (id, source, package, expected) in [
        ("CVE-2023-5363", "Debian:12", "openssl", (Standing::Affected, fixed("3.0.11-1~deb12u2"))),
        ("CVE-2007-6755", "Debian:12", "openssl", (Standing::WontFix, vec![Range::default()])),
        ("CVE-2024-0001", "Debian:12", "chromium", (Standing::EndOfLife, vec![Range::default()])),
        ("CVE-2023-6992", "Alpine:v3.17", "zlib", (Standing::NotAffected, vec![])),
        ("CVE-2022-00119", "Ubuntu:22.04", "linux", (Standing::Affected, fixed("5.15.0-119.1"))),
        ("CVE-2023-5363", "Red Hat:9", "openssl", (Standing::Affected, fixed("1:3.0.7-25.el9_3"))),
        ("CVE-2024-0002", "Red Hat:9", "nodejs", (Standing::Deferred, vec![Range::default()])),
    ] {
        assert_eq!(state(id, source, package), [expected], "{id} {source} {package}");
    }
    assert_eq!(find("CVE-2024-0002", "Red Hat:9", "nodejs")[0].module_streams, ["nodejs:18"]);
}

#[test]
fn a_languages_constraints_are_ranges() {
    let lodash = find("CVE-2021-23337", "npm", "lodash");

    let expected =
        [range(Some("4.0.0"), Until::Fixed("4.17.21".into())), range(Some("3.9.0"), Until::Last("3.9.0".into()))];
    assert_eq!(lodash[0].ranges, expected);
}

#[test]
fn what_lies_between_versions_without_the_flaw_is_affected() {
    let rack = find("CVE-2022-30122", "RubyGems", "rack");

    let expected =
        [range(Some("1.0.0"), Until::Fixed("1.2.3".into())), range(Some("1.3"), Until::Fixed("1.4.0".into()))];
    assert_eq!(rack[0].ranges, expected);
}

#[test]
fn constraints_are_read_in_all_their_ways() {
    let one = |text: &str| {
        constraint::ranges(&[text.to_owned()])
            .map(|ranges| ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
    };

    for (text, expected) in [
        (">=1.0, <2.0", ">=1.0, <2.0"),
        (">= 1.0 < 2.0", ">=1.0, <2.0"),
        ("<2", "<2"),
        ("<=2", "<=2"),
        (">1", ">=1"),
        (">=0.0.0-0, <1.2.3", "<1.2.3"),
        ("= 1.5", ">=1.5, <=1.5"),
        ("1.5", ">=1.5, <=1.5"),
        ("~> 2.3", ">=2.3, <3"),
        ("~> 2.3.4", ">=2.3.4, <2.4"),
        ("<1 || >=2, <3", "<1 or >=2, <3"),
        ("[1.0,2.0)", ">=1.0, <2.0"),
        ("(,1.5]", "<=1.5"),
        ("[1.0]", ">=1.0, <=1.0"),
        ("(,)", "all versions"),
    ] {
        assert_eq!(one(text).as_deref(), Ok(expected), "{text}");
    }
    for text in ["!=1", ">=", "[1,2", "[1,2,3)", ">= , <2", "~> x"] {
        assert!(one(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_version_is_refused() {
    let texts = [">= @".to_owned(), ">= 1".to_owned()];

    let refusal = constraint::outside(&texts, VersionScheme::Gem);

    assert!(refusal.is_err_and(|reason| reason.ends_with("is no version")));
}

#[test]
fn the_artifacts_layer_is_read() {
    let metadata = br#"{"Version":2,"NextUpdate":"2026-11-26T18:00:00Z","UpdatedAt":"2026-11-26T12:00:00Z","DownloadedAt":"0001-01-01T00:00:00Z"}"#;

    let (said, advisories) =
        read_layer("db.tar.gz", &layer(&[("trivy.db", DATABASE), ("metadata.json", metadata)])).unwrap();

    assert_eq!(said.updated_at.as_deref(), Some("2026-11-26T12:00:00Z"));
    assert_eq!(advisories, read("trivy.db", DATABASE).unwrap());
}

#[test]
fn a_layer_of_another_schema_or_without_its_parts_is_refused() {
    for (files, reason) in [
        (vec![("metadata.json", br#"{"Version":3}"#.as_slice())], "its schema is 3"),
        (vec![("metadata.json", br#"{"Version":2}"#.as_slice())], "trivy.db: the archive lacks it"),
        (vec![("trivy.db", DATABASE)], "metadata.json: the archive lacks it"),
        (vec![("trivy.db", b"no".as_slice())], "it is no bbolt file"),
    ] {
        let refusal = read_layer("db.tar.gz", &layer(&files)).unwrap_err().to_string();

        assert!(refusal.contains(reason), "{refusal}");
    }
}
