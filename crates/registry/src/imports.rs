//! Images that come from another registry into the data of this one, with its server stopped: blobs that lie in files get a second
//! name there, others are copied, and all is counted as a push counts it.

mod blob_place;
mod new_blobs;

pub use blob_place::{BlobPlace, OpenBlob};

use crate::{
    admit::{is_whole_copy_here, link_new, location, store_fault},
    images::{Images, store_algorithm},
    keys::KeyDomain,
    link::{LinkBlob, Linked, Source},
    ports::Ports,
    push::{ImageDates, PutImageAnswer},
    repositories::Repository,
    uploads::Uploads,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, blobs, blobs::NewCopyRow, manifests, tags};
use gantry_oci::{Digest, Tag};
use gantry_store::{Adopted, Adoption, Key};
use gantry_words::Cx;
use new_blobs::LinkNewBlobs;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

/// Files that one thread takes in: enough that handing them over costs little, few enough that all processors have some.
const FILES_AT_ONCE: usize = 64;
/// Images or tags that are asked for in one question.
const ASKED_AT_ONCE: usize = 10_000;
/// Blobs that become visible in one commit.
const LINKS_AT_ONCE: usize = 2_000;
/// Bytes of them, but for one that has more: what has no row after an hour is taken for a crash's, also by a
/// `gantry fsck --repair` that runs beside the import.
const LINK_BYTES_AT_ONCE: u64 = 16 << 30;
/// Acts that wait for the same commit.
const ACTS_AT_ONCE: usize = 256;
/// Blobs that are copied at once, where they cannot be linked.
const COPIES_AT_ONCE: usize = 4;

/// The room for what comes from other registries' folders.
#[derive(Clone)]
pub struct Imports {
    ports: Arc<Ports>,
    images: Images,
    uploads: Uploads,
}

/// A blob that is taken in.
#[derive(Clone, Debug)]
pub struct BlobFile {
    /// Its digest.
    pub digest: Digest,
    /// How many bytes it must have.
    pub length: u64,
    /// Where its bytes are.
    pub place: BlobPlace,
}

/// What is believed of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: its bytes are hashed.
    Bytes,
    /// That it holds what its name says, if it has the right length.
    Names,
}

/// What came of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobTaken {
    /// The repository had it.
    Held,
    /// The registry had its bytes.
    Shared,
    /// Its file has a second name.
    Linked,
    /// Its bytes were copied.
    Copied,
    /// It is not there, for this reason.
    Refused(String),
}

/// An image as it was elsewhere.
#[derive(Clone, Debug)]
pub struct ImportedImage {
    /// Its digest.
    pub digest: Digest,
    /// What it is said to be.
    pub media_type: String,
    /// Its manifest.
    pub body: Bytes,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Since when it was there.
    pub dates: ImageDates,
}

/// A file that was taken in, and is to be linked.
struct Taken {
    /// Which of the blobs.
    at: usize,
    row: NewCopyRow,
    key: Key,
    came: BlobTaken,
}

impl Imports {
    pub(crate) fn new(ports: Arc<Ports>, images: Images, uploads: Uploads) -> Self {
        Imports { ports, images, uploads }
    }

    /// Returns those of these images that a repository holds.
    pub async fn held(&self, repository: &Repository, digests: Vec<Digest>) -> Result<HashSet<Digest>, Fault> {
        let (id, mut there) = (repository.id, HashSet::new());
        for some in digests.chunks(ASKED_AT_ONCE) {
            let wanted: Vec<String> = some.iter().map(Digest::to_string).collect();
            let look = move |rows: &mut Reader| manifests::held(rows, id, wanted.iter().map(String::as_str));
            let held = self.ports.metadata.read_long(look).await?;
            let held: HashSet<String> = held.into_iter().map(|row| row.digest).collect();
            there.extend(some.iter().filter(|digest| held.contains(digest.as_str())).cloned());
        }
        Ok(there)
    }

    /// Returns where each of these tags of a repository points; what points nowhere is missing.
    pub async fn tags(&self, repository: &Repository, wanted: Vec<Tag>) -> Result<HashMap<Tag, String>, Fault> {
        let (id, mut there) = (repository.id, HashMap::new());
        for some in wanted.chunks(ASKED_AT_ONCE) {
            let some = some.to_vec();
            let look = move |rows: &mut Reader| {
                let mut found = Vec::new();
                for tag in some {
                    found.extend(tags::digest(rows, id, tag.as_str())?.map(|digest| (tag, digest)));
                }
                Ok(found)
            };
            there.extend(self.ports.metadata.read_long(look).await?);
        }
        Ok(there)
    }

    /// Takes blobs into a repository, each digest once; returns what came of each, in their order. Files are linked where that is
    /// possible, and copied otherwise: to another file system, and into a repository that is encrypted. What is not in a file is copied,
    /// whatever is believed of names.
    ///
    /// # Errors
    /// What ends everything, such as [`FaultKind::StorageFull`]. What was taken in before has no link then, and goes with the
    /// next sweep ([`Orphans`](crate::Orphans)).
    pub async fn take_blobs(
        &self,
        cx: &Cx,
        repository: &Repository,
        files: &[BlobFile],
        trust: Trust,
    ) -> Result<Vec<BlobTaken>, Fault> {
        let mut came: Vec<Option<BlobTaken>> = vec![None; files.len()];
        for at in self.held_blobs(repository, files).await? {
            came[at] = Some(BlobTaken::Held);
        }
        let missing = |came: &[Option<BlobTaken>]| -> Vec<usize> {
            came.iter().enumerate().filter(|(_, came)| came.is_none()).map(|(at, _)| at).collect()
        };
        if KeyDomain::of(cx.account, &repository.rules).is_some() {
            for (at, taken) in self.copy(cx, repository, files, missing(&came)).await? {
                came[at] = Some(taken);
            }
        } else {
            for (at, taken) in self.share(cx, repository, files, missing(&came)).await? {
                came[at] = Some(taken);
            }
            let is_file = |at: &usize| files[*at].place.path().is_some();
            let (in_files, elsewhere): (Vec<usize>, Vec<usize>) = missing(&came).into_iter().partition(is_file);
            for some in batches(files, &in_files) {
                for (at, taken) in self.adopt(cx, repository, files, &some, trust).await? {
                    came[at] = Some(taken);
                }
            }
            for (at, taken) in self.copy(cx, repository, files, elsewhere).await? {
                came[at] = Some(taken);
            }
        }
        Ok(came
            .into_iter()
            .map(|came| came.unwrap_or_else(|| BlobTaken::Refused("it was passed over".into())))
            .collect())
    }

    /// Stores images whose blobs and children are there, with their tags; returns what came of each, in their order.
    pub async fn put_images(
        &self,
        cx: &Cx,
        repository: &Repository,
        images: Vec<ImportedImage>,
    ) -> Vec<Result<PutImageAnswer, Fault>> {
        let puts = images.into_iter().map(|image| self.images.put_imported(cx, repository, image));
        stream::iter(puts).buffered(ACTS_AT_ONCE).collect().await
    }

    /// Returns which of the blobs the repository holds, whole.
    async fn held_blobs(&self, repository: &Repository, files: &[BlobFile]) -> Result<Vec<usize>, Fault> {
        let (id, digests) = (repository.id, files.iter().map(|file| file.digest.to_string()).collect::<Vec<_>>());
        let held = self.ports.metadata.read_long(move |rows| blobs::held(rows, id, digests.iter().map(String::as_str)));
        let held: HashSet<String> =
            held.await?.into_iter().filter(|held| held.is_present).map(|held| held.digest).collect();
        let is_held = |(_, file): &(usize, &BlobFile)| held.contains(file.digest.as_str());
        Ok(files.iter().enumerate().filter(is_held).map(|(at, _)| at).collect())
    }

    /// Copies blobs into a repository, each as an upload.
    async fn copy(
        &self,
        cx: &Cx,
        repository: &Repository,
        files: &[BlobFile],
        wanted: Vec<usize>,
    ) -> Result<Vec<(usize, BlobTaken)>, Fault> {
        let copies = wanted
            .into_iter()
            .map(|at| async move { self.copy_one(cx, repository, &files[at]).await.map(|taken| (at, taken)) });
        stream::iter(copies).buffer_unordered(COPIES_AT_ONCE).try_collect().await
    }

    async fn copy_one(&self, cx: &Cx, repository: &Repository, file: &BlobFile) -> Result<BlobTaken, Fault> {
        let pieces = match file.place.pieces(file.length).await {
            Ok(pieces) => pieces,
            Err(error) => return Ok(BlobTaken::Refused(format!("it cannot be read: {error}"))),
        };
        let stored = self.uploads.store(cx, repository, &file.digest, pieces).await;
        refused(stored.map(|()| BlobTaken::Copied))
    }

    /// Links blobs whose bytes the registry has; of what it has not, nothing is said.
    async fn share(
        &self,
        cx: &Cx,
        repository: &Repository,
        files: &[BlobFile],
        wanted: Vec<usize>,
    ) -> Result<Vec<(usize, BlobTaken)>, Fault> {
        let digests: Vec<String> = wanted.iter().map(|at| files[*at].digest.to_string()).collect();
        let known = self.ports.metadata.read_long(move |rows| blobs::known(rows, digests.iter().map(String::as_str)));
        let known: HashSet<String> = known.await?.into_iter().collect();
        let mut shared = Vec::new();
        for at in wanted {
            let file = &files[at];
            if !known.contains(file.digest.as_str()) || !is_whole_copy_here(&self.ports, cx, &file.digest, "").await? {
                continue;
            }
            let act = self.link_act(cx, repository, file, Source::Present);
            match self.ports.metadata.perform(cx, act).await {
                Ok(Linked::Done { .. }) => shared.push((at, BlobTaken::Shared)),
                Ok(Linked::NeedBytes) => {}
                Err(fault) => shared.push((at, refused(Err(fault))?)),
            }
        }
        Ok(shared)
    }

    /// Gives files a second name in the store, makes that durable, and the blobs visible.
    async fn adopt(
        &self,
        cx: &Cx,
        repository: &Repository,
        files: &[BlobFile],
        wanted: &[usize],
        trust: Trust,
    ) -> Result<Vec<(usize, BlobTaken)>, Fault> {
        let (mut taken, mut came) = (Vec::new(), Vec::new());
        for (at, found) in self.adopt_files(files, wanted, trust).await? {
            match found {
                Ok(found) => taken.push(Taken { at, ..found }),
                Err(problem) => came.push((at, BlobTaken::Refused(problem))),
            }
        }
        if taken.is_empty() {
            return Ok(came);
        }
        self.ports.store.sync().await.map_err(store_fault)?;
        let act = LinkNewBlobs {
            account: cx.account,
            repository: repository.id,
            name: repository.name.clone(),
            copies: taken.iter().map(|taken| taken.row.clone()).collect(),
        };
        let linked = self.ports.metadata.perform(cx, act).await?;
        for taken in taken {
            let done = if linked.contains(&taken.row.id) {
                taken.came
            } else {
                self.link_one(cx, repository, &files[taken.at], taken.row.id, taken.key, taken.came).await?
            };
            came.push((taken.at, done));
        }
        Ok(came)
    }

    /// Takes files into the store, several at a time.
    async fn adopt_files(
        &self,
        files: &[BlobFile],
        wanted: &[usize],
        trust: Trust,
    ) -> Result<Vec<(usize, Result<Taken, String>)>, Fault> {
        let mut places = Vec::with_capacity(wanted.len());
        for at in wanted.iter().copied() {
            let id = self.ports.env.fresh_id();
            // What is not in a file is not among these.
            let Some(path) = files[at].place.path() else { continue };
            places.push((at, path, id, location(&files[at].digest, id)?));
        }
        let adopted = places.chunks(FILES_AT_ONCE).map(|places| {
            let adoption = |(at, path, _, key): &(usize, &Path, i64, Key)| {
                let BlobFile { digest, length, .. } = &files[*at];
                let hash = (store_algorithm(digest.algorithm()), digest.hex().to_owned());
                Adoption {
                    from: path.to_path_buf(),
                    key: key.clone(),
                    length: *length,
                    hash: (trust == Trust::Bytes).then_some(hash),
                }
            };
            self.ports.store.adopt(places.iter().map(adoption).collect())
        });
        let adopted = try_join_all(adopted).await.map_err(store_fault)?;
        let taken = |((at, _, id, key), adopted): ((usize, &Path, i64, Key), Adopted)| {
            let came = match adopted {
                Adopted::Linked => BlobTaken::Linked,
                Adopted::Copied => BlobTaken::Copied,
                Adopted::Refused { problem } => return (at, Err(problem)),
            };
            let (digest, size) = (files[at].digest.to_string(), files[at].length as i64);
            (at, Ok(Taken { at, row: NewCopyRow { id, digest, size, location: key.to_string() }, key, came }))
        };
        Ok(places.into_iter().zip(adopted.into_iter().flatten()).map(taken).collect())
    }

    /// Makes a blob visible of which something was there: damaged bytes, an archived copy, a quota.
    async fn link_one(
        &self,
        cx: &Cx,
        repository: &Repository,
        file: &BlobFile,
        id: i64,
        key: Key,
        came: BlobTaken,
    ) -> Result<BlobTaken, Fault> {
        let act = |from| self.link_act(cx, repository, file, from);
        refused(link_new(&self.ports, cx, (id, key, None), act).await.map(|()| came))
    }

    fn link_act(&self, cx: &Cx, repository: &Repository, file: &BlobFile, from: Source) -> LinkBlob {
        LinkBlob {
            account: cx.account,
            repository: repository.id,
            name: repository.name.clone(),
            digest: file.digest.clone(),
            size: file.length,
            domain: String::new(),
            from,
            upload: None,
            hold: None,
            grace: self.ports.settings.collection.grace.duration(),
        }
    }
}

/// Takes what concerns one blob apart from what ends everything.
fn refused(came: Result<BlobTaken, Fault>) -> Result<BlobTaken, Fault> {
    use FaultKind::{DigestInvalid, QuotaExceeded, SizeInvalid, UploadInvalid};
    match came {
        Err(Fault { kind: UploadInvalid, source: Some(cause), .. }) => {
            Ok(BlobTaken::Refused(format!("it cannot be read: {cause}")))
        }
        Err(fault) if matches!(fault.kind, QuotaExceeded | DigestInvalid | SizeInvalid) => {
            Ok(BlobTaken::Refused(fault.message))
        }
        came => came,
    }
}

/// Cuts blobs into parts of which each becomes visible in one commit.
fn batches(files: &[BlobFile], wanted: &[usize]) -> Vec<Vec<usize>> {
    let (mut batches, mut bytes) = (Vec::<Vec<usize>>::new(), 0_u64);
    for at in wanted {
        bytes = bytes.saturating_add(files[*at].length);
        match batches.last_mut() {
            Some(batch) if batch.len() < LINKS_AT_ONCE && bytes <= LINK_BYTES_AT_ONCE => batch.push(*at),
            _ => {
                bytes = files[*at].length;
                batches.push(vec![*at]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
