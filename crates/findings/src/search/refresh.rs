use super::index::{HeldImage, Index, Place, flaws_of};
use crate::{packing, scans::Scans};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    scans::{self, HeldRow},
};
use gantry_scan::Inventory;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// For how long the index is taken as it is: what was pushed or deleted in it may be missing or there.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Images looked for in one go.
const LISTED_AT_ONCE: usize = 2_000;
/// Images whose inventories are read in one go.
const READ_AT_ONCE: usize = 64;

impl Scans {
    /// Brings the index up to date, unless it just was.
    pub(super) async fn refresh(&self) -> Result<(), Fault> {
        self.refresh_older_than(FRESH_FOR).await
    }

    /// Brings the index up to date if that is so long ago.
    pub(super) async fn refresh_older_than(&self, age: Duration) -> Result<(), Fault> {
        let mut refreshed = self.search.refreshed.lock().await;
        let now = self.env.now();
        if refreshed.is_some_and(|at| now.since(at) < age) {
            let generation = self.advisories().now().1;
            // New advisories count at once, whatever was matched a moment ago.
            return match self.search.read(|index| index.is_matched_with(generation)) {
                true => Ok(()),
                false => self.match_new().await,
            };
        }
        // Whoever asks may go away in the middle of it: then the next one does it again.
        *refreshed = None;
        self.bring_up_to_date().await?;
        *refreshed = Some(now);
        Ok(())
    }

    /// Brings the index up to date, unless it just was, without that counting as such: who searches right after a scan, which asks for
    /// the base, is to find what was scanned.
    pub(super) async fn refresh_for_a_base(&self) -> Result<(), Fault> {
        let refreshed = self.search.refreshed.lock().await;
        let now = self.env.now();
        match refreshed.is_some_and(|at| now.since(at) < FRESH_FOR) {
            true => Ok(()),
            false => self.bring_up_to_date().await,
        }
    }

    /// For who holds `refreshed`.
    async fn bring_up_to_date(&self) -> Result<(), Fault> {
        if self.search.read(Index::is_wasteful) {
            self.search.write(|index| *index = index.emptied());
        }
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
        self.search.write(|index| index.remove(known.keys()));
        self.match_new().await?;
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
                for (image, packed) in some.into_iter().zip(packed) {
                    let inventory = packed.and_then(|packed| packing::unpack::<Inventory>(&packed));
                    // One that another version wrote is read again when somebody asks for it; until then it is not found.
                    let mut inventory = inventory.unwrap_or_default();
                    if !counts_borne {
                        inventory.statements.clear();
                    }
                    search.write(|index| index.put(image, &inventory));
                }
            };
            tokio::task::spawn_blocking(add).await.map_err(Fault::internal)?;
        }
        Ok(())
    }

    /// Matches what the advisories of now were not yet asked about.
    async fn match_new(&self) -> Result<(), Fault> {
        let (knowledge, generation) = self.advisories().now();
        let search = self.search.clone();
        let matched = tokio::task::spawn_blocking(move || {
            let packages = search.write(|index| index.unmatched(generation));
            let flaws = match knowledge {
                Some(knowledge) if !packages.is_empty() => flaws_of(&packages, &knowledge).map_err(Fault::internal)?,
                _ => Vec::new(),
            };
            search.write(|index| index.set_flaws(&packages, flaws));
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
