//! A folder of advisories as osv.dev exports them, compiled once into a file that is found again by its content.
//!
//! | in the folder | what |
//! |---|---|
//! | `ECOSYSTEM/all.zip`, `all.tar.zst`, or `*.json` | records of an ecosystem |
//! | `kev/*.json`, `.json.zst` | CISA's known exploited vulnerabilities |
//! | `epss/*.csv.gz` | EPSS scores |
//!
//! Any part may be missing.

use aws_lc_rs::digest::{Context, SHA256};
use gantry_scan::{Advisory, FeedError, Knowledge, KnowledgeError, feeds};
use std::{
    env, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

/// Files of a folder at most.
const FILES_MAX: usize = 100_000;
/// Folders in each other at most.
const DEPTH_MAX: usize = 3;

/// Why a folder of advisories cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvisoryFolderError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {error}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A feed is broken: it is refused whole.
    #[error("{path}: {error}")]
    Feed {
        /// Which file.
        path: String,
        /// Which record, and why.
        error: FeedError,
    },
    /// There is nothing in it.
    #[error("there is no advisory in it")]
    Empty,
    /// There are more files than can be looked at.
    #[error("there are more than {FILES_MAX} files in it")]
    TooMany,
    /// The advisories do not make a file.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
}

/// Opens the advisories of a folder: compiled before, or now.
///
/// # Errors
/// [`AdvisoryFolderError`].
pub(crate) fn open_folder(folder: &Path) -> Result<Knowledge, AdvisoryFolderError> {
    let files = files(folder)?;
    let cached = cache_place(&content(&files)?);
    if let Some(knowledge) = cached.as_deref().and_then(|place| Knowledge::open(place).ok()) {
        return Ok(knowledge);
    }
    let bytes = compile_files(&files)?;
    if let Some(place) = &cached {
        // A cache that cannot be written costs time, and nothing else.
        let _ = keep(place, &bytes);
    }
    Ok(Knowledge::read(bytes)?)
}

/// Compiles the advisories of a folder into the bytes of a [`Knowledge`] file.
///
/// # Errors
/// [`AdvisoryFolderError`].
pub(crate) fn compile_folder(folder: &Path) -> Result<Vec<u8>, AdvisoryFolderError> {
    compile_files(&files(folder)?)
}

fn compile_files(files: &[PathBuf]) -> Result<Vec<u8>, AdvisoryFolderError> {
    let mut advisories: Vec<Advisory> = Vec::new();
    for path in files {
        let feed = |error| AdvisoryFolderError::Feed { path: path.display().to_string(), error };
        advisories.extend(feeds::read_file(path).map_err(feed)?);
    }
    if advisories.is_empty() {
        return Err(AdvisoryFolderError::Empty);
    }
    Ok(Knowledge::build(advisories, &[])?)
}

/// The files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryFolderError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = folders.pop() {
        let fail = |error| AdvisoryFolderError::Io { path: path.display().to_string(), error };
        for entry in fs::read_dir(&path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            match kind.is_dir() {
                true if depth < DEPTH_MAX => folders.push((entry.path(), depth + 1)),
                false if kind.is_file() && path != folder => found.push(entry.path()),
                _ => {}
            }
        }
        if found.len() > FILES_MAX {
            return Err(AdvisoryFolderError::TooMany);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A name for what the files hold, and for the program that compiles them.
fn content(files: &[PathBuf]) -> Result<String, AdvisoryFolderError> {
    let mut hash = Context::new(&SHA256);
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update(&gantry_scan::KNOWLEDGE_FORMAT.to_le_bytes());
    let mut buffer = vec![0; 256 << 10];
    for path in files {
        let fail = |error| AdvisoryFolderError::Io { path: path.display().to_string(), error };
        let mut file = fs::File::open(path).map_err(fail)?;
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        loop {
            let count = file.read(&mut buffer).map_err(fail)?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
        }
    }
    Ok(hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Where a compiled file lies: below the user's folder for what can be made again (XDG Base Directory Specification).
fn cache_place(name: &str) -> Option<PathBuf> {
    let given = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")))?;
    Some(folder.join("gantry/advisories").join(name))
}

/// Keeps a compiled file, and removes those of other contents: a folder of advisories changes daily.
fn keep(place: &Path, bytes: &[u8]) -> io::Result<()> {
    const KEPT: usize = 4;
    let folder = place.parent().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(place)?;
    let mut others: Vec<_> = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    others.sort_unstable();
    others.iter().rev().skip(KEPT).for_each(|(_, path)| drop(fs::remove_file(path)));
    Ok(())
}
