use super::*;
use crate::search::index::flaws_of;
use gantry_scan::{Advisory, Affected, Installed, Inventory, Knowledge, KnowledgeSource, Range, SourcePackage, Until};
use std::sync::Arc;

const TEAM: i64 = 1;
const OTHER: i64 = 2;

fn debian() -> Option<Distribution> {
    Some(Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() })
}

fn openssl(version: &str) -> Package {
    let source = Some(SourcePackage { name: "openssl".into(), version: version.into() });
    Package { source, ..Package::new(PackageType::Deb, "libssl3", version) }
}

fn left_pad(version: &str) -> Package {
    Package::new(PackageType::Pypi, "left-pad", version)
}

/// Pushes an image with these packages, each time a second later.
fn push(index: &mut Index, repository: i64, digest: &str, at: i64, packages: &[Package]) {
    let install = |package: &Package| Installed { package: package.clone(), path: "a".into(), layer: 0 };
    let inventory =
        Inventory { distribution: debian(), packages: packages.iter().map(install).collect(), complaints: Vec::new() };
    let image = HeldImage {
        place: (repository, digest.into()),
        scanned_at: Timestamp::from_millis(at),
        pushed_at: Timestamp::from_millis(at),
        pushed_by: "arn:aws:iam::000000000000:user/ann".into(),
    };
    index.put(image, &inventory);
}

fn knowledge() -> Knowledge {
    let advisory = |id: &str, source: &str, package: &str, fixed: &str| Advisory {
        id: id.into(),
        affected: vec![Affected {
            ranges: vec![Range { from: None, until: Until::Fixed(fixed.into()) }],
            ..Affected::new(KnowledgeSource::parse(source), package)
        }],
        ..Advisory::default()
    };
    let all = [
        advisory("CVE-2099-0001", "Debian:12", "openssl", "3.0.13"),
        advisory("CVE-2099-0002", "PyPI", "left-pad", "1.1"),
    ];
    Knowledge::read(Knowledge::build(all, &[]).unwrap()).unwrap()
}

/// Two images of a team and one of others; two hold the flawed openssl.
fn index() -> Index {
    let mut index = Index::default();
    push(&mut index, TEAM, "sha256:a", 1_000, &[openssl("3.0.11"), left_pad("1.0")]);
    push(&mut index, TEAM, "sha256:b", 2_000, &[openssl("3.0.13"), left_pad("1.0")]);
    push(&mut index, OTHER, "sha256:c", 3_000, &[openssl("3.0.11")]);
    match_all(&mut index, 1);
    index
}

fn match_all(index: &mut Index, generation: u64) {
    let packages = index.unmatched(generation);
    let flaws = flaws_of(&packages, &knowledge()).unwrap();
    index.set_flaws(&packages, flaws);
}

fn all() -> Visible {
    BTreeMap::from([(TEAM, "team/app".into()), (OTHER, "other".into())])
}

fn digests(images: &FoundImages) -> Vec<&str> {
    images.shown.iter().map(|image| image.digest.as_str()).collect()
}

#[test]
fn a_flaw_is_found_once_with_all_images_that_hold_it_the_youngest_first() {
    let found = flaws(&index(), &all(), &FlawQuestion::default(), None, 10);

    let told: Vec<_> = found.items.iter().map(|flaw| (flaw.id.as_str(), digests(&flaw.images))).collect();
    assert_eq!(
        told,
        [("CVE-2099-0001", vec!["sha256:c", "sha256:a"]), ("CVE-2099-0002", vec!["sha256:b", "sha256:a"])]
    );
    assert_eq!(found.items[0].images.first_pushed_at, Timestamp::from_millis(1_000));
    assert_eq!(found.items[0].fixed_version.as_deref(), Some("3.0.13"));
}

#[test]
fn what_may_not_be_seen_is_neither_shown_nor_counted() {
    let visible = BTreeMap::from([(OTHER, "other".to_string())]);

    let found = flaws(&index(), &visible, &FlawQuestion::default(), None, 10);
    let packages = packages(&index(), &visible, &PackageQuestion::default(), None, 10);

    assert_eq!(found.items.len(), 1);
    assert_eq!((found.items[0].images.count, digests(&found.items[0].images)), (1, vec!["sha256:c"]));
    assert_eq!(packages.items.len(), 1, "{:?}", packages.items);
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let index = index();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = packages(&index, &all(), &PackageQuestion::default(), after.as_ref(), 1);
        seen.extend(page.items.iter().map(|found| format!("{} {}", found.package.name, found.package.version)));
        after = page.items.last().map(|last| last.place.clone());
        if !page.has_more {
            break;
        }
    }

    assert_eq!(seen, ["left-pad 1.0", "libssl3 3.0.11", "libssl3 3.0.13"]);
}

#[test]
fn a_question_about_flaws_is_narrowed() {
    let cases = [
        (FlawQuestion { id: Some("cve-2099-0002".into()), ..FlawQuestion::default() }, 1),
        (FlawQuestion { package: Some("openssl".into()), ..FlawQuestion::default() }, 1),
        (FlawQuestion { package: Some("left*".into()), is_fixable: true, ..FlawQuestion::default() }, 1),
        (FlawQuestion { severities: vec![Severity::Critical], ..FlawQuestion::default() }, 0),
    ];
    for (question, count) in cases {
        assert_eq!(flaws(&index(), &all(), &question, None, 10).items.len(), count, "{question:?}");
    }
}

#[test]
fn packages_are_found_by_name_source_range_kind_and_url() {
    let found = |question: PackageQuestion| -> Vec<String> {
        let page = packages(&index(), &all(), &question, None, 10);
        page.items.iter().map(|found| format!("{} {}", found.package.name, found.package.version)).collect()
    };
    let named = |name: &str| PackageQuestion { name: Some(name.into()), ..PackageQuestion::default() };

    let old = PackageQuestion { versions: Some("<3.0.13".parse().unwrap()), ..named("openssl") };
    let purl = PackageQuestion { purl: purl::parse("pkg:pypi/left-pad@1.0"), ..PackageQuestion::default() };
    let kind = PackageQuestion { kind: Some(PackageType::Pypi), ..PackageQuestion::default() };

    assert_eq!(found(named("libssl3")), ["libssl3 3.0.11", "libssl3 3.0.13"]);
    assert_eq!(found(old), ["libssl3 3.0.11"]);
    assert_eq!(found(purl), ["left-pad 1.0"]);
    assert_eq!(found(kind), ["left-pad 1.0"]);
}

#[test]
fn an_image_that_goes_takes_its_packages_with_it_and_one_that_is_read_again_counts_once() {
    let mut index = index();

    index.remove([&(OTHER, Arc::from("sha256:c"))]);
    push(&mut index, TEAM, "sha256:a", 9_000, &[left_pad("1.1")]);

    let held: Vec<_> =
        index.packages().iter().map(|held| (held.key.package.version.as_str(), held.images.len())).collect();
    assert_eq!(held, [("3.0.11", 0), ("1.0", 1), ("3.0.13", 1), ("1.1", 1)]);
}

#[test]
fn other_advisories_are_asked_about_everything_again() {
    let mut index = index();
    assert!(index.unmatched(1).is_empty());

    assert_eq!(index.unmatched(2).len(), 3);
    match_all(&mut index, 2);

    assert_eq!(flaws(&index, &all(), &FlawQuestion::default(), None, 10).items.len(), 2);
}

#[test]
fn packages_that_only_a_vendor_tells_apart_are_matched_each() {
    let mut index = Index::default();
    let vendor = |name: &str| Package { vendor: Some(name.into()), ..openssl("3.0.11") };
    push(&mut index, TEAM, "sha256:a", 1, &[vendor("Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>")]);
    push(&mut index, TEAM, "sha256:b", 2, &[openssl("3.0.11")]);
    match_all(&mut index, 1);

    let found = flaws(&index, &all(), &FlawQuestion::default(), None, 10);

    assert_eq!(found.items.iter().map(|flaw| flaw.images.count).sum::<usize>(), 2);
}

#[test]
fn a_star_stands_for_any_characters() {
    let cases = [
        ("log4j-core", "log4j-core", true),
        ("log4j", "log4j-core", false),
        ("log4j*", "log4j-core", true),
        ("*core", "log4j-core", true),
        ("l*4*e", "log4j-core", true),
        ("*", "", true),
        ("a*a", "a", false),
    ];
    for (pattern, text, wanted) in cases {
        assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
    }
}
