use super::{Folder, absent_is_fine};
use crate::{Error, sys};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The file that says whose the folder is.
const OWNER: &str = "owner";
/// No owner's name is longer.
const OWNER_BYTES_MAX: u64 = 256;

impl Folder {
    /// Writes down that the folder is `owner`'s, durably, where nobody has done so; returns whose it is. So for its archive,
    /// where that is a folder of its own: it may be another's.
    pub(crate) fn claim(&self, owner: &str) -> Result<String, Error> {
        let found = self.claim_one(&self.root, owner)?;
        if found != owner || self.archive.starts_with(&self.root) {
            return Ok(found);
        }
        self.claim_one(&self.archive, owner)
    }

    fn claim_one(&self, root: &Path, owner: &str) -> Result<String, Error> {
        let path = root.join(OWNER);
        let failed = |error| self.explain("claim", "the store", &path, error);
        if let Some(found) = read(&path).map_err(failed)? {
            return Ok(found);
        }
        // Written aside first: nobody may read half a name.
        let fresh = root.join(format!("{OWNER}.{owner}"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&fresh).and_then(|mut file| {
            file.write_all(format!("{owner}\n").as_bytes())?;
            file.sync_all()
        });
        written.map_err(failed)?;
        match sys::rename_new(&fresh, &path) {
            // Somebody was quicker.
            Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
                let _ = fs::remove_file(&fresh);
            }
            renamed => renamed.map_err(failed)?,
        }
        self.sync_folder(root)?;
        let missing = || failed(io::Error::new(io::ErrorKind::NotFound, "the file that names its owner is gone again"));
        read(&path).map_err(failed)?.ok_or_else(missing)
    }
}

/// Makes the folder of a store nobody's again: whoever opens it next takes it.
///
/// # Errors
/// Those of the file system; not that it was nobody's before.
pub fn disown(root: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(root.join(OWNER)))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(OWNER_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Some(text.trim().into()))
}
