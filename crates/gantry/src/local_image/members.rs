use super::{DOCUMENT_BYTES_MAX, InputError};
use crate::moving::{ArchiveIndex, Section, join};
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes that a compressed archive may unpack to.
const UNPACKED_BYTES_MAX: u64 = 256 << 30;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A folder's or an archive's files by name.
pub(super) enum Members {
    Folder(PathBuf),
    Archive { path: PathBuf, file: Arc<File>, index: ArchiveIndex },
}

impl Members {
    pub(super) fn folder(path: &Path) -> Members {
        Members::Folder(path.to_owned())
    }

    /// Reads an archive's table of contents. A compressed one is unpacked into an unnamed temporary file first.
    pub(super) fn archive(path: &Path) -> Result<Members, InputError> {
        let fail = |error| InputError::io(path, error);
        let file = File::open(path).map_err(fail)?;
        let file = unpacked(file).map_err(fail)?;
        let length = file.metadata().map_err(fail)?.len();
        let index = ArchiveIndex::read(&mut BufReader::new(&file), length);
        let index = index.map_err(|_| InputError::Unknown(path.display().to_string()))?;
        Ok(Members::Archive { path: path.to_owned(), file: Arc::new(file), index })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Members::Folder(folder) => folder.join(name).is_file(),
            Members::Archive { index, .. } => index.find(name).is_some(),
        }
    }

    /// Opens a file; names that lead out of the folder or the archive are of none.
    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Read>, InputError> {
        match self {
            Members::Folder(folder) => {
                let name = join("", name).ok_or_else(|| InputError::NoSuchMember(name.to_owned()))?;
                let path = folder.join(&name);
                let file = File::open(&path).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => InputError::NoSuchMember(name.clone()),
                    _ => InputError::io(&path, error),
                })?;
                Ok(Box::new(file))
            }
            Members::Archive { file, index, .. } => {
                let (at, length) = index.find(name).ok_or_else(|| InputError::NoSuchMember(name.to_owned()))?;
                Ok(Box::new(Section::new(file, at, length)))
            }
        }
    }

    /// Reads a document whole.
    pub(super) fn document(&self, name: &str) -> Result<Vec<u8>, InputError> {
        self.whole(name, DOCUMENT_BYTES_MAX)
    }

    /// Reads a file of at most so many bytes whole.
    pub(super) fn whole(&self, name: &str, bytes_max: u64) -> Result<Vec<u8>, InputError> {
        let mut bytes = Vec::new();
        let read = self.open(name)?.take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|error| InputError::Io { path: self.describe(name), error })?;
        if bytes.len() as u64 > bytes_max {
            return Err(InputError::TooLong { name: self.describe(name), bytes_max });
        }
        Ok(bytes)
    }

    fn describe(&self, name: &str) -> String {
        match self {
            Members::Folder(folder) => folder.join(name).display().to_string(),
            Members::Archive { path, .. } => format!("{name} in {}", path.display()),
        }
    }
}

fn unpacked(mut file: File) -> io::Result<File> {
    let mut magic = [0; 4];
    let count = file.read_at(&mut magic, 0)?;
    let packed = BufReader::new(file.try_clone()?);
    let mut reader: Box<dyn Read> = match magic {
        _ if count == 4 && magic == ZSTD => Box::new(zstd::Decoder::new(packed)?),
        _ if count >= 2 && magic[..2] == GZIP => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        _ => return Ok(file),
    };
    let mut plain = tempfile::tempfile()?;
    if io::copy(&mut reader.by_ref().take(UNPACKED_BYTES_MAX), &mut plain)? == UNPACKED_BYTES_MAX {
        return Err(io::Error::other("it unpacks to more than 256 GiB"));
    }
    file = plain;
    Ok(file)
}
