use super::index::{Arrival, HeldImage, Index, Place};
use crate::{packing, scans::Scans};
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    scans::{self, HeldRow},
};
use gantry_scan::Inventory;
use gantry_words::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;

/// For how long the index is taken as it is: what was pushed or deleted in it may be missing or there.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Images looked for in one go.
const LISTED_AT_ONCE: usize = 2_000;
/// Images whose inventories are read, and are in memory, in one go.
const READ_AT_ONCE: usize = 16;

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Images have come or gone, perhaps.
    Images,
    /// There are other advisories.
    Advisories,
}

impl Scans {
    /// Brings the index up to date, unless it just was.
    pub(super) async fn refresh(&self) -> Result<(), Fault> {
        self.refresh_older_than(FRESH_FOR).await
    }

    /// Brings the index up to date if that is so long ago.
    pub(super) async fn refresh_older_than(&self, age: Duration) -> Result<(), Fault> {
        let refreshed = self.search.refreshed.clone().lock_owned().await;
        let now = self.env.now();
        let need = match refreshed.is_some_and(|at| now.since(at) < age) {
            // New advisories count at once, whatever was matched a moment ago.
            true if self.is_matched() => return Ok(()),
            true => Need::Advisories,
            false => Need::Images,
        };
        self.refresh_apart(refreshed, need, (need == Need::Images).then_some(now)).await
    }

    /// Brings the index up to date, unless it just was, without that counting as such: who searches right after a scan, which asks for
    /// the base, is to find what was scanned.
    pub(super) async fn refresh_for_a_base(&self) -> Result<(), Fault> {
        let refreshed = self.search.refreshed.clone().lock_owned().await;
        let now = self.env.now();
        match refreshed.is_some_and(|at| now.since(at) < FRESH_FOR) {
            true if self.is_matched() => Ok(()),
            true => self.refresh_apart(refreshed, Need::Advisories, None).await,
            false => self.refresh_apart(refreshed, Need::Images, None).await,
        }
    }

    fn is_matched(&self) -> bool {
        let generation = self.advisories().now().1;
        self.search.read(|index| index.is_matched_with(generation))
    }

    /// Does it in a task of its own, which holds `refreshed` to its end and says there that it was done `at` a time: whoever asks may go
    /// away in the middle of it, and what is under way then ends before anybody else begins.
    async fn refresh_apart(
        &self,
        mut refreshed: OwnedMutexGuard<Option<Timestamp>>,
        need: Need,
        at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let scans = self.clone();
        let work = async move {
            match need {
                Need::Images => scans.bring_up_to_date().await?,
                Need::Advisories => scans.match_new().await?,
            }
            if at.is_some() {
                *refreshed = at;
            }
            Ok(())
        };
        tokio::spawn(work.in_current_span()).await.map_err(Fault::internal)?
    }

    /// For who holds `refreshed`.
    async fn bring_up_to_date(&self) -> Result<(), Fault> {
        // First, so that what the images bring is matched with the advisories of now only.
        self.match_new().await?;
        let mut known = self.search.read(Index::known);
        let mut names: HashMap<String, Arc<str>> = HashMap::new();
        let mut after = (i64::MIN, String::new());
        loop {
            let from = after.clone();
            let look = move |rows: &mut Reader| scans::held_after(rows, (from.0, &from.1), LISTED_AT_ONCE);
            let rows = self.metadata.read_long(look).await?;
            let Some(last) = rows.last() else { break };
            after = (last.repository, last.digest.clone());
            let images = rows.into_iter().map(|row| held(row, &mut names));
            // One that was read again, or dated by an import, is taken out of `known` too: it is put in its own place.
            let new = images.filter(|image| known.remove(&image.place) != Some((image.scanned_at, image.pushed_at)));
            self.add(new.collect()).await?;
        }
        let search = self.search.clone();
        let leave_out = move || {
            search.write(|index| index.remove(known.keys()));
            if search.read(Index::is_wasteful) {
                search.write(Index::drop_unused);
            }
        };
        tokio::task::spawn_blocking(leave_out).await.map_err(Fault::internal)?;
        self.read_filters().await?;
        self.refresh_vex().await
    }

    /// Adds images to the index.
    async fn add(&self, images: Vec<HeldImage>) -> Result<(), Fault> {
        for some in images.chunks(READ_AT_ONCE) {
            let places: Vec<Place> = some.iter().map(|image| image.place.clone()).collect();
            let look = move |rows: &mut Reader| {
                let one = |place: &Place| scans::inventory(rows, place.0, &place.1);
                places.iter().map(one).collect::<Result<Vec<_>, Fault>>()
            };
            let packed = self.metadata.read_long(look).await?;
            let (search, some) = (self.search.clone(), some.to_vec());
            let counts_borne = self.registry.images.counts_vex_referrers();
            let add = move || {
                let arrive = |(image, packed): (HeldImage, Option<Bytes>)| {
                    let inventory = packed.and_then(|packed| packing::unpack::<Inventory>(&packed));
                    // One that another version wrote is read again when somebody asks for it; until then it is not found.
                    let mut inventory = inventory.unwrap_or_default();
                    if !counts_borne {
                        inventory.statements.clear();
                    }
                    Arrival::new(image, inventory)
                };
                let images = some.into_iter().zip(packed).map(arrive).collect();
                let arrivals = search.read(|index| index.match_arrivals(images)).map_err(Fault::internal)?;
                search.write(|index| index.take_in(arrivals)).map_err(Fault::internal)
            };
            tokio::task::spawn_blocking(add).await.map_err(Fault::internal)??;
        }
        Ok(())
    }

    /// Matches with the advisories of now, unless that was done. Until all is matched, what is known of those before holds.
    async fn match_new(&self) -> Result<(), Fault> {
        let (advisories, generation) = self.advisories().now();
        let search = self.search.clone();
        let matched = tokio::task::spawn_blocking(move || {
            if search.read(|index| index.is_matched_with(generation)) {
                return Ok(());
            }
            let rematch = search.read(|index| index.rematch(advisories, generation)).map_err(Fault::internal)?;
            let before = search.write(|index| index.take_over(rematch)).map_err(Fault::internal)?;
            drop(before);
            Ok(())
        });
        matched.await.map_err(Fault::internal)?
    }
}

fn held(row: HeldRow, names: &mut HashMap<String, Arc<str>>) -> HeldImage {
    let by = names.entry(row.pushed_by).or_insert_with_key(|name| name.as_str().into()).clone();
    HeldImage {
        place: (row.repository, row.digest.into()),
        scanned_at: row.finished_at,
        pushed_at: row.pushed_at,
        pushed_by: by,
    }
}

#[cfg(test)]
mod tests;
