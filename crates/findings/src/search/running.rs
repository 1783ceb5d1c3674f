//! Which images somebody runs, by the reports that count at a moment.

use super::questions::FoundImage;
use crate::scans::Scans;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    inventory::{self, EntryRow, InventoryOf},
};
use gantry_registry::{ImageUse, Repository};
use gantry_words::Cx;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Images that somebody runs: under each digest the names of the repositories that are meant; an empty name means any.
#[derive(Default)]
pub(super) struct RunningImages(HashMap<String, BTreeSet<String>>);

impl RunningImages {
    pub(super) fn of(entries: impl IntoIterator<Item = EntryRow>) -> RunningImages {
        let mut images = RunningImages::default();
        for EntryRow { repository, digest } in entries {
            images.0.entry(digest).or_default().insert(repository);
        }
        images
    }

    /// Whether somebody runs an image of a repository.
    pub(super) fn holds(&self, repository: &str, digest: &str) -> bool {
        self.0.get(digest).is_some_and(|named| named.contains("") || named.contains(repository))
    }
}

impl Scans {
    /// All images of an account that somebody runs now.
    pub(super) async fn running_images(&self, cx: &Cx) -> Result<RunningImages, Fault> {
        let (of, now) = (InventoryOf { account: cx.account, region: self.region.clone() }, cx.now);
        let entries = self.metadata.read_long(move |rows| inventory::running(rows, &of, now)).await?;
        Ok(RunningImages::of(entries))
    }

    /// Returns who runs an image, or an index that names it, by the reports that count now: in the order of their names.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn uses(&self, cx: &Cx, repository: &Repository, digest: &str) -> Result<Vec<ImageUse>, Fault> {
        let (id, now, digests) = (repository.id, cx.now, [digest.to_owned()]);
        let look = move |rows: &mut Reader| inventory::uses_with_indexes(rows, id, now, &digests);
        Ok(self.metadata.read(look).await?.into_iter().map(ImageUse::from).collect())
    }

    /// Says of images by which tags they are known, and who runs them.
    pub(super) async fn complete(&self, mut shown: Vec<&mut FoundImage>) -> Result<(), Fault> {
        self.add_tags(&mut shown).await?;
        let mut wanted: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for image in &shown {
            wanted.entry(image.repository_id).or_default().insert(image.digest.clone());
        }
        let now = self.env.now();
        let look = move |rows: &mut Reader| {
            let mut known: HashMap<(i64, String), Vec<ImageUse>> = HashMap::new();
            for (repository, digests) in wanted {
                let digests = Vec::from_iter(digests);
                for used in inventory::uses_with_indexes(rows, repository, now, &digests)? {
                    known.entry((repository, used.digest.clone())).or_default().push(used.into());
                }
            }
            Ok(known)
        };
        let known = self.metadata.read_long(look).await?;
        for image in &mut shown {
            let uses = known.get(&(image.repository_id, image.digest.clone()));
            image.running_in = uses.cloned().unwrap_or_default();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_a_repository_means_every_one_that_holds_the_image() {
        let entry = |repository: &str, digest: &str| EntryRow { repository: repository.into(), digest: digest.into() };

        let running = RunningImages::of([entry("", "sha256:a"), entry("team/app", "sha256:b")]);

        assert!(running.holds("team/app", "sha256:a") && running.holds("other", "sha256:a"));
        assert!(running.holds("team/app", "sha256:b") && !running.holds("other", "sha256:b"));
        assert!(!running.holds("team/app", "sha256:c"));
    }
}
