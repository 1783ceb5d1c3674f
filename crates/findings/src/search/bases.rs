//! Base images: one whose layers are the lowest of another image was that image's beginning, whoever built it.

use super::{
    index::{HeldImage, HeldPackage, Index, KnownFlaw},
    questions::{FoundImage, Visible},
    vex::HeldVex,
};
use crate::scans::{ImageFindings, Scans};
use gantry_fault::Fault;
use gantry_scan::{Distribution, Finding, Inventory, Severity};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Better images than a base that are looked at for a tag.
const BETTER_MAX: usize = 20;

/// How many findings there are of each severity; none of those that VEX documents suppress.
pub type SeverityCounts = BTreeMap<Severity, usize>;

/// The image that another was made from.
#[derive(Clone, Debug)]
pub struct BaseImage {
    /// The base.
    pub image: FoundImage,
    /// How many layers it has: the lowest of the other image.
    pub layers: usize,
    /// What is wrong with the base.
    pub counts: SeverityCounts,
    /// What is wrong with the other image, in packages that came with the base.
    pub inherited: SeverityCounts,
    /// What is wrong with it besides.
    pub own: SeverityCounts,
    /// A later image with a tag in the base's repository, for the same platform and release, with less that is wrong; and what is.
    pub better: Option<(FoundImage, SeverityCounts)>,
}

/// Of what the images of an index are made.
#[derive(Default)]
pub(super) struct Chains {
    made: HashMap<u32, Made>,
    numbers: HashMap<String, Vec<u32>>,
}

/// Of what an image is made.
struct Made {
    /// The chain id of all its layers.
    chain_id: String,
    /// What has to be the same for one to stand in for another.
    kind: (String, Option<(String, String)>),
}

impl Chains {
    /// Takes an image by its number, which has no other.
    pub(super) fn put(&mut self, number: u32, inventory: &Inventory) {
        let Some(chain_id) = inventory.chain_ids().pop() else { return };
        self.numbers.entry(chain_id.clone()).or_default().push(number);
        let kind = (inventory.platform.clone(), inventory.distribution.as_ref().map(release));
        self.made.insert(number, Made { chain_id, kind });
    }

    /// Forgets an image.
    pub(super) fn remove(&mut self, number: u32) {
        let Some(made) = self.made.remove(&number) else { return };
        if let Some(numbers) = self.numbers.get_mut(&made.chain_id) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.numbers.remove(&made.chain_id);
            }
        }
    }

    /// The images of exactly these layers.
    fn of(&self, chain_id: &str) -> &[u32] {
        self.numbers.get(chain_id).map_or(&[], Vec::as_slice)
    }

    /// Whether one image may stand in for another.
    fn are_alike(&self, one: u32, other: u32) -> bool {
        let kind = |number: u32| self.made.get(&number).map(|made| &made.kind);
        kind(one).is_some() && kind(one) == kind(other)
    }
}

/// The name of a distribution and of its release, within which an update changes no interfaces.
fn release(distribution: &Distribution) -> (String, String) {
    let parts = match distribution.id.as_str() {
        "alpine" | "ubuntu" => 2,
        _ => 1,
    };
    let version: Vec<&str> = distribution.version.split('.').take(parts).collect();
    (distribution.id.clone(), version.join("."))
}

/// A base, and what is better than it, the best first.
pub(super) struct FoundBase {
    base: BaseImage,
    better: Vec<(FoundImage, SeverityCounts)>,
}

/// Finds the base with the most layers of an image among those in the repositories in `visible`; of several the youngest.
pub(super) fn find(index: &Index, vex: &HeldVex, visible: &Visible, image: &ImageFindings) -> Option<FoundBase> {
    let mut chain_ids = image.inventory.chain_ids();
    chain_ids.pop();
    let youngest = |chain_id: &String| {
        let numbers = index.chains().of(chain_id).iter();
        let images = numbers.filter_map(|number| Some((*number, index.image(*number)?)));
        let images = images.filter(|(_, image)| visible.contains_key(&image.place.0));
        images.max_by_key(|(_, image)| (image.pushed_at, image.place.clone()))
    };
    let mut chains = chain_ids.iter().enumerate().rev();
    let (layers, (number, held)) = chains.find_map(|(at, chain_id)| Some((at + 1, youngest(chain_id)?)))?;
    let counts = counts(index, vex, number);
    let better = better(index, vex, number, &counts);
    let (inherited, own) = split(image, layers);
    let shown = |image: &HeldImage| FoundImage {
        repository_id: image.place.0,
        repository: visible.get(&image.place.0).cloned().unwrap_or_default(),
        digest: image.place.1.to_string(),
        tags: Vec::new(),
        paths: Vec::new(),
        layer: None,
        known_since: None,
        running_in: Vec::new(),
        pushed_at: image.pushed_at,
        pushed_by: image.pushed_by.to_string(),
    };
    let better = better.into_iter().map(|(image, counts)| (shown(image), counts)).collect();
    let base = BaseImage { image: shown(held), layers, counts, inherited, own, better: None };
    Some(FoundBase { base, better })
}

/// Images that are later than a base in its repository and have less that is wrong, the best first.
fn better<'i>(
    index: &'i Index,
    vex: &HeldVex,
    base: u32,
    of_base: &SeverityCounts,
) -> Vec<(&'i HeldImage, SeverityCounts)> {
    let Some(held) = index.image(base) else { return Vec::new() };
    let others = index.numbered().filter(|(number, image)| {
        let is_later = image.place.0 == held.place.0 && image.pushed_at > held.pushed_at;
        is_later && index.chains().are_alike(base, *number)
    });
    let judged = others.map(|(number, image)| (image, counts(index, vex, number)));
    let mut better: Vec<_> = judged.filter(|(_, counts)| rank(counts) < rank(of_base)).collect();
    better.sort_by_key(|(image, counts)| (rank(counts), Reverse(image.pushed_at)));
    better.truncate(BETTER_MAX);
    better
}

/// What orders images by what is wrong with them, the best first: a critical finding outweighs all others.
fn rank(counts: &SeverityCounts) -> Vec<usize> {
    Severity::ALL.iter().map(|severity| counts.get(severity).copied().unwrap_or(0)).collect()
}

fn counts(index: &Index, vex: &HeldVex, number: u32) -> SeverityCounts {
    let Some(image) = index.image(number) else { return SeverityCounts::new() };
    let mut counts = SeverityCounts::new();
    for HeldPackage { key, flaws, .. } in index.packages_of(number) {
        let is_suppressed = |flaw: &KnownFlaw| {
            vex.speaks_of(index, flaw) && vex.suppression(index, flaw, &key.package, image).is_some()
        };
        for flaw in flaws.iter().filter(|flaw| !is_suppressed(flaw)) {
            *counts.entry(flaw.severity).or_default() += 1;
        }
    }
    counts
}

/// Tells what is wrong with packages that only the lowest `layers` of an image brought from what is wrong besides.
fn split(image: &ImageFindings, layers: usize) -> (SeverityCounts, SeverityCounts) {
    let brought = image.inventory.package_layers();
    let is_inherited = |finding: &Finding| {
        let highest = brought.get(&finding.package.key()).and_then(|brought| brought.last());
        highest.is_some_and(|highest| (*highest as usize) < layers)
    };
    let (mut inherited, mut own) = (SeverityCounts::new(), SeverityCounts::new());
    for finding in image.matched.findings.iter().filter(|finding| finding.suppressed.is_none()) {
        let counts = if is_inherited(finding) { &mut inherited } else { &mut own };
        *counts.entry(finding.severity).or_default() += 1;
    }
    (inherited, own)
}

impl Scans {
    /// Says from which image another was made, of those in the repositories in `visible`; `None` where none of its beginnings was ever
    /// pushed there and scanned.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn base_of(&self, visible: Visible, image: Arc<ImageFindings>) -> Result<Option<BaseImage>, Fault> {
        self.refresh_for_a_base().await?;
        let search = self.search.clone();
        let look = move || search.read(|index| find(index, &search.vex(), &visible, &image));
        let found = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)?;
        let Some(FoundBase { mut base, mut better }) = found else { return Ok(None) };
        let images = better.iter_mut().map(|(image, _)| image).chain([&mut base.image]);
        self.add_tags(&mut images.collect::<Vec<_>>()).await?;
        base.better = better.into_iter().find(|(image, _)| !image.tags.is_empty());
        Ok(Some(base))
    }
}

#[cfg(test)]
mod tests;
