use super::{
    Folder, HASHED_AT_ONCE,
    beside::Hashing,
    blocking,
    busy::Mark,
    direct::{Arriving, Block},
    read_rest,
};
use crate::{
    Error, Key, UploadId,
    batch::{ALIGNMENT, Batch},
    hash::Hasher,
    intake::{self, Intake, Until},
    sealed, sys,
    upload::{self, Written},
};
use bytes::Bytes;
use gantry_env::BoxFuture;
use std::{
    fs::{self, File, OpenOptions},
    future::Future,
    io::{self, IoSlice},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};
use tokio::sync::OwnedSemaphorePermit;

/// The disk is told to start writing each time so many bytes are there.
const WRITE_BEHIND: u64 = 1 << 20;

/// The file in which an upload's bytes arrive.
///
/// It stays open from the first byte to the last sync, so that an error of the disk, which the kernel tells once and to
/// those who have the file open, cannot be missed. Where too many idle uploads have theirs open, it is synced and closed.
pub(crate) struct Sink {
    folder: Arc<Folder>,
    id: UploadId,
    file: Option<File>,
    /// The leave to keep `file` open while nobody writes.
    permit: Option<OwnedSemaphorePermit>,
    /// Up to here the disk was told to write, but for what a write past the page cache came after.
    started: u64,
    is_dirty: bool,
    /// From a body's first write to its end.
    arriving: Option<Arriving>,
}

impl Sink {
    pub(crate) async fn create(folder: Arc<Folder>, id: UploadId) -> Result<Sink, Error> {
        blocking("begin an upload in", move || {
            folder.check_room("begin the upload", &id, 0)?;
            let path = folder.upload_path(&id);
            let created = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
            let file = created.map_err(|error| folder.explain("begin the upload", &id, &path, error))?;
            Ok(Sink::new(folder, id, file))
        })
        .await?
        .rest()
        .await
    }

    pub(crate) async fn reopen(
        folder: Arc<Folder>,
        id: UploadId,
        intake: Intake,
    ) -> Result<(Sink, Intake, u64), Error> {
        let (sink, intake, length) = blocking("resume an upload in", move || {
            folder.busy.wait(&id);
            let path = folder.upload_path(&id);
            let opened = OpenOptions::new().read(true).write(true).open(&path);
            let file = opened.map_err(|error| folder.explain("resume the upload", &id, &path, error))?;
            let mut sink = Sink::new(folder, id, file);
            // Who left these bytes may not have synced them.
            sink.is_dirty = true;
            let (intake, length) = sink.read_on(intake, 0)?;
            Ok((sink, intake, length))
        })
        .await?;
        Ok((sink.rest().await?, intake, length))
    }

    fn new(folder: Arc<Folder>, id: UploadId, file: File) -> Sink {
        Sink { folder, id, file: Some(file), permit: None, started: 0, is_dirty: false, arriving: None }
    }

    /// Has a thread do `work`; `None` where it panicked. The thread is asked for at once, not when this is first polled.
    fn on_thread<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Sink) -> T + Send + 'static,
    ) -> impl Future<Output = Option<(Sink, T)>> + Send + 'static {
        let mark = Mark::set(&self.folder, &self.id);
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&mut self);
            drop(mark);
            (self, done)
        });
        async move { working.await.ok() }
    }

    /// Hashes and writes a batch at `at`, where the file ends, or, where it is sealed, where the object goes on.
    pub(crate) fn write(
        mut self,
        batch: Batch,
        at: u64,
        mut intake: Intake,
        until: Until,
    ) -> BoxFuture<'static, Written> {
        let id = self.id.clone();
        let direct = &self.folder.direct;
        self.arriving.get_or_insert_with(|| Arriving::begin(direct));
        let working = self.on_thread(move |sink| {
            let result = sink.write_now(batch, at, &mut intake, until);
            (intake, result)
        });
        Box::pin(async move {
            match working.await {
                Some((sink, (intake, result))) => Written { back: Some((upload::Sink::Folder(sink), intake)), result },
                None => Written { back: None, result: Err(Error::panicked("write to the upload", id)) },
            }
        })
    }

    fn write_now(&mut self, batch: Batch, at: u64, intake: &mut Intake, until: Until) -> Result<(), Error> {
        self.folder.check_room("write to the upload", &self.id, batch.bytes())?;
        self.is_dirty = true;
        let folder = self.folder.clone();
        let Intake { hasher, sealing } = intake;
        let Some(sealing) = sealing else {
            let bytes = batch.bytes();
            let is_alone = self.arriving.as_ref().is_some_and(Arriving::is_alone);
            return match self.block(at, bytes, &folder) {
                Some(block) => self.write_through(at, bytes, |file| {
                    block.write(file, batch.into_pieces(), at, |bytes| hasher.update(bytes))
                }),
                None if is_alone && batch.is_worth_it() => {
                    self.write_through(at, bytes, |file| write_beside(file, batch, at, hasher).map(|()| 0))
                }
                None => self.write_through(at, bytes, |file| {
                    batch.pieces().for_each(|piece| hasher.update(piece));
                    sys::write_all_at(file, &mut batch.slices(), at).map(|()| 0)
                }),
            };
        };
        if !sealing.has_room(batch.bytes()) {
            return Err(Error::Parts { place: self.id.to_string() });
        }
        intake::seal(sealing, hasher, batch, until);
        let (at, sealed) = sealing.unwritten(ALIGNMENT);
        let bytes = sealed.len();
        match self.block(at, bytes as u64, &folder) {
            Some(block) => {
                self.write_through(at, bytes as u64, |file| block.write(file, std::iter::once(sealed), at, |_| {}))
            }
            None => self.write_through(at, bytes as u64, |file| {
                sys::write_all_at(file, &mut [IoSlice::new(sealed)], at).map(|()| 0)
            }),
        }?;
        sealing.wrote(bytes);
        Ok(())
    }

    /// Returns memory to write so many bytes from past the page cache, where that is to be done.
    fn block<'a>(&self, at: u64, bytes: u64, folder: &'a Folder) -> Option<Block<'a>> {
        let has_company = self.arriving.as_ref().is_some_and(Arriving::has_company);
        has_company.then(|| folder.direct.block(at, bytes)).flatten()
    }

    /// Writes `bytes` at `at`, where the file ends. `write` returns up to where they went past the page cache.
    fn write_through(
        &mut self,
        at: u64,
        bytes: u64,
        write: impl FnOnce(&File) -> io::Result<u64>,
    ) -> Result<(), Error> {
        let (folder, id, path) = (self.folder.clone(), self.id.clone(), self.folder.upload_path(&self.id));
        let (mut started, end) = (self.started, at + bytes);
        let file = self.checked_file(at)?;
        let direct = write(file).map_err(|error| folder.explain("write to the upload", &id, &path, error))?;
        started = started.max(direct);
        if end - started >= WRITE_BEHIND {
            sys::start_writing(file, started, end - started);
            started = end;
        }
        self.started = started;
        Ok(())
    }

    /// Returns the file, which must be there and `length` bytes long: else somebody else was at it.
    fn checked_file(&mut self, length: u64) -> Result<&File, Error> {
        let path = self.folder.upload_path(&self.id);
        let failed = |error| self.folder.explain("open the upload", &self.id, &path, error);
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?,
        };
        let metadata = file.metadata().map_err(failed)?;
        if metadata.nlink() == 0 {
            return Err(Error::Missing { place: self.id.to_string() });
        }
        if metadata.len() != length {
            return Err(Error::Length { place: self.id.to_string(), expected: length, found: metadata.len() });
        }
        Ok(self.file.insert(file))
    }

    /// Hashes the bytes behind those that `intake` has seen, which are `done`.
    fn read_on(&mut self, mut intake: Intake, mut done: u64) -> Result<(Intake, u64), Error> {
        let path = self.folder.upload_path(&self.id);
        let failed = |error| self.folder.explain("read the upload", &self.id, &path, error);
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?,
        };
        let found = file.metadata().map_err(failed)?.len();
        let expected = intake.file_bytes(done);
        if found < expected {
            return Err(Error::Length { place: self.id.to_string(), expected, found });
        }
        if let Some(sealing) = intake.sealing.take() {
            let read = |at: u64, buffer: &mut [u8]| read_rest(&file, buffer, 0, at);
            let sealing = sealed::scan(*sealing, &mut intake.hasher, found, read).map_err(failed)?;
            let (plain, end) = (sealing.table().plain_end(), sealing.table().sealed_end());
            if found > end {
                file.set_len(end).map_err(failed)?;
            }
            (self.started, self.file, intake.sealing) = (end, Some(file), Some(Box::new(sealing)));
            return Ok((intake, plain));
        }
        let mut buffer = vec![0; HASHED_AT_ONCE];
        loop {
            let read = read_rest(&file, &mut buffer, 0, done).map_err(failed)?;
            intake.hasher.update(&buffer[..read]);
            done += read as u64;
            if read < buffer.len() {
                (self.started, self.file) = (done, Some(file));
                return Ok((intake, done));
            }
        }
    }

    /// Opens the file again, wherever it is by now, and hashes what others have added to the `offset` bytes.
    pub(crate) async fn catch_up(self, intake: Intake, offset: u64) -> Result<(Sink, Intake, u64), Error> {
        let id = self.id.clone();
        let work = move |sink: &mut Sink| {
            // Another server may have given the upload a file of its own.
            sink.file = None;
            sink.is_dirty = true;
            sink.read_on(intake, offset)
        };
        let (sink, read) = self.on_thread(work).await.ok_or_else(|| Error::panicked("read", &id))?;
        let (intake, length) = read?;
        Ok((sink.rest().await?, intake, length))
    }

    /// Hashes the `length` bytes again.
    pub(crate) async fn rehash(self, intake: Intake, length: u64) -> Result<(Sink, Intake), Error> {
        let id = self.id.clone();
        let (sink, read) =
            self.on_thread(move |sink| sink.read_on(intake, 0)).await.ok_or_else(|| Error::panicked("read", &id))?;
        match read? {
            (intake, found) if found == length => Ok((sink.rest().await?, intake)),
            (_, found) => Err(Error::Length { place: id.to_string(), expected: length, found }),
        }
    }

    /// Cuts the file back to `length` bytes.
    pub(crate) async fn cut(self, length: u64) -> Result<Sink, Error> {
        let id = self.id.clone();
        let cut = move |sink: &mut Sink| {
            let path = sink.folder.upload_path(&sink.id);
            let failed = |error| sink.folder.explain("cut the upload", &sink.id, &path, error);
            let Some(file) = &sink.file else { return Ok(()) };
            file.set_len(length).map_err(failed)?;
            sink.started = sink.started.min(length);
            Ok(())
        };
        let (sink, done) = self.on_thread(cut).await.ok_or_else(|| Error::panicked("cut", &id))?;
        done.map(|()| sink)
    }

    /// Called when nobody writes for a while.
    pub(crate) async fn rest(mut self) -> Result<Sink, Error> {
        self.arriving = None;
        if self.file.is_none() || self.permit.is_some() {
            return Ok(self);
        }
        self.permit = self.folder.idle_files.clone().try_acquire_owned().ok();
        if self.permit.is_some() || !self.is_dirty {
            // One that was not written to can be closed without a word.
            self.file = self.file.filter(|_| self.permit.is_some());
            return Ok(self);
        }
        let id = self.id.clone();
        let (sink, done) = self.on_thread(Sink::sync_and_close).await.ok_or_else(|| Error::panicked("sync", &id))?;
        done.map(|()| sink)
    }

    /// Syncs and closes the file, so that whoever opens it next, wherever that is, finds every byte.
    pub(crate) async fn close(mut self) -> Result<Sink, Error> {
        self.permit = None;
        let id = self.id.clone();
        let (sink, done) = self.on_thread(Sink::sync_and_close).await.ok_or_else(|| Error::panicked("sync", &id))?;
        done.map(|()| sink)
    }

    /// Opens the file of `length` bytes again: what is written from now on goes into this very file.
    pub(crate) async fn open(self, length: u64) -> Result<Sink, Error> {
        let id = self.id.clone();
        let open = move |sink: &mut Sink| sink.checked_file(length).map(drop);
        let (sink, done) = self.on_thread(open).await.ok_or_else(|| Error::panicked("open", &id))?;
        done.map(|()| sink)
    }

    fn sync_and_close(&mut self) -> Result<(), Error> {
        let Some(file) = self.file.take() else { return Ok(()) };
        self.sync(&file, &self.folder.upload_path(&self.id))?;
        self.is_dirty = false;
        Ok(())
    }

    /// Syncs the file, which lies at `path`.
    fn sync(&self, file: &File, path: &Path) -> Result<(), Error> {
        let Err(error) = file.sync_all() else { return Ok(()) };
        // The kernel has told its error and forgets it: the next sync would claim that all is well. So no one may take
        // this file up again. Where it cannot be removed it is at least emptied; more cannot be done.
        let _ = fs::remove_file(path).or_else(|_| file.set_len(0));
        Err(self.folder.explain("sync the upload", &self.id, path, error))
    }

    /// Makes the `length` bytes durable at `key`.
    pub(crate) async fn publish(self, key: &Key, length: u64) -> Result<(), Error> {
        let (place, key) = (key.clone(), key.clone());
        let (_, done) = self
            .on_thread(move |sink| sink.publish_now(&key, length))
            .await
            .ok_or_else(|| Error::panicked("publish", place))?;
        done
    }

    fn publish_now(&mut self, key: &Key, length: u64) -> Result<(), Error> {
        self.checked_file(length)?;
        let file = self.file.take().expect("it has just been checked");
        let (from, to) = (self.folder.upload_path(&self.id), self.folder.blob_path(key));
        self.folder.make_parent(key, true)?;
        match sys::rename_new(&from, &to) {
            // The folder was removed behind our back: make it anew. A second time, the upload itself is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => {
                self.folder.make_parent(key, false)?;
                sys::rename_new(&from, &to)
            }
            renamed => renamed,
        }
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.folder.explain("publish", &self.id, &to, error),
            _ => self.folder.explain("publish", key, &to, error),
        })?;
        // Nobody looks there before the blob is linked, and a place is never used twice. So the bytes may come home after the
        // name: one commit of the file system's journal takes both, and the sync of the folder finds little to do.
        self.sync(&file, &to)?;
        // The folder is synced too: without it the rename itself may be lost in a power cut, and we have already said 201.
        // The folder of uploads is not: a name that comes back there is collected like any other left-over.
        to.parent().map_or(Ok(()), |parent| self.folder.sync_folder(parent))
    }
}

/// Writes a batch through the page cache while another thread hashes it.
fn write_beside(file: &File, batch: Batch, at: u64, hasher: &mut Hasher) -> io::Result<()> {
    let pieces: Vec<Bytes> = batch.into_pieces().collect();
    let hashing = Hashing::begin(hasher, &pieces);
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let written = sys::write_all_at(file, &mut slices, at);
    match hashing.end() {
        Some(hashed) => *hasher = hashed,
        None => pieces.iter().for_each(|piece| hasher.update(piece)),
    }
    written
}
