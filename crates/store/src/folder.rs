use crate::{Algorithm, Error, Found, FoundUpload, Key, UploadId, hash::Hasher, settings::Settings, sys};
use gantry_env::Env;
use gantry_words::Timestamp;
use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};
use tokio::sync::mpsc;

/// How long an answer to "how much room is there" is believed.
const ROOM_BELIEVED: Duration = Duration::from_millis(200);

/// A folder of the local file system: `blobs/` with what is published, `uploads/` with what arrives, `quarantine/` with
/// what was found corrupt. Publishing is durable: file and folder are synced before it returns.
pub(crate) struct Folder {
    root: PathBuf,
    env: Env,
    free_min: u64,
    free: Mutex<Option<(Duration, u64)>>,
    /// Folders below `blobs/` that are known to be there, durably.
    made: Mutex<HashSet<PathBuf>>,
}

/// Runs `work` on a thread where waiting for the disk holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Error::of("work on", "the store", io::Error::other("a thread of the store panicked"))),
    }
}

impl Folder {
    pub(crate) fn open(root: &Path, env: Env, settings: &Settings) -> Result<Folder, Error> {
        for part in ["blobs", "uploads", "quarantine"] {
            let path = root.join(part);
            let failed = |error| Error::of("make the folder", path.display(), error);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
        }
        sync_folder(root).map_err(|error| Error::of("sync", root.display(), error))?;
        Ok(Folder {
            root: root.into(),
            env,
            free_min: settings.min_free.get(),
            free: Mutex::default(),
            made: Mutex::default(),
        })
    }

    pub(crate) fn upload_path(&self, id: &UploadId) -> PathBuf {
        self.root.join("uploads").join(id.as_str())
    }

    pub(crate) fn blob_path(&self, key: &Key) -> PathBuf {
        self.root.join("blobs").join(key.as_str())
    }

    /// Says no where the disk is down to its reserve.
    pub(crate) fn check_room(&self, action: &'static str, place: &UploadId) -> Result<(), Error> {
        if self.free_min == 0 || self.free_bytes()? >= self.free_min {
            return Ok(());
        }
        Err(Error::Full { action, place: place.to_string() })
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, Error> {
        let now = self.env.elapsed();
        let mut free = self.free.lock().expect("nothing panics while it holds the figure");
        if let Some((at, bytes)) = *free
            && now.saturating_sub(at) < ROOM_BELIEVED
        {
            return Ok(bytes);
        }
        let bytes =
            sys::free_bytes(&self.root).map_err(|error| Error::of("ask for room in", self.root.display(), error))?;
        *free = Some((now, bytes));
        Ok(bytes)
    }

    /// Makes the folders above a key, durably.
    pub(crate) fn make_parents(&self, key: &Key) -> Result<(), Error> {
        let path = self.blob_path(key);
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.made().contains(parent) {
            return Ok(());
        }
        let failed = |error| Error::of("make the folder of", key, error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        let mut above = parent.parent();
        while let Some(folder) = above.filter(|folder| folder.starts_with(&self.root)) {
            sync_folder(folder).map_err(failed)?;
            above = folder.parent();
        }
        self.made().insert(parent.into());
        Ok(())
    }

    fn made(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.made.lock().expect("nothing panics while it holds the set")
    }

    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), sync_folder)
    }

    pub(crate) fn discard(&self, id: &UploadId) -> Result<(), Error> {
        absent_is_fine(fs::remove_file(self.upload_path(id))).map_err(|error| Error::of("remove the upload", id, error))
    }

    pub(crate) fn open_blob(&self, key: &Key, length: u64) -> Result<File, Error> {
        let failed = |error| Error::of("open", key, error);
        let file = OpenOptions::new().read(true).open(self.blob_path(key)).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found == length { Ok(file) } else { Err(Error::Length { place: key.to_string(), expected: length, found }) }
    }

    pub(crate) fn length(&self, key: &Key) -> Result<Option<u64>, Error> {
        match fs::metadata(self.blob_path(key)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::of("look at", key, error)),
        }
    }

    /// Removes blobs, durably: one sync for each folder they lay in.
    pub(crate) fn delete(&self, keys: &[Key]) -> Result<(), Error> {
        let mut folders = HashSet::new();
        for key in keys {
            let path = self.blob_path(key);
            absent_is_fine(fs::remove_file(&path)).map_err(|error| Error::of("remove", key, error))?;
            folders.extend(path.parent().map(Path::to_path_buf));
        }
        for folder in folders {
            absent_is_fine(sync_folder(&folder)).map_err(|error| Error::of("sync", folder.display(), error))?;
        }
        Ok(())
    }

    /// Moves a blob out of the way, for people to look at.
    pub(crate) fn quarantine(&self, key: &Key) -> Result<(), Error> {
        let failed = |error| Error::of("quarantine", key, error);
        let to = self.root.join("quarantine").join(key.as_str().replace('/', "-"));
        let from = self.blob_path(key);
        fs::rename(&from, &to).map_err(failed)?;
        self.sync_parent(&to).map_err(failed)?;
        self.sync_parent(&from).map_err(failed)
    }

    /// Hashes a blob, without pushing what is served out of the page cache.
    pub(crate) fn hash(
        &self,
        key: &Key,
        algorithm: Algorithm,
        progress: &mpsc::UnboundedSender<u64>,
    ) -> Result<(u64, Vec<u8>), Error> {
        let failed = |error| Error::of("read", key, error);
        let mut file = OpenOptions::new().read(true).open(self.blob_path(key)).map_err(failed)?;
        let (mut hasher, mut bytes) = (Hasher::new(algorithm), 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).map_err(failed)? as u64;
            if count == 0 {
                return Ok((bytes, hasher.value()));
            }
            hasher.update(&buffer[..count as usize]);
            sys::forget_pages(&file, bytes, count);
            bytes += count;
            // Nobody may be listening: then it is only a check.
            let _ = progress.send(bytes);
        }
    }

    pub(crate) fn uploads(&self) -> Result<Vec<FoundUpload>, Error> {
        let path = self.root.join("uploads");
        let failed = |error| Error::of("list", "uploads", error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // What is finished or removed meanwhile is no longer an upload.
            let Ok(metadata) = entry.metadata() else { continue };
            found.push(FoundUpload { id, bytes: metadata.len(), modified: changed(&metadata) });
        }
        Ok(found)
    }

    /// Sends every blob, folder by folder, until nobody listens.
    pub(crate) fn list(&self, to: &mpsc::Sender<Result<Found, Error>>) {
        let root = self.root.join("blobs");
        if let Err(error) = walk(&root, &root, to) {
            let _ = to.blocking_send(Err(error));
        }
    }
}

fn walk(root: &Path, folder: &Path, to: &mpsc::Sender<Result<Found, Error>>) -> Result<(), Error> {
    let failed = |error| Error::of("list", folder.display(), error);
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            walk(root, &path, to)?;
            continue;
        }
        let name = path.strip_prefix(root).ok().and_then(Path::to_str).unwrap_or_default();
        let found = match name.parse() {
            Ok(key) => Ok(Found { key, length: metadata.len(), modified: changed(&metadata) }),
            Err(_) => continue,
        };
        if to.blocking_send(found).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// When a file was last written to or renamed, whichever is later.
fn changed(metadata: &fs::Metadata) -> Timestamp {
    let written = metadata.mtime().saturating_mul(1000) + metadata.mtime_nsec() / 1_000_000;
    let renamed = metadata.ctime().saturating_mul(1000) + metadata.ctime_nsec() / 1_000_000;
    Timestamp::from_millis(written.max(renamed))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    OpenOptions::new().read(true).open(path)?.sync_all()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
