//! Blobs to and from files outside the store (backups), and from one key to another.

use crate::{Algorithm, AppendError, Backend, Error, Key, Store, UploadId, folder::blocking, sealed::DataKey};
use futures_util::StreamExt;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncWriteExt},
};

/// Bytes read from a file at a time.
const PIECE: usize = 256 * 1024;

/// One side of a copy between keys.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its place.
    pub key: &'a Key,
    /// What it is sealed with; `None` where it is plain.
    pub data_key: Option<&'a Arc<DataKey>>,
}

/// What a copy between keys has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Plain bytes.
    pub length: u64,
    /// Bytes on the disk.
    pub object_bytes: u64,
    /// The hash of the plain bytes that were copied, for the caller to compare with what they should be.
    pub hash: Vec<u8>,
}

impl Store {
    /// Copies a blob of `length` plain bytes to another place, durably, opened with one key and sealed with another on the
    /// way; a side without a key is plain. Only sealed bytes of a side that has one touch the disk. `id` is that of an upload
    /// nobody else uses.
    ///
    /// # Errors
    /// As [`Store::open`] and [`Store::open_sealed`]; [`Error::Full`]; [`Error::Exists`] where the place is taken. `to` must not
    /// be in the archive.
    pub async fn copy_between(
        &self,
        (from, length): (Side<'_>, u64),
        to: Side<'_>,
        id: &UploadId,
        algorithm: Algorithm,
    ) -> Result<Copied, Error> {
        let reading = match from.data_key {
            Some(data_key) => self.open_sealed(from.key, length, data_key.clone()).await?,
            None => self.open(from.key, length).await?,
        };
        let upload = match to.data_key {
            Some(data_key) => self.begin_sealed(id, algorithm, data_key.clone()).await?,
            None => self.begin(id, algorithm).await?,
        };
        let (upload, appended) = upload.append_exactly(reading.body(0..length), length).await;
        if let Err(error) = appended {
            upload.abort().await?;
            return Err(problem(from.key, error));
        }
        let (hash, object_bytes) = (upload.hash(), upload.object_bytes());
        match upload.publish(to.key).await {
            Ok(length) => Ok(Copied { length, object_bytes, hash }),
            Err(error) => {
                self.discard(id).await?;
                Err(error)
            }
        }
    }

    /// Copies a blob of `length` bytes into a file, durably, and whole or not at all. Folders above it are made.
    ///
    /// # Errors
    /// As [`Store::open`]; [`Error::Io`] and [`Error::Full`] where the file cannot be written.
    pub async fn copy_out(&self, key: &Key, length: u64, to: &Path) -> Result<(), Error> {
        let failed = |error| Error::of("copy", key, error);
        let mut body = self.open(key, length).await?.body(0..length);
        if let Some(parent) = to.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).await.map_err(failed)?;
        }
        let partial = beside(to);
        let mut file =
            fs::OpenOptions::new().create(true).truncate(true).write(true).open(&partial).await.map_err(failed)?;
        while let Some(piece) = body.next().await {
            file.write_all(&piece.map_err(failed)?).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)?;
        fs::rename(&partial, to).await.map_err(failed)?;
        // Without this the name itself may be lost in a power cut.
        match to.parent() {
            Some(parent) => {
                fs::OpenOptions::new().read(true).open(parent).await.map_err(failed)?.sync_all().await.map_err(failed)
            }
            None => Ok(()),
        }
    }

    /// Takes the bytes of a file in as the blob at `key`, durably, and whole or not at all; returns how many there were.
    ///
    /// # Errors
    /// [`Error::Missing`] where there is no such file.
    pub async fn copy_in(&self, key: &Key, id: &UploadId, from: &Path) -> Result<u64, Error> {
        if let Backend::Folder(folder) = &self.backend
            && key.is_archived()
        {
            let (folder, key, from) = (folder.clone(), key.clone(), from.to_path_buf());
            return blocking("take a blob into", move || folder.take_in(&key, &from)).await;
        }
        let file = fs::OpenOptions::new().read(true).open(from).await.map_err(|error| Error::of("read", key, error))?;
        let pieces = futures_util::stream::unfold(Some(file), |file| async move {
            let mut file = file?;
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece).await {
                Ok(0) => None,
                Ok(count) => {
                    piece.truncate(count);
                    Some((Ok(piece.into()), Some(file)))
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        let upload = self.begin(id, Algorithm::Sha256).await?;
        let (upload, appended) = upload.append(Box::pin(pieces), u64::MAX).await;
        match appended {
            Ok(_) => upload.publish(key).await,
            Err(error) => {
                upload.abort().await?;
                Err(problem(key, error))
            }
        }
    }
}

/// Says why the bytes of a blob could not be copied.
pub(crate) fn problem(key: &Key, error: AppendError<std::io::Error>) -> Error {
    match error {
        AppendError::Body(error) => Error::of("read", key, error),
        AppendError::Store(error) => error,
        AppendError::TooLong => Error::of("read", key, std::io::ErrorKind::FileTooLarge.into()),
        AppendError::TooShort => Error::of("read", key, std::io::ErrorKind::UnexpectedEof.into()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
