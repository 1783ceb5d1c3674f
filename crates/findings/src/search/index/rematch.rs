//! The flaws of packages, worked out beside the index and taken over in one go: who reads it meanwhile sees what was known before, of
//! all packages.

use super::{
    HeldImage, Index, KnownFlaw, PackageKey,
    order::{Facts, Order},
};
use gantry_scan::{
    ChangedName, Distribution, Installed, Inventory, Knowledge, KnowledgeError, Options, Package, find_without_texts,
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Packages matched at once: their findings are in memory.
const MATCHED_AT_ONCE: usize = 1_000;
/// Of so many flaws the place among all is changed while others wait; where there are more, the order is made anew beside the index.
const REORDERED_MAX: usize = if cfg!(test) { 4 } else { 20_000 };

/// Packages with their flaws; those without any need not be among them.
pub(super) type Flaws = HashMap<Arc<PackageKey>, Vec<KnownFlaw>>;

/// Why what was worked out is not taken over: it is of an index that was otherwise.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index of findings has changed while something was matched; ask again")]
pub(in crate::search) struct Outdated;

/// An image that comes into an index, with the keys of its packages.
pub(in crate::search) struct Arrival {
    pub(super) image: HeldImage,
    pub(super) inventory: Inventory,
    pub(super) keys: Vec<PackageKey>,
}

/// Images that come into an index, with the flaws of the packages that they bring.
pub(in crate::search) struct Arrivals {
    revision: u64,
    images: Vec<Arrival>,
    flaws: Flaws,
}

/// What a generation of advisories makes of an index.
pub(in crate::search) struct Rematch {
    revision: u64,
    advisories: Option<Arc<Knowledge>>,
    generation: u64,
    /// The flaws of the packages that were matched.
    pub(super) flaws: Vec<(u32, Vec<KnownFlaw>)>,
    /// What is known of the exploitation of flaws of the other packages: of which package, and the how manieth.
    exploitation: Vec<NewExploitation>,
    /// The packages whose flaws, or what is known of them, are others than before.
    changed: BTreeSet<u32>,
    /// All flaws in their order, where so much changes that it was made anew.
    order: Option<Order>,
}

/// Which flaw of which package, whether it is exploited now, and how likely that is.
type NewExploitation = (u32, usize, (bool, Option<f32>));

/// How two generations of advisories differ.
struct Changes<'a> {
    names: Vec<ChangedName>,
    exploitation: HashSet<&'a str>,
}

impl Arrival {
    /// An image with what it holds.
    pub(in crate::search) fn new(image: HeldImage, inventory: Inventory) -> Arrival {
        let key = |installed: &Installed| PackageKey::of(&installed.package, inventory.distribution.as_ref());
        let keys = inventory.packages.iter().map(key).collect();
        Arrival { image, inventory, keys }
    }
}

impl Index {
    /// Matches the packages that images bring with the advisories that the flaws of all others are of.
    ///
    /// # Errors
    /// [`KnowledgeError::Damaged`].
    pub(in crate::search) fn match_arrivals(&self, images: Vec<Arrival>) -> Result<Arrivals, KnowledgeError> {
        let keys = images.iter().flat_map(|arrival| &arrival.keys);
        let new: HashSet<&PackageKey> = keys.filter(|key| !self.numbers.contains_key(*key)).collect();
        let flaws = match &self.advisories {
            Some(advisories) => flaws_of(&new.into_iter().collect::<Vec<_>>(), advisories)?,
            None => Flaws::new(),
        };
        Ok(Arrivals { revision: self.revision, images, flaws })
    }

    /// Takes images over, in the place of what was known of them.
    ///
    /// # Errors
    /// [`Outdated`]: nothing has changed.
    pub(in crate::search) fn take_in(&mut self, arrivals: Arrivals) -> Result<(), Outdated> {
        let Arrivals { revision, images, mut flaws } = arrivals;
        if revision != self.revision {
            return Err(Outdated);
        }
        images.into_iter().for_each(|image| self.hold(image, &mut flaws));
        Ok(())
    }

    /// Matches with another generation of advisories. Of packages about whose name it says the same as the generation before only what
    /// is known of exploitation is looked up, where that has changed.
    ///
    /// # Errors
    /// [`KnowledgeError::Damaged`].
    pub(in crate::search) fn rematch(
        &self,
        advisories: Option<Arc<Knowledge>>,
        generation: u64,
    ) -> Result<Rematch, KnowledgeError> {
        let (mut flaws, mut exploitation) = (Vec::new(), Vec::new());
        match advisories.as_deref() {
            None => flaws.extend(self.flawed().map(|number| (number, Vec::new()))),
            Some(new) => {
                // What cannot be compared with what was there is asked about everything.
                let changes = self.advisories.as_deref().and_then(|old| changes(new, old).ok());
                let mut numbers: Vec<u32> = match &changes {
                    Some(changes) => self.looked_up_by(&changes.names),
                    None => self.names.values().flat_map(HashMap::values).flatten().copied().collect(),
                };
                // One may be looked up by two names.
                numbers.sort_unstable();
                numbers.dedup();
                flaws = self.match_packages(&numbers, new)?;
                if let Some(changes) = changes.filter(|changes| !changes.exploitation.is_empty()) {
                    let matched: HashSet<u32> = numbers.into_iter().collect();
                    exploitation = self.exploitation(new, &changes.exploitation, &matched)?;
                }
            }
        }
        let changed = flaws.iter().map(|(number, _)| *number).chain(exploitation.iter().map(|(number, ..)| *number));
        let changed: BTreeSet<u32> = changed.collect();
        let before: usize = changed.iter().map(|number| self.flaws_of(*number).len()).sum();
        let new: usize = flaws.iter().map(|(_, flaws)| flaws.len()).sum();
        let order = (before + new > REORDERED_MAX).then(|| self.order_with(&flaws, &exploitation));
        Ok(Rematch { revision: self.revision, advisories, generation, flaws, exploitation, changed, order })
    }

    /// Takes over what another generation of advisories says. Returns what was known before: to free it takes longer than to exchange it,
    /// and nobody need wait for that.
    ///
    /// # Errors
    /// [`Outdated`]: nothing has changed.
    pub(in crate::search) fn take_over(&mut self, mut rematch: Rematch) -> Result<Rematch, Outdated> {
        if rematch.revision != self.revision {
            return Err(Outdated);
        }
        if rematch.order.is_none() {
            for number in &rematch.changed {
                let flaws = self.packages.get(*number as usize).map_or(&[][..], |held| held.flaws.as_slice());
                self.order.remove(*number, flaws);
            }
        }
        for (number, flaws) in &mut rematch.flaws {
            if let Some(held) = self.packages.get_mut(*number as usize) {
                std::mem::swap(&mut held.flaws, flaws);
            }
        }
        for (number, at, known) in &rematch.exploitation {
            let held = self.packages.get_mut(*number as usize);
            if let Some(flaw) = held.and_then(|held| held.flaws.get_mut(*at)) {
                flaw.set_exploitation(*known);
            }
        }
        match &mut rematch.order {
            Some(order) => std::mem::swap(&mut self.order, order),
            None => {
                for number in &rematch.changed {
                    let flaws = self.packages.get(*number as usize).map_or(&[][..], |held| held.flaws.as_slice());
                    self.order.add(*number, flaws);
                }
            }
        }
        std::mem::swap(&mut self.advisories, &mut rematch.advisories);
        self.generation = rematch.generation;
        self.revision += 1;
        Ok(rematch)
    }

    /// The packages that have flaws.
    fn flawed(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.packages).filter(|(_, held)| !held.flaws.is_empty()).map(|(number, _)| number)
    }

    /// The packages that are looked up by these names.
    fn looked_up_by(&self, names: &[ChangedName]) -> Vec<u32> {
        let numbers = |(source, name): &ChangedName| self.names.get(source)?.get(name);
        names.iter().filter_map(numbers).flatten().copied().collect()
    }

    fn flaws_of(&self, number: u32) -> &[KnownFlaw] {
        self.packages.get(number as usize).map_or(&[][..], |held| held.flaws.as_slice())
    }

    /// All flaws in their order, once some packages have others, and of some flaws of the rest, in the order of packages and flaws,
    /// something else is known: `O(flaws of all packages)`.
    pub(super) fn order_with(&self, others: &[(u32, Vec<KnownFlaw>)], exploitation: &[NewExploitation]) -> Order {
        let others: HashMap<u32, &[KnownFlaw]> =
            others.iter().map(|(number, flaws)| (*number, flaws.as_slice())).collect();
        let mut exploitation = exploitation.iter().peekable();
        let mut order = Order::default();
        for (number, held) in (0..).zip(&self.packages) {
            if let Some(flaws) = others.get(&number) {
                order.add(number, flaws);
                continue;
            }
            for (place, flaw) in held.flaws.iter().enumerate() {
                let known = exploitation.next_if(|(package, at, _)| (*package, *at) == (number, place));
                let facts = known.map_or_else(|| Facts::of(flaw), |(.., known)| Facts::when(flaw, *known));
                order.add_one((number, u32::try_from(place).unwrap_or(u32::MAX)), flaw, facts);
            }
        }
        order
    }

    fn match_packages(
        &self,
        numbers: &[u32],
        advisories: &Knowledge,
    ) -> Result<Vec<(u32, Vec<KnownFlaw>)>, KnowledgeError> {
        let held = |number: &u32| Some((*number, &*self.packages.get(*number as usize)?.key));
        let packages: Vec<(u32, &PackageKey)> = numbers.iter().filter_map(held).collect();
        let keys: Vec<&PackageKey> = packages.iter().map(|(_, key)| *key).collect();
        let mut flaws = flaws_of(&keys, advisories)?;
        Ok(packages.into_iter().map(|(number, key)| (number, flaws.remove(key).unwrap_or_default())).collect())
    }

    /// What is known of the exploitation of flaws with one of these ids, of packages but for those that were matched.
    fn exploitation(
        &self,
        advisories: &Knowledge,
        changed: &HashSet<&str>,
        matched: &HashSet<u32>,
    ) -> Result<Vec<NewExploitation>, KnowledgeError> {
        let mut found = Vec::new();
        for number in self.flawed().filter(|number| !matched.contains(number)) {
            for (at, flaw) in self.flaws_of(number).iter().enumerate() {
                let mut ids = std::iter::once(&flaw.id).chain(&flaw.aliases);
                if ids.any(|id| changed.contains(id.as_str())) {
                    found.push((number, at, advisories.exploitation_of(&flaw.id, &flaw.aliases)?));
                }
            }
        }
        Ok(found)
    }
}

/// For tests: what is worked out is taken over at once.
#[cfg(test)]
impl Index {
    pub(in crate::search) fn put(&mut self, image: HeldImage, inventory: &Inventory) {
        let arrivals = self.match_arrivals(vec![Arrival::new(image, inventory.clone())]).unwrap();
        self.take_in(arrivals).unwrap();
    }

    pub(in crate::search) fn match_with(&mut self, advisories: Knowledge, generation: u64) {
        let rematch = self.rematch(Some(Arc::new(advisories)), generation).unwrap();
        self.take_over(rematch).unwrap();
    }

    pub(in crate::search) fn change_flaws(&mut self, change: impl FnMut(&mut KnownFlaw)) {
        self.packages.iter_mut().flat_map(|held| &mut held.flaws).for_each(change);
        self.order = self.order_with(&[], &[]);
    }
}

fn changes<'a>(new: &'a Knowledge, old: &'a Knowledge) -> Result<Changes<'a>, KnowledgeError> {
    Ok(Changes { names: new.changed_since(old)?, exploitation: new.exploitation_changed_since(old)? })
}

/// Finds the flaws of packages, each by what advisories tell it apart.
fn flaws_of(packages: &[&PackageKey], advisories: &Knowledge) -> Result<Flaws, KnowledgeError> {
    let mut found = Flaws::new();
    for (distribution, group) in groups(packages) {
        for some in group.chunks(MATCHED_AT_ONCE) {
            let install = |key: &&PackageKey| {
                let package = key.package.clone();
                Installed { package, path: String::new(), layer: 0 }
            };
            let inventory = Inventory {
                distribution: distribution.cloned(),
                packages: some.iter().map(install).collect(),
                ..Inventory::default()
            };
            for finding in find_without_texts(&inventory, advisories, &Options::default())?.findings {
                let key = PackageKey { package: finding.package.clone(), distribution: distribution.cloned() };
                found.entry(Arc::new(key)).or_default().push(finding.into());
            }
        }
    }
    Ok(found)
}

/// By distribution, and so that no two of a group have the same kind, name and version: as in one image, where the first of them
/// would stand for all.
fn groups<'a>(packages: &[&'a PackageKey]) -> Vec<(Option<&'a Distribution>, Vec<&'a PackageKey>)> {
    let mut seen = HashMap::new();
    let mut groups: HashMap<(Option<&Distribution>, u32), Vec<&PackageKey>> = HashMap::new();
    for key in packages.iter().copied() {
        let Package { kind, name, version, .. } = &key.package;
        let distribution = key.distribution.as_ref();
        let turn = seen.entry((distribution, kind, name, version)).and_modify(|turn| *turn += 1).or_insert(0_u32);
        groups.entry((distribution, *turn)).or_default().push(key);
    }
    groups.into_iter().map(|((distribution, _), group)| (distribution, group)).collect()
}
