use super::*;
use crate::{Advisory, Affected, Range, Severity, Standing, Until};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

const DEBIAN: &[u8] = include_bytes!("../../fixtures/feeds/debian.json");
const SECDB: &[u8] = include_bytes!("../../fixtures/feeds/secdb.json");
const UPDATEINFO: &[u8] = include_bytes!("../../fixtures/feeds/updateinfo.xml");
const ALMALINUX: &[u8] = include_bytes!("../../fixtures/feeds/almalinux.json");
const CSAF: &[u8] = include_bytes!("../../fixtures/feeds/csaf.json");

fn find<'a>(advisories: &'a [Advisory], id: &str) -> &'a Advisory {
    advisories.iter().find(|advisory| advisory.id == id).unwrap()
}

fn of<'a>(advisory: &'a Advisory, source: &str, package: &str) -> Vec<&'a Affected> {
    let is_it = |one: &&Affected| one.source.to_string() == source && one.package == package;
    advisory.affected.iter().filter(is_it).collect()
}

fn fixed(version: &str) -> Vec<Range> {
    vec![Range { from: None, until: Until::Fixed(version.into()) }]
}

fn open() -> Vec<Range> {
    vec![Range::default()]
}

fn rocky() -> crate::KnowledgeSource {
    crate::KnowledgeSource::new("Rocky Linux", "9")
}

#[test]
fn debians_tracker_gives_one_advisory_for_each_vulnerability() {
    let advisories = debian::read("json", DEBIAN).unwrap();

    let ids: Vec<_> = advisories.iter().map(|advisory| advisory.id.as_str()).collect();
    let expected = ["DEBIAN-CVE-2007-6755", "DEBIAN-CVE-2022-28391", "DEBIAN-CVE-2023-5363", "TEMP-0000000-1E2F3A"];
    assert_eq!(ids, expected);
    assert_eq!(find(&advisories, "DEBIAN-CVE-2023-5363").upstream, ["CVE-2023-5363"]);
}

#[test]
fn debians_states_are_told_apart() {
    let advisories = debian::read("json", DEBIAN).unwrap();
    let state = |id: &str, source: &str, package: &str| {
        let affected = of(find(&advisories, id), source, package);
        affected.iter().map(|one| (one.standing, one.ranges.clone())).collect::<Vec<_>>()
    };

    for (id, source, package, expected) in [
        ("DEBIAN-CVE-2023-5363", "Debian:12", "openssl", vec![(Standing::Affected, fixed("3.0.11-1~deb12u2"))]),
        ("DEBIAN-CVE-2023-5363", "Debian:11", "openssl", vec![(Standing::NotAffected, vec![])]),
        ("DEBIAN-CVE-2023-5363", "Debian:sid", "openssl", vec![(Standing::Affected, fixed("3.0.12-1"))]),
        ("DEBIAN-CVE-2023-5363", "Debian:12", "busybox", vec![(Standing::Deferred, open())]),
        ("DEBIAN-CVE-2022-28391", "Debian:12", "busybox", vec![(Standing::WontFix, open())]),
        ("DEBIAN-CVE-2022-28391", "Debian:11", "busybox", vec![(Standing::Deferred, open())]),
        ("DEBIAN-CVE-2022-28391", "Debian:13", "busybox", vec![]),
        ("DEBIAN-CVE-2007-6755", "Debian:12", "openssl", vec![(Standing::Affected, open())]),
        ("TEMP-0000000-1E2F3A", "Debian:10", "webkitgtk", vec![(Standing::EndOfLife, open())]),
    ] {
        assert_eq!(state(id, source, package), expected, "{id} {source} {package}");
    }
}

#[test]
fn debians_urgency_is_a_severity_where_it_is_one() {
    let advisories = debian::read("json", DEBIAN).unwrap();
    let severity = |id: &str, source: &str, package: &str| of(find(&advisories, id), source, package)[0].severity;

    assert_eq!(severity("DEBIAN-CVE-2007-6755", "Debian:12", "openssl"), Some(Severity::Informational));
    assert_eq!(severity("DEBIAN-CVE-2023-5363", "Debian:12", "openssl"), None);
    assert_eq!(severity("DEBIAN-CVE-2023-5363", "Debian:sid", "openssl"), Some(Severity::Low));
    assert_eq!(find(&advisories, "DEBIAN-CVE-2023-5363").ratings[0].severity, Some(Severity::High));
}

#[test]
fn a_broken_record_of_debian_is_named() {
    for (text, place) in [
        (r#"{"a":{"CVE-1":{"releases":{"bookworm":{"status":"maybe"}}}}}"#, "json: a.CVE-1.releases.bookworm.status: "),
        (r#"{"a":{"CVE-1":{"releases":{"bookworm":{"status":"resolved"}}}}}"#, "json: a CVE-1 in bookworm: "),
        (r#"{"a":{}} x"#, "json: its end: "),
    ] {
        let refusal = debian::read("json", text.as_bytes()).unwrap_err().to_string();

        assert!(refusal.starts_with(place), "{refusal}");
    }
}

#[test]
fn alpines_database_names_what_a_version_mends() {
    let advisories = secdb::read("main.json", SECDB, "Alpine").unwrap();

    let advisory = find(&advisories, "ALPINE-CVE-2023-5363");
    assert_eq!(advisory.upstream, ["CVE-2023-5363"]);
    assert_eq!(of(advisory, "Alpine:v3.17", "openssl")[0].ranges, fixed("3.0.12-r0"));
    let never = of(find(&advisories, "ALPINE-CVE-2022-1292"), "Alpine:v3.17", "openssl")[0];
    assert_eq!((never.standing, never.ranges.len()), (Standing::NotAffected, 0));
}

#[test]
fn a_flaw_that_alpine_mended_twice_is_there_until_the_later_version() {
    let advisories = secdb::read("main.json", SECDB, "Alpine").unwrap();

    let affected = of(find(&advisories, "ALPINE-CVE-2023-0286"), "Alpine:v3.17", "openssl");

    assert_eq!(affected[0].ranges, [fixed("3.0.12-r0"), fixed("3.0.8-r0")].concat());
}

#[test]
fn several_ids_in_one_text_of_alpine_are_one_flaw() {
    let advisories = secdb::read("main.json", SECDB, "Wolfi").unwrap();

    assert_eq!(find(&advisories, "WOLFI-CVE-2019-14697").upstream, ["CVE-2019-14697", "GHSA-aaaa-bbbb-cccc"]);
    assert_eq!(find(&advisories, "WOLFI-CVE-2017-2616").upstream, ["CVE-2017-2616"]);
    assert_eq!(find(&advisories, "WOLFI-CVE-2022-33745").upstream, ["CVE-2022-33745", "XSA-408"]);
}

#[test]
fn an_errata_in_xml_names_its_flaws_and_builds() {
    let advisories = updateinfo::read("updateinfo.xml", UPDATEINFO, &rocky(), "rocky").unwrap();

    assert_eq!(advisories.len(), 1);
    let advisory = &advisories[0];
    assert_eq!(advisory.title, "Moderate: openssl & friends security update");
    assert_eq!(advisory.upstream, ["CVE-2023-0001", "CVE-2023-5363"]);
    assert_eq!(advisory.published.as_deref(), Some("2023-11-07T08:00:00Z"));
    assert_eq!(advisory.modified.as_deref(), Some("2023-11-08T00:00:00Z"));
    assert_eq!(advisory.ratings[0].severity, Some(Severity::Medium));
    let openssl = of(advisory, "Rocky Linux:9", "openssl");
    assert_eq!((openssl.len(), &openssl[0].ranges), (1, &fixed("1:3.0.7-24.el9")));
    assert_eq!(of(advisory, "Rocky Linux:9", "openssl-debuginfo").len(), 0);
}

#[test]
fn builds_of_an_errata_keep_their_architectures_where_these_differ() {
    let advisories = updateinfo::read("updateinfo.xml", UPDATEINFO, &rocky(), "rocky").unwrap();

    let fips = of(&advisories[0], "Rocky Linux:9", "fips");
    let openssl = of(&advisories[0], "Rocky Linux:9", "openssl");

    assert_eq!(fips.iter().map(|one| one.architectures[0].as_str()).collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert!(openssl[0].architectures.is_empty());
}

#[test]
fn a_modular_build_without_its_stream_is_left_out() {
    let advisories = updateinfo::read("updateinfo.xml", UPDATEINFO, &rocky(), "rocky").unwrap();

    assert_eq!(of(&advisories[0], "Rocky Linux:9", "mariadb").len(), 0);
    let nodejs = of(&advisories[0], "Rocky Linux:9", "nodejs");
    assert_eq!(nodejs[0].module_streams, ["nodejs:18"]);
}

#[test]
fn broken_xml_is_refused_with_its_place() {
    for (text, place) in [
        ("<updates><update></updates>", "u.xml: "),
        ("<metadata/>", "u.xml: the document: it should be <updates>"),
        ("<updates><update type=\"security\"/></updates>", "u.xml: update 0: it has no id"),
        (
            "<updates><update><id>A</id><pkglist><collection><package name=\"a\"/></collection></pkglist></update></updates>",
            "u.xml: A: a package lacks",
        ),
    ] {
        let refusal = updateinfo::read("u.xml", text.as_bytes(), &rocky(), "rocky").unwrap_err().to_string();

        assert!(refusal.starts_with(place), "{refusal}");
    }
}

#[test]
fn an_errata_of_almalinux_knows_its_modules() {
    let advisories = almalinux::read("errata.full.json", ALMALINUX, "9").unwrap();

    assert_eq!(advisories.len(), 1);
    let stream = |package: &str| of(&advisories[0], "AlmaLinux:9", package)[0].module_streams.join(" ");
    assert_eq!([stream("nodejs"), stream("npm"), stream("openssl")], ["nodejs:18", "nodejs:18", ""]);
    assert_eq!(advisories[0].upstream, ["CVE-2023-44487"]);
    assert_eq!(advisories[0].published.as_deref(), Some("2023-11-07T08:00:00Z"));
    let nodejs = of(&advisories[0], "AlmaLinux:9", "nodejs");
    assert_eq!(nodejs[0].ranges, fixed("1:18.18.2-2.module_el9.2.0+36+853e48f5"));
}

#[test]
fn red_hat_speaks_of_each_cpe_by_itself() {
    let advisories = read_csaf("cve-2023-5363.json", CSAF).unwrap();

    let advisory = find(&advisories, "CVE-2023-5363");
    let state = |source: &str, package: &str| {
        let affected = of(advisory, source, package);
        affected.iter().map(|one| (one.standing, one.ranges.clone())).collect::<Vec<_>>()
    };
    for (source, package, expected) in [
        ("Red Hat:9", "openssl-libs", vec![(Standing::Affected, fixed("1:3.0.7-27.el9"))]),
        ("Red Hat:rhel_eus:9.2::baseos", "openssl-libs", vec![(Standing::Affected, fixed("1:3.0.7-27.el9"))]),
        ("Red Hat:9", "openssl", vec![]),
        ("Red Hat:8", "openssl", vec![(Standing::Deferred, open())]),
        ("Red Hat:6", "openssl", vec![(Standing::EndOfLife, open())]),
        ("Red Hat:8", "shim", vec![(Standing::NotAffected, vec![])]),
    ] {
        assert_eq!(state(source, package), expected, "{source} {package}");
    }
    assert_eq!(of(advisory, "Red Hat:9", "nodejs")[0].module_streams, ["nodejs:18"]);
    assert_eq!(advisory.ratings[0].severity, Some(Severity::Medium));
    assert_eq!(advisory.ratings[0].vector.as_deref(), Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"));
}

#[test]
fn an_archive_of_documents_is_read_whole_or_refused_with_the_file() {
    let archive = |content: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, "2023/cve-2023-5363.json", content).unwrap();
        zstd::encode_all(builder.into_inner().unwrap().as_slice(), 1).unwrap()
    };

    let read = read_csaf("vex.tar.zst", &archive(CSAF)).unwrap();
    let refusal = read_csaf("vex.tar.zst", &archive(b"{}")).unwrap_err().to_string();

    assert_eq!(read, read_csaf("one", CSAF).unwrap());
    assert!(refusal.starts_with("2023/cve-2023-5363.json: "), "{refusal}");
}

#[test]
fn what_unpacks_to_more_than_the_limit_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 100_000]).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(vec![0; 100_000].as_slice(), 1).unwrap();

    let xz = include_bytes!("../../fixtures/feeds/zeros.xz").to_vec();

    for bytes in [&gzip, &xz, &zstd, &vec![0; 1000]] {
        assert!(matches!(packed::unpack("a", bytes, 999), Err(FeedError::TooLarge { bytes_max: 999, .. })));
        assert!(packed::unpack("a", bytes, 100_000).is_ok());
    }
    assert!(matches!(packed::unpack("a", &gzip[..50], 1 << 20), Err(FeedError::Packed { .. })));
}

/// Reads a feed in all ways that there are.
fn read_all(bytes: &[u8]) {
    let refusals = [
        debian::read("f", bytes).err(),
        secdb::read("f", bytes, "Alpine").err(),
        updateinfo::read("f", bytes, &rocky(), "rocky").err(),
        almalinux::read("f", bytes, "9").err(),
        read_csaf("f", bytes).err(),
        trivy::read("f", bytes).err(),
        trivy::read_layer("f", bytes).err(),
        crate::vex::read("f", bytes).err(),
    ];
    assert!(refusals.iter().flatten().all(|refusal| !refusal.to_string().is_empty()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_feed_is_read_or_refused_and_nothing_worse(
        which in 0..6_usize,
        changes in proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 1..20),
        length in proptest::num::usize::ANY,
    ) {
        let database = include_bytes!("../../fixtures/trivy/trivy.db");
        let feeds = [DEBIAN, SECDB, UPDATEINFO, ALMALINUX, CSAF, database.as_slice()];
        let mut bytes = feeds[which].to_vec();
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        // Half of them keep their length.
        if length % 2 == 0 {
            bytes.truncate(length % bytes.len());
        }

        read_all(&bytes);
    }
}
