mod walk;

use super::{
    index::{HeldImage, HeldPackage, Index, KnownFlaw, PackageKey, rank},
    running::RunningImages,
    seen::{FlawKey, Open, Seen},
    vex::HeldVex,
};
use gantry_registry::{DeadlineSettings, ImageUse};
use gantry_scan::{
    Distribution, FixState, KnowledgeError, Package, PackageType, PathPattern, Severity, VersionRange, fits, purl,
};
use gantry_words::{Page, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
pub(super) use walk::flaws;
use walk::{Placed, in_order};

/// Images of an answer that are shown; all are counted.
pub const IMAGES_SHOWN_MAX: usize = 100;
/// Paths of a package in an image that are shown.
pub const PATHS_SHOWN_MAX: usize = 20;

/// The repositories whose images are looked at: number and name.
pub type Visible = BTreeMap<i64, String>;

/// Which flaws are asked for; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlawQuestion {
    /// Of these severities.
    pub severities: Vec<Severity>,
    /// Known by this id or alias, in any case of its letters.
    pub id: Option<String>,
    /// In packages of this name; `*` stands for any characters.
    pub package: Option<String>,
    /// Whether only those count that a newer version mends.
    pub is_fixable: bool,
    /// Whether only those count that are known to be exploited.
    pub is_known_exploited: bool,
    /// Exploited within 30 days with at least this probability (EPSS), 0.0 to 1.0.
    pub epss_min: Option<f32>,
    /// Whether it is asked for those that VEX documents suppress, and for no others; else these are left out.
    pub is_suppressed: bool,
    /// Whether only those count whose deadline is over, in repositories where it is.
    pub is_overdue: bool,
    /// Whether only images that somebody runs are looked at.
    pub is_running: bool,
    /// What comes first.
    pub order: FlawOrder,
}

/// Which flaws come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlawOrder {
    /// The worst.
    #[default]
    Severity,
    /// Those of the highest priority: what is exploited and can be mended before a worse one that nobody uses or can mend.
    Priority,
}

/// Which packages are asked for; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageQuestion {
    /// Of this name, or built from a source package of this name; Maven's also without the group. `*` stands for any characters.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<PackageType>,
    /// In this range of versions.
    pub versions: Option<VersionRange>,
    /// What a package URL names; without a version any.
    pub purl: Option<Package>,
    /// At this path, or of this name where it has no slash; `*` stands for any characters, slashes too.
    pub file: Option<PathPattern>,
}

/// Where a list of flaws goes on: after this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlawPlace(u8, String, PackagePlace);

/// Where a list of packages goes on: after this one. Its number tells apart what is alike but for architecture, source or release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackagePlace(String, String, String, u64);

/// A flaw in a version of a package, and the images that hold it.
#[derive(Clone, Debug)]
pub struct FoundFlaw {
    /// Its place in the list.
    pub place: FlawPlace,
    /// The CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The lowest version without it.
    pub fixed_version: Option<String>,
    /// What the distribution says.
    pub fix_state: FixState,
    /// One line.
    pub title: String,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// The probability that it is exploited within 30 days (EPSS), 0.0 to 1.0.
    pub epss: Option<f32>,
    /// Whether CISA's catalogue of known exploited vulnerabilities names it.
    pub known_exploited: bool,
    /// 0 to 100; 0 of what is suppressed.
    pub priority: u8,
    /// Why it does not count, in one of the images.
    pub suppressed: Option<String>,
    /// When it was first seen in one of the repositories of the images; `None` where that is not written down yet.
    pub first_seen_at: Option<Timestamp>,
    /// Until when it is to be mended there.
    pub due_at: Option<Timestamp>,
    /// The package.
    pub package: Package,
    /// The release that it is of, where a distribution installs it.
    pub distribution: Option<Distribution>,
    /// Who holds it.
    pub images: FoundImages,
}

/// A version of a package, and the images that hold it.
#[derive(Clone, Debug)]
pub struct FoundPackage {
    /// Its place in the list.
    pub place: PackagePlace,
    /// The package.
    pub package: Package,
    /// The release that it is of, where a distribution installs it.
    pub distribution: Option<Distribution>,
    /// Who holds it.
    pub images: FoundImages,
}

/// Images that hold something.
#[derive(Clone, Debug, Default)]
pub struct FoundImages {
    /// How many.
    pub count: usize,
    /// When the first of them was pushed.
    pub first_pushed_at: Timestamp,
    /// The youngest of them, at most [`IMAGES_SHOWN_MAX`].
    pub shown: Vec<FoundImage>,
}

/// An image that holds something.
#[derive(Clone, Debug)]
pub struct FoundImage {
    /// The number of its repository.
    pub repository_id: i64,
    /// The name of its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Its tags, some of them where there are many.
    pub tags: Vec<String>,
    /// Where in it the package is: some of the paths, where there are many; of those that were asked for.
    pub paths: Vec<String>,
    /// The digest of the layer that brought it, where a file was asked for that belongs to no package.
    pub layer: Option<String>,
    /// Since when a flaw is known of it: since its push, or since it is of the repository.
    pub known_since: Option<Timestamp>,
    /// Who runs it, or an index that names it, by the reports that count.
    pub running_in: Vec<ImageUse>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
}

impl PackagePlace {
    fn of(key: &PackageKey) -> PackagePlace {
        let (name, kind, version) = names(key);
        PackagePlace(name.into(), kind.into(), version.into(), number(key))
    }

    fn is_before(&self, key: &PackageKey) -> bool {
        let PackagePlace(name, kind, version, own) = self;
        (name.as_str(), kind.as_str(), version.as_str()).cmp(&names(key)).then_with(|| own.cmp(&number(key))).is_lt()
    }
}

/// The order of their places.
fn compare(one: &PackageKey, other: &PackageKey) -> Ordering {
    names(one).cmp(&names(other)).then_with(|| number(one).cmp(&number(other)))
}

fn names(key: &PackageKey) -> (&str, &str, &str) {
    let Package { kind, name, version, .. } = &key.package;
    (name, kind.name(), version)
}

/// Tells apart what is alike in its names.
fn number(key: &PackageKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl FlawPlace {
    fn of(flaw: &KnownFlaw, key: &PackageKey, order: FlawOrder) -> FlawPlace {
        FlawPlace(rank(order, flaw.severity, flaw.priority), flaw.id.clone(), PackagePlace::of(key))
    }
}

impl FlawQuestion {
    fn holds(&self, flaw: &KnownFlaw) -> bool {
        let is =
            |id: &str| flaw.id.eq_ignore_ascii_case(id) || flaw.aliases.iter().any(|own| own.eq_ignore_ascii_case(id));
        (self.severities.is_empty() || self.severities.contains(&flaw.severity))
            && (!self.is_fixable || flaw.fixed_version.is_some())
            && (!self.is_known_exploited || flaw.known_exploited)
            && self.epss_min.is_none_or(|least| flaw.epss.is_some_and(|probability| probability >= least))
            && self.id.as_deref().is_none_or(is)
    }
}

impl PackageQuestion {
    /// Which files are asked for that belong to no package; `None` where it is asked for packages alone.
    pub fn loose_files(&self) -> Option<&PathPattern> {
        let PackageQuestion { name, kind, versions, purl, file } = self;
        let is_of_packages = name.is_some() || kind.is_some() || versions.is_some() || purl.is_some();
        file.as_ref().filter(|_| !is_of_packages)
    }

    fn holds(&self, package: &Package) -> bool {
        let is_purl = |wanted: &Package| {
            wanted.kind == package.kind
                && wanted.name == package.name
                && (wanted.version.is_empty() || wanted.version == package.version)
        };
        self.kind.is_none_or(|kind| kind == package.kind)
            && self.name.as_deref().is_none_or(|name| is_named(package, name))
            && self.purl.as_ref().is_none_or(is_purl)
            && self.versions.as_ref().is_none_or(|range| range.holds(package.kind.versions(), &package.version))
    }
}

/// Whether people may mean a package by a name.
fn is_named(package: &Package, name: &str) -> bool {
    let artifact = package.name.split_once(':').map(|(_, artifact)| artifact);
    let artifact = artifact.filter(|_| package.kind == PackageType::Maven);
    let source = package.source.as_ref().map(|source| source.name.as_str());
    [Some(package.name.as_str()), source, artifact].into_iter().flatten().any(|own| fits(name, own))
}

/// What a question about flaws is answered from.
pub(super) struct Lens<'a> {
    pub(super) index: &'a Index,
    pub(super) visible: &'a Visible,
    pub(super) vex: &'a HeldVex,
    pub(super) open: &'a Open,
    pub(super) deadlines: &'a DeadlineSettings,
    /// What somebody runs, where it is asked for nothing else.
    pub(super) running: Option<&'a RunningImages>,
    pub(super) now: Timestamp,
}

/// Reads the titles of flaws that are shown; until then each has its id for one.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub(super) fn add_titles(index: &Index, found: &mut [FoundFlaw]) -> Result<(), KnowledgeError> {
    let key = |flaw: &FoundFlaw| PackageKey { package: flaw.package.clone(), distribution: flaw.distribution.clone() };
    let mut titles = {
        let mut ids: HashMap<PackageKey, BTreeSet<&str>> = HashMap::new();
        for flaw in found.iter() {
            ids.entry(key(flaw)).or_default().insert(&flaw.id);
        }
        index.titles_of(&ids)?
    };
    for flaw in found {
        if let Some(title) = titles.get_mut(&key(flaw)).and_then(|titles| titles.remove(&flaw.id)) {
            flaw.title = title;
        }
    }
    Ok(())
}

impl Lens<'_> {
    /// Whether somebody runs an image, where it matters.
    fn is_looked_at(&self, image: &HeldImage) -> bool {
        let (repository, digest) = &image.place;
        self.running.is_none_or(|running| self.visible.get(repository).is_some_and(|name| running.holds(name, digest)))
    }

    /// Shows a flaw with the images in which it is as the question says; `None` where there is none.
    fn show(
        &self,
        question: &FlawQuestion,
        place: FlawPlace,
        held: &HeldPackage,
        flaw: &KnownFlaw,
    ) -> Option<FoundFlaw> {
        let allowed = allowed(self.deadlines, flaw);
        let seen = self.open.get(&FlawKey::of(flaw, held));
        let first_seen = |repository: i64| seen?.get(&repository).map(|Seen { first_seen_at, .. }| *first_seen_at);
        let due = |repository: i64| Some(first_seen(repository)?.plus(allowed?));
        let is_late = |repository: i64| due(repository).is_some_and(|due| due < self.now);
        let is_spoken_of = self.vex.speaks_of(self.index, flaw);
        if question.is_suppressed && !is_spoken_of {
            return None;
        }
        let reason = RefCell::new(None);
        let is_asked = |image: &HeldImage, _: u32| {
            if !self.is_looked_at(image) {
                return false;
            }
            let why = is_spoken_of.then(|| self.vex.suppression(self.index, flaw, &held.key.package, image)).flatten();
            let is_asked = why.is_some() == question.is_suppressed && (!question.is_overdue || is_late(image.place.0));
            if is_asked && let Some(why) = why {
                reason.borrow_mut().get_or_insert(why);
            }
            is_asked
        };
        let holders = Holders::of(self.index, self.visible, held, is_asked)?;
        let first_seen_at = holders.0.iter().filter_map(|(image, ..)| first_seen(image.place.0)).min();
        let suppressed = reason.into_inner();
        let PackageKey { package, distribution } = (*held.key).clone();
        let KnownFlaw { id, aliases, severity, fixed_version, fix_state, published, .. } = flaw.clone();
        Some(FoundFlaw {
            place,
            title: id.clone(),
            id,
            aliases,
            severity,
            fixed_version,
            fix_state,
            published,
            epss: flaw.epss,
            known_exploited: flaw.known_exploited,
            priority: if suppressed.is_some() { 0 } else { flaw.priority },
            due_at: if suppressed.is_some() {
                None
            } else {
                first_seen_at.zip(allowed).map(|(at, time)| at.plus(time))
            },
            suppressed,
            first_seen_at,
            package,
            distribution,
            images: holders.show(|paths| paths_of(self.index, paths, |_| true), first_seen),
        })
    }
}

/// Within which time a flaw is to be mended; `None` where nobody says.
fn allowed(deadlines: &DeadlineSettings, flaw: &KnownFlaw) -> Option<Duration> {
    let DeadlineSettings { critical, high, medium, low, known_exploited } = deadlines;
    let by_severity = match flaw.severity {
        Severity::Critical => Some(critical),
        Severity::High => Some(high),
        Severity::Medium => Some(medium),
        Severity::Low => Some(low),
        Severity::Informational | Severity::Undefined => None,
    };
    let exploited = flaw.known_exploited.then_some(known_exploited);
    let said = by_severity.into_iter().chain(exploited).map(|period| period.duration());
    said.filter(|time| !time.is_zero()).min()
}

/// Answers a question about packages: `O(packages + count · log packages)`.
pub(super) fn packages(
    index: &Index,
    visible: &Visible,
    question: &PackageQuestion,
    after: Option<&PackagePlace>,
    count: usize,
) -> Page<FoundPackage> {
    let file = question.file.as_ref();
    let is_path = |path: &str| file.is_none_or(|file| file.fits(path));
    let paths = file.map(|_| index.paths_that(is_path));
    let is_there = |paths_number: u32| {
        paths.as_ref().is_none_or(|paths| paths.get(paths_number as usize).copied().unwrap_or_default())
    };
    let asked = index.packages().iter().filter(|held| question.holds(&held.key.package));
    let asked = asked.filter(|held| held.images.iter().any(|(_, paths)| is_there(*paths)));
    let asked = asked.filter(|held| after.is_none_or(|after| after.is_before(&held.key)));
    let found = in_order(asked.map(|held| Placed(held, ())).collect());
    let shown = found.filter_map(|Placed(held, ())| {
        let holders = Holders::of(index, visible, held, |_, paths| is_there(paths))?;
        let PackageKey { package, distribution } = (*held.key).clone();
        Some(FoundPackage {
            place: PackagePlace::of(&held.key),
            package,
            distribution,
            images: holders.show(|paths| paths_of(index, paths, is_path), |_| None),
        })
    });
    Page::cut(shown.take(count + 1).collect(), count)
}

/// Images that hold something, each with its repository's name and a number by which it is known where in the image; never empty. Those
/// that are shown come first, the youngest of them before the others.
pub(super) struct Holders<'a>(Vec<(&'a HeldImage, &'a String, u32)>);

impl<'a> Holders<'a> {
    /// Those that hold a package, may be seen and are asked for, by image and paths; `None` where there is none.
    fn of(
        index: &'a Index,
        visible: &'a Visible,
        held: &HeldPackage,
        is_asked: impl Fn(&HeldImage, u32) -> bool,
    ) -> Option<Holders<'a>> {
        let is_asked = |(image, paths): &(u32, u32)| index.image(*image).is_some_and(|image| is_asked(image, *paths));
        Holders::among(index, visible, held.images.iter().copied().filter(is_asked))
    }

    /// Those of some images, by number and mark, that may be seen: `O(images)`; `None` where there is none.
    pub(super) fn among(
        index: &'a Index,
        visible: &'a Visible,
        images: impl Iterator<Item = (u32, u32)>,
    ) -> Option<Holders<'a>> {
        let seen = images.filter_map(|(number, mark)| {
            let image = index.image(number)?;
            Some((image, visible.get(&image.place.0)?, mark))
        });
        let mut seen: Vec<_> = seen.collect();
        let order = |(a, a_name, _): &(&HeldImage, &String, u32), (b, b_name, _): &(&HeldImage, &String, u32)| {
            b.pushed_at.cmp(&a.pushed_at).then_with(|| (a_name, &a.place.1).cmp(&(b_name, &b.place.1)))
        };
        if seen.len() > IMAGES_SHOWN_MAX {
            seen.select_nth_unstable_by(IMAGES_SHOWN_MAX, order);
        }
        let shown = seen.len().min(IMAGES_SHOWN_MAX);
        seen[..shown].sort_by(order);
        (!seen.is_empty()).then_some(Holders(seen))
    }

    /// Their marks.
    pub(super) fn marks(&self) -> impl Iterator<Item = &u32> {
        self.0.iter().map(|(_, _, mark)| mark)
    }

    /// Shows the youngest, with the paths that a mark means, and since when the flaw that it is about is in a repository.
    pub(super) fn show(
        self,
        paths: impl Fn(u32) -> Vec<String>,
        first_seen: impl Fn(i64) -> Option<Timestamp>,
    ) -> FoundImages {
        let count = self.0.len();
        let first_pushed_at = self.0.iter().map(|(image, ..)| image.pushed_at).min().unwrap_or_default();
        let show = |(image, name, mark): (&HeldImage, &String, u32)| FoundImage {
            repository_id: image.place.0,
            repository: name.clone(),
            digest: image.place.1.to_string(),
            tags: Vec::new(),
            paths: paths(mark),
            layer: None,
            known_since: first_seen(image.place.0).map(|at| at.max(image.pushed_at)),
            running_in: Vec::new(),
            pushed_at: image.pushed_at,
            pushed_by: image.pushed_by.to_string(),
        };
        FoundImages { count, first_pushed_at, shown: self.0.into_iter().take(IMAGES_SHOWN_MAX).map(show).collect() }
    }
}

/// The paths of a number that are asked for.
fn paths_of(index: &Index, number: u32, is_path: impl Fn(&str) -> bool) -> Vec<String> {
    let paths = index.paths(number).iter().filter(|path| is_path(path));
    paths.take(PATHS_SHOWN_MAX).map(ToString::to_string).collect()
}

impl AsMut<FoundImages> for FoundFlaw {
    fn as_mut(&mut self) -> &mut FoundImages {
        &mut self.images
    }
}

impl AsMut<FoundImages> for FoundPackage {
    fn as_mut(&mut self) -> &mut FoundImages {
        &mut self.images
    }
}

impl FoundFlaw {
    /// Whether its deadline is over.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.due_at.is_some_and(|due| due < now)
    }

    /// The package in one line (package-url).
    pub fn purl(&self) -> String {
        purl::of(&self.package, self.distribution.as_ref())
    }
}

impl FoundPackage {
    /// The package in one line (package-url).
    pub fn purl(&self) -> String {
        purl::of(&self.package, self.distribution.as_ref())
    }
}

#[cfg(test)]
mod tests;
