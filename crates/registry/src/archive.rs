mod bytes;
mod hanging;
mod put;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use put::{ArchiveImage, ArchiveSeen, Archived};
pub(crate) use take::ActivateImage;

use crate::{
    admit::{location, parse_key, remove_bytes, store_fault, take_out},
    archive::{
        bytes::{Direction, MoveBlob, direction, standings},
        take::FinishActivation,
    },
    collection::{Collected, Collection, TakeLease},
    images::{parse_digest, store_algorithm},
    ports::Ports,
    repositories::Repository,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, archive as archive_rows, archive::ArchiveCounts, blobs, manifests::Standing};
use gantry_oci::Digest;
use gantry_store::Key;
use gantry_words::{Cx, RepositoryName};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Blobs looked at in one go.
const BATCH: usize = 64;
/// For how long a replica that moves bytes keeps the others from it, unless it goes on. A blob may take longer: then another
/// copies it too, and one of them in vain.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is looked whether something was left over, or asked for by another replica.
const EVERY: Duration = Duration::from_secs(60);

/// Whether an image can be pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageStatus {
    /// It can.
    #[default]
    Active,
    /// It is in the archive.
    Archived,
    /// It is on its way back from there.
    Activating,
}

impl ImageStatus {
    /// Returns the status of an image of a storage class.
    pub(crate) fn of(storage_class: &str) -> ImageStatus {
        match storage_class {
            "ARCHIVE" => ImageStatus::Archived,
            "ACTIVATING" => ImageStatus::Activating,
            _ => ImageStatus::Active,
        }
    }

    /// Returns the storage class of images of this status.
    pub(crate) const fn storage_class(self) -> &'static str {
        match self {
            ImageStatus::Active => "STANDARD",
            ImageStatus::Archived => "ARCHIVE",
            ImageStatus::Activating => "ACTIVATING",
        }
    }

    /// Its word, as the APIs have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ImageStatus::Active => "ACTIVE",
            ImageStatus::Archived => "ARCHIVED",
            ImageStatus::Activating => "ACTIVATING",
        }
    }

    /// Refuses what can only be done to an image that can be pulled. `reference` is how it was asked for.
    ///
    /// # Errors
    /// [`FaultKind::ImageArchived`], with the calls that bring it back.
    pub fn refuse(self, name: &RepositoryName, reference: &str, digest: &str) -> Result<(), Fault> {
        let message = match self {
            ImageStatus::Active => return Ok(()),
            ImageStatus::Archived => format!(
                "The image {reference} of the repository '{name}' is in the archive. Bring it back with: gantry image restore \
                 {name}@{digest}, or: aws ecr update-image-storage-class --repository-name {name} --image-id imageDigest={digest} \
                 --target-storage-class STANDARD"
            ),
            ImageStatus::Activating => format!(
                "The image {reference} of the repository '{name}' is on its way back from the archive. Try again in a moment"
            ),
        };
        Err(Fault::new(FaultKind::ImageArchived, message))
    }
}

impl From<Standing> for ImageStatus {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing { is_archived: true, .. } => ImageStatus::Archived,
            Standing { is_activating: true, .. } => ImageStatus::Activating,
            _ => ImageStatus::Active,
        }
    }
}

/// The room of the archive: takes images out of service whose bytes then move to a cheaper disk, and brings them back.
///
/// An image is archived, or asked back, in one act. Its bytes follow: a blob lies in the archive when every manifest that
/// names it does, in any repository, and comes back as soon as one does not. It is copied first, durably, and all links
/// go over to the copy in an act that looks again whether it should.
#[derive(Clone)]
pub struct Archive {
    ports: Arc<Ports>,
    collection: Collection,
    asked: Arc<Notify>,
}

/// What a round moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovedBlobs {
    /// Blobs that went to the archive.
    pub archived: u64,
    /// Blobs that came back.
    pub returned: u64,
    /// Their bytes, both ways.
    pub bytes: u64,
    /// Images that can be pulled again.
    pub images: u64,
}

impl Archive {
    pub(crate) fn new(ports: Arc<Ports>, collection: Collection) -> Self {
        Archive { ports, collection, asked: Arc::default() }
    }

    /// Puts an image into the archive, with the children and referrers that nothing else reaches. Returns its status.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::StorageClassUpdateUnsupported`] where a living
    /// index names it.
    pub async fn put(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<ImageStatus, Fault> {
        let act = ArchiveImage {
            repository: repository.id,
            name: repository.name.clone(),
            digest: digest.clone(),
            rule: None,
        };
        let archived = self.ports.metadata.perform(cx, act).await;
        self.forget(repository, archived.as_ref().ok());
        archived.map(|_| ImageStatus::Archived)
    }

    /// Asks an image back from the archive, with what went there with it. Returns its status: it can be pulled when its bytes
    /// are back.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::StorageClassUpdateUnsupported`] where a child
    /// was removed meanwhile.
    pub async fn take(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<ImageStatus, Fault> {
        let act = ActivateImage { repository: repository.id, name: repository.name.clone(), digest: digest.clone() };
        let status = self.ports.metadata.perform(cx, act).await?;
        self.asked.notify_one();
        Ok(status)
    }

    /// Forgets what is remembered of images that were archived, all of it where that is not known, and has their bytes moved.
    pub(crate) fn forget(&self, repository: &Repository, archived: Option<&Archived>) {
        if let Some(caches) = &self.ports.caches {
            match archived {
                Some(archived) => {
                    let key = |digest: &String| Some((repository.id, digest.parse().ok()?));
                    archived.digests.iter().filter_map(key).for_each(|key| drop(caches.manifests.remove(&key)));
                    archived.blobs.iter().filter_map(key).for_each(|key| drop(caches.links.remove(&key)));
                }
                None => {
                    caches.manifests.clear();
                    caches.links.clear();
                }
            }
        }
        self.asked.notify_one();
    }

    /// Returns what a repository has in the archive.
    pub async fn of(&self, repository: &Repository) -> Result<ArchiveCounts, Fault> {
        let id = repository.id;
        self.ports.metadata.read(move |rows| archive_rows::archived(rows, id)).await
    }

    /// Waits until there may be bytes to move: somebody asked for it here, or a minute is over.
    pub async fn wait(&self) {
        let _ = self.ports.env.within(EVERY, self.asked.notified()).await;
    }

    /// Moves the bytes that have to, if no other replica does so just now.
    ///
    /// # Errors
    /// The metadata cannot be read or written. A blob that cannot be moved stays where it is, and is tried again in the next
    /// round.
    pub async fn round(&self, cx: &Cx, holder: &str) -> Result<MovedBlobs, Fault> {
        let (mut moved, mut after) = (MovedBlobs::default(), String::new());
        loop {
            let (from, now) = (after.clone(), cx.now);
            let due = self.ports.metadata.read_long(move |rows| archive_rows::due(rows, now, &from, BATCH)).await?;
            let Some(last) = due.last() else { break };
            after.clone_from(last);
            if !self.lease(cx, holder).await? {
                return Ok(moved);
            }
            let before = moved;
            for digest in &due {
                if let Err(fault) = self.move_blob(cx, digest, &mut moved).await {
                    tracing::error!(blob.digest = %digest, error = ?fault, "{digest} cannot be moved between storage classes; it is tried again: {fault}");
                }
            }
            if moved != before {
                if let Some(caches) = &self.ports.caches {
                    caches.links.clear();
                }
                self.collection.free_copies(cx, &mut Collected::default(), &mut |_| {}).await?;
            }
        }
        moved.images = self.finish(cx).await?;
        Ok(moved)
    }

    async fn lease(&self, cx: &Cx, holder: &str) -> Result<bool, Fault> {
        // Alone with the database, a lease is one of a process that has died.
        if self.ports.metadata.owns_alone() {
            return Ok(true);
        }
        let until = self.ports.env.now().plus(LEASE);
        self.ports.metadata.perform(cx, TakeLease { name: "archive", holder: holder.into(), until }).await
    }

    /// Moves each copy of a blob to where it belongs.
    async fn move_blob(&self, cx: &Cx, digest: &str, moved: &mut MovedBlobs) -> Result<(), Fault> {
        let wanted = digest.to_string();
        let look = move |rows: &mut Reader| {
            Ok(standings(rows, &wanted)?.into_iter().filter_map(direction).collect::<Vec<_>>())
        };
        let copies = self.ports.metadata.read(look).await?;
        if copies.is_empty() {
            return self.ports.metadata.perform(cx, MoveBlob { digest: digest.into(), to: None }).await.map(drop);
        }
        for (copy, direction) in copies {
            self.move_copy(cx, &copy, direction, moved).await?;
        }
        Ok(())
    }

    async fn move_copy(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        direction: Direction,
        moved: &mut MovedBlobs,
    ) -> Result<(), Fault> {
        let (parsed, from) = (parse_digest(&copy.digest)?, parse_key(&copy.location)?);
        let id = self.ports.env.fresh_id();
        let standard = location(&parsed, id)?;
        let to = match direction {
            Direction::ToArchive => standard.archived().map_err(Fault::internal)?,
            Direction::ToStandard => standard,
        };
        let copied = self.ports.store.copy(&from, &to, store_algorithm(parsed.algorithm())).await;
        let is_whole = match &copied {
            Ok((length, hash)) => match &copy.sealed {
                None => Digest::from_hash(parsed.algorithm(), hash) == parsed,
                Some(_) if *length != copy.stored_size() => false,
                Some(sealed) => match self.opens(cx, &to, copy, sealed).await {
                    Ok(opens) => opens,
                    Err(fault) => {
                        // Nobody knows this place, and the next round makes another.
                        remove_bytes(&self.ports, &to).await;
                        return Err(fault);
                    }
                },
            },
            // It may be the place that it was copied to: that says nothing of the bytes.
            Err(error) if error.is_missing() => {
                self.ports.store.exists(&from).await.map_err(store_fault)? == Some(copy.stored_size())
            }
            Err(_) => true,
        };
        if !is_whole {
            remove_bytes(&self.ports, &to).await;
            return self.give_up(cx, copy, &parsed).await;
        }
        copied.map_err(store_fault)?;
        let act = MoveBlob { digest: copy.digest.clone(), to: Some((copy.id, direction, id, to.to_string())) };
        if !self.ports.metadata.perform(cx, act).await? {
            remove_bytes(&self.ports, &to).await;
            return Ok(());
        }
        moved.bytes += u64::try_from(copy.size).unwrap_or(0);
        match direction {
            Direction::ToArchive => moved.archived += 1,
            Direction::ToStandard => moved.returned += 1,
        }
        Ok(())
    }

    /// Whether a sealed copy opens and has its digest. While its key is off nobody can say, and it moves as it is.
    async fn opens(
        &self,
        cx: &Cx,
        place: &Key,
        copy: &blobs::CopyRow,
        sealed: &blobs::SealedRow,
    ) -> Result<bool, Fault> {
        let data_key = match self.ports.data_key(cx, &copy.digest, sealed).await {
            Ok(data_key) => data_key,
            Err(fault) if fault.kind == FaultKind::RepositoryKeyUnavailable => return Ok(true),
            Err(fault) => return Err(fault),
        };
        let (digest, length) = (parse_digest(&copy.digest)?, u64::try_from(copy.size).unwrap_or(0));
        let algorithm = store_algorithm(digest.algorithm());
        match self.ports.store.hash_sealed(place, length, data_key, algorithm, |_| {}).await {
            Ok(hash) if Digest::from_hash(digest.algorithm(), &hash) != digest => Ok(false),
            // A large one takes its time, and what has no row for an hour is swept.
            Ok(_) => match self.ports.store.exists(place).await.map_err(store_fault)? {
                Some(_) => Ok(true),
                None => {
                    let message = "The copy was swept away before it was looked through; it is made again";
                    Err(Fault::new(FaultKind::Unavailable, message))
                }
            },
            Err(error) if error.is_broken_seal() => Ok(false),
            // Any other failure says nothing of the bytes that were copied.
            Err(error) => Err(store_fault(error)),
        }
    }

    /// The bytes are missing or wrong, unless another replica has just moved them.
    async fn give_up(&self, cx: &Cx, copy: &blobs::CopyRow, digest: &Digest) -> Result<(), Fault> {
        if take_out(&self.ports, cx, &parse_key(&copy.location)?).await? {
            tracing::error!(
                blob.digest = %digest, location = %copy.location,
                "the bytes of {digest} are missing or damaged and cannot be moved between storage classes. Push it again to heal it, and run: gantry fsck"
            );
        }
        let settle = MoveBlob { digest: digest.to_string(), to: None };
        self.ports.metadata.perform(cx, settle).await.map(drop)
    }

    /// Lets images be pulled again whose bytes are back; says how many. Children come before their indexes.
    async fn finish(&self, cx: &Cx) -> Result<u64, Fault> {
        let mut finished = 0;
        loop {
            let ready = self.ports.metadata.read(|rows| archive_rows::ready(rows, BATCH)).await?;
            if ready.is_empty() {
                return Ok(finished);
            }
            let mut by_repository: BTreeMap<i64, Vec<String>> = BTreeMap::new();
            for (repository, digest) in ready {
                by_repository.entry(repository).or_default().push(digest);
            }
            let before = finished;
            for (repository, digests) in by_repository {
                let cx = self.ports.cx_of(cx, repository).await?;
                finished += self.ports.metadata.perform(&cx, FinishActivation { repository, digests }).await?;
            }
            if finished == before {
                return Ok(finished);
            }
        }
    }
}
