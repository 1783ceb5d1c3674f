use super::{
    RegistryError,
    archive_index::{ArchiveIndex, IndexError},
    bucket::{Bucket, BucketError},
    folder::Folder,
};
use gantry_words::Timestamp;
use rustix::fs::OFlags;
use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Entries of one folder at most.
const FOLDER_ENTRIES_MAX: usize = 2_000_000;

/// A folder's, an archive's or a bucket's files by name, and nothing outside of it: neither `..` nor a link leads out.
pub(crate) enum Files {
    /// A folder.
    Folder(Folder),
    /// An archive, read where it lies.
    Archive { file: Arc<File>, index: ArchiveIndex },
    /// A bucket, listed and read over the network.
    Bucket(Arc<Bucket>),
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The system says so.
    #[error("{name} cannot be read: {source}")]
    Io {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A link leads out of the folder.
    #[error("{name} is a link that leads out of the folder")]
    Outside {
        /// Which.
        name: String,
    },
    /// Something else lies there.
    #[error("{name} is no file")]
    NoFile {
        /// Which.
        name: String,
    },
    /// More bytes than a document may have.
    #[error("{name} is longer than {bytes_max} bytes")]
    TooLong {
        /// Which.
        name: String,
        /// The limit.
        bytes_max: u64,
    },
    /// Too many entries.
    #[error("{name} holds more than {FOLDER_ENTRIES_MAX} entries")]
    TooMany {
        /// Which.
        name: String,
    },
    /// It is packed.
    #[error("it is compressed, and an archive is read where it lies; unpack it first, as with gunzip or unzstd")]
    Compressed,
    /// It is no archive.
    #[error("it is no tar archive: {0}")]
    Archive(#[from] IndexError),
    /// A bucket.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// It is asked for over a registry's API.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Files {
    /// Looks at a folder, or reads an archive's table of contents.
    pub(crate) fn open(path: &Path) -> Result<Files, FilesError> {
        let fail = |source| FilesError::Io { name: path.display().to_string(), source };
        let path = path.canonicalize().map_err(fail)?;
        if path.is_dir() {
            return Folder::open(path).map(Files::Folder).map_err(fail);
        }
        let (file, length) = open_file(&path, &path.display().to_string())?;
        let mut magic = [0; 4];
        let count = file.read_at(&mut magic, 0).map_err(fail)?;
        if matches!(
            &magic[..count],
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd] | [b'B', b'Z', b'h', _] | [0xfd, b'7', b'z', b'X']
        ) {
            return Err(FilesError::Compressed);
        }
        let index = ArchiveIndex::read(&mut BufReader::with_capacity(512, &file), length)?;
        Ok(Files::Archive { file: Arc::new(file), index })
    }

    /// Whether it is a folder with a folder of this name in it.
    pub(crate) fn has_folder(&self, name: &str) -> bool {
        match self {
            Files::Bucket(bucket) => bucket.has_folder(name),
            Files::Folder(folder) => folder.facts(name).is_ok_and(|facts| facts.is_some_and(|facts| facts.is_dir())),
            Files::Archive { .. } => false,
        }
    }

    /// Whether there is a file of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.length(name).is_ok_and(|length| length.is_some())
    }

    /// Returns how many bytes a file has; `None` where there is none.
    pub(crate) fn length(&self, name: &str) -> Result<Option<u64>, FilesError> {
        match self {
            Files::Archive { index, .. } => Ok(index.find(name).map(|(_, length)| length)),
            Files::Bucket(bucket) => Ok(bucket.length(name)),
            Files::Folder(folder) => match folder.facts(name)? {
                Some(facts) if facts.is_file() => Ok(Some(facts.len())),
                Some(_) => Err(FilesError::NoFile { name: name.into() }),
                None => Ok(None),
            },
        }
    }

    /// Opens a file; `None` where there is none.
    pub(crate) fn open_file(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        match self {
            Files::Archive { file, index } => match index.find(name) {
                Some((at, length)) => Ok(Some(Box::new(Section::new(file, at, length)))),
                None => Ok(None),
            },
            Files::Bucket(bucket) => Ok(bucket.open_file(name)?),
            Files::Folder(folder) => match folder.read(name)? {
                Some(file) => length(&file, name).map(|_| Some(Box::new(file) as Box<dyn Read + Send>)),
                None => Ok(None),
            },
        }
    }

    /// Reads a document whole; `None` where there is none.
    pub(crate) fn document(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, FilesError> {
        let Some(file) = self.open_file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|source| FilesError::Io { name: name.into(), source })?;
        if bytes.len() as u64 > bytes_max {
            return Err(FilesError::TooLong { name: name.into(), bytes_max });
        }
        Ok(Some(bytes))
    }

    /// Learns which small documents will be read soon: those of a bucket are fetched several at once.
    ///
    /// Of more than [`AHEAD_MAX`](super::AHEAD_MAX) only so many are.
    pub(crate) fn read_ahead(&self, names: &[String]) {
        match self {
            Files::Bucket(bucket) => bucket.read_ahead(names),
            Files::Folder(_) | Files::Archive { .. } => {}
        }
    }

    /// Returns the real path of a file in a folder; `None` where there is none, or elsewhere.
    pub(crate) fn path(&self, name: &str) -> Result<Option<PathBuf>, FilesError> {
        match self {
            Files::Folder(folder) => folder.real_path(name),
            Files::Archive { .. } | Files::Bucket(_) => Ok(None),
        }
    }

    /// When a file was last written; `None` where there is none, or in an archive.
    pub(crate) fn written_at(&self, name: &str) -> Result<Option<Timestamp>, FilesError> {
        let folder = match self {
            Files::Folder(folder) => folder,
            Files::Bucket(bucket) => return Ok(bucket.written_at(name)),
            Files::Archive { .. } => return Ok(None),
        };
        let Some(facts) = folder.facts(name)? else { return Ok(None) };
        let millis = facts.mtime().saturating_mul(1000).saturating_add(facts.mtime_nsec() / 1_000_000);
        Ok(facts.is_file().then(|| Timestamp::from_millis(millis)))
    }

    /// Lists the folders in a folder, in order; none where it is none, or in an archive. Links are not followed.
    pub(crate) fn folders(&self, name: &str) -> Result<Vec<String>, FilesError> {
        match self {
            Files::Bucket(bucket) => Ok(bucket.folders(name)),
            Files::Folder(_) | Files::Archive { .. } => self.entries(name, |kind| kind.is_dir()),
        }
    }

    /// The same of files.
    pub(crate) fn names(&self, name: &str) -> Result<Vec<String>, FilesError> {
        match self {
            Files::Bucket(bucket) => Ok(bucket.names(name)),
            Files::Folder(_) | Files::Archive { .. } => self.entries(name, |kind| kind.is_file()),
        }
    }

    fn entries(&self, name: &str, is_wanted: impl Fn(FileType) -> bool) -> Result<Vec<String>, FilesError> {
        let fail = |source| FilesError::Io { name: name.into(), source };
        let Some(path) = self.path(name)?.filter(|path| path.is_dir()) else { return Ok(vec![]) };
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if found.len() == FOLDER_ENTRIES_MAX {
                return Err(FilesError::TooMany { name: name.into() });
            }
            if is_wanted(entry.file_type().map_err(fail)?)
                && let Ok(name) = entry.file_name().into_string()
            {
                found.push(name);
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// Opens what must be a file: a pipe would be waited for.
fn open_file(path: &Path, name: &str) -> Result<(File, u64), FilesError> {
    let fail = |source| FilesError::Io { name: name.into(), source };
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(fail)?;
    let length = length(&file, name)?;
    Ok((file, length))
}

/// Returns how many bytes it has that must be a file.
fn length(file: &File, name: &str) -> Result<u64, FilesError> {
    let facts = file.metadata().map_err(|source| FilesError::Io { name: name.into(), source })?;
    if facts.is_file() { Ok(facts.len()) } else { Err(FilesError::NoFile { name: name.into() }) }
}

/// A part of a file, read from its own place: several may be read at once.
pub(crate) struct Section {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Section {
    /// The `length` bytes from `at` on.
    pub(crate) fn new(file: &Arc<File>, at: u64, length: u64) -> Section {
        Section { file: Arc::clone(file), at, left: length }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_gives_its_files_and_nothing_outside_of_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("layout");
        fs::create_dir_all(folder.join("blobs")).unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        fs::write(folder.join("blobs/one"), "1").unwrap();
        symlink("blobs/one", folder.join("within")).unwrap();
        symlink("../secret", folder.join("out")).unwrap();
        symlink("loop", folder.join("loop")).unwrap();
        symlink(folder.join("blobs"), folder.join("whole")).unwrap();

        let files = Files::open(&folder).unwrap();

        assert_eq!(files.document("within", 10).unwrap().unwrap(), b"1");
        assert_eq!(files.document("whole/one", 10).unwrap().unwrap(), b"1");
        assert_eq!(files.path("whole/one").unwrap(), files.path("blobs/one").unwrap());
        assert!(matches!(files.document("out", 10), Err(FilesError::Outside { .. })));
        assert!(matches!(files.document("../secret", 10), Err(FilesError::Outside { .. })));
        assert!(matches!(files.length("loop"), Err(FilesError::Io { .. })));
        assert!(matches!(files.length("blobs"), Err(FilesError::NoFile { .. })));
        assert!(matches!(files.document("blobs/one", 0), Err(FilesError::TooLong { .. })));
        assert!(files.document("blobs/two", 10).unwrap().is_none());
        assert!(files.document("blobs/one/more", 10).unwrap().is_none());
        assert_eq!(files.folders("").unwrap(), ["blobs"]);
        assert!(!files.has_folder("within") && files.has_folder("blobs"));
    }

    #[test]
    fn a_packed_archive_is_told_to_be_unpacked() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("image.tar.gz");
        fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();

        assert!(matches!(Files::open(&path), Err(FilesError::Compressed)));
        assert!(matches!(Files::open(&home.path().join("none")), Err(FilesError::Io { .. })));
    }
}
