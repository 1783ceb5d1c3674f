use crate::update::UpdateState;
use gantry_scan::{Knowledge, KnowledgeError};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

/// The file below a data folder.
pub const ADVISORIES_FILE: &str = "advisories/current";
/// What is known of the sources, beside it.
const STATE_FILE: &str = "sources/state.json";

/// The generation of advisories that holds now. Cheap to clone.
///
/// It is a file of [`Knowledge`], replaced as a whole; whoever asks while it is replaced is answered from the old one.
#[derive(Clone)]
pub struct Advisories {
    path: Arc<Path>,
    held: Arc<RwLock<Held>>,
}

#[derive(Default)]
struct Held {
    knowledge: Option<Arc<Knowledge>>,
    /// What the file looked like that it is of.
    mark: Option<Mark>,
    /// Rises with each generation.
    generation: u64,
}

/// What changes when a file is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    length: u64,
    changed_at: SystemTime,
    file: u64,
}

/// Why advisories cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoriesError {
    /// The file cannot be used.
    #[error("{path}: {error}")]
    Knowledge {
        /// Where it lies.
        path: String,
        /// Why.
        error: KnowledgeError,
    },
    /// The folder cannot be written.
    #[error("{path} cannot be written: {error}")]
    Write {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
}

impl Advisories {
    /// Those of a data folder. Nothing is read until [`Advisories::refresh`].
    pub fn of(data_dir: &Path) -> Advisories {
        Advisories { path: data_dir.join(ADVISORIES_FILE).into(), held: Arc::default() }
    }

    /// Reads the file again if it was replaced; says whether it was.
    ///
    /// # Errors
    /// [`AdvisoriesError::Knowledge`]: what was held before goes on to hold.
    pub fn refresh(&self) -> Result<bool, AdvisoriesError> {
        let mark = mark(&self.path);
        if mark == self.held.read().unwrap_or_else(PoisonError::into_inner).mark {
            return Ok(false);
        }
        let opened = mark.is_some().then(|| Knowledge::open(&self.path)).transpose();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.mark = mark;
        let knowledge = opened.map_err(|error| {
            let path = self.path.display().to_string();
            AdvisoriesError::Knowledge { path, error }
        })?;
        held.knowledge = knowledge.map(Arc::new);
        held.generation += 1;
        Ok(true)
    }

    /// Returns what holds now, and its number; `None` where there are no advisories.
    pub fn now(&self) -> (Option<Arc<Knowledge>>, u64) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        (held.knowledge.clone(), held.generation)
    }

    /// What is known of the sources that they come from. Reads a small file.
    pub fn update_state(&self) -> UpdateState {
        UpdateState::read(&self.state_file())
    }

    /// Where that lies; what the sources gave lies beside it.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.path.with_file_name(STATE_FILE)
    }

    /// Replaces the file: durably, and at once.
    ///
    /// # Errors
    /// [`AdvisoriesError::Write`].
    pub fn replace(&self, bytes: &[u8]) -> Result<(), AdvisoriesError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let fail = |error| AdvisoriesError::Write { path: folder.display().to_string(), error };
        write(folder, &self.path, bytes).map_err(fail)
    }
}

pub(crate) fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    put(folder, path, file)
}

/// Puts a file of a folder in a place there, durably.
#[expect(clippy::disallowed_methods, reason = "the folder of a file that is no blob")]
pub(crate) fn put(folder: &Path, path: &Path, file: tempfile::NamedTempFile) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}

fn mark(path: &Path) -> Option<Mark> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(path).ok()?;
    Some(Mark { length: found.len(), changed_at: found.modified().ok()?, file: found.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_is_read_again_and_a_damaged_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let advisories = Advisories::of(folder.path());
        assert!(!advisories.refresh().unwrap());
        assert!(advisories.now().0.is_none());

        advisories.replace(&Knowledge::build([], &[]).unwrap()).unwrap();
        assert!(advisories.refresh().unwrap());
        assert!(!advisories.refresh().unwrap());
        let first = advisories.now().1;
        advisories.replace(b"nothing of the kind").unwrap();

        assert!(advisories.refresh().is_err());
        assert_eq!(advisories.now().1, first);
        assert!(advisories.now().0.is_some());
    }
}
