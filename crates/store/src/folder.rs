//! A folder of the local file system.
//!
//! `blobs/` has what is published, `uploads/` what arrives, `quarantine/` what was found corrupt; `owner` says whose it is.
//! The archive is another such folder, `archive/` in this one or anywhere else: it has the blobs whose keys are
//! [archived](Key::is_archived), below the rest of their keys.
//!
//! What is promised: when publishing returns, the bytes survive a power cut (file renamed and synced, folder synced, and each
//! new folder above it too); when deleting or quarantining returns, so does that. An upload is promised nothing: after a
//! power cut its file may be shorter, or gone, and its last bytes may be others; whoever resumes it hashes what is there.

mod adopt;
mod beside;
mod busy;
mod direct;
mod open_files;
mod owner;
mod sink;
mod transfer;
mod walk;

pub use owner::disown;
pub(crate) use sink::Sink;

use crate::{Algorithm, Error, Found, FoundUpload, Key, UploadId, Whereabouts, hash::Hasher, settings::Settings, sys};
use busy::Busy;
use direct::Direct;
use gantry_env::Env;
use gantry_words::Timestamp;
use open_files::OpenFiles;
use std::{
    collections::HashSet,
    fmt,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};

/// How long an answer to "how much room is there" is believed.
const ROOM_BELIEVED: Duration = Duration::from_millis(200);
/// Files of idle uploads that stay open. One above that is synced before it is closed.
const IDLE_FILES_MAX: usize = 256;
/// Folders that are synced one by one. Each costs the disk a flush, as the whole file system does, and blobs lie in as
/// many folders as there are first bytes of a digest.
const FOLDERS_SYNCED_MAX: usize = 4;
/// Bytes read at a time to hash them.
const HASHED_AT_ONCE: usize = 1 << 20;

/// The archive, where it has no folder of its own.
pub(crate) const ARCHIVE: &str = "archive";

pub(crate) struct Folder {
    root: PathBuf,
    /// The folder of the archive.
    archive: PathBuf,
    env: Env,
    free_min: u64,
    free: Mutex<Option<(Duration, u64)>>,
    /// Folders below `blobs/` that are known to be there, durably.
    made: Mutex<HashSet<PathBuf>>,
    busy: Busy,
    open_files: OpenFiles,
    direct: Arc<Direct>,
    idle_files: Arc<Semaphore>,
}

/// Runs `work` on a thread where waiting for the disk holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Error::panicked(action, "the store")))
}

impl Folder {
    pub(crate) fn open(root: &Path, env: Env, settings: &Settings) -> Result<Folder, Error> {
        let archive = settings.archive_folder(root);
        let is_new = !root.exists();
        for (root, part) in [(root, "blobs"), (root, "uploads"), (root, "quarantine"), (&archive, "blobs")] {
            let path = root.join(part);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|source| Error::Io {
                action: "make the folder",
                place: part.into(),
                path: Some(path),
                source,
            })?;
        }
        let folder = Folder {
            root: root.into(),
            archive,
            env,
            free_min: settings.min_free.get(),
            free: Mutex::default(),
            made: Mutex::default(),
            busy: Busy::default(),
            open_files: OpenFiles::default(),
            direct: Arc::default(),
            idle_files: Arc::new(Semaphore::new(IDLE_FILES_MAX)),
        };
        folder.sync_folder(&folder.archive)?;
        folder.sync_folder(root)?;
        if let Some(parent) = root.parent().filter(|parent| is_new && !parent.as_os_str().is_empty()) {
            folder.sync_folder(parent)?;
        }
        Ok(folder)
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    fn upload_path(&self, id: &UploadId) -> PathBuf {
        self.root.join("uploads").join(id.as_str())
    }

    fn blob_path(&self, key: &Key) -> PathBuf {
        self.home(key).join("blobs").join(key.within())
    }

    /// The folder that has a blob's `blobs/` and `quarantine/`.
    fn home(&self, key: &Key) -> &Path {
        if key.is_archived() { &self.archive } else { &self.root }
    }

    /// Says what went wrong at a path. Where the whole folder is gone, one blob is not what is missing.
    fn explain(&self, action: &'static str, place: impl fmt::Display, path: &Path, source: io::Error) -> Error {
        match Error::of(action, place, source) {
            Error::Missing { place } => match self.check_there(path) {
                Ok(()) => Error::Missing { place },
                Err(error) => error,
            },
            error => error.at(path),
        }
    }

    /// Fails where the folder that has `path` is no longer there. Else a disk that was unmounted would look like a store
    /// whose every blob is lost, and damage would be recorded where there is none.
    fn check_there(&self, path: &Path) -> Result<(), Error> {
        let is_archived = path.starts_with(&self.archive);
        let (home, place) = if is_archived { (&self.archive, "the archive") } else { (&self.root, "the store") };
        let blobs = home.join("blobs");
        if blobs.is_dir() {
            return Ok(());
        }
        let source = io::Error::new(io::ErrorKind::NotFound, "the folder is gone; is its disk mounted?");
        Err(Error::Io { action: "use", place: place.into(), path: Some(blobs), source })
    }

    /// Says no where `bytes` more would take from the disk's reserve. Those that may be written are counted at once: the
    /// figure is asked for a few times a second only, and a fast push would be through the reserve before the next.
    pub(crate) fn check_room(&self, action: &'static str, place: impl fmt::Display, bytes: u64) -> Result<(), Error> {
        if self.free_min == 0 {
            return Ok(());
        }
        self.free_bytes()?;
        let mut free = self.free.lock().expect("nothing panics while it holds the figure");
        match free.as_mut() {
            Some((_, left)) if *left < self.free_min.saturating_add(bytes) => {
                Err(Error::Full { action, place: place.to_string() })
            }
            Some((_, left)) => {
                *left -= bytes;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, Error> {
        let now = self.env.elapsed();
        let mut free = self.free.lock().expect("nothing panics while it holds the figure");
        if let Some((at, bytes)) = *free
            && now.saturating_sub(at) < ROOM_BELIEVED
        {
            return Ok(bytes);
        }
        let failed = |error| self.explain("ask for room in", "the store", &self.root, error);
        let bytes = sys::free_bytes(&self.root).map_err(failed)?;
        *free = Some((now, bytes));
        Ok(bytes)
    }

    /// Makes the folder of a blob, durably. `is_trusted`: what this process has made is still there.
    fn make_parent(&self, key: &Key, is_trusted: bool) -> Result<(), Error> {
        let path = self.blob_path(key);
        let parent = path.parent().expect("a blob lies in a folder");
        if is_trusted && self.made().contains(parent) {
            return Ok(());
        }
        self.check_there(&path)?;
        let failed = |error| self.explain("make the folder of", key, parent, error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        // All the way up, also where they were there: another thread may have made them and not yet synced.
        for folder in parent.ancestors().skip(1).take_while(|folder| folder.starts_with(self.home(key))) {
            self.sync_folder(folder)?;
        }
        self.made().insert(parent.into());
        Ok(())
    }

    fn made(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.made.lock().expect("nothing panics while it holds the set")
    }

    fn sync_folder(&self, path: &Path) -> Result<(), Error> {
        let synced = OpenOptions::new().read(true).open(path).and_then(|folder| folder.sync_all());
        synced.map_err(|source| Error::Io {
            action: "sync the folder",
            place: path.strip_prefix(&self.root).unwrap_or(path).display().to_string(),
            path: Some(path.into()),
            source,
        })
    }

    pub(crate) fn discard(&self, id: &UploadId) -> Result<(), Error> {
        let path = self.upload_path(id);
        absent_is_fine(fs::remove_file(&path)).map_err(|error| self.explain("remove the upload", id, &path, error))
    }

    pub(crate) fn upload_length(&self, id: &UploadId) -> Result<Option<u64>, Error> {
        let path = self.upload_path(id);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) => match self.explain("look at the upload", id, &path, error) {
                Error::Missing { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    pub(crate) fn settle(&self, id: &UploadId) {
        self.busy.wait(id);
    }

    pub(crate) fn detach(&self, id: &UploadId, fresh: &UploadId) -> Result<(), Error> {
        self.busy.wait(id);
        let (from, to) = (self.upload_path(id), self.upload_path(fresh));
        let failed = |error| self.explain("copy the upload", id, &from, error);
        let mut old = OpenOptions::new().read(true).open(&from).map_err(failed)?;
        self.check_room("copy the upload", id, old.metadata().map_err(failed)?.len())?;
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(failed)?;
        let copied = io::copy(&mut old, &mut new).and_then(|_| fs::rename(&to, &from));
        copied.map_err(|error| {
            // What cannot be removed now is a temporary file without an upload, which the collection takes.
            let _ = fs::remove_file(&to);
            failed(error)
        })
    }

    /// Opens a blob of `length` bytes; all who read it at the same time share one descriptor.
    pub(crate) fn open_blob(&self, key: &Key, length: u64) -> Result<Arc<File>, Error> {
        match self.open_whole(key)? {
            (file, found) if found == length => Ok(file),
            (_, found) => Err(Error::Length { place: key.to_string(), expected: length, found }),
        }
    }

    /// As [`Folder::open_blob`], of whatever length; returns that, too.
    pub(crate) fn open_whole(&self, key: &Key) -> Result<(Arc<File>, u64), Error> {
        let path = self.blob_path(key);
        let failed = |error| self.explain("open", key, &path, error);
        if let Some(file) = self.open_files.find(key) {
            let (open, there) = (file.metadata().map_err(failed)?, fs::metadata(&path).map_err(failed)?);
            // Another one lies there since somebody brought it back from a backup, or nothing does any more.
            if (open.dev(), open.ino(), open.len()) == (there.dev(), there.ino(), there.len()) {
                return Ok((file, open.len()));
            }
        }
        let file = OpenOptions::new().read(true).open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        match metadata.is_file() {
            true => Ok((self.open_files.share(key, file), metadata.len())),
            false => Err(Error::Missing { place: key.to_string() }),
        }
    }

    pub(crate) fn length(&self, key: &Key) -> Result<Option<u64>, Error> {
        let path = self.blob_path(key);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
            Err(error) => match self.explain("look at", key, &path, error) {
                Error::Missing { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Removes blobs, durably: one sync for each folder they lay in, or one for all where they are many.
    pub(crate) fn delete(&self, keys: &[Key]) -> Result<(), Error> {
        let mut folders = HashSet::new();
        let mut homes = HashSet::new();
        for key in keys {
            let path = self.blob_path(key);
            if homes.insert(self.home(key)) {
                self.check_there(&path)?;
            }
            absent_is_fine(fs::remove_file(&path)).map_err(|error| self.explain("remove", key, &path, error))?;
            // Absent ones count: an earlier attempt may have removed them and not come to the sync.
            folders.extend(path.parent().map(Path::to_path_buf));
        }
        if folders.len() > FOLDERS_SYNCED_MAX {
            return homes.into_iter().try_for_each(|home| {
                sys::sync_file_system(home).map_err(|error| self.explain("sync", "the store", home, error))
            });
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            self.sync_folder(folder)?;
        }
        Ok(())
    }

    fn quarantine_path(&self, key: &Key) -> PathBuf {
        self.home(key).join("quarantine").join(key.within().replace('/', "-"))
    }

    /// Moves a blob out of the way, for people to look at.
    pub(crate) fn quarantine(&self, key: &Key) -> Result<(), Error> {
        let (from, to) = (self.blob_path(key), self.quarantine_path(key));
        self.make_quarantine(key, &to)?;
        fs::rename(&from, &to).map_err(|error| self.explain("quarantine", key, &from, error))?;
        self.sync_parents(&to, &from)
    }

    /// The archive has none until something in it is found corrupt.
    fn make_quarantine(&self, key: &Key, path: &Path) -> Result<(), Error> {
        let Some(parent) = path.parent().filter(|parent| key.is_archived() && !parent.exists()) else { return Ok(()) };
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
        made.map_err(|error| self.explain("quarantine", key, parent, error))?;
        self.sync_folder(self.home(key))
    }

    /// Moves a blob out of quarantine, back to its place.
    pub(crate) fn release(&self, key: &Key) -> Result<(), Error> {
        let (from, to) = (self.quarantine_path(key), self.blob_path(key));
        self.make_parent(key, false)?;
        fs::rename(&from, &to).map_err(|error| self.explain("take out of quarantine", key, &from, error))?;
        self.sync_parents(&to, &from)
    }

    /// The new place first: a power cut in between may leave a file twice, but never nowhere.
    fn sync_parents(&self, to: &Path, from: &Path) -> Result<(), Error> {
        [to, from].into_iter().filter_map(Path::parent).try_for_each(|parent| self.sync_folder(parent))
    }

    /// Hashes a blob until it ends, or nobody hears how many bytes were read. Of the page cache it leaves what was there:
    /// the blobs that are served stay, those that are only checked do not push them out.
    pub(crate) fn hash(
        &self,
        key: &Key,
        whereabouts: Whereabouts,
        algorithm: Algorithm,
        progress: &mpsc::Sender<u64>,
    ) -> Result<(u64, Vec<u8>), Error> {
        let path = match whereabouts {
            Whereabouts::Served => self.blob_path(key),
            Whereabouts::Quarantined => self.quarantine_path(key),
        };
        let failed = |error| self.explain("read", key, &path, error);
        let file = OpenOptions::new().read(true).open(&path).map_err(failed)?;
        // Read ahead, the next piece would look as if somebody else had wanted it.
        sys::read_only_what_is_asked(&file);
        let (mut hasher, mut done) = (Hasher::new(algorithm), 0);
        let mut buffer = vec![0; HASHED_AT_ONCE];
        loop {
            let cached = sys::read_cached(&file, &mut buffer, done).unwrap_or(0);
            let read = read_rest(&file, &mut buffer, cached, done).map_err(failed)?;
            hasher.update(&buffer[..read]);
            sys::forget_pages(&file, done + cached as u64, (read - cached) as u64);
            done += read as u64;
            if read < buffer.len() || progress.blocking_send(done).is_err() {
                return Ok((done, hasher.value()));
            }
        }
    }

    /// Lists what arrives.
    pub(crate) fn uploads(&self) -> Result<Vec<FoundUpload>, Error> {
        let path = self.root.join("uploads");
        let failed = |error| self.explain("list", "uploads", &path, error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // What is finished or removed meanwhile is no longer an upload.
            let Ok(metadata) = entry.metadata() else { continue };
            found.push(FoundUpload { id, bytes: metadata.len(), modified: changed(&metadata) });
        }
        found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Sends every blob, folder by folder, until nobody listens.
    pub(crate) fn list(&self, to: &mpsc::Sender<Result<Found, Error>>) {
        walk::walk(self, to);
    }
}

/// Reads on behind the `filled` bytes of `buffer` until it is full or the file ends; returns how much is in it.
pub(crate) fn read_rest(file: &File, buffer: &mut [u8], mut filled: usize, start: u64) -> io::Result<usize> {
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], start + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// When a file was last written to or renamed, whichever is later.
fn changed(metadata: &fs::Metadata) -> Timestamp {
    let written = metadata.mtime().saturating_mul(1000) + metadata.mtime_nsec() / 1_000_000;
    let renamed = metadata.ctime().saturating_mul(1000) + metadata.ctime_nsec() / 1_000_000;
    Timestamp::from_millis(written.max(renamed))
}

/// Where a blob lies in a store that keeps its archive in its own folder, `root`.
pub fn place_in(root: &Path, key: &Key) -> PathBuf {
    let home = if key.is_archived() { root.join(ARCHIVE) } else { root.into() };
    home.join("blobs").join(key.within())
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        result => result,
    }
}
