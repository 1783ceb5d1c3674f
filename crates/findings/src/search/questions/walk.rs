//! A page of flaws: a walk through all that there are, in their order, from where the page before ended until the page is full.

use super::{FlawOrder, FlawPlace, FlawQuestion, FoundFlaw, Lens, compare, is_named};
use crate::search::index::{HeldPackage, Way, name_hash, rank};
use gantry_words::Page;
use std::{
    cell::{Cell, OnceCell},
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashSet},
};

/// Images looked at in vain, each by itself, before all packages of the visible ones are marked.
const LOOKED_AT_MAX: usize = if cfg!(test) { 2 } else { 20_000 };

/// Answers a question about flaws.
///
/// It looks at flaws from the place on until there are enough of those that are asked for, and at all packages with the same flaw
/// together: `O(flaws passed over + packages with the flaws that are shown)`. Only ranks, ids and lists of which none is asked for are
/// passed over without a look at each flaw; who asks for names, of flaws or packages, has all names looked at once.
pub(in crate::search) fn flaws(
    lens: &Lens<'_>,
    question: &FlawQuestion,
    after: Option<&FlawPlace>,
    count: usize,
) -> Page<FoundFlaw> {
    let reach = Reach::new(lens, question);
    let way = Way {
        order: question.order,
        first: after.map_or((0, ""), |FlawPlace(rank, id, _)| (*rank, id.as_str())),
        names: names(lens, question),
    };
    let severities = &question.severities;
    let is_rank_asked = |known: u8| {
        let is_of = |severity| rank(FlawOrder::Severity, severity, 0) == known;
        question.order != FlawOrder::Severity || severities.is_empty() || severities.iter().copied().any(is_of)
    };
    let steps = lens.index.order().walk(way, is_rank_asked, |facts| {
        (severities.is_empty() || severities.contains(&facts.severity))
            && (!question.is_fixable || facts.is_fixable)
            && (!question.is_known_exploited || facts.known_exploited)
            && question.epss_min.is_none_or(|least| facts.epss().is_some_and(|probability| probability >= least))
    });
    let found = steps.flat_map(|(rank, id, entries)| {
        let begins_after = after.filter(|FlawPlace(last, known, _)| (*last, known.as_str()) == (rank, id));
        let found = entries.into_iter().filter_map(|(package, at)| {
            let held = reach.package(package)?;
            let flaw = held.flaws.get(at as usize).filter(|flaw| question.holds(flaw))?;
            let is_after = begins_after.is_none_or(|FlawPlace(.., package)| package.is_before(&held.key));
            is_after.then_some(Placed(held, flaw))
        });
        in_order(found.collect())
    });
    let shown = found.filter_map(|Placed(held, flaw)| {
        lens.show(question, FlawPlace::of(flaw, &held.key, question.order), held, flaw)
    });
    Page::cut(shown.take(count + 1).collect(), count)
}

/// The hashes of the names of which one must be that of a flaw; `None` where any may be.
fn names(lens: &Lens<'_>, question: &FlawQuestion) -> Option<HashSet<u32>> {
    match &question.id {
        Some(id) => Some(HashSet::from([name_hash(id)])),
        None => question.is_suppressed.then(|| lens.vex.ids(lens.index).map(name_hash).collect()),
    }
}

/// The packages that are asked for and that may be seen.
struct Reach<'a> {
    lens: &'a Lens<'a>,
    /// Of each package, whether it has the name.
    named: Option<Vec<bool>>,
    /// Images that were looked at in vain.
    looked_at: Cell<usize>,
    /// Of each package, whether an image that may be seen holds it.
    visible: OnceCell<Vec<bool>>,
}

impl<'a> Reach<'a> {
    fn new(lens: &'a Lens<'a>, question: &FlawQuestion) -> Reach<'a> {
        let named = question.package.as_deref().map(|name| {
            let packages = lens.index.packages().iter();
            packages.map(|held| !held.flaws.is_empty() && is_named(&held.key.package, name)).collect()
        });
        Reach { lens, named, looked_at: Cell::new(0), visible: OnceCell::new() }
    }

    /// A package; `None` where it is not asked for, or in no image that may be seen.
    fn package(&self, number: u32) -> Option<&'a HeldPackage> {
        let is_marked = |marks: &Vec<bool>| marks.get(number as usize).copied().unwrap_or_default();
        if !self.named.as_ref().is_none_or(is_marked) {
            return None;
        }
        let is_visible = |repository: i64| self.lens.visible.contains_key(&repository);
        if self.looked_at.get() > LOOKED_AT_MAX {
            let marks = self.visible.get_or_init(|| self.lens.index.held_in(is_visible));
            return is_marked(marks).then(|| self.lens.index.packages().get(number as usize)).flatten();
        }
        let held = self.lens.index.packages().get(number as usize)?;
        let is_of =
            |(image, _): &(u32, u32)| self.lens.index.image(*image).is_some_and(|image| is_visible(image.place.0));
        if held.images.iter().any(is_of) {
            return Some(held);
        }
        self.looked_at.set(self.looked_at.get() + held.images.len() + 1);
        None
    }
}

/// What is of a package, in the order of the packages' places.
pub(super) struct Placed<'a, T>(pub(super) &'a HeldPackage, pub(super) T);

/// Gives what is of packages in the order of their places. What is not taken is not sorted: `O(n)` to begin, `O(log n)` for each.
pub(super) fn in_order<T>(all: Vec<Placed<'_, T>>) -> impl Iterator<Item = Placed<'_, T>> {
    let mut heap: BinaryHeap<Reverse<Placed<'_, T>>> = all.into_iter().map(Reverse).collect();
    std::iter::from_fn(move || heap.pop().map(|Reverse(first)| first))
}

impl<T> Ord for Placed<'_, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0.key, &other.0.key)
    }
}

impl<T> PartialOrd for Placed<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Placed<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Placed<'_, T> {}

#[cfg(test)]
mod tests;
