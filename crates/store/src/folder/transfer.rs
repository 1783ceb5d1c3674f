use super::{Folder, HASHED_AT_ONCE, read_rest};
use crate::{Algorithm, Error, Key, hash::Hasher, sys};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

impl Folder {
    /// Copies a blob to another place; returns the length and the hash of its bytes.
    pub(crate) fn copy(&self, from: &Key, to: &Key, algorithm: Algorithm) -> Result<(u64, Vec<u8>), Error> {
        let path = self.blob_path(from);
        let file = OpenOptions::new().read(true).open(&path);
        self.write_at_once(&file.map_err(|error| self.explain("copy", from, &path, error))?, to, algorithm)
    }

    /// Takes the bytes of a file in as a blob; returns how many there were.
    pub(crate) fn take_in(&self, key: &Key, from: &Path) -> Result<u64, Error> {
        let file = OpenOptions::new().read(true).open(from).map_err(|error| Error::of("read", key, error))?;
        self.write_at_once(&file, key, Algorithm::Sha256).map(|(length, _)| length)
    }

    /// Writes a blob in its place, durably. Nothing names the place before that, so that half of it harms nobody; it is
    /// removed where that is possible.
    pub(super) fn write_at_once(&self, source: &File, to: &Key, algorithm: Algorithm) -> Result<(u64, Vec<u8>), Error> {
        let path = self.blob_path(to);
        let failed = |error| self.explain("write", to, &path, error);
        self.check_room_for(to, source.metadata().map_err(failed)?.len())?;
        self.make_parent(to, false)?;
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        let written = pour(source, &mut target, algorithm).map_err(failed);
        if written.is_err() {
            // What cannot be removed is bytes without a row, which fsck takes.
            let _ = fs::remove_file(&path);
        }
        let written = written?;
        path.parent().map_or(Ok(()), |parent| self.sync_folder(parent))?;
        Ok(written)
    }

    /// The archive has a reserve of the same size, on its own disk.
    fn check_room_for(&self, key: &Key, bytes: u64) -> Result<(), Error> {
        if !key.is_archived() {
            return self.check_room("write", key, bytes);
        }
        let free = sys::free_bytes(&self.archive);
        let free = free.map_err(|error| self.explain("ask for room in", "the archive", &self.archive, error))?;
        if self.free_min > 0 && free < self.free_min.saturating_add(bytes) {
            return Err(Error::Full { action: "write", place: key.to_string() });
        }
        Ok(())
    }
}

fn pour(source: &File, target: &mut File, algorithm: Algorithm) -> std::io::Result<(u64, Vec<u8>)> {
    let (mut hasher, mut done) = (Hasher::new(algorithm), 0);
    let mut buffer = vec![0; HASHED_AT_ONCE];
    loop {
        let read = read_rest(source, &mut buffer, 0, done)?;
        hasher.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
        // Cold bytes: they need not push out of memory what is served.
        sys::forget_pages(source, done, read as u64);
        done += read as u64;
        if read < buffer.len() {
            target.sync_all()?;
            return Ok((done, hasher.value()));
        }
    }
}
