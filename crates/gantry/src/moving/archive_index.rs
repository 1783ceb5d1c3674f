//! The table of contents of a tar archive (POSIX pax, and GNU's long names), so that its files are read where they lie.
//!
//! A reader of its own, since an archive comes from anybody: names, extensions, links and the number of entries are
//! bounded, and nothing is read that is not a header or the name that goes with one.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
};

const BLOCK: u64 = 512;
/// Entries of an archive at most.
const ENTRIES_MAX: usize = 200_000;
/// Bytes of a long name, or of the extensions of one entry, at most.
const EXTENSION_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a file's name at most.
const NAME_BYTES_MAX: usize = 4096;
/// Links that lead to a file at most.
const LINKS_MAX: usize = 8;

/// Where the files of an archive lie in it.
#[derive(Debug, Default)]
pub(crate) struct ArchiveIndex {
    places: HashMap<String, Place>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Bytes { at: u64, length: u64 },
    Link(String),
}

/// Why bytes are no archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A header is none.
    #[error("byte {at} does not begin an entry of a tar archive")]
    Header {
        /// Where, from 0.
        at: u64,
    },
    /// An entry is longer than what follows.
    #[error("the entry at byte {at} says that it has {length} bytes, more than there are")]
    Truncated {
        /// Where, from 0.
        at: u64,
        /// What it says.
        length: u64,
    },
    /// Too long a name, or too many extensions.
    #[error("the extensions of the entry at byte {at} are longer than 64 KiB, or malformed")]
    Extension {
        /// Where, from 0.
        at: u64,
    },
    /// Too many entries.
    #[error("it holds more than {ENTRIES_MAX} entries")]
    TooMany,
}

/// What was said of the next entry before it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    length: Option<u64>,
}

impl ArchiveIndex {
    /// Reads the headers of an archive of `length` bytes. A missing end is forgiven, as tar(1) does.
    pub(crate) fn read(archive: &mut (impl Read + Seek), length: u64) -> Result<ArchiveIndex, IndexError> {
        let mut index = ArchiveIndex::default();
        let mut extensions = Extensions::default();
        let (mut at, mut entries) = (0, 0);
        while at + BLOCK <= length {
            let mut header = [0; BLOCK as usize];
            archive.seek(SeekFrom::Start(at))?;
            archive.read_exact(&mut header)?;
            if header.iter().all(|byte| *byte == 0) {
                break;
            }
            entries += 1;
            if entries > ENTRIES_MAX {
                return Err(IndexError::TooMany);
            }
            let (kind, said) = read_header(&header).ok_or(IndexError::Header { at })?;
            // Links, folders and devices have no bytes, whatever their headers say.
            let size = match kind {
                b'1'..=b'6' => 0,
                b'x' | b'g' | b'L' | b'K' => said,
                _ => extensions.length.unwrap_or(said),
            };
            let begin = at + BLOCK;
            if size > length - begin {
                return Err(IndexError::Truncated { at, length: size });
            }
            match kind {
                b'x' | b'L' | b'K' => {
                    let bytes = read_extension(archive, begin, size).ok_or(IndexError::Extension { at })?;
                    extensions.add(kind, bytes).ok_or(IndexError::Extension { at })?;
                }
                b'g' => {}
                _ => index.add(kind, &header, std::mem::take(&mut extensions), begin, size),
            }
            at = begin + size.next_multiple_of(BLOCK);
        }
        Ok(index)
    }

    fn add(&mut self, kind: u8, header: &[u8], extensions: Extensions, at: u64, length: u64) {
        let named = extensions.name.unwrap_or_else(|| name_of(header));
        let Some(name) = str::from_utf8(&named).ok().and_then(|name| join("", name)) else { return };
        if name.is_empty() || name.len() > NAME_BYTES_MAX || named.ends_with(b"/") {
            return;
        }
        let link = || {
            let target = extensions.link.unwrap_or_else(|| text(&header[157..257]).to_vec());
            String::from_utf8(target).ok().filter(|target| target.len() <= NAME_BYTES_MAX)
        };
        let place = match kind {
            0 | b'0' | b'7' => Some(Place::Bytes { at, length }),
            // The target of a hard link is counted from the archive's root, that of a symbolic one from its own place.
            b'1' => link().and_then(|target| join("", &target)).map(Place::Link),
            b'2' => link().and_then(|target| join(&name, &target)).map(Place::Link),
            _ => None,
        };
        if let Some(place) = place {
            self.places.insert(name, place);
        }
    }

    /// Returns where a file lies: the offset of its first byte, and how many there are. Links are followed, as far as they
    /// stay in the archive.
    pub(crate) fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = name;
        for _ in 0..=LINKS_MAX {
            match self.places.get(name)? {
                Place::Bytes { at, length } => return Some((*at, *length)),
                Place::Link(target) => name = target,
            }
        }
        None
    }

    /// The names of all files and links.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }
}

/// Reads the kind of an entry and its size, where the checksum is right.
fn read_header(header: &[u8; BLOCK as usize]) -> Option<(u8, u64)> {
    let plain = header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let sum: u64 = plain.map(u64::from).sum();
    (number(&header[148..156])? == sum).then_some(())?;
    Some((header[156], number(&header[124..136])?))
}

/// Octal digits, or GNU's binary numbers, which begin with a bit that no digit has.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        return rest.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// The bytes before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn name_of(header: &[u8]) -> Vec<u8> {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    // GNU's own format keeps other things where the others have the beginning of the name.
    if header[257..263] == *b"ustar\0" && !prefix.is_empty() { [prefix, name].join(&b'/') } else { name.to_vec() }
}

fn read_extension(archive: &mut (impl Read + Seek), at: u64, size: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(size).ok().filter(|_| size <= EXTENSION_BYTES_MAX)?;
    let mut bytes = vec![0; length];
    archive.seek(SeekFrom::Start(at)).ok()?;
    archive.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

impl Extensions {
    /// Keeps what an extension says; `None` where it is malformed.
    fn add(&mut self, kind: u8, bytes: Vec<u8>) -> Option<()> {
        match kind {
            b'L' => self.name = Some(text(&bytes).to_vec()),
            b'K' => self.link = Some(text(&bytes).to_vec()),
            _ => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    rest = self.add_record(rest)?;
                }
            }
        }
        Some(())
    }

    /// Reads `<length> <key>=<value>\n`, the length in decimal and of all of it; returns what follows.
    fn add_record<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
        let length: usize = str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.length = Some(str::from_utf8(value).ok()?.parse().ok()?),
            _ => {}
        }
        Some(&bytes[length..])
    }
}

/// Resolves a name against the place of a link, in a tree whose root is `/`; `None` where it leaves that.
pub(crate) fn join(link: &str, target: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn index(bytes: &[u8]) -> Result<ArchiveIndex, IndexError> {
        ArchiveIndex::read(&mut Cursor::new(bytes), bytes.len() as u64)
    }

    fn archive(files: &[(&str, &[u8])], links: &[(tar::EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        for (kind, name, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_entry_type(*kind);
            builder.append_link(&mut header, name, target).unwrap();
        }
        builder.into_inner().unwrap()
    }

    /// What the index says lies there.
    fn found<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
        let (at, length) = index(bytes).unwrap().find(name)?;
        Some(&bytes[at as usize..(at + length) as usize])
    }

    #[test]
    fn files_are_found_where_they_lie_whatever_their_names() {
        let long = format!("{}/layer.tar", "a".repeat(200));
        let bytes = archive(&[("./one", b"1"), (&long, b"two"), ("empty", b"")], &[]);

        assert_eq!(found(&bytes, "one"), Some(&b"1"[..]));
        assert_eq!(found(&bytes, &long), Some(&b"two"[..]));
        assert_eq!(found(&bytes, "empty"), Some(&b""[..]));
        assert_eq!(found(&bytes, "two"), None);
    }

    #[test]
    fn links_are_followed_within_the_archive_and_never_out_of_it() {
        let (hard, symbolic) = (tar::EntryType::hard_link(), tar::EntryType::symlink());
        let links = [
            (symbolic, "b/layer.tar", "../a/layer.tar"),
            (hard, "c/layer.tar", "a/layer.tar"),
            (symbolic, "out", "../../etc/passwd"),
            (symbolic, "here", "there"),
            (symbolic, "there", "here"),
        ];
        let bytes = archive(&[("a/layer.tar", b"layer")], &links);

        assert_eq!(found(&bytes, "b/layer.tar"), Some(&b"layer"[..]));
        assert_eq!(found(&bytes, "c/layer.tar"), Some(&b"layer"[..]));
        for name in ["out", "here", "there"] {
            assert_eq!(found(&bytes, name), None, "{name}");
        }
    }

    #[test]
    fn extensions_of_pax_name_a_file_and_say_its_length() {
        let record = |text: &str| format!("{} {text}\n", text.len() + 4);
        let mut extensions = Extensions::default();
        let path = record("path=some/where");
        assert_eq!(path.split(' ').next().unwrap().parse::<usize>().unwrap(), path.len());

        extensions.add(b'x', format!("{path}10 size=7\n").into_bytes()).unwrap();

        assert_eq!((extensions.name, extensions.length), (Some(b"some/where".to_vec()), Some(7)));
        for malformed in ["x path=a\n", "99 path=a\n", "9 path=aa", "5 a\n", "0 =\n"] {
            assert!(Extensions::default().add(b'x', malformed.into()).is_none(), "{malformed:?}");
        }
    }

    #[test]
    fn a_link_is_resolved_from_where_it_lies_and_never_leaves_the_root() {
        assert_eq!(join("b/layer.tar", "../a/layer.tar").as_deref(), Some("a/layer.tar"));
        assert_eq!(join("b/layer.tar", "/a/layer.tar").as_deref(), Some("a/layer.tar"));
        assert_eq!(join("layer.tar", "../layer.tar"), None);
    }

    #[test]
    fn what_is_cut_off_or_no_archive_is_refused() {
        let bytes = archive(&[("one", &[7; 2000])], &[]);

        assert!(matches!(index(&bytes[..1024]), Err(IndexError::Truncated { at: 0, length: 2000 })));
        assert!(matches!(index(&[1; 512]), Err(IndexError::Header { at: 0 })));
        assert!(index(b"").unwrap().names().next().is_none());
    }

    #[test]
    fn sizes_may_be_octal_or_binary_and_never_overflow() {
        assert_eq!(number(b"00000001750\0"), Some(1000));
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 232]), Some(1000));
        assert_eq!(number(&[0x80, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]), None);
        assert_eq!(number(b"-0000000001\0"), None);
    }
}
