//! A folder of advisories, compiled once into a file that is found again by its content.

use aws_lc_rs::digest::{Context, SHA256};
use gantry_findings::{FeedsError, compile_folder, files_below};
use gantry_scan::{Knowledge, KnowledgeWriter};
use std::{
    env, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

/// Opens the advisories of a folder: compiled before, or now.
///
/// # Errors
/// [`FeedsError`].
pub(crate) fn open_folder(folder: &Path) -> Result<Knowledge, FeedsError> {
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

/// A name for what the files hold, and for the program that compiles them.
fn content(folder: &Path) -> Result<String, FeedsError> {
    let mut hash = Context::new(&SHA256);
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update(&KnowledgeWriter::FORMAT.to_le_bytes());
    let mut buffer = vec![0; 256 << 10];
    for path in files_below(folder)? {
        let fail = |error| FeedsError::Io { path: path.display().to_string(), error };
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
}
