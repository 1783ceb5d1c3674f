//! The lock on a blob folder: a copy of a database has its original's mark, but may not use its folder beside it.

use crate::{config::Config, output::Failure};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
};

/// Held by a process as long as it uses a blob folder: by one alone where the database is a file, together with the other
/// servers of a database where it is PostgreSQL. Ends with the process.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: Option<File>,
}

impl StoreLock {
    /// What a command has beside a running server of the same data folder, which holds the lock.
    pub(crate) fn of_the_server() -> StoreLock {
        StoreLock { _file: None }
    }

    /// Takes the lock of the blob folder.
    ///
    /// # Errors
    /// Somebody holds it who uses another database; the file cannot be made. A file system without locks is no error: then
    /// nobody is found out.
    pub(crate) fn take(config: &Config) -> Result<StoreLock, Failure> {
        let path = config.blob_folder().join("lock");
        let failed = |error: io::Error| {
            Failure::failed(format!("cannot lock {}: {error}", path.display()), "Run as the folder's owner")
        };
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = match opened {
            // A full disk must not keep the server from starting: pulls go on.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(StoreLock { _file: None }),
            opened => opened.map_err(failed)?,
        };
        let locked = if config.database.is_sqlite() { file.try_lock() } else { file.try_lock_shared() };
        match locked {
            Ok(()) => Ok(StoreLock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(in_use(config)),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(StoreLock { _file: None })
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Says that another database's server or command is at the folder now, and what can be done.
fn in_use(config: &Config) -> Failure {
    let folder = config.blob_folder();
    let problem = format!(
        "the blob folder {} is in use by another Gantry, one with a copy of this database; two on one folder would remove each other's blobs",
        folder.display()
    );
    Failure::failed(problem, "Stop the other one first, or give this one a folder of its own with storage.path")
}
