//! Which images are protected, and what lives with them.

use crate::{Images, Pattern, Protection, images::Edge};

/// Why an image may not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shield {
    pub(crate) protection: Protection,
    /// The place of the image that is protected itself, where it is another.
    pub(crate) through: Option<u32>,
}

/// Returns by place which images are shielded; nothing where none is.
///
/// What a protected image holds or is signed by is protected with it, also while the image is archived and reaches
/// nothing. An image in use protects the indexes that list it too: whoever runs one platform asked for it by their tags.
pub(crate) fn find(images: &Images, edges: &[Edge], protected_tags: &[Pattern]) -> Vec<Option<Shield>> {
    let own = |place| {
        let facts = images.facts(place);
        let is_tagged = || images.tags(place).any(|tag| protected_tags.iter().any(|pattern| pattern.matches(tag)));
        let protection = match () {
            () if facts.is_held => Protection::Held,
            () if facts.is_in_use => Protection::InUse,
            () if is_tagged() => Protection::Tag,
            () if facts.is_in_quarantine => Protection::Quarantine,
            () => return None,
        };
        Some(Shield { protection, through: None })
    };
    if (0..images.len()).all(|place| own(place).is_none()) {
        return vec![];
    }
    let mut shields: Vec<_> = (0..images.len()).map(own).collect();
    if !edges.is_empty() {
        shield_users(images, edges, &mut shields);
        shield_needed(edges, &mut shields);
    }
    shields
}

/// Shields what lists an image in use, and what lists that.
fn shield_users(images: &Images, edges: &[Edge], shields: &mut [Option<Shield>]) {
    let ways = Ways::make(edges.iter().map(|edge| (edge.child, edge.parent)));
    let mut seen: Vec<bool> = (0..images.len()).map(|place| images.facts(place).is_in_use).collect();
    let mut open: Vec<(u32, u32)> = (0..).zip(&seen).filter(|(_, is_used)| **is_used).map(|(at, _)| (at, at)).collect();
    while let Some((used, place)) = open.pop() {
        for to in ways.from(place) {
            if !std::mem::replace(&mut seen[to as usize], true) {
                shields[to as usize].get_or_insert(Shield { protection: Protection::InUse, through: Some(used) });
                open.push((used, to));
            }
        }
    }
}

/// Shields what shielded images need.
fn shield_needed(edges: &[Edge], shields: &mut [Option<Shield>]) {
    let ways = Ways::make(edges.iter().map(|edge| (edge.parent, edge.child)));
    for kind in [Protection::Held, Protection::InUse, Protection::Tag, Protection::Quarantine] {
        let is_kind = |shield: &Option<Shield>| shield.is_some_and(|shield| shield.protection == kind);
        let mut open: Vec<u32> = (0..).zip(&*shields).filter(|(_, shield)| is_kind(shield)).map(|(at, _)| at).collect();
        while let Some(place) = open.pop() {
            let through = shields[place as usize].and_then(|shield| shield.through).or(Some(place));
            for to in ways.from(place) {
                if shields[to as usize].is_none() {
                    shields[to as usize] = Some(Shield { protection: kind, through });
                    open.push(to);
                }
            }
        }
    }
}

/// Where one can go from a place: sorted pairs.
struct Ways(Vec<(u32, u32)>);

impl Ways {
    fn make(pairs: impl Iterator<Item = (u32, u32)>) -> Ways {
        let mut pairs: Vec<(u32, u32)> = pairs.collect();
        pairs.sort_unstable();
        Ways(pairs)
    }

    fn from(&self, place: u32) -> impl Iterator<Item = u32> {
        let first = self.0.partition_point(|(start, _)| *start < place);
        self.0[first..].iter().take_while(move |(start, _)| *start == place).map(|(_, to)| *to)
    }
}
