//! What was deleted, for as long as it can be had back.
//!
//! An image in the trash keeps its manifest, its edges and the links of its blobs; it answers nobody, has no tags, and is
//! no parent. It leaves the trash by being restored, pushed again, or destroyed after its time. A child is never destroyed
//! while an index in the trash names it, so that whatever comes back comes back whole.

mod purge;
mod rehouse;
mod restore;

pub(crate) use purge::{Trashed, destroy, find};
pub use restore::RestoredImage;

use crate::{images::parse_digest, ports::Ports, repositories};
use gantry_fault::{Fault, FaultKind};
pub use gantry_metadata::trash::TrashPlace;
use gantry_metadata::{
    Reader, manifests,
    trash::{self, TrashOf, TrashRow},
};
use gantry_oci::{Reference, Tag};
use gantry_words::{Cx, Page, RepositoryName, Timestamp};
use purge::{PurgeImages, Purged};
use rehouse::MoveTrash;
use restore::{RestoreImage, not_in_trash};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Images destroyed in one act: few enough to let pushes pass in between.
const IMAGES_MAX: usize = 200;
/// It is looked at least this often what has been in the trash for its time.
const EVERY_MAX: Duration = Duration::from_secs(3600);

/// The room of the trash.
#[derive(Clone)]
pub struct Trash {
    ports: Arc<Ports>,
    emptied: Arc<AtomicU64>,
}

/// An image in the trash, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedImage {
    /// The repository it was in, which may be deleted.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// The tags that it had.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// Who deleted it.
    pub trashed_by: String,
    /// Until when it can be restored.
    pub until: Timestamp,
    /// Its place in the list.
    pub place: TrashPlace,
}

/// What was destroyed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Images.
    pub images: u64,
    /// Bytes of what they named: an upper bound of what the collection can free.
    pub bytes: u64,
}

impl Trash {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Trash { ports, emptied: Arc::default() }
    }

    /// For how long an image stays.
    pub fn keep(&self) -> Duration {
        self.ports.settings.trash.keep.duration()
    }

    /// How long the housekeeping rests between two rounds: the shorter the time, the more often it looks.
    pub fn every(&self) -> Duration {
        // Where nothing is kept, only what went there before that was set is left.
        if self.keep().is_zero() { EVERY_MAX } else { (self.keep() / 4).clamp(Duration::from_secs(1), EVERY_MAX) }
    }

    /// Returns up to `count` images in the account's trash, what was deleted last first; behind `before` where given, and
    /// only those from repositories of the name where given, deleted ones too.
    pub async fn list(
        &self,
        cx: &Cx,
        name: Option<&RepositoryName>,
        before: Option<TrashPlace>,
        count: usize,
    ) -> Result<Page<TrashedImage>, Fault> {
        let (of, keep) = (self.of(cx, name), self.keep());
        let list = move |rows: &mut Reader| {
            let found = trash::list(rows, &of, before.as_ref(), count + 1)?;
            found.into_iter().map(|row| trashed(rows, row, keep)).collect::<Result<Vec<_>, Fault>>()
        };
        Ok(Page::cut(self.ports.metadata.read_long(list).await?, count))
    }

    /// Takes an image out of the trash, with its children and with what refers to it and went when it did or later. The tag
    /// or digest names the one that was deleted last, of those from repositories of the name. The tags that are free come
    /// back too, if so wished.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`] where it is not in the trash, [`FaultKind::RepositoryNotFound`] where the repository was
    /// deleted and not created again.
    pub async fn restore(
        &self,
        cx: &Cx,
        name: &RepositoryName,
        reference: &Reference,
        with_tags: bool,
    ) -> Result<Vec<RestoredImage>, Fault> {
        let place = self.find(cx, name, reference).await?;
        let Some(target) = repositories::find(&self.ports, cx.account, name).await? else {
            let message = format!(
                "The image is in the trash until {}, but its repository '{name}' was deleted. Create it with: gantry repo \
                 create {name}, then restore the image again",
                place.trashed_at.plus(self.keep())
            );
            return Err(Fault::new(FaultKind::RepositoryNotFound, message));
        };
        if place.repository != target.id {
            self.refuse_held(target.id, name, &place.digest).await?;
            let act = MoveTrash { from: place.repository, to: target.id, digest: place.digest.clone() };
            self.ports.metadata.perform(cx, act).await?;
        }
        self.restore_in(cx, target.id, name, place.digest, with_tags).await
    }

    /// The same for an image that is in the trash of this very repository.
    pub(crate) async fn restore_in(
        &self,
        cx: &Cx,
        repository: i64,
        name: &RepositoryName,
        digest: String,
        with_tags: bool,
    ) -> Result<Vec<RestoredImage>, Fault> {
        let (name, actor, request_id) = (name.clone(), cx.actor.clone(), cx.request_id);
        let act = RestoreImage { repository, name, digest, with_tags, actor, request_id };
        let restored = self.ports.metadata.perform(cx, act).await;
        if let Some(caches) = &self.ports.caches {
            match &restored {
                Ok(images) => {
                    let tags = images.iter().flat_map(|image| &image.tags);
                    for tag in tags.filter_map(|tag| tag.parse::<Tag>().ok()) {
                        caches.tags.remove(&(repository, tag));
                    }
                }
                // Whether it stands is not known: nothing of it may be remembered.
                Err(_) => caches.tags.clear(),
            }
        }
        restored
    }

    /// Destroys an image in the trash at once.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::ImageReferenced`] where an index in the trash names it.
    pub async fn purge(&self, cx: &Cx, name: &RepositoryName, reference: &Reference) -> Result<Emptied, Fault> {
        let place = self.find(cx, name, reference).await?;
        let (repository, digests) = (place.repository, vec![place.digest]);
        let purged = self.destroy(cx, PurgeImages { repository, digests, until: cx.now, must_all_go: true }).await?;
        Ok(Emptied { images: purged.images, bytes: purged.bytes })
    }

    /// Destroys all that is in the account's trash at once, or only what is from repositories of the name.
    pub async fn empty(&self, cx: &Cx, name: Option<&RepositoryName>) -> Result<Emptied, Fault> {
        let mut sum = Emptied::default();
        loop {
            let (mut before, count_before): (Option<TrashPlace>, u64) = (None, sum.images);
            loop {
                let (of, from) = (self.of(cx, name), before.take());
                let look = move |rows: &mut Reader| trash::list(rows, &of, from.as_ref(), IMAGES_MAX);
                let found: Vec<TrashPlace> =
                    self.ports.metadata.read_long(look).await?.iter().map(TrashPlace::from).collect();
                let Some(last) = found.last() else { break };
                before = Some(last.clone());
                sum.add(self.destroy_all(cx, found, cx.now).await?);
            }
            // A child that stayed for its index goes in the next round, once that is gone.
            if sum.images == count_before {
                return Ok(sum);
            }
        }
    }

    /// Destroys what has been in the trash for its time. Several replicas may do so at once; each image goes once.
    pub async fn round(&self, cx: &Cx) -> Result<Emptied, Fault> {
        let (until, mut after, mut sum) = (cx.now.minus(self.keep()), None, Emptied::default());
        loop {
            let from: Option<TrashPlace> = after.take();
            let look = move |rows: &mut Reader| trash::due(rows, until, from.as_ref(), IMAGES_MAX);
            let found = self.ports.metadata.read_long(look).await?;
            let Some(last) = found.last() else { return Ok(sum) };
            after = Some(last.clone());
            sum.add(self.destroy_all(cx, found, until).await?);
        }
    }

    /// How many images this process has destroyed so far.
    pub fn total(&self) -> u64 {
        self.emptied.load(Relaxed)
    }

    fn of(&self, cx: &Cx, name: Option<&RepositoryName>) -> TrashOf {
        TrashOf { account: cx.account, region: self.ports.region.clone(), name: name.cloned() }
    }

    async fn find(&self, cx: &Cx, name: &RepositoryName, reference: &Reference) -> Result<TrashPlace, Fault> {
        let (account, region) = (cx.account, self.ports.region.clone());
        let (wanted, reference_wanted) = (name.clone(), reference.clone());
        let look = move |rows: &mut Reader| match &reference_wanted {
            Reference::Digest(digest) => trash::by_digest(rows, account, &region, &wanted, digest.as_str()),
            Reference::Tag(tag) => trash::by_tag(rows, account, &region, &wanted, tag.as_str()),
        };
        let found = self.ports.metadata.read(look).await?;
        found.ok_or_else(|| not_in_trash(name, &reference.to_string()))
    }

    /// Refuses to bring back from a deleted repository what the one of its name holds.
    async fn refuse_held(&self, repository: i64, name: &RepositoryName, digest: &str) -> Result<(), Fault> {
        let wanted = digest.to_string();
        let held = self.ports.metadata.read(move |rows| manifests::find(rows, repository, &wanted)).await?;
        if held.is_none() {
            return Ok(());
        }
        let message = format!("The repository '{name}' holds {digest} already; there is nothing to restore");
        Err(Fault::new(FaultKind::InvalidParameter, message))
    }

    async fn destroy_all(&self, cx: &Cx, found: Vec<TrashPlace>, until: Timestamp) -> Result<Purged, Fault> {
        let mut by_repository: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for place in found {
            by_repository.entry(place.repository).or_default().push(place.digest);
        }
        let mut sum = Purged::default();
        for (repository, digests) in by_repository {
            let cx = self.ports.cx_of(cx, repository).await?;
            let purged = self.destroy(&cx, PurgeImages { repository, digests, until, must_all_go: false }).await?;
            sum.images += purged.images;
            sum.bytes = sum.bytes.saturating_add(purged.bytes);
        }
        Ok(sum)
    }

    async fn destroy(&self, cx: &Cx, act: PurgeImages) -> Result<Purged, Fault> {
        let repository = act.repository;
        let purged = self.ports.metadata.perform(cx, act).await;
        if let Some(caches) = &self.ports.caches {
            match &purged {
                Ok(purged) => {
                    for blob in purged.blobs.iter().filter_map(|blob| parse_digest(blob).ok()) {
                        caches.links.remove(&(repository, blob));
                    }
                }
                Err(_) => caches.links.clear(),
            }
        }
        let purged = purged?;
        self.emptied.fetch_add(purged.images, Relaxed);
        Ok(purged)
    }
}

impl Emptied {
    fn add(&mut self, more: Purged) {
        self.images += more.images;
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

fn trashed(rows: &mut Reader, row: TrashRow, keep: Duration) -> Result<TrashedImage, Fault> {
    let (tags, place) = (trash::tags(rows, row.repository, &row.digest)?, TrashPlace::from(&row));
    Ok(TrashedImage {
        repository: row.name,
        digest: row.digest,
        media_type: row.media_type,
        artifact_type: row.artifact_type,
        tags,
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        pushed_at: row.pushed_at,
        trashed_at: row.trashed_at,
        trashed_by: row.trashed_by,
        until: row.trashed_at.plus(keep),
        place,
    })
}

#[cfg(test)]
pub(crate) mod tests;
