use crate::Key;
use std::{
    collections::HashMap,
    fs::File,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// So many entries are kept before those whose readers have all gone are looked for.
const ENTRIES_MIN: usize = 64;

/// The blobs that somebody reads just now, so that ten thousand readers of one blob need one descriptor.
///
/// Holds no file open by itself. A blob's place is never used for other bytes, so what is open under a key is that blob.
#[derive(Default)]
pub(super) struct OpenFiles(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    files: HashMap<Key, Weak<File>>,
    /// Beyond so many, the dead ones are taken out: twice those that lived when that was last done.
    entries_max: usize,
}

impl OpenFiles {
    /// Returns the file of a blob that somebody has open.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).files.get(key)?.upgrade()
    }

    /// Lets the readers to come share a file.
    pub(super) fn share(&self, key: &Key, file: File) -> Arc<File> {
        let file = Arc::new(file);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.files.len() >= entries.entries_max.max(ENTRIES_MIN) {
            entries.files.retain(|_, file| file.strong_count() > 0);
            entries.entries_max = 2 * entries.files.len();
        }
        entries.files.insert(key.clone(), Arc::downgrade(&file));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        format!("sha256/{number:064x}").parse().unwrap()
    }

    #[test]
    fn readers_of_one_blob_share_its_file_for_as_long_as_one_reads() {
        let files = OpenFiles::default();

        let first = files.share(&key(1), tempfile::tempfile().unwrap());

        assert!(Arc::ptr_eq(&first, &files.find(&key(1)).unwrap()));
        assert!(files.find(&key(2)).is_none());
        drop(first);
        assert!(files.find(&key(1)).is_none());
    }

    #[test]
    fn what_nobody_reads_any_more_is_forgotten() {
        let files = OpenFiles::default();
        let read = files.share(&key(0), tempfile::tempfile().unwrap());

        for number in 1..1000 {
            files.share(&key(number), tempfile::tempfile().unwrap());
        }

        assert!(files.0.lock().unwrap().files.len() <= ENTRIES_MIN);
        assert!(Arc::ptr_eq(&read, &files.find(&key(0)).unwrap()));
    }
}
