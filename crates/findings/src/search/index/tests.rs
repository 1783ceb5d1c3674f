use super::rematch::Outdated;
use super::*;
use crate::search::questions::FlawOrder;
use gantry_scan::{
    Advisory, Affected, Exploitation, Installed, Inventory, KnowledgeWriter, PackageType, Range, Rating, Until,
    exploitation::{Exploited, Prediction, Table},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TEAM: i64 = 1;

/// The sources, and the kinds of their packages.
const SOURCES: [(&str, PackageType); 3] =
    [("npm", PackageType::Npm), ("PyPI", PackageType::Pypi), ("Debian:12", PackageType::Deb)];
const NAMES: [&str; 2] = ["left", "right"];
const IDS: [&str; 5] = ["CVE-1", "CVE-2", "GHSA-1", "GHSA-2", "DSA-1"];

fn package(source: usize, name: usize, version: u8) -> Package {
    Package::new(SOURCES[source].1, NAMES[name], version.to_string())
}

fn place(digest: &str) -> Place {
    (TEAM, digest.into())
}

fn image(digest: &str) -> HeldImage {
    HeldImage {
        place: place(digest),
        scanned_at: Timestamp::default(),
        pushed_at: Timestamp::default(),
        pushed_by: "ann".into(),
    }
}

fn inventory(packages: &[Package]) -> Inventory {
    let install = |package: &Package| Installed {
        package: package.clone(),
        path: format!("opt/{}{}", package.name, package.version),
        layer: 0,
    };
    Inventory {
        distribution: Some(Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() }),
        packages: packages.iter().map(install).collect(),
        ..Inventory::default()
    }
}

/// Versions of a package below this one are affected.
fn affected(source: usize, name: usize, fixed: u8) -> Affected {
    let ranges = vec![Range { from: None, until: Until::Fixed(fixed.to_string()) }];
    Affected { ranges, ..Affected::new(KnowledgeSource::parse(SOURCES[source].0), NAMES[name]) }
}

fn advisory(id: &str, affected: Vec<Affected>) -> Advisory {
    Advisory { id: id.into(), affected, ..Advisory::default() }
}

fn knowledge(advisories: &[Advisory]) -> Knowledge {
    exploited(advisories, &[])
}

/// Advisories, and CVEs with whether they are known to be exploited and how likely that is in hundredths.
fn exploited(advisories: &[Advisory], cves: &[(&str, bool, u8)]) -> Knowledge {
    let row = || Exploited { added: "2026-11-20".into(), due: None, ransomware: false };
    let predict = |hundredths: u8| Prediction { probability: f32::from(hundredths) / 100.0, percentile: 0.5 };
    let listed = cves.iter().filter(|(_, is_listed, _)| *is_listed);
    let kev = Table { rows: listed.map(|(cve, ..)| ((*cve).into(), row())).collect(), made_at: None };
    let scores = cves.iter().map(|(cve, _, hundredths)| ((*cve).into(), predict(*hundredths)));
    let epss = Table { rows: scores.collect(), made_at: None };
    let mut writer = KnowledgeWriter::default();
    writer.set_exploitation(Exploitation::new(kev, epss));
    advisories.iter().for_each(|advisory| writer.add(advisory).unwrap());
    Knowledge::read(writer.finish(&[]).unwrap()).unwrap()
}

/// What is known of each image: its packages with their paths and flaws.
fn told(index: &Index) -> BTreeMap<Place, Vec<String>> {
    let print = |number: u32, held: &HeldPackage| {
        let paths = held.images.iter().filter(|(image, _)| *image == number).map(|(_, paths)| index.paths(*paths));
        format!("{:?} {:?} {:?}", held.key, paths.collect::<Vec<_>>(), held.flaws)
    };
    let tell = |(number, image): (u32, &HeldImage)| {
        let mut packages: Vec<String> = index.packages_of(number).map(|held| print(number, held)).collect();
        packages.sort();
        (image.place.clone(), packages)
    };
    index.numbered().map(tell).collect()
}

/// All flaws by rank and id, each with its package, as they are listed.
fn listed(index: &Index, order: FlawOrder) -> Vec<(u8, &str, u32, u32)> {
    let way = Way { order, first: (0, ""), names: None };
    let steps = index.order().walk(way, |_| true, |_| true);
    let mut listed = Vec::new();
    for (rank, id, mut entries) in steps {
        entries.sort_unstable();
        listed.extend(entries.into_iter().map(|(package, at)| (rank, id, package, at)));
    }
    listed
}

/// The same, as it is by the packages.
fn sorted(index: &Index, order: FlawOrder) -> Vec<(u8, &str, u32, u32)> {
    let mut sorted = Vec::new();
    for (package, held) in (0..).zip(index.packages()) {
        for (at, flaw) in (0..).zip(&held.flaws) {
            sorted.push((rank(order, flaw.severity, flaw.priority), flaw.id.as_str(), package, at));
        }
    }
    sorted.sort_unstable();
    sorted
}

/// The ids of the flaws that are in any image.
fn ids(index: &Index) -> BTreeSet<&str> {
    let held = index.packages().iter().filter(|held| !held.images.is_empty());
    held.flat_map(|held| &held.flaws).map(|flaw| flaw.id.as_str()).collect()
}

/// An image with npm's `left` and Debian's `right`, both of version 1, under the first advisories: npm's is flawed.
fn index() -> Index {
    let mut index = Index::default();
    index.match_with(knowledge(&first()), 1);
    index.put(image("a"), &inventory(&[package(0, 0, 1), package(2, 1, 1)]));
    index
}

fn first() -> Vec<Advisory> {
    vec![advisory("CVE-1", vec![affected(0, 0, 2)])]
}

fn second() -> Vec<Advisory> {
    first().into_iter().chain([advisory("CVE-2", vec![affected(2, 1, 2)])]).collect()
}

#[test]
fn until_other_advisories_are_matched_what_was_known_before_holds() {
    let mut index = index();

    let rematch = index.rematch(Some(Arc::new(knowledge(&second()))), 2).unwrap();
    let (before, is_matched) = (ids(&index).len(), index.is_matched_with(2));
    index.take_over(rematch).unwrap();

    assert_eq!((before, is_matched), (1, false));
    assert_eq!((ids(&index), index.is_matched_with(2)), (["CVE-1", "CVE-2"].into(), true));
}

#[test]
fn of_two_that_match_at_once_the_first_counts_and_what_comes_later_is_matched_too() {
    let mut index = index();
    let advisories = Arc::new(knowledge(&second()));

    let (one, other) = (index.rematch(Some(advisories.clone()), 2), index.rematch(Some(advisories), 2));
    index.take_over(one.unwrap()).unwrap();
    let refused = index.take_over(other.unwrap()).err();
    index.remove([&place("a")]);
    index.put(image("b"), &inventory(&[package(0, 0, 0)]));

    assert_eq!(refused, Some(Outdated));
    assert_eq!(ids(&index), ["CVE-1"].into());
}

#[test]
fn what_was_matched_before_an_image_came_is_not_taken_over_after_it() {
    let mut index = index();

    let rematch = index.rematch(Some(Arc::new(knowledge(&second()))), 2).unwrap();
    index.put(image("b"), &inventory(&[package(2, 1, 0)]));
    let refused = index.take_over(rematch).err();

    assert_eq!((refused, index.is_matched_with(1)), (Some(Outdated), true));
    index.match_with(knowledge(&second()), 2);
    assert_eq!(index.packages().iter().filter(|held| held.flaws.len() == 1).count(), 3);
}

#[test]
fn only_packages_about_whose_names_something_else_is_said_are_matched_again() {
    let mut index = index();
    index.put(image("b"), &inventory(&[package(2, 1, 0), package(1, 0, 1)]));

    let rematch = index.rematch(Some(Arc::new(knowledge(&second()))), 2).unwrap();
    let same = index.rematch(Some(Arc::new(knowledge(&first()))), 2).unwrap();

    assert_eq!((rematch.flaws.len(), same.flaws.len()), (2, 0), "both versions of Debian's package");
}

#[test]
fn what_is_known_of_exploitation_comes_to_flaws_that_are_not_matched_again() {
    let mut index = index();
    let before = index.packages()[0].flaws[0].priority;

    let advisories = Arc::new(exploited(&first(), &[("CVE-1", true, 50)]));
    let rematch = index.rematch(Some(advisories), 2).unwrap();
    let matched = rematch.flaws.len();
    index.take_over(rematch).unwrap();

    let flaw = &index.packages()[0].flaws[0];
    assert_eq!((matched, flaw.known_exploited, flaw.epss), (0, true, Some(0.5)));
    assert_eq!(flaw.priority, before + 40);
}

#[test]
fn without_advisories_nothing_is_known() {
    let mut index = index();

    let rematch = index.rematch(None, 2).unwrap();
    index.take_over(rematch).unwrap();

    assert_eq!((ids(&index), index.has_advisories(), index.is_matched_with(2)), ([].into(), false, true));
}

#[test]
fn packages_that_no_image_holds_any_more_can_be_dropped_and_the_others_stay_as_they_are() {
    let mut index = index();
    index.put(image("b"), &inventory(&[package(0, 0, 1), package(1, 1, 1)]));
    index.remove([&place("a")]);
    let before = told(&index);

    index.drop_unused();

    assert_eq!((told(&index), index.packages().len()), (before, 2));
    index.match_with(knowledge(&[advisory("CVE-2", vec![affected(1, 1, 2)])]), 2);
    assert_eq!(ids(&index), ["CVE-2"].into());
}

/// What happens to an index.
#[derive(Clone, Debug)]
enum Step {
    Push(usize, Vec<(usize, usize, u8)>),
    Remove(usize),
    DropUnused,
    /// The advisory of a number is another, or is taken back.
    Advise(usize, Option<Box<Advisory>>),
    /// Of a CVE it is known whether it is exploited, and how likely that is in hundredths; or nothing is any more.
    Exploit(usize, Option<(bool, u8)>),
    /// Nobody gives advisories until the next step of them.
    Forget,
}

const DIGESTS: [&str; 3] = ["a", "b", "c"];

fn some_ids() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(&IDS[..]).prop_map(String::from), 0..3)
}

fn some_text() -> impl Strategy<Value = String> {
    prop::sample::select(vec![String::new(), "one".into(), "another".into()])
}

/// Most feeds say when a record changed; some do not.
fn some_advisory() -> impl Strategy<Value = Advisory> {
    let affected =
        (0..SOURCES.len(), 0..NAMES.len(), 0_u8..4).prop_map(|(source, name, fixed)| affected(source, name, fixed));
    let severity = prop::option::of(prop::sample::select(Severity::ALL.to_vec()));
    let published = prop::option::of(prop::sample::select(vec!["2026-01-01", "2026-01-02"]).prop_map(String::from));
    let texts = (some_text(), some_text());
    let ids = (prop::sample::select(&IDS[..]), some_ids(), some_ids());
    (ids, texts, severity, published, prop::collection::vec(affected, 0..3)).prop_map(
        |((id, aliases, upstream), (title, description), severity, published, affected)| Advisory {
            aliases,
            upstream,
            title,
            description,
            published,
            ratings: severity
                .map(|severity| Rating { source: "nvd".into(), severity: Some(severity), ..Rating::default() })
                .into_iter()
                .collect(),
            ..advisory(id, affected)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let package = (0..SOURCES.len(), 0..NAMES.len(), 0_u8..3);
    prop_oneof![
        4 => (0..DIGESTS.len(), prop::collection::vec(package, 0..5)).prop_map(|(at, packages)| Step::Push(at, packages)),
        1 => (0..DIGESTS.len()).prop_map(Step::Remove),
        1 => Just(Step::DropUnused),
        8 => (0_usize..5, prop::option::weighted(0.8, some_advisory().prop_map(Box::new)))
            .prop_map(|(at, advisory)| Step::Advise(at, advisory)),
        2 => (0_usize..3, prop::option::of((any::<bool>(), 0_u8..100))).prop_map(|(at, said)| Step::Exploit(at, said)),
        1 => Just(Step::Forget),
    ]
}

/// What is there at a moment: images, advisories, and what is known of exploitation.
#[derive(Default)]
struct World {
    images: BTreeMap<usize, Inventory>,
    advisories: BTreeMap<usize, Advisory>,
    exploitation: BTreeMap<usize, (bool, u8)>,
    is_forgotten: bool,
}

impl World {
    /// Brings an index to its next state, as a server does.
    fn take(&mut self, step: Step, index: &mut Index) {
        match step {
            Step::Push(at, packages) => {
                let packages: Vec<Package> =
                    packages.into_iter().map(|(s, n, version)| package(s, n, version)).collect();
                self.images.insert(at, inventory(&packages));
                index.put(image(DIGESTS[at]), &self.images[&at]);
                return;
            }
            Step::Remove(at) => {
                self.images.remove(&at);
                index.remove([&place(DIGESTS[at])]);
                return;
            }
            Step::DropUnused => return index.drop_unused(),
            Step::Advise(at, advisory) => {
                self.is_forgotten = false;
                self.advisories.remove(&at);
                self.advisories.extend(advisory.map(|advisory| (at, *advisory)));
            }
            Step::Exploit(at, said) => {
                self.is_forgotten = false;
                self.exploitation.remove(&at);
                self.exploitation.extend(said.map(|said| (at, said)));
            }
            Step::Forget => self.is_forgotten = true,
        }
        let rematch = index.rematch(self.knowledge(), index.generation + 1).unwrap();
        index.take_over(rematch).unwrap();
    }

    fn knowledge(&self) -> Option<Arc<Knowledge>> {
        let advisories: Vec<Advisory> = self.advisories.values().cloned().collect();
        let cves: Vec<(&str, bool, u8)> =
            self.exploitation.iter().map(|(at, (is_listed, score))| (IDS[*at], *is_listed, *score)).collect();
        (!self.is_forgotten).then(|| Arc::new(exploited(&advisories, &cves)))
    }

    /// An index that was made at this moment.
    fn index(&self) -> Index {
        let mut index = Index::default();
        for (at, inventory) in &self.images {
            index.put(image(DIGESTS[*at]), inventory);
        }
        let rematch = index.rematch(self.knowledge(), 1).unwrap();
        index.take_over(rematch).unwrap();
        index
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_came_before_an_index_is_as_one_that_was_made_and_matched_now(
        steps in prop::collection::vec(step(), 1..12),
    ) {
        let (mut world, mut index) = (World::default(), Index::default());
        for step in steps {
            world.take(step.clone(), &mut index);

            prop_assert_eq!(told(&index), told(&world.index()), "after {:?}", step);
            for order in [FlawOrder::Severity, FlawOrder::Priority] {
                prop_assert_eq!(listed(&index, order), sorted(&index, order), "after {:?}", step);
            }
        }
    }
}
