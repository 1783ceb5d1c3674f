//! Which ids are the same flaw, and who says best how bad it is.

use super::build::Strings;
use crate::{Rating, Severity, severity};
use std::collections::BTreeMap;

/// What folding needs of an advisory; ids are strings' numbers.
pub(super) struct Member {
    pub(super) id: u32,
    pub(super) aliases: Vec<u32>,
    pub(super) upstream: Vec<u32>,
    pub(super) rating: BestRating,
}

/// The best of what an advisory says about how bad the flaw is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BestRating {
    pub(super) vector: Option<String>,
    /// The score in tenths.
    pub(super) tenths: Option<u8>,
    pub(super) score_source: Option<String>,
    pub(super) severity: Option<Severity>,
    pub(super) severity_source: Option<String>,
}

/// Takes the vector of the version that is compared best, the worse of two; without one a score; and the first word.
pub(super) fn best_rating(ratings: &[Rating]) -> BestRating {
    let tenths = |score: f32| (score.clamp(0.0, 10.0) * 10.0).round() as u8;
    let scored = |rating: &Rating| {
        let vector = rating.vector.as_deref()?;
        Some((severity::preference(vector), tenths(severity::score(vector)?)))
    };
    let by_vector = ratings.iter().filter_map(|rating| Some((scored(rating)?, rating)));
    let mut best = BestRating::default();
    if let Some(((_, score), rating)) = by_vector.min_by_key(|((preference, score), _)| (*preference, 100 - *score)) {
        best.vector.clone_from(&rating.vector);
        best.tenths = Some(score);
        best.score_source = Some(rating.source.clone());
    } else if let Some((score, rating)) = ratings.iter().find_map(|rating| Some((rating.score?, rating))) {
        best.tenths = Some(tenths(score));
        best.score_source = Some(rating.source.clone());
    }
    if let Some((word, rating)) = ratings.iter().find_map(|rating| Some((rating.severity?, rating))) {
        best.severity = Some(word);
        best.severity_source = Some(rating.source.clone());
    }
    best
}

/// One flaw.
#[derive(Debug, Default)]
pub(super) struct Flaw {
    /// The CVE where there is one.
    pub(super) id: u32,
    /// Its other ids, sorted.
    pub(super) aliases: Vec<u32>,
    /// The advisories that are about it and nothing else, in their order of ids.
    pub(super) members: Vec<u32>,
}

impl Flaw {
    /// The advisories (from 1; 0 is none) with the best score, and with the first word.
    pub(super) fn best(&self, all: &[Member]) -> (u32, u32) {
        let ratings = || self.members.iter().filter_map(|at| Some((*at, &all.get(*at as usize)?.rating)));
        let scored = ratings().filter(|(_, rating)| rating.tenths.is_some());
        let score = scored.min_by_key(|(_, rating)| rating.vector.as_deref().map_or(u8::MAX, severity::preference));
        let word = ratings().find(|(_, rating)| rating.severity.is_some());
        (score.map_or(0, |(at, _)| at + 1), word.map_or(0, |(at, _)| at + 1))
    }
}

/// All flaws.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    pub(super) all: Vec<Flaw>,
    /// The flaws of each advisory: those it tracks, or the one it is about.
    pub(super) of_advisory: Vec<Vec<u32>>,
}

impl Flaws {
    /// Ids that any record calls aliases are the same, also over several records.
    pub(super) fn fold(members: &[Member], strings: &Strings) -> Flaws {
        let mut same = Same((0..u32::try_from(strings.count()).unwrap_or(u32::MAX)).collect());
        for member in members {
            for alias in &member.aliases {
                same.join(member.id, *alias);
            }
        }
        let mut ids: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for member in members {
            for id in [member.id].iter().chain(&member.aliases).chain(&member.upstream) {
                ids.entry(same.root(*id)).or_default().push(*id);
            }
        }
        let rank = |id: &u32| {
            let text = strings.get(*id);
            let by_kind = if text.starts_with(b"CVE-") {
                0
            } else if text.starts_with(b"GHSA-") {
                1
            } else {
                2
            };
            (by_kind, text)
        };
        let mut flaws = Flaws::default();
        let mut number_of: BTreeMap<u32, u32> = BTreeMap::new();
        for (root, mut group) in ids {
            group.sort_by(|left, right| rank(left).cmp(&rank(right)));
            group.dedup();
            let id = group.remove(0);
            group.sort_by(|left, right| strings.get(*left).cmp(strings.get(*right)));
            number_of.insert(root, u32::try_from(flaws.all.len()).unwrap_or(u32::MAX));
            flaws.all.push(Flaw { id, aliases: group, members: Vec::new() });
        }
        for (at, member) in members.iter().enumerate() {
            let about = if member.upstream.is_empty() { vec![member.id] } else { member.upstream.clone() };
            let mut of_advisory: Vec<u32> =
                about.iter().filter_map(|id| number_of.get(&same.root(*id)).copied()).collect();
            of_advisory.sort_unstable();
            of_advisory.dedup();
            if let [only] = of_advisory[..]
                && let Some(flaw) = flaws.all.get_mut(only as usize)
            {
                flaw.members.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            flaws.of_advisory.push(of_advisory);
        }
        for flaw in &mut flaws.all {
            flaw.members.sort_by(|left, right| {
                let text = |at: &u32| members.get(*at as usize).map(|member| rank(&member.id));
                text(left).cmp(&text(right))
            });
        }
        flaws
    }
}

/// Sets that are joined (union-find with halving of paths).
struct Same(Vec<u32>);

impl Same {
    fn root(&mut self, mut at: u32) -> u32 {
        while self.0[at as usize] != at {
            let above = self.0[self.0[at as usize] as usize];
            self.0[at as usize] = above;
            at = above;
        }
        at
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other) as usize] = one.min(other);
    }
}
