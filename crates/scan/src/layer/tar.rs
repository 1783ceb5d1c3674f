//! Reads tar archives as a stream (POSIX.1-2001 pax, and GNU tar's long names), whatever their bytes are.
//!
//! Sparse files are passed over, since no tool that makes layers writes them, and only what is needed of a header is read.

use std::io::{self, Read};

use super::LayerError;

const BLOCK: usize = 512;
/// Bytes of an extended header, or of a long name, at most.
const EXTENSION_BYTES_MAX: u64 = 1 << 20;
/// Extended headers before one entry at most.
const EXTENSIONS_MAX: u32 = 16;

/// An archive that is being read.
pub(super) struct Archive<R> {
    input: R,
    /// Bytes read so far.
    offset: u64,
    /// Bytes of the entry's content that are not yet read.
    content: u64,
    /// Bytes between its content and the next header.
    padding: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// With its target.
    Link(String),
    /// With its target.
    HardLink(String),
    /// A file with holes, whose content is not given.
    Sparse,
    /// A device or a pipe.
    Special,
}

/// A header, with what its extensions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name as it is written; what is not UTF-8 is replaced.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    /// Bytes of its content.
    pub(super) length: u64,
}

/// What comes before an entry, and holds for it alone.
#[derive(Default)]
struct Extension {
    name: Option<String>,
    target: Option<String>,
    length: Option<u64>,
    is_sparse: bool,
    /// The name of a sparse file, whose own is made up.
    sparse_name: Option<String>,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(input: R) -> Archive<R> {
        Archive { input, offset: 0, content: 0, padding: 0 }
    }

    /// Returns the next entry, whose content can be read from here until the next call; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, LayerError> {
        self.skip(self.content.saturating_add(self.padding))?;
        let mut extension = Extension::default();
        for _ in 0..=EXTENSIONS_MAX {
            let Some(header) = self.header()? else { return Ok(None) };
            let length = number(field(&header, 124, 12)).ok_or_else(|| self.damaged("the length is no number"))?;
            match header[156] {
                b'L' => extension.name = Some(text(&self.whole(length)?)),
                b'K' => extension.target = Some(text(&self.whole(length)?)),
                b'x' => {
                    let records = self.whole(length)?;
                    extension.read_pax(&records).ok_or_else(|| self.damaged("the extended header is damaged"))?;
                }
                // What holds for all entries names none of them.
                b'g' => drop(self.whole(length)?),
                kind => return self.entry(&header, kind, length, extension).map(Some),
            }
        }
        Err(self.damaged("there are more than 16 extended headers before one entry"))
    }

    fn entry(
        &mut self,
        header: &[u8; BLOCK],
        kind: u8,
        length: u64,
        extension: Extension,
    ) -> Result<Entry, LayerError> {
        let name = extension.sparse_name.or(extension.name).unwrap_or_else(|| name(header));
        let target = extension.target.unwrap_or_else(|| text(field(header, 157, 100)));
        let mode = number(field(header, 100, 8)).unwrap_or(0);
        let length = extension.length.unwrap_or(length);
        let kind = match kind {
            b'S' => {
                self.skip_sparse_map(header)?;
                Kind::Sparse
            }
            _ if extension.is_sparse => Kind::Sparse,
            b'1' => Kind::HardLink(target),
            b'2' => Kind::Link(target),
            b'5' => Kind::Folder,
            // Older archives mark folders by their names only.
            0 | b'0' if name.ends_with('/') => Kind::Folder,
            0 | b'0' | b'7' => Kind::File,
            _ => Kind::Special,
        };
        // Links, folders and devices have no content, whatever their length says (POSIX.1-2001, pax, ustar header block).
        let has_content = matches!(kind, Kind::File | Kind::Sparse) || !matches!(header[156], b'1'..=b'6');
        self.content = if has_content { length } else { 0 };
        self.padding = self.content.wrapping_neg() % BLOCK as u64;
        Ok(Entry { name, kind, mode: (mode & 0o7777) as u32, length: self.content })
    }

    /// Returns the next header; `None` at the end of the archive, marked or not.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, LayerError> {
        let mut header = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.input.read(&mut header[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.damaged("it ends within a header")),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerError::of(error)),
            }
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if !has_right_sum(&header) {
            return Err(self.damaged("the header's sum is wrong"));
        }
        self.offset = self.offset.saturating_add(BLOCK as u64);
        Ok(Some(header))
    }

    /// Reads the content of an extended header.
    fn whole(&mut self, length: u64) -> Result<Vec<u8>, LayerError> {
        if length > EXTENSION_BYTES_MAX {
            return Err(self.damaged("an extended header is longer than 1 MiB"));
        }
        let mut content = Vec::new();
        let read = (&mut self.input).take(length).read_to_end(&mut content).map_err(LayerError::of)?;
        if read as u64 != length {
            return Err(self.damaged("it ends within an extended header"));
        }
        self.offset = self.offset.saturating_add(length);
        self.skip(length.wrapping_neg() % BLOCK as u64)?;
        Ok(content)
    }

    /// Passes over the blocks in which GNU tar goes on telling where a file's holes are.
    fn skip_sparse_map(&mut self, header: &[u8; BLOCK]) -> Result<(), LayerError> {
        let mut goes_on = header[482] != 0;
        while goes_on {
            let mut block = [0; BLOCK];
            self.input.read_exact(&mut block).map_err(LayerError::of)?;
            self.offset = self.offset.saturating_add(BLOCK as u64);
            goes_on = block[504] != 0;
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), LayerError> {
        let skipped = io::copy(&mut (&mut self.input).take(bytes), &mut io::sink()).map_err(LayerError::of)?;
        self.offset = self.offset.saturating_add(skipped);
        (self.content, self.padding) = (0, 0);
        if skipped < bytes { Err(self.damaged("it ends within a file")) } else { Ok(()) }
    }

    fn damaged(&self, reason: &'static str) -> LayerError {
        LayerError::Archive { reason, offset: self.offset }
    }
}

/// The content of the last entry.
impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.content).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::Error::other(self.damaged("it ends within a file")));
        }
        self.content = self.content.saturating_sub(read as u64);
        self.offset = self.offset.saturating_add(read as u64);
        Ok(read)
    }
}

impl Extension {
    /// Reads records `length keyword=value\n`; `None` where they are none.
    fn read_pax(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() && records[0] != 0 {
            let space = records.iter().take(8).position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
            let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (keyword, value) = (&record[..equals], &record[equals + 1..]);
            match keyword {
                b"path" => self.name = Some(text(value)),
                b"linkpath" => self.target = Some(text(value)),
                b"size" => self.length = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                b"GNU.sparse.name" => {
                    self.is_sparse = true;
                    self.sparse_name = Some(text(value));
                }
                _ if keyword.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
            records = &records[length..];
        }
        Some(())
    }
}

/// The name, with the prefix that ustar splits off; GNU tar has other things in its place.
fn name(header: &[u8; BLOCK]) -> String {
    let name = text(field(header, 0, 100));
    let prefix = if &header[257..263] == b"ustar\0" { text(field(header, 345, 155)) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn field(header: &[u8; BLOCK], at: usize, length: usize) -> &[u8] {
    &header[at..at + length]
}

/// The bytes up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in octal digits, or in binary where its first bit says so; `None` where it is neither, negative, or too large.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let first = u64::from(field[0] & 0x7f);
        return field[1..].iter().try_fold(first, |sum, byte| {
            sum.checked_mul(256)?.checked_add(u64::from(*byte)).filter(|sum| *sum <= i64::MAX as u64)
        });
    }
    let digits = field.iter().copied().skip_while(|byte| *byte == b' ').take_while(|byte| !matches!(byte, 0 | b' '));
    digits.into_iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Tells whether the sum of all bytes is the one that the header names, taken of unsigned bytes or, by old tools, of signed
/// ones; its own place counts as blanks.
fn has_right_sum(header: &[u8; BLOCK]) -> bool {
    let Some(sum) = number(field(header, 148, 8)) else { return false };
    let others = || header[..148].iter().chain(&header[156..]);
    let unsigned: u64 = 256 + others().map(|byte| u64::from(*byte)).sum::<u64>();
    let signed: i64 = 256 + others().map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
    sum == unsigned || i64::try_from(sum) == Ok(signed)
}
