use crate::{
    acts::{StepThroughStored, stored_name},
    reactions::is_scanned_on_push,
    scans::Scans,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, accounts, repositories,
    scans::{self, ScanState, StoredScan},
    site_settings,
};
use gantry_registry::{RepositoryRules, ScanFrequency};
use gantry_words::{Cx, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Scans that are asked for in one step: what is pushed meanwhile waits for as many at most.
const ASKED_MAX: usize = 20;
/// Images looked at in one go.
const BATCH: usize = 200;
/// How often a step looks: at a repository, or at more images of the same.
const LOOKS_MAX: usize = 50;
/// From one walk to the next, where nothing changes: a server of another version may have read images meanwhile.
const WALK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// A walk over all stored images: the youngest repository first, and of each the images that were pushed last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    /// For which scanning configurations it goes.
    configurations: i64,
    /// For which readers.
    revision: u32,
    /// When it began, in milliseconds.
    began_at: i64,
    /// Where it goes on; `None` where it has ended.
    place: Option<Place>,
}

/// Behind which image a walk goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    repository: i64,
    /// In milliseconds.
    pushed_at: i64,
    digest: String,
}

/// What is done about the stored images of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wish {
    /// Those are scanned that never were.
    scans_missing: bool,
    /// Those are read again that other readers have read.
    reads_again: bool,
}

/// What is done about a stored image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Scan,
    ReadAgain,
}

impl Scans {
    /// Goes on with the walk over stored images: asks for scans of those that were there before continuous scanning was switched on, and
    /// has those read again that were read by readers of another version. Says how many scans were asked for.
    ///
    /// It begins with each change of a scanning configuration or of the readers, and once a day, and goes on where it was after a restart.
    /// While any other scan waits it stands still. Servers of another version go their own: what they read meanwhile is left to the next,
    /// so that the two do not read the same images in turns.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn step_through_stored(&self, cx: &Cx) -> Result<usize, Fault> {
        let revision = gantry_scan::ecosystems_revision();
        let look = move |rows: &mut Reader| {
            Ok((scans::configurations_number(rows)?, site_settings::find(rows, &stored_name(revision))?))
        };
        let (configurations, kept) = self.metadata.read(look).await?;
        let mut walk = Walk::at(self.env.now(), kept.as_deref(), configurations, revision);
        if walk.place.is_none() || self.metadata.read(scans::waiting).await? > 0 {
            return Ok(0);
        }
        let mut step = StepThroughStored { revision, ..StepThroughStored::default() };
        for _ in 0..LOOKS_MAX {
            let Some(place) = walk.place.take() else { break };
            walk.place = self.look_at_stored(cx, place, &walk, &mut step).await?;
            if step.count() == ASKED_MAX {
                break;
            }
        }
        step.walk = serde_json::to_string(&walk).map_err(Fault::internal)?;
        let count = step.count();
        self.metadata.perform(cx, step).await?;
        if count > 0 {
            self.nudge();
        }
        Ok(count)
    }

    /// Looks at the next images behind a place; returns where it goes on.
    async fn look_at_stored(
        &self,
        cx: &Cx,
        mut place: Place,
        walk: &Walk,
        step: &mut StepThroughStored,
    ) -> Result<Option<Place>, Fault> {
        let (repository, wish) = (place.repository, self.wish(cx, place.repository).await?);
        if wish != Wish::default() {
            let (pushed_at, digest) = (Timestamp::from_millis(place.pushed_at), place.digest.clone());
            let look = move |rows: &mut Reader| scans::stored_before(rows, repository, (pushed_at, &digest), BATCH);
            let found = self.metadata.read_long(look).await?;
            let is_all = found.len() < BATCH;
            for image in found {
                if step.count() == ASKED_MAX {
                    return Ok(Some(place));
                }
                place = Place { repository, pushed_at: image.pushed_at.millis(), digest: image.digest.clone() };
                match decide(wish, image.scan, walk) {
                    Some(Deed::Scan) => step.ask.push((repository, image.digest)),
                    Some(Deed::ReadAgain) => step.again.push((repository, image.digest)),
                    None => {}
                }
            }
            if !is_all {
                return Ok(Some(place));
            }
        }
        let region = self.region.clone();
        let next = self.metadata.read(move |rows| repositories::before(rows, &region, repository)).await?;
        Ok(next.map(Place::before_all))
    }

    /// What is done about stored images of a repository; nothing where it is gone.
    async fn wish(&self, cx: &Cx, repository: i64) -> Result<Wish, Fault> {
        let look = move |rows: &mut Reader| {
            Ok((accounts::of_repository(rows, repository)?, repositories::by_id(rows, repository)?))
        };
        let (Some(account), Some(row)) = self.metadata.read(look).await? else { return Ok(Wish::default()) };
        let configuration = self.configuration(&Cx { account, ..cx.clone() }).await?;
        let applied = configuration.applied(&row.name, RepositoryRules::read(&row.settings)?.scans_on_push);
        let is_gated = self.rules.now().governing(account, &row.name).is_some();
        Ok(Wish::of(applied.frequency, is_gated))
    }
}

impl Walk {
    /// The walk that is to go on at a time, by what is kept of the last.
    fn at(now: Timestamp, kept: Option<&str>, configurations: i64, revision: u32) -> Walk {
        let kept = kept.and_then(|text| serde_json::from_str::<Walk>(text).ok());
        let is_for_these = |walk: &Walk| (walk.configurations, walk.revision) == (configurations, revision);
        let is_recent = |walk: &Walk| now.since(Timestamp::from_millis(walk.began_at)) < WALK_EVERY;
        let goes_on = |walk: &Walk| is_for_these(walk) && (walk.place.is_some() || is_recent(walk));
        let place = Some(Place::before_all(i64::MAX));
        let anew = || Walk { configurations, revision, began_at: now.millis(), place };
        kept.filter(goes_on).unwrap_or_else(anew)
    }
}

impl Place {
    /// Before all images of a repository.
    fn before_all(repository: i64) -> Place {
        Place { repository, pushed_at: i64::MAX, digest: String::new() }
    }
}

impl Wish {
    /// `SCAN_ON_PUSH` says nothing of what was there before; a gate asks itself for what it misses.
    fn of(frequency: ScanFrequency, is_gated: bool) -> Wish {
        Wish {
            scans_missing: frequency == ScanFrequency::ContinuousScan,
            reads_again: is_scanned_on_push(frequency, is_gated),
        }
    }
}

impl StepThroughStored {
    /// How many scans it asks for.
    fn count(&self) -> usize {
        self.ask.len() + self.again.len()
    }
}

/// What is done on a walk about an image with such a scan.
fn decide(wish: Wish, scan: Option<StoredScan>, walk: &Walk) -> Option<Deed> {
    let Some(StoredScan { state, revision, finished_at }) = scan else {
        return wish.scans_missing.then_some(Deed::Scan);
    };
    // What was read since by others is left to the next walk: they may have read it again because these had read it.
    let is_older = finished_at.is_none_or(|at| at.millis() < walk.began_at);
    match state {
        ScanState::Complete if revision != walk.revision && is_older => wish.reads_again.then_some(Deed::ReadAgain),
        ScanState::Complete | ScanState::Pending | ScanState::Failed | ScanState::Unsupported => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A walk for readers of revision 7 that has come to a place.
    fn walk(place: Option<Place>) -> Walk {
        Walk { configurations: 1, revision: 7, began_at: 5_000, place }
    }

    fn scan(state: ScanState, revision: u32, finished_at: i64) -> Option<StoredScan> {
        Some(StoredScan { state, revision, finished_at: Some(Timestamp::from_millis(finished_at)) })
    }

    #[test]
    fn only_continuous_scanning_means_what_was_there_before() {
        let deed = |frequency| decide(Wish::of(frequency, true), None, &walk(None));

        assert_eq!(deed(ScanFrequency::ContinuousScan), Some(Deed::Scan));
        assert_eq!(deed(ScanFrequency::ScanOnPush), None);
        assert_eq!(deed(ScanFrequency::Manual), None);
    }

    #[test]
    fn what_other_readers_read_is_read_again_where_scanning_is_on() {
        let deed =
            |frequency, state, revision| decide(Wish::of(frequency, false), scan(state, revision, 1_000), &walk(None));

        assert_eq!(deed(ScanFrequency::ScanOnPush, ScanState::Complete, 6), Some(Deed::ReadAgain));
        assert_eq!(deed(ScanFrequency::ScanOnPush, ScanState::Complete, 7), None);
        assert_eq!(deed(ScanFrequency::Manual, ScanState::Complete, 6), None);
        assert_eq!(deed(ScanFrequency::ContinuousScan, ScanState::Pending, 6), None);
        assert_eq!(deed(ScanFrequency::ContinuousScan, ScanState::Failed, 6), None);
    }

    #[test]
    fn what_a_server_of_another_version_read_since_the_walk_began_is_left_to_the_next() {
        let deed = |finished_at| {
            let wish = Wish::of(ScanFrequency::ContinuousScan, false);
            decide(wish, scan(ScanState::Complete, 8, finished_at), &walk(None))
        };

        assert_eq!((deed(4_999), deed(5_000), deed(6_000)), (Some(Deed::ReadAgain), None, None));
    }

    #[test]
    fn a_walk_goes_on_where_it_was_and_begins_anew_for_other_configurations_or_readers_and_a_day_after_it_began() {
        let day = i64::try_from(WALK_EVERY.as_millis()).unwrap();
        let kept = walk(Some(Place { repository: 5, pushed_at: 9, digest: "sha256:aa".into() }));
        let (under_way, over) = (serde_json::to_string(&kept).unwrap(), serde_json::to_string(&walk(None)).unwrap());
        let at =
            |now, kept, configurations, revision| Walk::at(Timestamp::from_millis(now), kept, configurations, revision);
        let begins = |walk: Walk| walk.place == Some(Place::before_all(i64::MAX));

        assert_eq!(at(5_000 + 9 * day, Some(&under_way), 1, 7), kept);
        assert_eq!(at(4_999 + day, Some(&over), 1, 7), walk(None));
        assert!(begins(at(5_000 + day, Some(&over), 1, 7)));
        assert!(begins(at(6_000, Some(&under_way), 2, 7)));
        assert!(begins(at(6_000, Some(&under_way), 1, 8)));
        assert!(begins(at(6_000, None, 0, 7)));
    }
}
