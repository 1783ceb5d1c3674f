use std::{error::Error as StdError, path::PathBuf};

type Cause = Box<dyn StdError + Send + Sync>;

/// Why the metadata cannot be opened, migrated, copied or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong, in words that begin with its key.
    #[error("{0}")]
    Settings(String),
    /// The data folder cannot be made or written.
    #[error("cannot use {}: {source}. Run as the folder's owner, or choose another one", path.display())]
    Folder {
        /// What was to be used.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// SQLite does not open or read its file.
    #[error("cannot use the database {}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Cause,
    },
    /// The PostgreSQL server does not let us in.
    #[error(
        "cannot reach PostgreSQL at {place}: {source}. Check database.url, and that the server runs and lets us in"
    )]
    Unreachable {
        /// Host and database, without credentials.
        place: String,
        /// Why not.
        source: Cause,
    },
    /// The PostgreSQL database cannot hold what we store.
    #[error("the PostgreSQL database keeps its text as {encoding}; make one with ENCODING 'UTF8'")]
    Encoding {
        /// Its encoding.
        encoding: String,
    },
    /// Another version has been here.
    #[error(
        "{place} was written by a newer Gantry (schema {schema}; this program knows {known}): run that version, or \
         restore a backup made before the upgrade"
    )]
    Newer {
        /// `this folder`, or the database.
        place: String,
        /// The schema found.
        schema: i64,
        /// The schema of this program.
        known: i64,
    },
    /// A migration that has run is not the one this program carries.
    #[error(
        "migration {number} ({name}) has run here in another form than this program knows it: the database was made \
         by an unreleased build. Run that build, or begin with an empty database"
    )]
    Changed {
        /// Its number.
        number: i64,
        /// Its name here.
        name: String,
    },
    /// A migration failed; nothing of it stands.
    #[error("migration {number} ({name}) failed, and nothing of it was kept: {source}")]
    Migration {
        /// Its number.
        number: i64,
        /// Its name.
        name: String,
        /// Why.
        source: Cause,
    },
    /// A copy would go over something.
    #[error("{} exists already; name a file that does not", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A restore would go over something.
    #[error("{place} holds metadata already ({found}); a backup is restored only into an empty place")]
    NotEmpty {
        /// The file or the database.
        place: String,
        /// What was found in it.
        found: String,
    },
    /// The file to restore is no backup.
    #[error("{} is no backup of Gantry's metadata: {why}", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A copy broke off.
    #[error("the metadata could not be copied: {source}")]
    Copy {
        /// Why.
        source: Cause,
    },
}

impl Error {
    pub(crate) fn sqlite(path: &std::path::Path, source: rusqlite::Error) -> Self {
        Error::Sqlite { path: path.into(), source: source.into() }
    }
    pub(crate) fn copy(source: impl Into<Cause>) -> Self {
        Error::Copy { source: source.into() }
    }
}
