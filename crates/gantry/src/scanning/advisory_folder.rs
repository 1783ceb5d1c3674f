//! A folder of advisories as osv.dev exports them, compiled once into a file that is found again by its content.
//!
//! | in the folder | what |
//! |---|---|
//! | `ECOSYSTEM/all.zip`, `all.tar.zst`, or `*.json` | OSV records of an ecosystem |
//! | `kev/` | CISA's known exploited vulnerabilities, JSON, also packed |
//! | `epss/` | EPSS scores, CSV, also packed |
//!
//! Any part may be missing.

use aws_lc_rs::digest::{Context, SHA256};
use gantry_scan::{
    Exploitation, Knowledge, KnowledgeError, KnowledgeWriter,
    exploitation::{read_epss, read_kev},
    feeds::{
        FeedError,
        osv::{self, OsvError},
    },
};
use std::{
    collections::HashMap,
    env, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

/// Files of a folder at most.
const FILES_MAX: usize = 1_000_000;
/// Folders in each other at most.
const DEPTH_MAX: usize = 3;
const KEV: &str = "kev";
const EPSS: &str = "epss";

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
    /// A file of OSV records is refused whole.
    #[error(transparent)]
    Osv(#[from] OsvError),
    /// A side table is refused whole.
    #[error(transparent)]
    Feed(#[from] FeedError),
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
    let cached = cache_place(&content(folder)?);
    if let Some(knowledge) = cached.as_deref().and_then(|place| Knowledge::open(place).ok()) {
        return Ok(knowledge);
    }
    let bytes = compile_folder(folder)?;
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
    let mut writer = KnowledgeWriter::default();
    let mut count = 0;
    let mut full = None;
    for part in parts(folder)?.iter().filter(|part| !is_side_table(part)) {
        osv::read_path(part, &mut |advisory| {
            count += 1;
            if full.is_none() {
                full = writer.add(&advisory).err();
            }
        })?;
    }
    match full {
        Some(error) => Err(error.into()),
        None if count == 0 => Err(AdvisoryFolderError::Empty),
        None => Ok(writer.finish(&[])?),
    }
}

/// Reads what is known of the exploitation of flaws.
///
/// # Errors
/// [`AdvisoryFolderError`].
pub(crate) fn exploitation(folder: &Path) -> Result<Exploitation, AdvisoryFolderError> {
    let (mut kev, mut epss) = (HashMap::new(), HashMap::new());
    for part in parts(folder)?.iter().filter(|part| is_side_table(part)) {
        for path in files(part)? {
            let name = path.display().to_string();
            let bytes = fs::read(&path).map_err(|error| AdvisoryFolderError::Io { path: name.clone(), error })?;
            match part.ends_with(KEV) {
                true => kev.extend(read_kev(&name, &bytes)?),
                false => epss.extend(read_epss(&name, &bytes)?),
            }
        }
    }
    Ok(Exploitation::new(kev, epss))
}

fn is_side_table(part: &Path) -> bool {
    part.ends_with(KEV) || part.ends_with(EPSS)
}

/// The folders in the folder, sorted.
fn parts(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryFolderError> {
    let mut parts: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    parts.sort_unstable();
    Ok(parts)
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryFolderError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = folders.pop() {
        for entry in entries(&path)? {
            match entry.is_dir() {
                true if depth < DEPTH_MAX => folders.push((entry, depth + 1)),
                true => {}
                false => found.push(entry),
            }
        }
        if found.len() > FILES_MAX {
            return Err(AdvisoryFolderError::TooMany);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, AdvisoryFolderError> {
    let fail = |error| AdvisoryFolderError::Io { path: folder.display().to_string(), error };
    let read = fs::read_dir(folder).map_err(fail)?;
    read.map(|entry| Ok(entry.map_err(fail)?.path())).collect()
}

/// A name for what the files hold, and for the program that compiles them.
fn content(folder: &Path) -> Result<String, AdvisoryFolderError> {
    let mut hash = Context::new(&SHA256);
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    let mut buffer = vec![0; 256 << 10];
    for path in files(folder)? {
        let fail = |error| AdvisoryFolderError::Io { path: path.display().to_string(), error };
        let mut file = fs::File::open(&path).map_err(fail)?;
        hash.update(path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_encoded_bytes());
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

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"id":"PYSEC-2099-1","modified":"2099-01-01T00:00:00Z","affected":[{
        "package":{"ecosystem":"PyPI","name":"left-pad"},
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]}]}"#;

    #[test]
    fn the_name_of_a_folder_changes_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("PyPI")).unwrap();
        fs::write(folder.path().join("PyPI/one.json"), RECORD).unwrap();
        let before = content(folder.path()).unwrap();

        fs::write(folder.path().join("PyPI/one.json"), RECORD.replace("2.0", "2.1")).unwrap();

        assert_ne!(content(folder.path()).unwrap(), before);
    }

    #[test]
    fn a_folder_without_advisories_is_refused_and_a_broken_feed_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("PyPI")).unwrap();
        assert!(matches!(compile_folder(folder.path()), Err(AdvisoryFolderError::Empty)));

        fs::write(folder.path().join("PyPI/one.json"), RECORD).unwrap();
        assert!(compile_folder(folder.path()).is_ok());
        fs::write(folder.path().join("PyPI/two.json"), &RECORD[..40]).unwrap();

        assert!(matches!(compile_folder(folder.path()), Err(AdvisoryFolderError::Osv(_))));
    }
}
