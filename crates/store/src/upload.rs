use crate::{
    Algorithm, AppendError, Error, Key,
    folder::{Folder, blocking},
    hash::Hasher,
    sys,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    str::FromStr,
    sync::Arc,
};
use tokio::sync::mpsc;

/// Pieces of a body on their way to the disk: with pieces of at most half a megabyte, a few megabytes of memory.
const PIECES_MAX: usize = 8;
/// The disk is told to start writing each time so many bytes are there.
const WRITE_BEHIND: u64 = 1 << 20;
/// Whether there is room is asked each time so many bytes were written.
const ROOM_EVERY: u64 = 64 << 20;

/// The name of an upload: 1 to 64 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(Arc<str>);

/// Why a text is no upload id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload id is 1 to 64 of a-z, 0-9 and '-'")]
pub struct UploadIdError;

impl UploadId {
    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = UploadIdError;
    fn from_str(text: &str) -> Result<Self, UploadIdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(UploadId(text.into()))
        } else {
            Err(UploadIdError)
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes that are arriving: a temporary file and the hash of what is in it. One writer by construction.
///
/// Between two appends it holds no descriptor. Dropped, its file stays and can be taken up again with
/// [`crate::Store::resume`].
pub struct Upload {
    folder: Arc<Folder>,
    id: UploadId,
    hasher: Hasher,
    offset: u64,
}

impl Upload {
    pub(crate) async fn begin(folder: Arc<Folder>, id: UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        folder.check_room("begin the upload", &id)?;
        let path = folder.upload_path(&id);
        OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(path)
            .map_err(|error| Error::of("begin the upload", &id, error))?;
        Ok(Upload { folder, id, hasher: Hasher::new(algorithm), offset: 0 })
    }

    pub(crate) async fn resume(folder: Arc<Folder>, id: UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        blocking(move || {
            let (hasher, offset) = read_all(&folder, &id, algorithm)?;
            Ok(Upload { folder, id, hasher, offset })
        })
        .await
    }

    /// Returns how many bytes there are.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the hash of all bytes so far.
    pub fn hash(&self) -> Vec<u8> {
        self.hasher.value()
    }

    /// Returns the upload with a running hash of another algorithm: the file is read again where that differs.
    pub async fn rehash(mut self, algorithm: Algorithm) -> Result<Upload, Error> {
        if algorithm == self.hasher.algorithm {
            return Ok(self);
        }
        if self.offset == 0 {
            self.hasher = Hasher::new(algorithm);
            return Ok(self);
        }
        Upload::resume(self.folder, self.id, algorithm).await
    }

    /// Adds a body of at most `limit` bytes at the end.
    ///
    /// Where the body breaks off, what came is kept. Where it is too long, or the disk fails, nothing of it is kept. The
    /// upload that comes back is whole in either case: its hash is that of its file.
    pub async fn append<E>(
        self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
        limit: u64,
    ) -> (Upload, Result<u64, AppendError<E>>) {
        if let Err(error) = self.folder.check_room("append to the upload", &self.id) {
            return (self, Err(AppendError::Store(error)));
        }
        let before = (self.hasher.clone(), self.offset);
        let (folder, id) = (self.folder.clone(), self.id.clone());
        let (pieces, arriving) = mpsc::channel(PIECES_MAX);
        let writer = tokio::task::spawn_blocking(move || self.write(arriving));
        let mut came = 0;
        let end = loop {
            match body.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(AppendError::Body(error)),
                Some(Ok(piece)) => {
                    came += piece.len() as u64;
                    if came > limit {
                        break Err(AppendError::TooLong);
                    }
                    // A closed channel means that the writer failed: it says so below.
                    if pieces.send(piece).await.is_err() {
                        break Ok(());
                    }
                }
            }
        };
        drop(pieces);
        let written = writer
            .await
            .unwrap_or_else(|_| Err(Error::of("write", &id, io::Error::other("the writing thread panicked"))));
        let back = |hasher, offset| Upload { folder: folder.clone(), id: id.clone(), hasher, offset };
        match (written, end) {
            (Ok(upload), Ok(())) => {
                let appended = upload.offset - before.1;
                (upload, Ok(appended))
            }
            (Ok(upload), Err(AppendError::Body(error))) => (upload, Err(AppendError::Body(error))),
            (written, end) => {
                let cut = cut(&folder, &id, before.1).err();
                let error = match (written.err().or(cut), end) {
                    (Some(error), _) => AppendError::Store(error),
                    (None, Err(error)) => error,
                    (None, Ok(())) => unreachable!("a body that ended and was written was answered above"),
                };
                (back(before.0, before.1), Err(error))
            }
        }
    }

    /// Writes and hashes pieces as they come, on a thread of its own.
    fn write(mut self, mut arriving: mpsc::Receiver<Bytes>) -> Result<Upload, Error> {
        let failed = |id: &UploadId| {
            let id = id.clone();
            move |error| Error::of("write", &id, error)
        };
        let path = self.folder.upload_path(&self.id);
        let mut file = OpenOptions::new().write(true).open(path).map_err(failed(&self.id))?;
        let length = file.metadata().map_err(failed(&self.id))?.len();
        if length != self.offset {
            return Err(Error::Length { place: self.id.to_string(), expected: self.offset, found: length });
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed(&self.id))?;
        let mut started = self.offset;
        let mut asked = self.offset;
        while let Some(piece) = arriving.blocking_recv() {
            self.hasher.update(&piece);
            file.write_all(&piece).map_err(failed(&self.id))?;
            self.offset += piece.len() as u64;
            if self.offset - started >= WRITE_BEHIND {
                sys::start_writing(&file, started, self.offset - started);
                started = self.offset;
            }
            if self.offset - asked >= ROOM_EVERY {
                self.folder.check_room("write", &self.id)?;
                asked = self.offset;
            }
        }
        Ok(self)
    }

    /// Makes the bytes durable at `key`, where nothing lies yet. When it returns they survive a power cut.
    pub async fn publish(self, key: &Key) -> Result<u64, Error> {
        let key = key.clone();
        blocking(move || {
            let failed = |error| Error::of("publish", &key, error);
            let from = self.folder.upload_path(&self.id);
            let file = OpenOptions::new().read(true).open(&from).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            let to = self.folder.blob_path(&key);
            self.folder.make_parents(&key)?;
            sys::rename_new(&from, &to).map_err(failed)?;
            // The folder is synced too: without it the rename itself may be lost in a power cut, and we have said 201.
            self.folder.sync_parent(&to).map_err(failed)?;
            Ok(self.offset)
        })
        .await
    }

    /// Removes the bytes.
    pub async fn abort(self) -> Result<(), Error> {
        self.folder.discard(&self.id)
    }
}

/// Cuts an upload's file back to `length` bytes.
fn cut(folder: &Folder, id: &UploadId, length: u64) -> Result<(), Error> {
    let failed = |error| Error::of("cut", id, error);
    let file = OpenOptions::new().write(true).open(folder.upload_path(id)).map_err(failed)?;
    file.set_len(length).map_err(failed)
}

fn read_all(folder: &Folder, id: &UploadId, algorithm: Algorithm) -> Result<(Hasher, u64), Error> {
    let failed = |error| Error::of("read", id, error);
    let mut file: File = OpenOptions::new().read(true).open(folder.upload_path(id)).map_err(failed)?;
    let (mut hasher, mut offset) = (Hasher::new(algorithm), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok((hasher, offset)),
            count => {
                hasher.update(&buffer[..count]);
                offset += count as u64;
            }
        }
    }
}
