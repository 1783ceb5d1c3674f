//! The flaws of all packages in the orders in which they are listed, so that a page is a walk from where the page before ended.

use super::KnownFlaw;
use crate::search::questions::FlawOrder;
use gantry_scan::Severity;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

/// A flaw of a package: the package's number, and the how manieth of its flaws.
pub(in crate::search) type Entry = (u32, u32);

/// All flaws by rank and id; those of an id that are alike in what is asked for lie together.
///
/// It is the package, in the end, that decides the order: that is for who walks, of the few packages where the walk comes by. So a flaw of
/// a package takes eight bytes for both orders, sixteen at most while its list has room to grow.
#[derive(Default)]
pub(in crate::search) struct Order {
    flaws: HashMap<Arc<str>, Listed>,
    by_severity: BTreeSet<(u8, Arc<str>)>,
    by_priority: BTreeSet<(u8, Arc<str>)>,
}

/// The packages with the flaw of an id.
struct Listed {
    groups: Vec<Group>,
    /// Of all names under which it was ever known here, the hash.
    names: Vec<u32>,
}

struct Group {
    facts: Facts,
    /// Sorted.
    entries: Vec<Entry>,
}

/// What is asked of flaws, of those that are listed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::search) struct Facts {
    pub(in crate::search) severity: Severity,
    /// 0 to 100.
    pub(in crate::search) priority: u8,
    pub(in crate::search) is_fixable: bool,
    pub(in crate::search) known_exploited: bool,
    /// The bits of the probability.
    epss: Option<u32>,
}

/// Where a walk begins, and where it need not come by.
pub(in crate::search) struct Way<'a> {
    pub(in crate::search) order: FlawOrder,
    /// The rank and the id with which it begins.
    pub(in crate::search) first: (u8, &'a str),
    /// It comes by flaws that may be known by a name with one of these hashes alone.
    pub(in crate::search) names: Option<HashSet<u32>>,
}

impl Facts {
    pub(super) fn of(flaw: &KnownFlaw) -> Facts {
        Facts {
            severity: flaw.severity,
            priority: flaw.priority,
            is_fixable: flaw.fixed_version.is_some(),
            known_exploited: flaw.known_exploited,
            epss: flaw.epss.map(f32::to_bits),
        }
    }

    /// Those of a flaw once this is known of its exploitation.
    pub(super) fn when(flaw: &KnownFlaw, known: (bool, Option<f32>)) -> Facts {
        Facts {
            priority: flaw.priority_when(known),
            known_exploited: known.0,
            epss: known.1.map(f32::to_bits),
            ..Facts::of(flaw)
        }
    }

    /// The probability that it is exploited within 30 days, 0.0 to 1.0.
    pub(in crate::search) fn epss(&self) -> Option<f32> {
        self.epss.map(f32::from_bits)
    }

    fn rank(&self, order: FlawOrder) -> u8 {
        rank(order, self.severity, self.priority)
    }
}

/// What comes first has the lowest.
pub(in crate::search) fn rank(order: FlawOrder, severity: Severity, priority: u8) -> u8 {
    match order {
        FlawOrder::Severity => Severity::ALL.iter().position(|known| *known == severity).unwrap_or_default() as u8,
        FlawOrder::Priority => u8::MAX - priority,
    }
}

/// The hash of an id, in whatever case its letters are (FNV-1a).
pub(in crate::search) fn name_hash(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193))
}

impl Order {
    /// Takes the flaws of a package of which it has none.
    pub(super) fn add(&mut self, package: u32, flaws: &[KnownFlaw]) {
        for (at, flaw) in (0..).zip(flaws) {
            self.add_one((package, at), flaw, Facts::of(flaw));
        }
    }

    /// Takes a flaw with these facts.
    pub(super) fn add_one(&mut self, entry: Entry, flaw: &KnownFlaw, facts: Facts) {
        if !self.flaws.contains_key(flaw.id.as_str()) {
            let listed = Listed { groups: Vec::new(), names: vec![name_hash(&flaw.id)] };
            self.flaws.insert(flaw.id.as_str().into(), listed);
        }
        let Some(listed) = self.flaws.get_mut(flaw.id.as_str()) else { return };
        for name in flaw.aliases.iter().map(|alias| name_hash(alias)) {
            if !listed.names.contains(&name) {
                listed.names.push(name);
            }
        }
        match listed.groups.iter_mut().find(|group| group.facts == facts) {
            Some(group) => {
                // Mostly it comes last.
                let at = match group.entries.last() {
                    Some(last) if *last > entry => group.entries.partition_point(|known| *known < entry),
                    _ => group.entries.len(),
                };
                group.entries.insert(at, entry);
            }
            None => {
                listed.groups.push(Group { facts, entries: vec![entry] });
                let Some((id, _)) = self.flaws.get_key_value(flaw.id.as_str()) else { return };
                self.by_severity.insert((facts.rank(FlawOrder::Severity), id.clone()));
                self.by_priority.insert((facts.rank(FlawOrder::Priority), id.clone()));
            }
        }
    }

    /// Forgets the flaws of a package, which are those that it was given.
    pub(super) fn remove(&mut self, package: u32, flaws: &[KnownFlaw]) {
        for (at, flaw) in (0..).zip(flaws) {
            let (entry, facts) = ((package, at), Facts::of(flaw));
            let Some(listed) = self.flaws.get_mut(flaw.id.as_str()) else { continue };
            let Some(of_groups) = listed.groups.iter().position(|group| group.facts == facts) else { continue };
            let entries = &mut listed.groups[of_groups].entries;
            if let Ok(at) = entries.binary_search(&entry) {
                entries.remove(at);
            }
            if entries.is_empty() {
                listed.groups.swap_remove(of_groups);
                self.forget_rank(&flaw.id, facts);
            }
        }
    }

    /// Forgets where an id stood by facts that no group of it has any more.
    fn forget_rank(&mut self, id: &str, facts: Facts) {
        let Some((id, listed)) = self.flaws.get_key_value(id) else { return };
        let (id, is_empty) = (id.clone(), listed.groups.is_empty());
        for order in [FlawOrder::Severity, FlawOrder::Priority] {
            let rank = facts.rank(order);
            if listed.groups.iter().any(|group| group.facts.rank(order) == rank) {
                continue;
            }
            let ranks = match order {
                FlawOrder::Severity => &mut self.by_severity,
                FlawOrder::Priority => &mut self.by_priority,
            };
            ranks.remove(&(rank, id.clone()));
        }
        if is_empty {
            self.flaws.remove(&id);
        }
    }

    /// Walks through ranks and ids, each with the flaws of which `is_asked` holds: never none, and in no order.
    ///
    /// One step is `O(packages with the flaw)`. To begin is `O(log ids)`, and `O(ids)` where it is asked for names.
    pub(in crate::search) fn walk<'a>(
        &'a self,
        way: Way<'a>,
        is_rank_asked: impl Fn(u8) -> bool + 'a,
        is_asked: impl Fn(&Facts) -> bool + 'a,
    ) -> impl Iterator<Item = (u8, &'a str, Vec<Entry>)> + 'a {
        let order = way.order;
        let places: Box<dyn Iterator<Item = (u8, &'a Arc<str>)> + 'a> = match &way.names {
            Some(names) => Box::new(self.named(names, &way).into_iter()),
            None => {
                let ranks = match order {
                    FlawOrder::Severity => &self.by_severity,
                    FlawOrder::Priority => &self.by_priority,
                };
                let first = Bound::Included((way.first.0, Arc::from(way.first.1)));
                Box::new(ranks.range((first, Bound::Unbounded)).map(|(rank, id)| (*rank, id)))
            }
        };
        places.filter(move |(rank, _)| is_rank_asked(*rank)).filter_map(move |(rank, id)| {
            let groups = self.flaws.get(id)?.groups.iter();
            let groups = groups.filter(|group| group.facts.rank(order) == rank && is_asked(&group.facts));
            let entries: Vec<Entry> = groups.flat_map(|group| &group.entries).copied().collect();
            (!entries.is_empty()).then_some((rank, &**id, entries))
        })
    }

    /// The places of ids that may be known by a name with one of these hashes, from where a way begins.
    fn named(&self, names: &HashSet<u32>, way: &Way<'_>) -> Vec<(u8, &Arc<str>)> {
        let known = self.flaws.iter().filter(|(_, listed)| listed.names.iter().any(|name| names.contains(name)));
        let mut places: Vec<(u8, &Arc<str>)> = Vec::new();
        for (id, listed) in known {
            places.extend(listed.groups.iter().map(|group| (group.facts.rank(way.order), id)));
        }
        places.retain(|(rank, id)| (*rank, &***id) >= way.first);
        places.sort_unstable();
        places.dedup();
        places
    }
}
