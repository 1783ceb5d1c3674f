//! Bytes by key: written durably, read in ranges, listed, deleted.
//!
//! Bytes arrive in an [`Upload`], hashed while they are written; [`Upload::publish`] makes them durable at a [`Key`] that
//! is used once and never overwritten. [`Store::open`] reads them. Knows nothing of digests' meaning, tenants or
//! manifests; another backend is one file and one variant.
//!
//! | file | what |
//! |---|---|
//! | `folder.rs` | the local file system |
//! | `upload.rs` | bytes that arrive: hash, write, sync, rename |
//! | `reading.rs` | bytes that leave: from the page cache in place, else by a thread |
//! | `sys.rs` | the system calls the standard library has no words for |

mod error;
mod folder;
mod hash;
mod key;
mod reading;
mod settings;
mod sys;
mod upload;

pub use error::{AppendError, Error};
pub use hash::{Algorithm, hash_bytes};
pub use key::{Key, KeyError};
pub use reading::{Body, Reading};
pub use settings::Settings;
pub use upload::{Upload, UploadId, UploadIdError};

use folder::{Folder, blocking};
use futures_util::Stream;
use gantry_env::Env;
use gantry_words::Timestamp;
use std::{path::Path, sync::Arc};
use tokio::sync::mpsc;

/// A durable byte store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    folder: Arc<Folder>,
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
    /// Opens a folder of the local file system, and makes it where it is missing. Takes no lock: tools may open it
    /// beside a running server.
    pub fn folder(root: &Path, env: Env, settings: &Settings) -> Result<Store, Error> {
        Ok(Store { folder: Arc::new(Folder::open(root, env, settings)?) })
    }

    /// Begins an upload with a new id.
    pub async fn begin(&self, id: &UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        Upload::begin(self.folder.clone(), id.clone(), algorithm).await
    }

    /// Takes an upload up again, after a restart or elsewhere: its bytes are read and hashed again.
    pub async fn resume(&self, id: &UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        Upload::resume(self.folder.clone(), id.clone(), algorithm).await
    }

    /// Removes an upload's bytes, if there are any.
    pub async fn discard(&self, id: &UploadId) -> Result<(), Error> {
        self.folder.discard(id)
    }

    /// Lists the uploads whose bytes are here.
    pub async fn uploads(&self) -> Result<Vec<FoundUpload>, Error> {
        let folder = self.folder.clone();
        blocking(move || folder.uploads()).await
    }

    /// Opens a blob of `length` bytes for reading.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::Length`]: both say [`Error::is_missing`].
    pub async fn open(&self, key: &Key, length: u64) -> Result<Reading, Error> {
        // In place: a local open and stat take microseconds, a thread takes more.
        Ok(Reading::new(self.folder.open_blob(key, length)?, length))
    }

    /// Returns the length of a blob, or `None` where there is none.
    pub async fn exists(&self, key: &Key) -> Result<Option<u64>, Error> {
        self.folder.length(key)
    }

    /// Removes blobs, where they are there. When it returns they are gone durably.
    pub async fn delete(&self, keys: &[Key]) -> Result<(), Error> {
        let (folder, keys) = (self.folder.clone(), keys.to_vec());
        blocking(move || folder.delete(&keys)).await
    }

    /// Moves a blob out of the way, where nothing serves it and people can look at it.
    pub async fn quarantine(&self, key: &Key) -> Result<(), Error> {
        let (folder, key) = (self.folder.clone(), key.clone());
        blocking(move || folder.quarantine(&key)).await
    }

    /// Reads a blob and returns its length and hash; `progress` hears how many bytes were read.
    pub async fn hash(&self, key: &Key, algorithm: Algorithm, progress: impl Fn(u64)) -> Result<(u64, Vec<u8>), Error> {
        let (folder, key) = (self.folder.clone(), key.clone());
        let (sender, mut heard) = mpsc::unbounded_channel();
        let work = tokio::spawn(blocking(move || folder.hash(&key, algorithm, &sender)));
        while let Some(bytes) = heard.recv().await {
            progress(bytes);
        }
        work.await.unwrap_or_else(|_| Err(Error::of("hash", "a blob", std::io::Error::other("its task panicked"))))
    }

    /// Lists every blob, folder by folder, each sorted. Holds one folder in memory.
    pub fn list(&self) -> impl Stream<Item = Result<Found, Error>> + Send + use<> {
        let (sender, mut found) = mpsc::channel(256);
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || folder.list(&sender));
        futures_util::stream::poll_fn(move |cx| found.poll_recv(cx))
    }

    /// Returns how many bytes may still be written.
    pub async fn free_bytes(&self) -> Result<u64, Error> {
        self.folder.free_bytes()
    }
}
