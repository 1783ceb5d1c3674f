use super::{DOCUMENT_BYTES_MAX, InputError};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files of an archive at most.
const MEMBERS_MAX: usize = 100_000;
/// Bytes that a compressed archive may unpack to.
const UNPACKED_BYTES_MAX: u64 = 256 << 30;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A folder's or an archive's files by name.
pub(super) enum Members {
    Folder(PathBuf),
    Archive { path: PathBuf, file: Arc<File>, places: HashMap<String, Place> },
}

/// Where a file lies in an archive.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Bytes { at: u64, length: u64 },
    Link(String),
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
        let places = places(&file).map_err(|_| InputError::Unknown(path.display().to_string()))?;
        Ok(Members::Archive { path: path.to_owned(), file: Arc::new(file), places })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Members::Folder(folder) => folder.join(name).is_file(),
            Members::Archive { places, .. } => places.contains_key(name),
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
            Members::Archive { file, places, .. } => {
                let (at, length) = resolve(places, name).ok_or_else(|| InputError::NoSuchMember(name.to_owned()))?;
                Ok(Box::new(Section { file: Arc::clone(file), at, left: length }))
            }
        }
    }

    /// Reads a document whole.
    pub(super) fn document(&self, name: &str) -> Result<Vec<u8>, InputError> {
        let mut bytes = Vec::new();
        let read = self.open(name)?.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| InputError::Io { path: self.describe(name), error })?;
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            return Err(InputError::TooLong(self.describe(name)));
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

/// Follows links within the archive: older `docker save` writes a layer that occurs twice as a link.
fn resolve(places: &HashMap<String, Place>, name: &str) -> Option<(u64, u64)> {
    const LINKS_MAX: usize = 8;
    let mut name = name.to_owned();
    for _ in 0..LINKS_MAX {
        match places.get(&name)? {
            Place::Bytes { at, length } => return Some((*at, *length)),
            Place::Link(target) => name = join(&name, target)?,
        }
    }
    None
}

/// Resolves a link's target against the place of the link; `None` where it leaves the archive.
fn join(link: &str, target: &str) -> Option<String> {
    let folder = if target.starts_with('/') { "" } else { link.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
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

fn places(file: &File) -> io::Result<HashMap<String, Place>> {
    let mut reader = file.try_clone()?;
    reader.seek(SeekFrom::Start(0))?;
    let mut archive = tar::Archive::new(reader);
    let mut places = HashMap::new();
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./").trim_start_matches('/').to_owned();
        let kind = entry.header().entry_type();
        let place = if kind.is_file() {
            Place::Bytes { at: entry.raw_file_position(), length: entry.size() }
        } else if let (true, Some(target)) = (kind.is_symlink() || kind.is_hard_link(), entry.link_name_bytes()) {
            let target = String::from_utf8_lossy(&target).into_owned();
            // A hard link's target is counted from the archive's root.
            Place::Link(if kind.is_hard_link() { format!("/{target}") } else { target })
        } else {
            continue;
        };
        if places.len() == MEMBERS_MAX {
            return Err(io::Error::other("it holds more than 100,000 files"));
        }
        places.insert(name, place);
    }
    Ok(places)
}

/// A part of a file, read from its own place: several may be read at once.
struct Section {
    file: Arc<File>,
    at: u64,
    left: u64,
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

    #[test]
    fn a_link_is_resolved_from_where_it_lies_and_never_leaves_the_archive() {
        assert_eq!(join("b/layer.tar", "../a/layer.tar").as_deref(), Some("a/layer.tar"));
        assert_eq!(join("b/layer.tar", "/a/layer.tar").as_deref(), Some("a/layer.tar"));
        assert_eq!(join("layer.tar", "../layer.tar"), None);
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let places =
            HashMap::from([("a".to_owned(), Place::Link("b".into())), ("b".to_owned(), Place::Link("a".into()))]);

        assert_eq!(resolve(&places, "a"), None);
    }
}
