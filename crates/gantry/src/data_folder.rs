//! The data folder: made at the first start, held by one server at a time, home of the root credentials.

use crate::private_file;
use gantry_accounts::RootCredentials;
use gantry_audit::SigningKey;
use gantry_env::Env;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    /// A file or folder cannot be made, read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nothing here.
    #[error("{path} is no data folder of Gantry: there is no {what}", path = path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// What it should hold, or be.
        what: &'static str,
    },
    /// Another server runs on it.
    #[error("another Gantry serves {path}; two on one folder would harm each other", path = path.display())]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// A restore into it was interrupted.
    #[error(
        "a restore into {path} was not finished, so blobs may be missing in it; run the same gantry restore again, it goes on where it was",
        path = path.display()
    )]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// The credentials file cannot be read.
    #[error("{path}: {problem}", path = path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl DataFolderError {
    /// What to do about it; `otherwise` where another folder would help.
    pub(crate) fn remedy(&self, otherwise: &'static str) -> &'static str {
        match self {
            DataFolderError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "Run as the folder's owner, or name another one with --data-dir"
            }
            DataFolderError::Unfinished { .. } => "Run the same gantry restore again",
            DataFolderError::Credentials { .. } => "Set it right, or take the file away: new ones are made then",
            DataFolderError::Io { .. } | DataFolderError::Missing { .. } | DataFolderError::Held { .. } => otherwise,
        }
    }
}

/// A data folder, and the lock on it while a server runs.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl DataFolder {
    /// Makes the folder where it is missing, with access for its owner only, and takes its lock.
    pub(crate) fn make(path: &Path) -> Result<DataFolder, DataFolderError> {
        let folder = DataFolder::claim(path)?;
        refuse_unfinished(path)?;
        Ok(folder)
    }

    /// As [`DataFolder::make`], also where a restore was interrupted: for the one that goes on with it.
    pub(crate) fn claim(path: &Path) -> Result<DataFolder, DataFolderError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create the folder", path))?;
        let mut folder = DataFolder { path: path.into(), lock: None };
        match folder.try_lock()? {
            true => Ok(folder),
            false => Err(DataFolderError::Held { path: path.into() }),
        }
    }

    /// Opens a folder that exists, beside a running server or not. `has_database`: the metadata lies in it.
    pub(crate) fn open(path: &Path, has_database: bool) -> Result<DataFolder, DataFolderError> {
        let mut folder = DataFolder { path: path.into(), lock: None };
        // Looked for first: nothing may be made in a folder that was named by mistake.
        if !path.is_dir() {
            return Err(DataFolderError::Missing { path: path.into(), what: "folder" });
        }
        refuse_unfinished(path)?;
        let sign = path.join("metadata.db");
        if has_database {
            fs::metadata(&sign).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => DataFolderError::Missing { path: path.into(), what: "metadata.db" },
                _ => DataFolderError::Io { action: "open", path: sign, source },
            })?;
        }
        folder.try_lock()?;
        Ok(folder)
    }

    /// Whether no server runs on the folder: then this process holds the lock, and none can start.
    pub(crate) fn is_alone(&self) -> bool {
        self.lock.is_some()
    }

    fn try_lock(&mut self) -> Result<bool, DataFolderError> {
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                self.lock = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(DataFolderError::Io { action: "lock", path, source }),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the generated root credentials lie.
    pub(crate) fn credentials_path(&self) -> PathBuf {
        self.path.join("root-credentials")
    }

    /// Reads the root credentials, or makes them at the first start.
    pub(crate) fn credentials(&self, env: &Env) -> Result<RootCredentials, DataFolderError> {
        let path = self.credentials_path();
        match fs::read_to_string(&path) {
            Ok(text) => RootCredentials::parse(&text)
                .map_err(|problem| DataFolderError::Credentials { path, problem: problem.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let credentials = RootCredentials::generate(env);
                private_file::write(&path, credentials.print().as_bytes()).map_err(failed("create", &path))?;
                Ok(credentials)
            }
            Err(source) => Err(DataFolderError::Io { action: "read", path, source }),
        }
    }

    /// Reads the key that signs the audit, from `file` or from the folder; `None` where there is none.
    pub(crate) fn find_audit_key(&self, file: Option<&Path>) -> Result<Option<SigningKey>, DataFolderError> {
        let path = file.map_or_else(|| self.path.join("audit-key"), Path::to_path_buf);
        match fs::read_to_string(&path) {
            Ok(text) => match gantry_audit::parse_hash(text.trim()) {
                Some(seed) => Ok(Some(SigningKey::from_seed(&seed))),
                None => {
                    let problem = "this is no key of the audit: 64 hexadecimal digits".into();
                    Err(DataFolderError::Credentials { path, problem })
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DataFolderError::Io { action: "read", path, source }),
        }
    }

    /// The same, and makes one at the first start.
    pub(crate) fn audit_key(&self, file: Option<&Path>, env: &Env) -> Result<SigningKey, DataFolderError> {
        if let Some(key) = self.find_audit_key(file)? {
            return Ok(key);
        }
        let path = file.map_or_else(|| self.path.join("audit-key"), Path::to_path_buf);
        let seed: [u8; 32] = env.random();
        let text = format!("{}\n", gantry_audit::print_hash(&seed));
        private_file::write(&path, text.as_bytes()).map_err(failed("create", &path))?;
        Ok(SigningKey::from_seed(&seed))
    }
}

fn refuse_unfinished(path: &Path) -> Result<(), DataFolderError> {
    match gantry_metadata::is_restore_unfinished(path) {
        true => Err(DataFolderError::Unfinished { path: path.into() }),
        false => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataFolderError {
    let path = path.to_path_buf();
    move |source| DataFolderError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_of_the_first_start_are_those_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::make(&folder.path().join("data")).unwrap();

        let first = data.credentials(&Env::real()).unwrap();
        let next = data.credentials(&Env::real()).unwrap();

        assert_eq!(first.access_key_id, next.access_key_id);
        assert_eq!(first.secret_access_key.reveal(), next.secret_access_key.reveal());
    }

    #[test]
    fn the_credentials_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::make(folder.path()).unwrap();

        data.credentials(&Env::real()).unwrap();

        let mode = fs::metadata(data.credentials_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_second_server_is_refused_and_a_tool_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let _server = DataFolder::make(folder.path()).unwrap();

        assert!(matches!(DataFolder::make(folder.path()), Err(DataFolderError::Held { .. })));
        assert!(!DataFolder::open(folder.path(), false).unwrap().is_alone());
    }

    #[test]
    fn nothing_is_made_in_a_folder_that_is_none() {
        let folder = tempfile::tempdir().unwrap();

        assert!(matches!(DataFolder::open(folder.path(), true), Err(DataFolderError::Missing { .. })));
        assert!(matches!(DataFolder::open(&folder.path().join("x"), false), Err(DataFolderError::Missing { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
