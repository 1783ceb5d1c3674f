use super::{Folder, HASHED_AT_ONCE, read_rest};
use crate::{Adopted, Adoption, Algorithm, Error, hash::Hasher, sys};
use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

impl Folder {
    /// Takes a file in as a blob, durably only after [`Folder::sync`].
    pub(crate) fn adopt(&self, adoption: &Adoption) -> Result<Adopted, Error> {
        let (key, to) = (&adoption.key, self.blob_path(&adoption.key));
        self.make_parent(key, true)?;
        match fs::hard_link(&adoption.from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists { place: key.to_string() });
            }
            // Another file system, one without such links, or a file that is somebody else's: its bytes are copied. Whatever is
            // wrong with the file itself is found there, too.
            Err(_) => return self.adopt_copy(adoption),
        }
        // What is looked at is what was linked: the name it came by may lead elsewhere by now.
        match self.problem_of(adoption, &to) {
            None => Ok(Adopted::Linked),
            Some(problem) => {
                fs::remove_file(&to).map_err(|error| self.explain("remove", key, &to, error))?;
                Ok(Adopted::Refused { problem })
            }
        }
    }

    /// Says what keeps a file from being the blob that it is said to be.
    fn problem_of(&self, adoption: &Adoption, path: &Path) -> Option<String> {
        let unreadable = |error: io::Error| Some(format!("it cannot be read: {error}"));
        let file = match open_file(path) {
            Ok(file) => file,
            Err(error) => return unreadable(error),
        };
        match file.metadata() {
            Ok(facts) if !facts.is_file() => return Some("it is no file".into()),
            Ok(facts) if facts.len() != adoption.length => {
                return Some(format!("it has {} of {} bytes", facts.len(), adoption.length));
            }
            Ok(_) => {}
            Err(error) => return unreadable(error),
        }
        let (algorithm, _) = adoption.hash.as_ref()?;
        match hash_file(&file, adoption.length, Hasher::new(*algorithm)) {
            Ok(found) => adoption.differs(&found),
            Err(error) => unreadable(error),
        }
    }

    fn adopt_copy(&self, adoption: &Adoption) -> Result<Adopted, Error> {
        if let Some(problem) = self.problem_of(&Adoption { hash: None, ..adoption.clone() }, &adoption.from) {
            return Ok(Adopted::Refused { problem });
        }
        let key = &adoption.key;
        let file = open_file(&adoption.from).map_err(|error| Error::of("read", key, error))?;
        let algorithm = adoption.hash.as_ref().map_or(Algorithm::Sha256, |(algorithm, _)| *algorithm);
        let (length, found) = self.write_at_once(&file, key, algorithm)?;
        let problem = match length == adoption.length {
            true => adoption.differs(&found),
            false => Some(format!("it has {length} of {} bytes", adoption.length)),
        };
        match problem {
            None => Ok(Adopted::Copied),
            Some(problem) => {
                self.delete(std::slice::from_ref(key))?;
                Ok(Adopted::Refused { problem })
            }
        }
    }

    /// Brings everything that was adopted to the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        sys::sync_file_system(&self.root).map_err(|error| self.explain("sync", "the store", &self.root, error))
    }
}

/// Opens what must be a file: no link is followed, and a pipe is not waited for.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn hash_file(file: &File, length: u64, mut hasher: Hasher) -> io::Result<Vec<u8>> {
    // Most are small, and clearing a large buffer for each would take longer than to read them.
    let room = usize::try_from(length).unwrap_or(HASHED_AT_ONCE).clamp(1, HASHED_AT_ONCE);
    let (mut buffer, mut done) = (vec![0; room], 0);
    while done < length {
        let read = read_rest(file, &mut buffer, 0, done)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..read]);
        done += read as u64;
    }
    Ok(hasher.value())
}
