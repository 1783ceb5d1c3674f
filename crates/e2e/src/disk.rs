use crate::digest;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A small disk of its own, in memory. Taken away when dropped.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts a disk of so many bytes.
    ///
    /// # Panics
    /// This process may not mount: a test that cannot run has not passed. Run it as root.
    pub fn new(bytes: u64) -> SmallDisk {
        let folder = tempfile::Builder::new().prefix("gantry-disk-").tempdir().expect("a temporary folder can be made");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder.path())
            .status()
            .expect("mount can be run");
        assert!(status.success(), "a small disk cannot be mounted; run this as root");
        SmallDisk { folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns how many bytes ordinary users may still write.
    pub fn free_bytes(&self) -> u64 {
        let output =
            Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().expect("df can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("df prints a number")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is being killed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Returns the files below a folder, sorted; none where there is no such folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries.map_while(Result::ok) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            Ok(_) => found.push(entry.path()),
            Err(_) => {}
        }
    }
    found.sort();
    found
}

/// Returns the published blobs of a data folder.
pub fn stored_blobs(data: &Path) -> Vec<PathBuf> {
    files_below(&data.join("storage/blobs"))
}

/// Returns the temporary files of a data folder's uploads.
pub fn stored_uploads(data: &Path) -> Vec<PathBuf> {
    files_below(&data.join("storage/uploads"))
}

/// Returns the sha256 digests of the published blobs of a data folder, sorted; each as often as it is stored.
pub fn stored_digests(data: &Path) -> Vec<String> {
    let read = |path: &PathBuf| -> io::Result<String> { Ok(digest(&fs::read(path)?)) };
    let mut digests: Vec<String> =
        stored_blobs(data).iter().map(|path| read(path).expect("a blob can be read")).collect();
    digests.sort();
    digests
}

/// Returns the file that holds these bytes.
pub fn stored_blob(data: &Path, bytes: &[u8]) -> Option<PathBuf> {
    stored_blobs(data).into_iter().find(|path| fs::read(path).is_ok_and(|found| found == bytes))
}
