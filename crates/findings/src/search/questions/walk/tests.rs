use super::*;
use crate::search::{
    index::{HeldImage, Index},
    questions::{PackagePlace, PackageQuestion, Visible, packages},
    running::RunningImages,
    seen::{self, Open},
    vex::HeldVex,
};
use gantry_metadata::{
    finding_history::{FlawPlaceRow, HistoryRow},
    inventory::EntryRow,
};
use gantry_registry::DeadlineSettings;
use gantry_scan::{
    Advisory, Affected, Distribution, Installed, Inventory, Knowledge, KnowledgeSource, Package, PackageType, Range,
    Severity, Until,
    vex::{Product, Statement, Status},
};
use gantry_words::Timestamp;
use proptest::prelude::*;

const SOURCES: [(&str, PackageType); 3] =
    [("npm", PackageType::Npm), ("PyPI", PackageType::Pypi), ("Debian:12", PackageType::Deb)];
const NAMES: [&str; 2] = ["left", "right"];
const REPOSITORIES: [i64; 3] = [1, 2, 3];
const DAY: i64 = 24 * 60 * 60 * 1000;

/// An image: the number of its repository, and its packages by source, name and version.
type Image = (i64, Vec<(usize, usize, u8)>);

/// As the list is meant: all flaws that are asked for, sorted, those that are shown, and of them a page.
fn by_sorting(lens: &Lens<'_>, question: &FlawQuestion, after: Option<&FlawPlace>, count: usize) -> Page<FoundFlaw> {
    let is_named =
        |held: &&HeldPackage| question.package.as_deref().is_none_or(|name| is_named(&held.key.package, name));
    let mut found = Vec::new();
    for held in lens.index.packages().iter().filter(is_named) {
        let asked = held.flaws.iter().filter(|flaw| question.holds(flaw));
        found.extend(asked.map(|flaw| (FlawPlace::of(flaw, &held.key, question.order), held, flaw)));
    }
    found.retain(|(place, ..)| after.is_none_or(|after| place > after));
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let shown = found.into_iter().filter_map(|(place, held, flaw)| lens.show(question, place, held, flaw));
    Page::cut(shown.take(count + 1).collect(), count)
}

/// All pages, each as its items are told.
fn pages(ask: impl Fn(Option<&FlawPlace>) -> Page<FoundFlaw>) -> Vec<Vec<String>> {
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let page = ask(after.as_ref());
        told.push(page.items.iter().map(|flaw| format!("{flaw:?}")).collect());
        after = page.items.last().map(|last| last.place.clone());
        if !page.has_more {
            return told;
        }
    }
}

fn knowledge() -> Knowledge {
    let affected = |source: usize, name: usize, fixed: &str| {
        let ranges = vec![Range { from: None, until: Until::Fixed(fixed.into()) }];
        Affected { ranges, ..Affected::new(KnowledgeSource::parse(SOURCES[source].0), NAMES[name]) }
    };
    let advisory = |id: &str, aliases: &[&str], affected: Vec<Affected>| Advisory {
        id: id.into(),
        aliases: aliases.iter().map(|alias| String::from(*alias)).collect(),
        affected,
        ..Advisory::default()
    };
    let all = [
        advisory("CVE-1", &[], vec![affected(0, 0, "3"), affected(1, 0, "3"), affected(2, 0, "3")]),
        advisory("CVE-2", &[], vec![affected(0, 0, "2"), affected(0, 1, "3")]),
        advisory("GHSA-1", &["CVE-3"], vec![affected(0, 1, "3"), affected(1, 1, "2")]),
        advisory("CVE-4", &[], vec![affected(2, 0, "1"), affected(2, 1, "3")]),
    ];
    Knowledge::read(Knowledge::build(all, &[]).unwrap()).unwrap()
}

/// An index of images whose flaws are all kinds of bad, by a seed.
fn index(images: &[Image], mut seed: u64) -> Index {
    let mut index = Index::default();
    index.match_with(knowledge(), 1);
    for (at, (repository, packages)) in (1..).zip(images) {
        let install = |(source, name, version): &(usize, usize, u8)| Installed {
            package: Package::new(SOURCES[*source].1, NAMES[*name], version.to_string()),
            path: "opt".into(),
            layer: 0,
        };
        let image = HeldImage {
            place: (*repository, format!("sha256:{at}").into()),
            scanned_at: Timestamp::from_millis(at),
            pushed_at: Timestamp::from_millis(at),
            pushed_by: "ann".into(),
        };
        let inventory = Inventory {
            distribution: Some(Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() }),
            packages: packages.iter().map(install).collect(),
            ..Inventory::default()
        };
        index.put(image, &inventory);
    }
    index.change_flaws(|flaw| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut dice = seed >> 20;
        let mut throw = |sides: u64| {
            let side = dice % sides;
            dice /= sides;
            side as usize
        };
        flaw.severity = Severity::ALL[throw(3)];
        flaw.priority = [10, 40, 70][throw(3)];
        flaw.known_exploited = throw(2) == 0;
        flaw.epss = [None, Some(0.1), Some(0.5)][throw(3)];
        flaw.fixed_version = flaw.fixed_version.take().filter(|_| throw(2) == 0);
    });
    index
}

/// Of the first repository CVE-1 is suppressed in the first image, and CVE-2 in all.
fn vex() -> HeldVex {
    let statement = |id: &str, image: Option<String>| Statement {
        vulnerability: id.into(),
        aliases: vec![],
        products: vec![Product { image, ..Product::default() }],
        status: Status::Fixed,
        justification: None,
        author: Some("ann".into()),
        time: None,
    };
    let images = (1..6).map(|at| statement("CVE-2", Some(format!("sha256:{at}"))));
    HeldVex::saying(&[1], images.chain([statement("CVE-1", Some("sha256:1".into()))]).collect())
}

/// Of the first repository the first image runs, and the second wherever it is.
fn running() -> RunningImages {
    let entry = |repository: &str, digest: &str| EntryRow { repository: repository.into(), digest: digest.into() };
    RunningImages::of([entry("team/1", "sha256:1"), entry("", "sha256:2")])
}

/// Some flaws are known of repositories for different times.
fn open() -> Open {
    let row = |flaw: &str, package: &str, repository: i64, at: i64| HistoryRow {
        place: FlawPlaceRow { repository, flaw: flaw.into(), kind: "npm".into(), package: package.into() },
        severity: "HIGH".into(),
        first_seen_at: Timestamp::from_millis(at),
        gone_at: None,
    };
    let mut open = Open::default();
    seen::take_in(
        &mut open,
        [row("CVE-1", "left", 1, 0), row("CVE-2", "left", 2, 20 * DAY), row("CVE-2", "right", 3, 39 * DAY)],
    );
    open
}

fn some_images() -> impl Strategy<Value = Vec<Image>> {
    let package = (0..SOURCES.len(), 0..NAMES.len(), 0_u8..4);
    prop::collection::vec((prop::sample::select(&REPOSITORIES[..]), prop::collection::vec(package, 0..6)), 0..6)
}

fn some_question() -> impl Strategy<Value = FlawQuestion> {
    let text =
        |all: &'static [&'static str]| prop::option::weighted(0.3, prop::sample::select(all).prop_map(String::from));
    let severities = prop::sample::subsequence(Severity::ALL[..3].to_vec(), 0..3);
    let names = (text(&["cve-1", "CVE-2", "ghsa-1", "CVE-3", "none"]), text(&["left", "r*", "none"]));
    let switch = || prop::bool::weighted(0.2);
    let switches = (switch(), switch(), switch(), switch(), switch());
    let epss = prop::option::weighted(0.2, prop::sample::select(vec![0.0_f32, 0.3, 1.0]));
    let order = prop::sample::select(vec![FlawOrder::Severity, FlawOrder::Priority]);
    (severities, names, switches, epss, order).prop_map(|(severities, (id, package), switches, epss_min, order)| {
        let (is_fixable, is_known_exploited, is_suppressed, is_overdue, is_running) = switches;
        FlawQuestion {
            severities,
            id,
            package,
            is_fixable,
            is_known_exploited,
            epss_min,
            is_suppressed,
            is_overdue,
            is_running,
            order,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_asked_the_pages_are_those_of_the_sorted_list_of_all(
        images in some_images(),
        seed in any::<u64>(),
        question in some_question(),
        repositories in prop::sample::subsequence(REPOSITORIES.to_vec(), 0..=3),
        count in 1_usize..5,
    ) {
        let (index, vex, open) = (index(&images, seed), vex(), open());
        let visible: Visible = repositories.into_iter().map(|id| (id, format!("team/{id}"))).collect();
        let (deadlines, now) = (DeadlineSettings::default(), Timestamp::from_millis(40 * DAY));
        let running = question.is_running.then(running);
        let lens = Lens { index: &index, visible: &visible, vex: &vex, open: &open, deadlines: &deadlines, running: running.as_ref(), now };

        let walked = pages(|after| flaws(&lens, &question, after, count));

        prop_assert_eq!(walked, pages(|after| by_sorting(&lens, &question, after, count)));
    }

    #[test]
    fn of_packages_the_pages_follow_each_other_in_the_order_of_their_places(
        images in some_images(),
        count in 1_usize..5,
    ) {
        let index = index(&images, 0);
        let visible: Visible = REPOSITORIES.into_iter().map(|id| (id, format!("team/{id}"))).collect();

        let (mut places, mut after) = (Vec::new(), None);
        loop {
            let page = packages(&index, &visible, &PackageQuestion::default(), after.as_ref(), count);
            places.extend(page.items.into_iter().map(|found| found.place));
            after = places.last().cloned();
            if !page.has_more {
                break;
            }
        }

        let mut all: Vec<PackagePlace> = index.packages().iter().map(|held| PackagePlace::of(&held.key)).collect();
        all.sort();
        prop_assert_eq!(places, all);
    }
}
