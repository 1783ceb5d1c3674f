//! Writes down since when flaws are in repositories, and how many there are each day; tells what is gone, and how it went.

use super::{
    Search, Visible,
    index::Index,
    seen::{self, Open},
};
use crate::{
    events::{self, Telling},
    scans::Scans,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, Trail, Tx, Write, accounts,
    finding_history::{self, FlawPlaceRow, GoneAfter, HistoryRow, SeverityColumns},
    repositories,
};
use gantry_scan::Severity;
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
    time::Duration,
};

/// How often it is looked again, though nothing is known to have changed: another server may have pushed or deleted.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Rows read or written in one go.
const BATCH: usize = 1_000;
/// Of so many flaws of an account that came, and went, at once each is told; of more only the worst, and how many there are.
const EVENTS_MAX: usize = 1_000;
/// For how long it is kept what is gone, and what was counted on a day.
const DAYS_KEPT: i64 = 400;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What was written down last, and of what.
#[derive(Default)]
pub(super) struct Noted {
    of: Option<Mark>,
    loaded_at: Option<Timestamp>,
    /// What was counted today, where it was written down.
    days: BTreeMap<i64, SeverityColumns>,
}

/// What has to change for there to be something to write down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    ended: u64,
    generation: u64,
    revision: u64,
    day: i64,
    at: Timestamp,
}

/// What was written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotedFindings {
    /// Flaws that came to a repository, or are otherwise bad than before.
    pub seen: usize,
    /// Flaws that are gone from one.
    pub gone: usize,
}

/// A flaw that is gone from a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneFlaw {
    /// Its place in the list.
    pub place: GonePlace,
    /// The repository's name.
    pub repository: String,
    /// The flaw's id.
    pub id: String,
    /// The package's kind, in purl's word.
    pub kind: String,
    /// The package's name.
    pub package: String,
    /// How bad it was, in ECR's word.
    pub severity: String,
    /// When it was first seen there.
    pub first_seen_at: Timestamp,
    /// From when on no image there had it.
    pub gone_at: Timestamp,
}

/// Where a list of what is gone goes on: after this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GonePlace(i64, i64, String, String, String);

/// What was counted on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrendDay {
    /// `YYYY-MM-DD`, of UTC.
    pub day: String,
    /// In how many repositories.
    pub repositories: u64,
    /// How many findings their newest images had, by severity; suppressed ones are not counted.
    pub counts: BTreeMap<Severity, u64>,
}

impl Scans {
    /// Writes down which flaws came to repositories and which went, and how many there are today, where something has changed.
    ///
    /// Without advisories nothing is known, and nothing is written down.
    ///
    /// # Errors
    /// The metadata cannot be read or written, or the advisories are damaged.
    pub async fn note_findings(&self, cx: &Cx) -> Result<NotedFindings, Fault> {
        let mut noted = self.search.noted.lock().await;
        let (knowledge, generation) = self.advisories().now();
        if knowledge.is_none() {
            return Ok(NotedFindings::default());
        }
        // Taken before anything is looked at: what comes meanwhile is looked at with the next call.
        let (ended, day) = (self.totals().complete, cx.now.millis().div_euclid(DAY_MILLIS));
        let mark = Mark { ended, generation, revision: self.search.read(Index::revision), day, at: cx.now };
        if noted.of.is_some_and(|of| mark == Mark { at: mark.at, ..of } && mark.at.since(of.at) < LOOK_EVERY) {
            return Ok(NotedFindings::default());
        }
        self.refresh_older_than(Duration::ZERO).await?;
        let is_alone = self.metadata.owns_alone();
        let is_loaded = noted.loaded_at.is_some_and(|at| is_alone || cx.now.since(at) < LOOK_EVERY);
        if !is_loaded {
            let open = self.load_open().await?;
            self.search.put_open(open);
            noted.loaded_at = Some(cx.now);
        }
        let search = self.search.clone();
        let look = move || {
            search.read(|index| {
                // They were taken away a moment ago: that nothing is known is no news of a flaw.
                if !index.has_advisories() {
                    return None;
                }
                let present = seen::present(index);
                let news = search.with_open(|open| seen::compare(open, &present));
                Some((news, seen::count_newest(index, &search.vex()), index.revision()))
            })
        };
        let looked = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)?;
        let Some((news, days, revision)) = looked else { return Ok(NotedFindings::default()) };
        let done = NotedFindings { seen: news.seen.len(), gone: news.gone.len() };
        self.write_news(cx, news).await?;
        self.write_days(cx, day, days, &mut noted).await?;
        noted.of = Some(Mark { revision, ..mark });
        Ok(done)
    }

    /// Reads what was written down as being there.
    async fn load_open(&self) -> Result<Open, Fault> {
        let mut open = Open::new();
        let mut after =
            FlawPlaceRow { repository: i64::MIN, flaw: String::new(), kind: String::new(), package: String::new() };
        loop {
            let from = after.clone();
            let look = move |rows: &mut Reader| finding_history::open_after(rows, &from, BATCH);
            let rows = self.metadata.read_long(look).await?;
            let Some(last) = rows.last() else { return Ok(open) };
            after = last.place.clone();
            seen::take_in(&mut open, rows);
        }
    }

    /// Writes down what came and what went, tells it, and remembers it once that stands.
    async fn write_news(&self, cx: &Cx, news: seen::News) -> Result<(), Fault> {
        let repositories = self.repositories_of(&news).await?;
        for (account, mut news) in seen::by_account(news, |id| repositories.get(&id).map(|(account, _)| *account)) {
            let cx = Cx { account: account.unwrap_or(cx.account), ..cx.clone() };
            let named = self.newest_of(&repositories, account);
            let more = news.more_than(EVENTS_MAX).filter(|_| account.is_some());
            // It goes with the first of the acts that write news: what another server was first with is none.
            let mut more = more.map(|(seen, gone)| events::more_event(seen, gone));
            let (mut seen_told, mut gone_told) = (EVENTS_MAX, EVENTS_MAX.saturating_sub(news.seen.len()));
            for some in news.gone.chunks(BATCH) {
                let each = some[..some.len().min(gone_told)].to_vec();
                let look = move |rows: &mut Reader| Ok((finding_history::told(rows, &each)?, each));
                let (kept, each) = self.metadata.read_long(look).await?;
                let mut told = Vec::from_iter(more.clone());
                told.extend(self.gone_events(&cx, &each, &kept, &named));
                gone_told = gone_told.saturating_sub(some.len());
                let note = NoteFindings { gone: some.to_vec(), told, ..NoteFindings::default() };
                let has_news = self.metadata.perform(&cx, note).await?;
                more = more.filter(|_| !has_news);
                self.search.change_open(|open| seen::take_out(open, some));
            }
            for some in news.seen.chunks(BATCH) {
                let mut told = Vec::from_iter(more.clone());
                told.extend(self.told_of(&cx, &some[..some.len().min(seen_told)], &named).await?);
                seen_told = seen_told.saturating_sub(some.len());
                let note = NoteFindings { seen: some.to_vec(), told, ..NoteFindings::default() };
                let has_news = self.metadata.perform(&cx, note).await?;
                more = more.filter(|_| !has_news);
                self.read_back(some).await?;
            }
        }
        Ok(())
    }

    /// Reads back what was written down: what was there before, or was written down by another server, is known since then.
    async fn read_back(&self, seen: &[(FlawPlaceRow, &'static str)]) -> Result<(), Fault> {
        let repositories: BTreeSet<i64> = seen.iter().map(|(place, _)| place.repository).collect();
        let look = move |rows: &mut Reader| {
            let of = |repository: &i64| finding_history::open_of(rows, *repository);
            repositories.iter().map(of).collect::<Result<Vec<Vec<HistoryRow>>, Fault>>()
        };
        let rows = self.metadata.read_long(look).await?;
        self.search.change_open(|open| seen::take_in(open, rows.into_iter().flatten()));
        Ok(())
    }

    /// Whose the repositories with news are, and their names; those that are gone are not among them.
    async fn repositories_of(&self, news: &seen::News) -> Result<BTreeMap<i64, (AccountId, String)>, Fault> {
        let seen = news.seen.iter().map(|(place, _)| place);
        let ids: BTreeSet<i64> = seen.chain(&news.gone).map(|place| place.repository).collect();
        let look = move |rows: &mut Reader| {
            let mut found = BTreeMap::new();
            for id in ids {
                let row = repositories::by_id(rows, id)?;
                if let Some((account, row)) = accounts::of_repository(rows, id)?.zip(row) {
                    found.insert(id, (account, row.name));
                }
            }
            Ok(found)
        };
        self.metadata.read_long(look).await
    }

    /// The repositories of an account, with their newest images.
    fn newest_of(
        &self,
        repositories: &BTreeMap<i64, (AccountId, String)>,
        account: Option<AccountId>,
    ) -> BTreeMap<i64, events::Newest> {
        self.search.read(|index| {
            let mut newest = index.newest();
            let of_account = repositories.iter().filter(|(_, (whose, _))| Some(*whose) == account);
            let named = of_account.map(|(id, (_, name))| {
                let image = newest.remove(id).map(|(image, _)| (image.place.1.clone(), image.scanned_at));
                (*id, events::Newest { name: name.clone(), image })
            });
            named.collect()
        })
    }

    /// What is told of flaws that came or changed.
    async fn told_of(
        &self,
        cx: &Cx,
        seen: &[(FlawPlaceRow, &'static str)],
        repositories: &BTreeMap<i64, events::Newest>,
    ) -> Result<Vec<Telling>, Fault> {
        let seen: Vec<events::Seen<'_>> = self.search.with_open(|open| {
            let one = |(place, severity)| events::Seen { place, severity, is_known: seen::holds(open, place) };
            seen.iter().map(|(place, severity)| one((place, *severity))).collect()
        });
        self.seen_events(cx, &seen, repositories).await
    }

    /// Writes down how many findings there are today, where that is another number than before.
    async fn write_days(
        &self,
        cx: &Cx,
        day: i64,
        mut counted: BTreeMap<i64, SeverityColumns>,
        noted: &mut Noted,
    ) -> Result<(), Fault> {
        if noted.of.is_none_or(|of| of.day != day) {
            noted.days.clear();
        }
        // A repository without images has none any more.
        for repository in noted.days.keys() {
            counted.entry(*repository).or_default();
        }
        let days: Vec<(i64, SeverityColumns)> =
            counted.into_iter().filter(|(repository, counts)| noted.days.get(repository) != Some(counts)).collect();
        for some in days.chunks(BATCH) {
            let days = some.to_vec();
            self.metadata.perform(cx, NoteFindings { day, days, ..NoteFindings::default() }).await?;
            noted.days.extend(some.iter().copied());
        }
        Ok(())
    }

    /// Lists flaws that are gone from the repositories in `visible`, those first that went last: up to `count` after a place; of
    /// one id, where one is given.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn gone_flaws(
        &self,
        visible: Visible,
        id: Option<String>,
        after: Option<GonePlace>,
        count: usize,
    ) -> Result<Page<GoneFlaw>, Fault> {
        let GonePlace(gone_at, repository, flaw, kind, package) =
            after.unwrap_or(GonePlace(i64::MAX, i64::MIN, String::new(), String::new(), String::new()));
        let place = FlawPlaceRow { repository, flaw, kind, package };
        let after = GoneAfter { gone_at: Timestamp::from_millis(gone_at), place };
        let repositories: Vec<i64> = visible.keys().copied().collect();
        let look =
            move |rows: &mut Reader| finding_history::gone(rows, &repositories, id.as_deref(), &after, count + 1);
        let rows = self.metadata.read_long(look).await?;
        let show = |row: HistoryRow| {
            let HistoryRow { place, severity, first_seen_at, gone_at } = row;
            let FlawPlaceRow { repository, flaw, kind, package } = place;
            let (name, gone_at) = (visible.get(&repository)?.clone(), gone_at?);
            let place = GonePlace(gone_at.millis(), repository, flaw.clone(), kind.clone(), package.clone());
            Some(GoneFlaw { place, repository: name, id: flaw, kind, package, severity, first_seen_at, gone_at })
        };
        Ok(Page::cut(rows.into_iter().filter_map(show).collect(), count))
    }

    /// Tells how many findings the newest images of the repositories in `visible` had, on each of the last days on which it was
    /// written down, 1 to 400 of them.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn trend(&self, visible: Visible, now: Timestamp, days: i64) -> Result<Vec<TrendDay>, Fault> {
        let from = now.millis().div_euclid(DAY_MILLIS) - days.clamp(1, DAYS_KEPT) + 1;
        let repositories: Vec<i64> = visible.into_keys().collect();
        let look = move |rows: &mut Reader| finding_history::trend(rows, &repositories, from);
        let sums = self.metadata.read_long(look).await?;
        let show = |sum: finding_history::DaySum| {
            let time = Timestamp::from_millis(sum.day.saturating_mul(DAY_MILLIS)).to_string();
            let day = time.split('T').next().unwrap_or_default().to_owned();
            let counts = Severity::ALL.iter().copied().zip(sum.counts).collect();
            TrendDay { day, repositories: sum.repositories, counts }
        };
        Ok(sums.into_iter().map(show).collect())
    }
}

const ROW_BY_ROW: &str = "each statement says itself what must hold, and who writes the same twice changes nothing";

/// Writes down what came, what went, and what was counted; answers whether any of the flaws are news.
#[derive(Default)]
struct NoteFindings {
    seen: Vec<(FlawPlaceRow, &'static str)>,
    gone: Vec<FlawPlaceRow>,
    day: i64,
    days: Vec<(i64, SeverityColumns)>,
    /// What is told of that, unless another server was first.
    told: Vec<Telling>,
}

impl Write for NoteFindings {
    type Answer = bool;
    const NAME: &'static str = "findings.note";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<bool, Fault> {
        let now = tx.now();
        let mut news = BTreeSet::new();
        if !self.gone.is_empty() {
            news.extend(finding_history::end(tx, &self.gone, now)?);
        }
        if !self.seen.is_empty() {
            news.extend(finding_history::see(tx, &self.seen, now)?);
        }
        let is_news = |of: &Option<FlawPlaceRow>| of.as_ref().map_or(!news.is_empty(), |place| news.contains(place));
        let mut kept = Vec::new();
        for Telling { of, inspected, event } in self.told.iter().filter(|telling| is_news(&telling.of)) {
            tx.event(event.clone())?;
            kept.extend(of.as_ref().zip(inspected.as_deref()));
        }
        if !kept.is_empty() {
            finding_history::put_told(tx, &kept)?;
        }
        if !self.days.is_empty() {
            finding_history::put_day(tx, self.day, &self.days)?;
        }
        Ok(!news.is_empty())
    }
}

/// Forgets what was written down too long ago, and all of repositories that are no more.
pub(crate) struct ForgetHistory;

impl Write for ForgetHistory {
    type Answer = ();
    const NAME: &'static str = "findings.forget_history";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let before = tx.now().millis() - DAYS_KEPT * DAY_MILLIS;
        finding_history::forget(tx, Timestamp::from_millis(before), before.div_euclid(DAY_MILLIS))
    }
}

impl Search {
    /// What is written down as being there.
    pub(super) fn with_open<T>(&self, look: impl FnOnce(&Open) -> T) -> T {
        look(&self.open.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_open(&self, change: impl FnOnce(&mut Open)) {
        change(&mut self.open.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn put_open(&self, open: Open) {
        self.change_open(|known| *known = open);
    }
}

#[cfg(test)]
mod tests;
