mod order;
mod rematch;
#[cfg(test)]
mod tests;

use super::{bases::Chains, files::HeldFiles, secrets::HeldSecrets, vex::Borne};
use gantry_scan::{
    Distribution, Finding, FixState, Flawed, Knowledge, KnowledgeError, KnowledgeSource, Options, Package, Severity,
    exploitation, looked_up, titles_of,
};
use gantry_words::Timestamp;
use order::Order;
pub(super) use order::{Way, name_hash, rank};
pub(super) use rematch::Arrival;
use rematch::Flaws;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Below so many packages it does not matter how many of them no image holds any more.
const UNUSED_MIN: usize = 10_000;

/// An image, by the number of its repository and its digest.
pub(super) type Place = (i64, Arc<str>);

/// A version of a package, as advisories tell them apart: for what distributions install their release counts too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PackageKey {
    pub(super) package: Package,
    pub(super) distribution: Option<Distribution>,
}

impl PackageKey {
    fn of(package: &Package, distribution: Option<&Distribution>) -> PackageKey {
        // Neither licences nor the archive's hash say anything about flaws.
        let package = Package { licences: Vec::new(), sha1: None, ..package.clone() };
        let distribution = distribution.filter(|_| package.kind.is_distribution()).cloned();
        PackageKey { package, distribution }
    }
}

/// An image that holds packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeldImage {
    pub(super) place: Place,
    pub(super) scanned_at: Timestamp,
    pub(super) pushed_at: Timestamp,
    pub(super) pushed_by: Arc<str>,
}

/// What is remembered of a finding: without its texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownFlaw {
    pub(super) id: String,
    pub(super) aliases: Vec<String>,
    pub(super) severity: Severity,
    pub(super) fixed_version: Option<String>,
    pub(super) fix_state: FixState,
    pub(super) published: Option<String>,
    pub(super) epss: Option<f32>,
    pub(super) known_exploited: bool,
    /// 0 to 100, while nothing suppresses it.
    pub(super) priority: u8,
    /// Whose advisory it is of: `Debian:12`.
    pub(super) source: String,
}

impl From<Finding> for KnownFlaw {
    fn from(finding: Finding) -> Self {
        KnownFlaw {
            priority: exploitation::priority(&finding),
            epss: finding.epss,
            known_exploited: finding.known_exploited,
            source: finding.evidence.source,
            id: finding.id,
            aliases: finding.aliases,
            severity: finding.severity,
            fixed_version: finding.fixed_version,
            fix_state: finding.fix_state,
            published: finding.published,
        }
    }
}

impl KnownFlaw {
    /// Takes what is known of its exploitation: whether it is exploited, and how likely that is, 0.0 to 1.0.
    fn set_exploitation(&mut self, known: (bool, Option<f32>)) {
        self.priority = self.priority_when(known);
        (self.known_exploited, self.epss) = known;
    }

    /// Its priority once this is known of its exploitation, 0 to 100.
    fn priority_when(&self, (known_exploited, epss): (bool, Option<f32>)) -> u8 {
        let can_be_mended = self.fixed_version.is_some() || self.fix_state == FixState::Fixed;
        exploitation::priority_of(self.severity, known_exploited, epss, can_be_mended)
    }
}

/// A version of a package, the images that hold it, each with the number of the paths at which it does, and its flaws.
pub(super) struct HeldPackage {
    pub(super) key: Arc<PackageKey>,
    pub(super) images: Vec<(u32, u32)>,
    pub(super) flaws: Vec<KnownFlaw>,
}

/// The paths at which an image holds a package.
pub(super) type Paths = Arc<[Box<str>]>;

/// Which image holds which package: each image and each version of a package has a number.
///
/// The flaws of all its packages are those of one generation of advisories, at any moment: what changes is worked out beside it
/// (`index/rematch.rs`).
#[derive(Default)]
pub(super) struct Index {
    images: Vec<Option<(HeldImage, Box<[u32]>)>>,
    free: Vec<u32>,
    places: HashMap<Place, u32>,
    packages: Vec<HeldPackage>,
    numbers: HashMap<Arc<PackageKey>, u32>,
    /// Their flaws as they are listed.
    order: Order,
    /// The packages that are looked up among the advisories of a source by a name; what is looked up nowhere is not among them.
    names: HashMap<KnowledgeSource, HashMap<String, Vec<u32>>>,
    /// The paths at which packages are, sorted, those of a package in an image together: images that share a layer share them.
    paths: Vec<Paths>,
    path_numbers: HashMap<Paths, u32>,
    /// Of what layers the images are.
    chains: Chains,
    /// What documents say that hang on images.
    borne: Borne,
    /// The secrets in their layers.
    secrets: HeldSecrets,
    /// Their files that belong to no package.
    files: HeldFiles,
    /// Rises with every change.
    revision: u64,
    /// The advisories that the flaws of all packages are of, and their generation.
    advisories: Option<Arc<Knowledge>>,
    generation: u64,
}

impl Index {
    pub(super) fn packages(&self) -> &[HeldPackage] {
        &self.packages
    }

    /// Their flaws as they are listed.
    pub(super) fn order(&self) -> &Order {
        &self.order
    }

    /// Tells of each package whether an image of these repositories holds it: `O(packages of these images)`.
    pub(super) fn held_in(&self, is_asked: impl Fn(i64) -> bool) -> Vec<bool> {
        let mut held = vec![false; self.packages.len()];
        for (_, numbers) in self.images.iter().flatten().filter(|(image, _)| is_asked(image.place.0)) {
            for number in numbers {
                if let Some(is_held) = held.get_mut(*number as usize) {
                    *is_held = true;
                }
            }
        }
        held
    }

    pub(super) fn image(&self, number: u32) -> Option<&HeldImage> {
        self.images.get(number as usize)?.as_ref().map(|(image, _)| image)
    }

    /// All images with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &HeldImage)> {
        (0..).zip(&self.images).filter_map(|(number, held)| Some((number, &held.as_ref()?.0)))
    }

    /// The packages of an image.
    pub(super) fn packages_of(&self, number: u32) -> impl Iterator<Item = &HeldPackage> {
        let numbers = self.images.get(number as usize).and_then(Option::as_ref).map_or(&[][..], |(_, numbers)| numbers);
        numbers.iter().filter_map(|number| self.packages.get(*number as usize))
    }

    /// Of what layers the images are.
    pub(super) fn chains(&self) -> &Chains {
        &self.chains
    }

    /// What documents say that hang on images.
    pub(super) fn borne(&self) -> &Borne {
        &self.borne
    }

    /// The secrets in the layers of the images.
    pub(super) fn secrets(&self) -> &HeldSecrets {
        &self.secrets
    }

    /// The files of the images that belong to no package.
    pub(super) fn files(&self) -> &HeldFiles {
        &self.files
    }

    /// The same, to be changed.
    pub(super) fn files_mut(&mut self) -> &mut HeldFiles {
        &mut self.files
    }

    /// The paths of a number.
    pub(super) fn paths(&self, number: u32) -> &[Box<str>] {
        self.paths.get(number as usize).map_or(&[], |paths| paths)
    }

    /// Tells of each number whether one of its paths is asked for.
    pub(super) fn paths_that(&self, is_asked: impl Fn(&str) -> bool) -> Vec<bool> {
        self.paths.iter().map(|paths| paths.iter().any(|path| is_asked(path))).collect()
    }

    /// What rises with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The repositories that have images.
    pub(super) fn repositories(&self) -> BTreeSet<i64> {
        self.images.iter().flatten().map(|(image, _)| image.place.0).collect()
    }

    /// The youngest image of each repository, with its packages.
    pub(super) fn newest(&self) -> BTreeMap<i64, (&HeldImage, Vec<&HeldPackage>)> {
        let mut newest: BTreeMap<i64, &(HeldImage, Box<[u32]>)> = BTreeMap::new();
        for held in self.images.iter().flatten() {
            let known = newest.entry(held.0.place.0).or_insert(held);
            let (image, other) = (&held.0, &known.0);
            if (image.pushed_at, &other.place.1) > (other.pushed_at, &image.place.1) {
                *known = held;
            }
        }
        let packages =
            |numbers: &[u32]| numbers.iter().filter_map(|number| self.packages.get(*number as usize)).collect();
        newest.into_iter().map(|(repository, (image, numbers))| (repository, (image, packages(&numbers[..])))).collect()
    }

    /// The images that are known, each with when it was scanned and pushed.
    pub(super) fn known(&self) -> HashMap<Place, (Timestamp, Timestamp)> {
        let images = self.images.iter().flatten();
        images.map(|(image, _)| (image.place.clone(), (image.scanned_at, image.pushed_at))).collect()
    }

    /// Takes an image, in the place of what was known of it, and the flaws of the packages that it brings.
    fn hold(&mut self, Arrival { image, inventory, keys }: Arrival, flaws: &mut Flaws) {
        self.remove([&image.place]);
        let mut packages: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        for (installed, key) in inventory.packages.iter().zip(keys) {
            packages.entry(self.number(key, flaws)).or_default().insert(&installed.path);
        }
        let next = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
        let number = self.free.pop().unwrap_or(next);
        for (package, paths) in &packages {
            let paths = self.paths_number(paths.iter().map(|path| Box::<str>::from(*path)).collect());
            if let Some(held) = self.packages.get_mut(*package as usize) {
                held.images.push((number, paths));
            }
        }
        self.chains.put(number, &inventory);
        self.borne.put(&image.place, &inventory.statements);
        self.secrets.put(number, &inventory.secrets);
        self.files.put(number, &inventory);
        self.places.insert(image.place.clone(), number);
        let held = Some((image, packages.into_keys().collect()));
        match self.images.get_mut(number as usize) {
            Some(slot) => *slot = held,
            None => self.images.push(held),
        }
        self.revision += 1;
    }

    fn paths_number(&mut self, paths: Paths) -> u32 {
        if let Some(number) = self.path_numbers.get(&paths) {
            return *number;
        }
        let number = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.path_numbers.insert(paths.clone(), number);
        self.paths.push(paths);
        number
    }

    /// Forgets images.
    pub(super) fn remove<'a>(&mut self, places: impl IntoIterator<Item = &'a Place>) {
        let (mut gone, mut touched) = (HashSet::new(), HashSet::new());
        for place in places {
            let Some(number) = self.places.remove(place) else { continue };
            self.borne.remove(place);
            let Some((_, packages)) = self.images.get_mut(number as usize).and_then(Option::take) else { continue };
            touched.extend(packages);
            self.chains.remove(number);
            self.secrets.remove(number);
            self.files.remove(number);
            gone.insert(number);
        }
        // Once for each package, however many images go: many hold the same ones.
        for package in touched {
            if let Some(held) = self.packages.get_mut(package as usize) {
                held.images.retain(|(image, _)| !gone.contains(image));
            }
        }
        self.revision += u64::from(!gone.is_empty());
        self.free.extend(gone);
    }

    /// Whether most packages are of images that are gone.
    pub(super) fn is_wasteful(&self) -> bool {
        let unused = self.packages.iter().filter(|package| package.images.is_empty()).count();
        self.packages.len() > UNUSED_MIN && unused * 2 > self.packages.len()
    }

    /// Forgets packages and paths that no image has any more; the others get other numbers.
    pub(super) fn drop_unused(&mut self) {
        let mut moved: HashMap<u32, u32> = HashMap::new();
        let mut kept: Vec<HeldPackage> = Vec::new();
        for (number, held) in (0..).zip(std::mem::take(&mut self.packages)) {
            if !held.images.is_empty() {
                moved.insert(number, u32::try_from(kept.len()).unwrap_or(u32::MAX));
                kept.push(held);
            }
        }
        let renumber = |number: &mut u32| moved.get(&*number).map(|new| *number = *new).is_some();
        self.numbers.retain(|_, number| renumber(number));
        for names in self.names.values_mut() {
            names.values_mut().for_each(|numbers| numbers.retain_mut(renumber));
            names.retain(|_, numbers| !numbers.is_empty());
        }
        let held = self.images.iter_mut().flatten();
        for number in held.flat_map(|(_, packages)| packages.iter_mut()) {
            renumber(number);
        }
        let paths = std::mem::take(&mut self.paths);
        self.path_numbers.clear();
        for (_, number) in kept.iter_mut().flat_map(|held| &mut held.images) {
            *number = self.paths_number(paths.get(*number as usize).cloned().unwrap_or_default());
        }
        self.packages = kept;
        self.order = self.order_with(&[], &[]);
        self.revision += 1;
    }

    fn number(&mut self, key: PackageKey, flaws: &mut Flaws) -> u32 {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.packages.len()).unwrap_or(u32::MAX);
        for (source, name) in looked_up(&key.package, key.distribution.as_ref(), &Options::default()) {
            self.names.entry(source).or_default().entry(name).or_default().push(number);
        }
        let flaws = flaws.remove(&key).unwrap_or_default();
        self.order.add(number, &flaws);
        let key = Arc::new(key);
        self.numbers.insert(key.clone(), number);
        self.packages.push(HeldPackage { key, images: Vec::new(), flaws });
        number
    }

    /// Whether the flaws that are known are those of this generation of advisories.
    pub(super) fn is_matched_with(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// The titles of flaws of packages, by their ids.
    ///
    /// # Errors
    /// [`KnowledgeError::Damaged`].
    pub(super) fn titles_of(
        &self,
        wanted: &HashMap<PackageKey, BTreeSet<&str>>,
    ) -> Result<HashMap<PackageKey, BTreeMap<String, String>>, KnowledgeError> {
        let Some(advisories) = self.advisories.as_deref() else { return Ok(HashMap::new()) };
        let flawed: Vec<Flawed<'_>> = wanted
            .iter()
            .map(|(key, ids)| Flawed { package: &key.package, distribution: key.distribution.as_ref(), ids })
            .collect();
        let titles = titles_of(&flawed, advisories, &Options::default())?;
        Ok(wanted.keys().cloned().zip(titles).collect())
    }

    /// Whether there are advisories: without them nothing is known of flaws.
    pub(super) fn has_advisories(&self) -> bool {
        self.advisories.is_some()
    }
}
