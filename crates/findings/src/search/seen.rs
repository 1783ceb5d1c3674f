use super::index::{HeldPackage, Index, KnownFlaw};
use crate::search::vex::HeldVex;
use gantry_metadata::finding_history::{FlawPlaceRow, HistoryRow, SeverityColumns};
use gantry_scan::{PackageType, Severity};
use gantry_words::{AccountId, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A flaw in a package, whichever version of it: an update that does not mend it is no new flaw.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FlawKey {
    flaw: String,
    kind: PackageType,
    package: String,
}

/// Since when a flaw is in a repository, and how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) first_seen_at: Timestamp,
    pub(super) severity: Severity,
}

/// Flaws that were written down as being there, by repository.
pub(super) type Open = HashMap<FlawKey, BTreeMap<i64, Seen>>;

/// Flaws that are there, by repository.
pub(super) type Present = HashMap<FlawKey, BTreeMap<i64, Severity>>;

/// What is to be written down: what came, or is otherwise bad than before, and what went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) seen: Vec<(FlawPlaceRow, &'static str)>,
    pub(super) gone: Vec<FlawPlaceRow>,
}

impl FlawKey {
    pub(super) fn of(flaw: &KnownFlaw, held: &HeldPackage) -> FlawKey {
        let package = &held.key.package;
        FlawKey { flaw: flaw.id.clone(), kind: package.kind, package: package.name.clone() }
    }

    fn row(&self, repository: i64) -> FlawPlaceRow {
        let FlawKey { flaw, kind, package } = self;
        FlawPlaceRow { repository, flaw: flaw.clone(), kind: kind.name().into(), package: package.clone() }
    }
}

/// What is in which repository now.
pub(super) fn present(index: &Index) -> Present {
    let mut present = Present::new();
    for held in index.packages().iter().filter(|held| !held.flaws.is_empty()) {
        let images = held.images.iter().filter_map(|(image, _)| index.image(*image));
        let repositories: HashSet<i64> = images.map(|image| image.place.0).collect();
        if repositories.is_empty() {
            continue;
        }
        for flaw in &held.flaws {
            let places = present.entry(FlawKey::of(flaw, held)).or_default();
            for repository in &repositories {
                let severity = places.entry(*repository).or_insert(flaw.severity);
                *severity = flaw.severity.max(*severity);
            }
        }
    }
    present
}

/// Compares what was written down with what is there.
pub(super) fn compare(open: &Open, present: &Present) -> News {
    let mut news = News::default();
    for (key, places) in present {
        let known = open.get(key);
        let other = places.iter().filter(|(repository, severity)| {
            known.and_then(|known| known.get(repository)).is_none_or(|seen| seen.severity != **severity)
        });
        news.seen.extend(other.map(|(repository, severity)| (key.row(*repository), severity.name())));
    }
    for (key, places) in open {
        let there = present.get(key);
        let gone = places.keys().filter(|repository| there.is_none_or(|there| !there.contains_key(repository)));
        news.gone.extend(gone.map(|repository| key.row(*repository)));
    }
    news.seen.sort();
    news.gone.sort();
    news
}

/// News by whose they are; `None` is of repositories that are gone.
pub(super) fn by_account(news: News, account: impl Fn(i64) -> Option<AccountId>) -> BTreeMap<Option<AccountId>, News> {
    let mut parts: BTreeMap<Option<AccountId>, News> = BTreeMap::new();
    for seen in news.seen {
        parts.entry(account(seen.0.repository)).or_default().seen.push(seen);
    }
    for gone in news.gone {
        parts.entry(account(gone.repository)).or_default().gone.push(gone);
    }
    parts
}

impl News {
    /// Where these are more than `most`: how many came and went. Then the worst of what came are first.
    pub(super) fn more_than(&mut self, most: usize) -> Option<(usize, usize)> {
        let (seen, gone) = (self.seen.len(), self.gone.len());
        if seen + gone <= most {
            return None;
        }
        let rank = |name: &str| Severity::ALL.iter().find(|severity| severity.name() == name).copied();
        self.seen.sort_by(|a, b| (rank(b.1), &a.0).cmp(&(rank(a.1), &b.0)));
        Some((seen, gone))
    }
}

/// Whether a flaw was written down as being there.
pub(super) fn holds(open: &Open, place: &FlawPlaceRow) -> bool {
    let Some(kind) = PackageType::ALL.iter().find(|kind| kind.name() == place.kind) else { return false };
    let key = FlawKey { flaw: place.flaw.clone(), kind: *kind, package: place.package.clone() };
    open.get(&key).is_some_and(|places| places.contains_key(&place.repository))
}

/// Takes in rows of the database. What another version of the program wrote of kinds that are not known here is left out.
pub(super) fn take_in(open: &mut Open, rows: impl IntoIterator<Item = HistoryRow>) {
    for HistoryRow { place, severity, first_seen_at, .. } in rows {
        let kind = PackageType::ALL.iter().find(|kind| kind.name() == place.kind);
        let severity = Severity::ALL.iter().find(|known| known.name() == severity);
        let (Some(kind), Some(severity)) = (kind, severity) else { continue };
        let key = FlawKey { flaw: place.flaw, kind: *kind, package: place.package };
        open.entry(key).or_default().insert(place.repository, Seen { first_seen_at, severity: *severity });
    }
}

/// Takes out what is gone.
pub(super) fn take_out(open: &mut Open, gone: &[FlawPlaceRow]) {
    for place in gone {
        let Some(kind) = PackageType::ALL.iter().find(|kind| kind.name() == place.kind) else { continue };
        let key = FlawKey { flaw: place.flaw.clone(), kind: *kind, package: place.package.clone() };
        if let Some(places) = open.get_mut(&key) {
            places.remove(&place.repository);
            if places.is_empty() {
                open.remove(&key);
            }
        }
    }
}

/// Counts the findings of the newest image of each repository, by severity as the database has them; suppressed ones are not
/// counted.
pub(super) fn count_newest(index: &Index, vex: &HeldVex) -> BTreeMap<i64, SeverityColumns> {
    let mut counted = BTreeMap::new();
    for (repository, (image, packages)) in index.newest() {
        let counts: &mut SeverityColumns = counted.entry(repository).or_default();
        for (held, flaw) in packages.iter().flat_map(|held| held.flaws.iter().map(move |flaw| (held, flaw))) {
            let place = Severity::ALL.iter().position(|severity| *severity == flaw.severity);
            let count = place.and_then(|place| counts.get_mut(place));
            if let Some(count) = count.filter(|_| vex.suppression(index, flaw, &held.key.package, image).is_none()) {
                *count += 1;
            }
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM: i64 = 1;
    const OTHER: i64 = 2;

    fn key(flaw: &str) -> FlawKey {
        FlawKey { flaw: flaw.into(), kind: PackageType::Deb, package: "libssl3".into() }
    }

    fn open(all: &[(&str, i64, i64, Severity)]) -> Open {
        let mut open = Open::new();
        for (flaw, repository, at, severity) in all {
            let seen = Seen { first_seen_at: Timestamp::from_millis(*at), severity: *severity };
            open.entry(key(flaw)).or_default().insert(*repository, seen);
        }
        open
    }

    fn present(all: &[(&str, i64, Severity)]) -> Present {
        let mut present = Present::new();
        for (flaw, repository, severity) in all {
            present.entry(key(flaw)).or_default().insert(*repository, *severity);
        }
        present
    }

    #[test]
    fn only_what_is_otherwise_than_it_was_is_written_down() {
        let open = open(&[
            ("CVE-1", TEAM, 1, Severity::High),
            ("CVE-1", OTHER, 2, Severity::High),
            ("CVE-2", TEAM, 3, Severity::Low),
        ]);
        let present = present(&[
            ("CVE-1", TEAM, Severity::High),
            ("CVE-2", TEAM, Severity::Critical),
            ("CVE-3", OTHER, Severity::Low),
        ]);

        let news = compare(&open, &present);

        assert_eq!(news.seen, [(key("CVE-2").row(TEAM), "CRITICAL"), (key("CVE-3").row(OTHER), "LOW")]);
        assert_eq!(news.gone, [key("CVE-1").row(OTHER)]);
    }

    #[test]
    fn once_it_is_written_down_there_is_no_news() {
        let present = present(&[("CVE-1", TEAM, Severity::High), ("CVE-3", OTHER, Severity::Low)]);
        let mut open = open(&[("CVE-2", TEAM, 3, Severity::Low)]);

        let news = compare(&open, &present);
        take_out(&mut open, &news.gone);
        take_in(
            &mut open,
            news.seen.into_iter().map(|(place, severity)| HistoryRow {
                place,
                severity: severity.into(),
                first_seen_at: Timestamp::from_millis(9),
                gone_at: None,
            }),
        );

        assert_eq!(compare(&open, &present), News::default());
        assert_eq!(open.len(), 2, "what is gone leaves nothing behind");
    }

    #[test]
    fn of_more_than_is_told_one_by_one_the_worst_come_first() {
        let present = present(&[
            ("CVE-1", TEAM, Severity::Low),
            ("CVE-2", TEAM, Severity::Critical),
            ("CVE-3", OTHER, Severity::High),
        ]);
        let account = |id| (id == TEAM).then_some(AccountId::DEFAULT);

        let mut parts = by_account(compare(&Open::new(), &present), account);
        let of_team = parts.get_mut(&Some(AccountId::DEFAULT)).unwrap();

        assert_eq!((of_team.more_than(2), of_team.seen[0].1), (None, "LOW"));
        assert_eq!((of_team.more_than(1), of_team.seen[0].1), (Some((2, 0)), "CRITICAL"));
        assert_eq!(parts[&None].seen.len(), 1);
    }

    #[test]
    fn what_another_version_wrote_of_a_kind_that_is_not_known_is_left_alone() {
        let mut open = Open::new();
        let place = FlawPlaceRow { repository: TEAM, flaw: "CVE-1".into(), kind: "other".into(), package: "a".into() };
        let row =
            HistoryRow { place, severity: "HIGH".into(), first_seen_at: Timestamp::from_millis(1), gone_at: None };

        take_in(&mut open, [row]);

        assert!(open.is_empty());
    }
}
