//! Bytes by key: written durably, read in ranges, listed, deleted.
//!
//! Bytes arrive in an [`Upload`], hashed while they are written; [`Upload::publish`] makes them durable at a [`Key`] that
//! is used once and never overwritten. [`Store::open`] reads them. Deliberately absent: what a digest means, tenants,
//! manifests, metrics, and retries. Another backend is one file and one variant of `Backend`; [`suite()`] says what it
//! must hold.
//!
//! What is encrypted is begun, resumed and opened with a data key ([`Store::begin_sealed`]), which the caller keeps.
//!
//! | file | what |
//! |---|---|
//! | `key.rs` | [`Key`], [`UploadId`]: the names of places |
//! | `folder.rs` | the local file system: blobs, listing, deleting; how durable what is |
//! | `folder/sink.rs` | writing there: write, sync, rename |
//! | `folder/transfer.rs` | writing there at once: into the archive and out of it |
//! | `adopting.rs`, `folder/adopt.rs` | files of others that become blobs where they lie |
//! | `folder/direct.rs` | writing large bodies past the page cache |
//! | `folder/busy.rs`, `folder/walk.rs` | one writer for each upload; every blob in order |
//! | `folder/owner.rs` | whose a folder is |
//! | `memory.rs` | the same in memory, for the simulated world, with crashes and faults |
//! | `upload.rs`, `batch.rs`, `hash.rs` | bytes that arrive: gathered, hashed, handed to the backend |
//! | `intake.rs`, `sealed.rs` | what seals them on the way, where a blob is encrypted |
//! | `reading.rs`, `pool.rs` | bytes that leave: from the page cache in place, else by a thread |
//! | `suite.rs` | what every backend promises, as checks |
//! | `sys.rs` | the system calls the standard library has no words for |

mod adopting;
mod batch;
mod copying;
mod error;
mod folder;
mod hash;
mod intake;
mod key;
mod memory;
mod pool;
mod reading;
pub mod sealed;
mod settings;
mod suite;
mod sys;
mod upload;

pub use adopting::{Adopted, Adoption};
pub use copying::{Copied, Side};
pub use error::{AppendError, Error};
pub use folder::{disown, place_in};
pub use hash::{Algorithm, hash_bytes};
pub use key::{Key, KeyError, UploadId, UploadIdError};
pub use memory::{InjectedFault, MemoryControl, Operation};
pub use reading::{Body, Reading};
pub use settings::Settings;
pub use suite::{BrokenPromise, suite};
pub use upload::Upload;

use folder::{Folder, blocking};
use futures_util::{Stream, StreamExt, future::Either};
use gantry_env::Env;
use gantry_words::Timestamp;
use memory::Memory;
use reading::Source;
use sealed::{DataKey, Object, OpenError};
use std::{io, os::unix::fs::FileExt, path::Path, sync::Arc};
use tokio::sync::mpsc;

/// Blobs that a listing reads ahead.
const LISTED_AHEAD: usize = 256;
/// Keys that are deleted by one thread in one go.
const DELETED_AT_ONCE: usize = 1_000;

/// A durable byte store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Folder(Arc<Folder>),
    Memory(Arc<Memory>),
}

/// What a store can do beyond what all can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// What is published survives the end of the process, and a power cut.
    pub is_durable: bool,
    /// Blobs are files that the kernel can send by itself: [`Body::as_file_range`].
    pub has_files: bool,
    /// Clients can be sent to the bytes, past this program. No backend of today can do that.
    pub can_presign: bool,
}

/// Where the bytes of a blob lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// In their place, where they are read from.
    Served,
    /// Out of the way, where only people and repair look at them: see [`Store::quarantine`].
    Quarantined,
}

/// A blob that was found by listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place.
    pub key: Key,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written to or renamed.
    pub modified: Timestamp,
}

/// An upload that was found by listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUpload {
    /// Its id.
    pub id: UploadId,
    /// Bytes it has.
    pub bytes: u64,
    /// When it last got some.
    pub modified: Timestamp,
}

impl Store {
    /// Opens a folder of the local file system, and makes it where it is missing, for its owner only. Takes no lock: tools
    /// may open it beside a running server.
    ///
    /// Its methods are called within a tokio runtime.
    pub fn folder(root: &Path, env: Env, settings: &Settings) -> Result<Store, Error> {
        Ok(Store { backend: Backend::Folder(Arc::new(Folder::open(root, env, settings)?)) })
    }

    /// Makes a store in memory, for tests and for the simulated world. It waits only through `env`, for no runtime.
    pub fn memory(env: Env) -> (Store, MemoryControl) {
        let memory = Memory::new(env);
        (Store { backend: Backend::Memory(memory.clone()) }, MemoryControl::new(memory))
    }

    /// Returns what this store can do beyond what all can.
    pub fn powers(&self) -> Powers {
        match &self.backend {
            Backend::Folder(_) => Powers { is_durable: true, has_files: true, can_presign: false },
            Backend::Memory(_) => Powers { is_durable: false, has_files: false, can_presign: false },
        }
    }

    fn env(&self) -> &Env {
        match &self.backend {
            Backend::Folder(folder) => folder.env(),
            Backend::Memory(memory) => memory.env(),
        }
    }

    /// Takes the store for `owner`, durably, where it is nobody's; returns whose it is. A name is one line of up to 200 bytes.
    pub async fn claim(&self, owner: &str) -> Result<String, Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, owner) = (folder.clone(), owner.to_string());
                blocking("claim", move || folder.claim(&owner)).await
            }
            Backend::Memory(memory) => Ok(memory.claim(owner)),
        }
    }

    /// Begins an upload with a new id.
    ///
    /// # Errors
    /// [`Error::Full`]; [`Error::Exists`] where the id is in use.
    pub async fn begin(&self, id: &UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        Upload::begin(self.clone(), id.clone(), algorithm, None).await
    }

    /// As [`Store::begin`], for bytes that are to lie on the disk only sealed with `key`, from the first on: the hash is that
    /// of the plain bytes, and so is every length that the upload tells, save [`Upload::object_bytes`].
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin_sealed(&self, id: &UploadId, algorithm: Algorithm, key: Arc<DataKey>) -> Result<Upload, Error> {
        Upload::begin(self.clone(), id.clone(), algorithm, Some(key)).await
    }

    /// Takes an upload up again, after a restart or elsewhere: its bytes are read and hashed again.
    ///
    /// An append that was dropped may still be writing: that is waited for. Nobody else may hold the upload.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub async fn resume(&self, id: &UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        Upload::resume(self.clone(), id.clone(), algorithm, None).await
    }

    /// As [`Store::resume`], for an upload that was begun with `key`. What an append wrote that was cut short, up to 64 MiB,
    /// is dropped: it cannot be sealed to its end any more.
    ///
    /// # Errors
    /// As [`Store::resume`].
    pub async fn resume_sealed(&self, id: &UploadId, algorithm: Algorithm, key: Arc<DataKey>) -> Result<Upload, Error> {
        Upload::resume(self.clone(), id.clone(), algorithm, Some(key)).await
    }

    /// Returns how many bytes of an upload are here, also while somebody writes to it; `None` where there is none. Of a
    /// sealed one they are the sealed bytes.
    pub async fn upload_length(&self, id: &UploadId) -> Result<Option<u64>, Error> {
        match &self.backend {
            // In place, as a blob's.
            Backend::Folder(folder) => folder.upload_length(id),
            Backend::Memory(memory) => memory.upload_length(id).await,
        }
    }

    /// Waits until no append of this process that was dropped writes to an upload any more.
    pub async fn settle(&self, id: &UploadId) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, id) = (folder.clone(), id.clone());
                blocking("wait for an upload in", move || {
                    folder.settle(&id);
                    Ok(())
                })
                .await
            }
            Backend::Memory(_) => Ok(()),
        }
    }

    /// Gives an upload a file of its own with the same bytes, by way of the unused id `fresh`: who still has the old file
    /// open, be it another process that has been silent for long, can change nothing any more.
    ///
    /// In memory there is no other process, and nothing is done.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Full`].
    pub async fn detach(&self, id: &UploadId, fresh: &UploadId) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, id, fresh) = (folder.clone(), id.clone(), fresh.clone());
                blocking("copy an upload in", move || folder.detach(&id, &fresh)).await
            }
            Backend::Memory(_) => Ok(()),
        }
    }

    /// Removes an upload's bytes, if there are any.
    pub async fn discard(&self, id: &UploadId) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, id) = (folder.clone(), id.clone());
                blocking("remove an upload from", move || folder.discard(&id)).await
            }
            Backend::Memory(memory) => memory.discard(id).await,
        }
    }

    /// Lists the uploads whose bytes are here, by id.
    pub async fn uploads(&self) -> Result<Vec<FoundUpload>, Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let folder = folder.clone();
                blocking("list the uploads of", move || folder.uploads()).await
            }
            Backend::Memory(memory) => memory.uploads().await,
        }
    }

    /// Opens a blob of `length` bytes for reading.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Length`]: both say [`Error::is_missing`].
    pub async fn open(&self, key: &Key, length: u64) -> Result<Reading, Error> {
        let source = match &self.backend {
            // In place: a local open and stat take microseconds, a thread takes more.
            Backend::Folder(folder) => Source::File(folder.open_blob(key, length)?),
            Backend::Memory(memory) => Source::Memory(memory.open(key, length).await?),
        };
        Ok(Reading::new(source, length))
    }

    /// Opens a sealed blob of `length` plain bytes for reading: its ranges are those of the plain bytes.
    ///
    /// # Errors
    /// [`Error::Missing`]; [`Error::Sealed`] where its beginning or its directory is not what was sealed, or it has another
    /// length. A chunk that does not open, or does not open with this key, is found when it is read.
    pub async fn open_sealed(&self, key: &Key, length: u64, data_key: Arc<DataKey>) -> Result<Reading, Error> {
        let (source, object) = match &self.backend {
            Backend::Folder(folder) => {
                let (folder, key) = (folder.clone(), key.clone());
                // The disk may have to be asked for its beginning.
                blocking("open a blob of", move || {
                    let (file, sealed) = folder.open_whole(&key)?;
                    let read = |at: u64, buffer: &mut [u8]| file.read_exact_at(buffer, at);
                    let object = Object::open(data_key, (sealed, length), read);
                    let object = object.map_err(|error| unopened(&key, error))?;
                    Ok((Source::File(file), object))
                })
                .await?
            }
            Backend::Memory(memory) => {
                let opened = memory.open_whole(key).await?;
                let read = |at: u64, buffer: &mut [u8]| {
                    let bytes = opened.slice(at, buffer.len());
                    if bytes.len() < buffer.len() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    buffer.copy_from_slice(&bytes);
                    Ok(())
                };
                let object = Object::open(data_key, (opened.length(), length), read);
                let object = object.map_err(|error| unopened(key, error))?;
                (Source::Memory(opened), object)
            }
        };
        Ok(Reading::sealed(key, source, object, length))
    }

    /// Copies a blob to another place, durably: into the archive, or out of it. One that is sealed stays so, with the same
    /// key, and its hash is that of the sealed bytes: see [`Store::hash_sealed`]. Returns the length and the hash of the bytes
    /// that were copied, for the caller to compare: what is wrong with them is now wrong in both places.
    ///
    /// Dropped before its end, it may leave bytes at `to`, for the collection and for fsck to find.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Full`]; [`Error::Exists`] where the place is taken.
    pub async fn copy(&self, from: &Key, to: &Key, algorithm: Algorithm) -> Result<(u64, Vec<u8>), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, from, to) = (folder.clone(), from.clone(), to.clone());
                blocking("copy a blob in", move || folder.copy(&from, &to, algorithm)).await
            }
            Backend::Memory(memory) => {
                let length = memory.length(from).await?.ok_or_else(|| Error::Missing { place: from.to_string() })?;
                let body = self.open(from, length).await?.body(0..length);
                let id = self.env().request_id().to_string().parse().expect("a UUID is an upload id");
                let upload = self.begin(&id, algorithm).await?;
                let (upload, appended) = upload.append(body, u64::MAX).await;
                if let Err(error) = appended {
                    upload.abort().await?;
                    return Err(copying::problem(from, error));
                }
                let hash = upload.hash();
                Ok((upload.publish(to).await?, hash))
            }
        }
    }

    /// Returns the length of a blob, or `None` where there is none.
    pub async fn exists(&self, key: &Key) -> Result<Option<u64>, Error> {
        match &self.backend {
            // In place, as above.
            Backend::Folder(folder) => folder.length(key),
            Backend::Memory(memory) => memory.length(key).await,
        }
    }

    /// Removes blobs, where they are there. When it returns they are gone durably; after an error some may be.
    pub async fn delete(&self, keys: &[Key]) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                for keys in keys.chunks(DELETED_AT_ONCE) {
                    let (folder, keys) = (folder.clone(), keys.to_vec());
                    blocking("remove blobs from", move || folder.delete(&keys)).await?;
                }
                Ok(())
            }
            Backend::Memory(memory) => memory.delete(keys).await,
        }
    }

    /// Moves a blob out of the way, durably: nothing serves it there, and people can look at it.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub async fn quarantine(&self, key: &Key) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, key) = (folder.clone(), key.clone());
                blocking("quarantine a blob of", move || folder.quarantine(&key)).await
            }
            Backend::Memory(memory) => memory.quarantine(key).await,
        }
    }

    /// Moves a blob out of quarantine, durably, back to where it is served.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not quarantined.
    pub async fn release(&self, key: &Key) -> Result<(), Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, key) = (folder.clone(), key.clone());
                blocking("take a blob out of the quarantine of", move || folder.release(&key)).await
            }
            Backend::Memory(memory) => memory.release(key).await,
        }
    }

    /// Reads a blob and returns its length and hash; `progress` hears how many bytes were read so far.
    ///
    /// # Errors
    /// [`Error::Missing`] where it is not at these `whereabouts`.
    pub async fn hash(
        &self,
        key: &Key,
        whereabouts: Whereabouts,
        algorithm: Algorithm,
        progress: impl Fn(u64),
    ) -> Result<(u64, Vec<u8>), Error> {
        let folder = match &self.backend {
            Backend::Folder(folder) => folder.clone(),
            Backend::Memory(memory) => return memory.hash(key, whereabouts, algorithm, progress).await,
        };
        let key = key.clone();
        // Where this is dropped, nobody hears any more, and the thread ends.
        let (sender, mut heard) = mpsc::channel(2);
        let reading = tokio::task::spawn_blocking(move || folder.hash(&key, whereabouts, algorithm, &sender));
        while let Some(bytes) = heard.recv().await {
            progress(bytes);
        }
        reading.await.unwrap_or_else(|_| Err(Error::panicked("hash a blob of", "the store")))
    }

    /// As [`Store::hash`], of the plain bytes of a sealed blob of `length` plain bytes that is in its place.
    ///
    /// # Errors
    /// As [`Store::open_sealed`]; [`Error::Sealed`], as the source of [`Error::Io`], where a chunk does not open.
    pub async fn hash_sealed(
        &self,
        key: &Key,
        length: u64,
        data_key: Arc<DataKey>,
        algorithm: Algorithm,
        progress: impl Fn(u64),
    ) -> Result<Vec<u8>, Error> {
        let mut body = self.open_sealed(key, length, data_key).await?.body(0..length);
        let mut hasher = hash::Hasher::new(algorithm);
        while let Some(piece) = body.next().await {
            hasher.update(&piece.map_err(|error| Error::of("read", key, error))?);
            progress(length - body.remaining());
        }
        Ok(hasher.value())
    }

    /// Lists every blob in a fixed order: folder by folder, each sorted by name. Holds one folder's names in memory.
    ///
    /// What comes or goes meanwhile may be there or not. After an error nothing more comes.
    pub fn list(&self) -> impl Stream<Item = Result<Found, Error>> + Send + use<> {
        match &self.backend {
            Backend::Folder(folder) => {
                let (sender, mut found) = mpsc::channel(LISTED_AHEAD);
                let folder = folder.clone();
                tokio::task::spawn_blocking(move || folder.list(&sender));
                Either::Left(futures_util::stream::poll_fn(move |cx| found.poll_recv(cx)))
            }
            Backend::Memory(memory) => Either::Right(Box::pin(memory.clone().list())),
        }
    }

    /// Says no where `bytes` that go to the same disk by another way, as the database's do, would take from its reserve.
    ///
    /// # Errors
    /// [`Error::Full`].
    pub async fn check_room(&self, bytes: u64) -> Result<(), Error> {
        match &self.backend {
            // In place, as above.
            Backend::Folder(folder) => folder.check_room("write beside", "the store", bytes),
            Backend::Memory(memory) => memory.check_room_beside().await,
        }
    }

    /// Returns how many bytes may still be written.
    pub async fn free_bytes(&self) -> Result<u64, Error> {
        match &self.backend {
            Backend::Folder(folder) => {
                let folder = folder.clone();
                blocking("ask for room in", move || folder.free_bytes()).await
            }
            Backend::Memory(memory) => memory.free_bytes().await,
        }
    }
}

/// Says why a sealed blob is not opened.
fn unopened(key: &Key, error: OpenError) -> Error {
    match error {
        OpenError::Read(error) => Error::of("read", key, error),
        OpenError::Sealed(source) => Error::Sealed { place: key.to_string(), source },
    }
}
