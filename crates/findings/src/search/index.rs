use super::{bases::Chains, secrets::HeldSecrets, vex::Borne};
use gantry_scan::{
    Distribution, Finding, FixState, Installed, Inventory, Knowledge, KnowledgeError, Options, Package, Severity,
    exploitation, find,
};
use gantry_words::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Packages matched at once: their findings are in memory with all their texts.
const MATCHED_AT_ONCE: usize = 1_000;
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

/// An image that holds packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeldImage {
    pub(super) place: Place,
    pub(super) scanned_at: Timestamp,
    pub(super) pushed_at: Timestamp,
    pub(super) pushed_by: Arc<str>,
}

/// What is remembered of a finding: without its long texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownFlaw {
    pub(super) id: String,
    pub(super) aliases: Vec<String>,
    pub(super) severity: Severity,
    pub(super) fixed_version: Option<String>,
    pub(super) fix_state: FixState,
    pub(super) title: String,
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
            title: finding.title,
            published: finding.published,
        }
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
#[derive(Default)]
pub(super) struct Index {
    images: Vec<Option<(HeldImage, Box<[u32]>)>>,
    free: Vec<u32>,
    places: HashMap<Place, u32>,
    packages: Vec<HeldPackage>,
    numbers: HashMap<Arc<PackageKey>, u32>,
    /// The paths at which packages are, sorted, those of a package in an image together: images that share a layer share them.
    paths: Vec<Paths>,
    path_numbers: HashMap<Paths, u32>,
    /// Of what layers the images are.
    chains: Chains,
    /// What documents say that hang on images.
    borne: Borne,
    /// The secrets in their layers.
    secrets: HeldSecrets,
    /// Rises with every change.
    revision: u64,
    /// The generation of advisories whose flaws are known, and of how many packages they are.
    generation: u64,
    matched: usize,
}

impl Index {
    pub(super) fn packages(&self) -> &[HeldPackage] {
        &self.packages
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

    /// An empty one, that is known to be another than this.
    pub(super) fn emptied(&self) -> Index {
        Index { revision: self.revision + 1, ..Index::default() }
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

    /// Takes an image, in the place of what was known of it.
    pub(super) fn put(&mut self, image: HeldImage, inventory: &Inventory) {
        self.remove([&image.place]);
        let mut packages: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        for installed in &inventory.packages {
            let number = self.number(&installed.package, inventory.distribution.as_ref());
            packages.entry(number).or_default().insert(&installed.path);
        }
        let next = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
        let number = self.free.pop().unwrap_or(next);
        for (package, paths) in &packages {
            let paths = self.paths_number(paths.iter().map(|path| Box::<str>::from(*path)).collect());
            if let Some(held) = self.packages.get_mut(*package as usize) {
                held.images.push((number, paths));
            }
        }
        self.chains.put(number, inventory);
        self.borne.put(&image.place, &inventory.statements);
        self.secrets.put(number, &inventory.secrets);
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

    /// Whether most packages are of images that are gone: then it is better made anew.
    pub(super) fn is_wasteful(&self) -> bool {
        let unused = self.packages.iter().filter(|package| package.images.is_empty()).count();
        self.packages.len() > UNUSED_MIN && unused * 2 > self.packages.len()
    }

    fn number(&mut self, package: &Package, distribution: Option<&Distribution>) -> u32 {
        // Neither licences nor the archive's hash say anything about flaws.
        let package = Package { licences: Vec::new(), sha1: None, ..package.clone() };
        let distribution = distribution.filter(|_| package.kind.is_distribution()).cloned();
        let key = PackageKey { package, distribution };
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.packages.len()).unwrap_or(u32::MAX);
        let key = Arc::new(key);
        self.numbers.insert(key.clone(), number);
        self.packages.push(HeldPackage { key, images: Vec::new(), flaws: Vec::new() });
        number
    }

    /// Packages of which it is not known what these advisories say: those of all, after others held.
    pub(super) fn unmatched(&mut self, generation: u64) -> Vec<Arc<PackageKey>> {
        if self.generation != generation {
            self.packages.iter_mut().for_each(|package| package.flaws.clear());
            (self.generation, self.matched) = (generation, 0);
        }
        let after = self.packages.get(self.matched..).unwrap_or_default();
        after.iter().map(|package| package.key.clone()).collect()
    }

    /// Whether the flaws that are known are those of this generation of advisories.
    pub(super) fn is_matched_with(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// Remembers the flaws of what was not matched.
    pub(super) fn set_flaws(&mut self, of: &[Arc<PackageKey>], flaws: Flawed) {
        for (key, flaws) in flaws {
            if let Some(held) = self.numbers.get(&key).and_then(|number| self.packages.get_mut(*number as usize)) {
                held.flaws = flaws;
            }
        }
        self.matched += of.len();
        self.revision += u64::from(!of.is_empty());
    }
}

/// Packages with their flaws.
pub(super) type Flawed = Vec<(Arc<PackageKey>, Vec<KnownFlaw>)>;

/// Finds the flaws of packages, each by what advisories tell it apart.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub(super) fn flaws_of(packages: &[Arc<PackageKey>], knowledge: &Knowledge) -> Result<Flawed, KnowledgeError> {
    let mut found: HashMap<Arc<PackageKey>, Vec<KnownFlaw>> = HashMap::new();
    for (distribution, group) in groups(packages) {
        for some in group.chunks(MATCHED_AT_ONCE) {
            let install = |key: &&Arc<PackageKey>| {
                let package = key.package.clone();
                Installed { package, path: String::new(), layer: 0 }
            };
            let inventory = Inventory {
                distribution: distribution.cloned(),
                packages: some.iter().map(install).collect(),
                ..Inventory::default()
            };
            for finding in find(&inventory, knowledge, &Options::default())?.findings {
                let key = PackageKey { package: finding.package.clone(), distribution: distribution.cloned() };
                found.entry(Arc::new(key)).or_default().push(finding.into());
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// By distribution, and so that no two of a group have the same kind, name and version: as in one image, where the first of them
/// would stand for all.
fn groups(packages: &[Arc<PackageKey>]) -> Vec<(Option<&Distribution>, Vec<&Arc<PackageKey>>)> {
    let mut seen = HashMap::new();
    let mut groups: HashMap<(Option<&Distribution>, u32), Vec<&Arc<PackageKey>>> = HashMap::new();
    for key in packages {
        let Package { kind, name, version, .. } = &key.package;
        let distribution = key.distribution.as_ref();
        let turn = seen.entry((distribution, kind, name, version)).and_modify(|turn| *turn += 1).or_insert(0_u32);
        groups.entry((distribution, *turn)).or_default().push(key);
    }
    groups.into_iter().map(|((distribution, _), group)| (distribution, group)).collect()
}
