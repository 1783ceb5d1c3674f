use super::*;
use crate::search::seen;
use gantry_metadata::{
    finding_history::{FlawPlaceRow, HistoryRow},
    inventory::EntryRow,
};
use gantry_scan::vex::{Product, Statement, Status};
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
    let path = |package: &Package| format!("opt/{}/{}", digest.trim_start_matches("sha256:"), package.name);
    let install = |package: &Package| Installed { package: package.clone(), path: path(package), layer: 0 };
    let inventory =
        Inventory { distribution: debian(), packages: packages.iter().map(install).collect(), ..Inventory::default() };
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
        title: format!("A flaw of {package}"),
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
    index.match_with(knowledge(), 1);
    index
}

/// What is known besides the index.
#[derive(Default)]
struct Known {
    vex: HeldVex,
    open: Open,
    running: Option<RunningImages>,
    now: Timestamp,
}

impl Known {
    /// That a flaw is in a repository since a time in milliseconds.
    fn since(mut self, flaw: &str, package: &Package, repository: i64, at: i64) -> Known {
        let (kind, package) = (package.kind.name().into(), package.name.clone());
        let place = FlawPlaceRow { repository, flaw: flaw.into(), kind, package };
        let first_seen_at = Timestamp::from_millis(at);
        seen::take_in(&mut self.open, [HistoryRow { place, severity: "HIGH".into(), first_seen_at, gone_at: None }]);
        self
    }

    fn answer(&self, index: &Index, question: &FlawQuestion) -> Vec<FoundFlaw> {
        let (visible, deadlines) = (all(), DeadlineSettings::default());
        let Known { vex, open, running, now } = self;
        let running = running.as_ref();
        let lens = Lens { index, visible: &visible, vex, open, deadlines: &deadlines, running, now: *now };
        flaws(&lens, question, None, 10).items
    }
}

fn answer(index: &Index, visible: &Visible, question: &FlawQuestion) -> Page<FoundFlaw> {
    let (vex, open, deadlines) = (HeldVex::default(), Open::default(), DeadlineSettings::default());
    let (running, now) = (None, Timestamp::default());
    let lens = Lens { index, visible, vex: &vex, open: &open, deadlines: &deadlines, running, now };
    flaws(&lens, question, None, 10)
}

fn all() -> Visible {
    BTreeMap::from([(TEAM, "team/app".into()), (OTHER, "other".into())])
}

fn digests(images: &FoundImages) -> Vec<&str> {
    images.shown.iter().map(|image| image.digest.as_str()).collect()
}

#[test]
fn a_flaw_is_found_once_with_all_images_that_hold_it_the_youngest_first() {
    let found = answer(&index(), &all(), &FlawQuestion::default());

    let told: Vec<_> = found.items.iter().map(|flaw| (flaw.id.as_str(), digests(&flaw.images))).collect();
    assert_eq!(
        told,
        [("CVE-2099-0001", vec!["sha256:c", "sha256:a"]), ("CVE-2099-0002", vec!["sha256:b", "sha256:a"])]
    );
    assert_eq!(found.items[0].images.first_pushed_at, Timestamp::from_millis(1_000));
    assert_eq!(found.items[0].fixed_version.as_deref(), Some("3.0.13"));
}

#[test]
fn where_it_is_asked_for_what_runs_nothing_else_is_looked_at() {
    let entry = |repository: &str, digest: &str| EntryRow { repository: repository.into(), digest: digest.into() };
    let running = Some(RunningImages::of([entry("team/app", "sha256:a"), entry("team/app", "sha256:c")]));
    let known = Known { running, ..Known::default() };

    let found = known.answer(&index(), &FlawQuestion { is_running: true, ..FlawQuestion::default() });

    let told: Vec<_> = found.iter().map(|flaw| (flaw.id.as_str(), digests(&flaw.images))).collect();
    assert_eq!(told, [("CVE-2099-0001", vec!["sha256:a"]), ("CVE-2099-0002", vec!["sha256:a"])]);
}

#[test]
fn flaws_that_are_shown_have_their_titles() {
    let index = index();
    let mut found = answer(&index, &all(), &FlawQuestion::default()).items;

    add_titles(&index, &mut found).unwrap();

    let titles: Vec<&str> = found.iter().map(|flaw| flaw.title.as_str()).collect();
    assert_eq!(titles, ["A flaw of openssl", "A flaw of left-pad"]);
}

#[test]
fn what_may_not_be_seen_is_neither_shown_nor_counted() {
    let visible = BTreeMap::from([(OTHER, "other".to_string())]);

    let found = answer(&index(), &visible, &FlawQuestion::default());
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
        assert_eq!(answer(&index(), &all(), &question).items.len(), count, "{question:?}");
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
fn packages_that_only_a_vendor_tells_apart_are_matched_each() {
    let mut index = Index::default();
    let vendor = |name: &str| Package { vendor: Some(name.into()), ..openssl("3.0.11") };
    push(&mut index, TEAM, "sha256:a", 1, &[vendor("Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>")]);
    push(&mut index, TEAM, "sha256:b", 2, &[openssl("3.0.11")]);
    index.match_with(knowledge(), 1);

    let found = answer(&index, &all(), &FlawQuestion::default());

    assert_eq!(found.items.iter().map(|flaw| flaw.images.count).sum::<usize>(), 2);
}

#[test]
fn a_package_is_found_by_the_path_at_which_an_image_holds_it() {
    let found = |file: &str| {
        let question = PackageQuestion { file: Some(PathPattern::new(file)), ..PackageQuestion::default() };
        let page = packages(&index(), &all(), &question, None, 10);
        let image = |image: &FoundImage| (image.digest.clone(), image.paths.join(" "));
        page.items.iter().flat_map(|found| found.images.shown.iter().map(image)).collect::<Vec<_>>()
    };
    let place = |digest: &str, path: &str| (digest.to_owned(), path.to_owned());

    assert_eq!(found("/opt/a/left-pad"), [place("sha256:a", "opt/a/left-pad")]);
    assert_eq!(found("opt/c/*"), [place("sha256:c", "opt/c/libssl3")]);
    assert_eq!((found("*/libssl3").len(), found("libssl3").len(), found("/libssl3").len()), (3, 3, 0));
    assert_eq!(found("opt"), []);
}

#[test]
fn what_a_vex_document_suppresses_is_shown_with_its_reason_to_who_asks_for_it_alone() {
    let document = br#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"ann","timestamp":"2026-11-20T00:00:00Z",
        "statements":[{"vulnerability":{"name":"CVE-2099-0001"},"products":[{"@id":"pkg:deb/debian/libssl3@3.0.11"}],
        "status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;
    let vex = HeldVex::saying(&[TEAM], gantry_scan::vex::read("vex", document).unwrap());
    let known = Known { vex, ..Known::default() };
    let told = |question: &FlawQuestion| -> Vec<(String, Vec<String>, Option<String>)> {
        let tell = |flaw: FoundFlaw| {
            let images = digests(&flaw.images).into_iter().map(String::from).collect();
            (flaw.id, images, flaw.suppressed)
        };
        known.answer(&index(), question).into_iter().map(tell).collect()
    };

    let counted = told(&FlawQuestion::default());
    let suppressed = told(&FlawQuestion { is_suppressed: true, ..FlawQuestion::default() });

    let texts = |all: &[&str]| all.iter().map(|text| String::from(*text)).collect::<Vec<_>>();
    assert_eq!(
        counted,
        [
            ("CVE-2099-0001".into(), texts(&["sha256:c"]), None),
            ("CVE-2099-0002".into(), texts(&["sha256:b", "sha256:a"]), None)
        ]
    );
    let reason = "VEX: not affected: vulnerable_code_not_present, says ann";
    assert_eq!(suppressed, [("CVE-2099-0001".into(), texts(&["sha256:a"]), Some(reason.into()))]);
}

#[test]
fn what_hangs_on_an_image_suppresses_there_alone_and_until_the_image_is_read_again_without_it() {
    let mut index = index();
    let statement = |image: &str| Statement {
        vulnerability: "CVE-2099-0002".into(),
        aliases: vec![],
        products: vec![Product { image: Some(image.into()), ..Product::default() }],
        status: Status::Fixed,
        justification: None,
        author: Some("ann (referrer sha256:1)".into()),
        time: None,
    };
    let image = |digest: &str, at: i64, statements: Vec<Statement>| {
        let packages = vec![Installed { package: left_pad("1.0"), path: "opt".into(), layer: 0 }];
        let image = HeldImage {
            place: (TEAM, digest.into()),
            scanned_at: Timestamp::from_millis(at),
            pushed_at: Timestamp::from_millis(at),
            pushed_by: "arn:aws:iam::000000000000:user/ann".into(),
        };
        (image, Inventory { packages, statements, ..Inventory::default() })
    };
    let suppressed = |index: &Index| -> Vec<(String, Option<String>)> {
        let question = FlawQuestion { is_suppressed: true, ..FlawQuestion::default() };
        let found = Known::default().answer(index, &question).into_iter();
        found.map(|flaw| (digests(&flaw.images).join(" "), flaw.suppressed)).collect()
    };

    let (with, inventory) = image("sha256:a", 4_000, vec![statement("sha256:a")]);
    index.put(with, &inventory);
    let while_it_hangs = suppressed(&index);
    let (without, inventory) = image("sha256:a", 5_000, vec![]);
    index.put(without, &inventory);

    let reason = "VEX: fixed, says ann (referrer sha256:1)";
    assert_eq!(while_it_hangs, [("sha256:a".into(), Some(reason.into()))]);
    assert_eq!(suppressed(&index), []);
}

#[test]
fn a_flaw_is_known_of_an_image_since_its_push_or_since_it_is_of_the_repository() {
    let known = Known::default().since("CVE-2099-0002", &left_pad("1.0"), TEAM, 1_500);

    let found = known.answer(&index(), &FlawQuestion { id: Some("CVE-2099-0002".into()), ..FlawQuestion::default() });

    let since = |image: &FoundImage| (image.digest.clone(), image.known_since.unwrap().millis());
    let since: Vec<_> = found[0].images.shown.iter().map(since).collect();
    assert_eq!(since, [("sha256:b".into(), 2_000), ("sha256:a".into(), 1_500)]);
    assert_eq!(found[0].first_seen_at, Some(Timestamp::from_millis(1_500)));
}

#[test]
fn what_is_late_is_late_in_the_repositories_where_it_is() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let mut index = index();
    index.change_flaws(|flaw| flaw.severity = Severity::High);
    let package = openssl("3.0.11");
    let known = Known { now: Timestamp::from_millis(40 * DAY), ..Known::default() }
        .since("CVE-2099-0001", &package, TEAM, 9 * DAY)
        .since("CVE-2099-0001", &package, OTHER, 11 * DAY)
        .since("CVE-2099-0002", &left_pad("1.0"), TEAM, 11 * DAY);

    let late = known.answer(&index, &FlawQuestion { is_overdue: true, ..FlawQuestion::default() });
    let all = known.answer(&index, &FlawQuestion::default());

    let told: Vec<_> = late.iter().map(|flaw| (flaw.id.as_str(), digests(&flaw.images))).collect();
    assert_eq!(told, [("CVE-2099-0001", vec!["sha256:a"])]);
    let due: Vec<_> =
        all.iter().map(|flaw| (flaw.due_at.unwrap().millis() / DAY, flaw.is_overdue(known.now))).collect();
    assert_eq!(due, [(39, true), (41, false)]);
}

#[test]
fn a_deadline_is_that_of_the_severity_or_sooner_where_it_is_exploited() {
    let flaw = |severity, known_exploited| KnownFlaw {
        severity,
        ..KnownFlaw::from(gantry_scan::Finding { known_exploited, ..gantry_scan::Finding::new("CVE-1", openssl("1")) })
    };
    let days = |severity, known_exploited| {
        allowed(&DeadlineSettings::default(), &flaw(severity, known_exploited)).map(|time| time.as_secs() / 86_400)
    };

    assert_eq!(days(Severity::Critical, false), Some(15));
    assert_eq!(days(Severity::Low, true), Some(14));
    assert_eq!((days(Severity::Undefined, false), days(Severity::Undefined, true)), (None, Some(14)));
    let none = DeadlineSettings { critical: gantry_words::Period::hours(0), ..DeadlineSettings::default() };
    assert_eq!(allowed(&none, &flaw(Severity::Critical, false)), None, "0s sets none");
}

#[test]
fn what_is_exploited_comes_first_by_priority_and_is_asked_for_by_itself() {
    let mut index = index();
    index.change_flaws(|flaw| {
        (flaw.epss, flaw.known_exploited, flaw.priority) = match flaw.id.as_str() {
            "CVE-2099-0002" => (Some(0.2), true, 80),
            _ => (Some(0.05), false, 30),
        };
    });
    let ids = |question: FlawQuestion| -> Vec<String> {
        Known::default().answer(&index, &question).into_iter().map(|flaw| flaw.id).collect()
    };

    assert_eq!(ids(FlawQuestion::default()), ["CVE-2099-0001", "CVE-2099-0002"]);
    let order = FlawOrder::Priority;
    assert_eq!(ids(FlawQuestion { order, ..FlawQuestion::default() }), ["CVE-2099-0002", "CVE-2099-0001"]);
    assert_eq!(ids(FlawQuestion { is_known_exploited: true, ..FlawQuestion::default() }), ["CVE-2099-0002"]);
    assert_eq!(ids(FlawQuestion { epss_min: Some(0.2), ..FlawQuestion::default() }), ["CVE-2099-0002"]);
    assert_eq!(ids(FlawQuestion { epss_min: Some(0.01), ..FlawQuestion::default() }).len(), 2);
}

#[test]
fn what_is_there_is_told_by_repository_and_the_newest_image_of_each_is_counted() {
    let index = index();

    let news = seen::compare(&Open::default(), &seen::present(&index));
    let counted = seen::count_newest(&index, &HeldVex::default());

    let told: Vec<_> = news.seen.iter().map(|(place, _)| (place.repository, place.flaw.as_str())).collect();
    assert_eq!(told, [(TEAM, "CVE-2099-0001"), (TEAM, "CVE-2099-0002"), (OTHER, "CVE-2099-0001")]);
    assert_eq!(news.gone, []);
    let sums: Vec<(i64, u64)> = counted.iter().map(|(repository, counts)| (*repository, counts.iter().sum())).collect();
    assert_eq!(sums, [(TEAM, 1), (OTHER, 1)], "the newest of the team has mended its openssl");
}
