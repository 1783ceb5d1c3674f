//! Where the parts of an executable lie (ELF, PE, Mach-O), so that a few of its bytes tell what is in it.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use object::read::{ReadCache, ReadRef};
use object::{Object, ObjectSection, ObjectSegment};

use crate::ReadSeek;

/// Bytes of headers and tables that are read of one file at most. Those of the largest real ones are below 1 MiB.
const TABLES_BYTES_MAX: u64 = 16 << 20;
/// Sections, and segments, that are looked at in one file at most.
const PARTS_MAX: usize = 4096;

/// The parts of an executable.
#[derive(Debug, Default)]
pub(super) struct Executable {
    pub(super) sections: Vec<Part>,
    pub(super) segments: Vec<Part>,
}

/// Bytes of the file that are loaded at an address.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) address: u64,
    /// Where its bytes lie in the file.
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Tells by a file's first bytes whether it is an executable, or a library.
pub(super) fn is_executable(head: &[u8]) -> bool {
    const MAGICS: &[&[u8]] =
        &[b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce"];
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

impl Executable {
    /// Reads the tables of a file; `None` where they cannot be read, as in a DOS program.
    pub(super) fn read(content: &mut dyn ReadSeek) -> Option<Executable> {
        let cache = ReadCache::new(content);
        let left = Cell::new(TABLES_BYTES_MAX);
        let file = object::File::parse(Bounded { cache: &cache, left: &left }).ok()?;
        let sections = file.sections().take(PARTS_MAX).filter_map(|section| {
            let (offset, length) = section.file_range()?;
            Some(Part { name: section.name().ok()?.to_owned(), address: section.address(), offset, length })
        });
        let segments = file.segments().take(PARTS_MAX).map(|segment| {
            let (offset, length) = segment.file_range();
            Part { name: String::new(), address: segment.address(), offset, length }
        });
        Some(Executable { sections: sections.collect(), segments: segments.collect() })
    }

    /// Returns the section of one of these names.
    pub(super) fn section(&self, names: &[&str]) -> Option<&Part> {
        self.sections.iter().find(|section| names.contains(&section.name.as_str()))
    }

    /// Reads `length` bytes as they are loaded at `address`; `None` where nothing is.
    pub(super) fn loaded(&self, content: &mut dyn ReadSeek, address: u64, length: u64) -> Option<Vec<u8>> {
        let part = self.segments.iter().chain(&self.sections).find(|part| {
            let inside = address.checked_sub(part.address).and_then(|skip| skip.checked_add(length));
            part.address != 0 && inside.is_some_and(|end| end <= part.length)
        })?;
        let offset = part.offset.checked_add(address - part.address)?;
        let bytes = read_range(content, offset, length).ok()?;
        (bytes.len() as u64 == length).then_some(bytes)
    }
}

/// Reads up to `length` bytes from `offset` on: fewer where the file ends before.
pub(super) fn read_range(content: &mut dyn ReadSeek, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    content.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    content.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A cache over a file of which only so much may be read: tables that overlap would fill the memory otherwise.
struct Bounded<'a, R: Read + Seek> {
    cache: &'a ReadCache<R>,
    left: &'a Cell<u64>,
}

impl<R: Read + Seek> Clone for Bounded<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Read + Seek> Copy for Bounded<'_, R> {}

impl<R: Read + Seek> Bounded<'_, R> {
    fn spend(self, bytes: u64) -> Result<(), ()> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(())?);
        Ok(())
    }
}

impl<'a, R: Read + Seek> ReadRef<'a> for Bounded<'a, R> {
    fn len(self) -> Result<u64, ()> {
        self.cache.len()
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        self.spend(size)?;
        self.cache.read_bytes_at(offset, size)
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let bytes = self.cache.read_bytes_at_until(range, delimiter)?;
        self.spend(bytes.len() as u64 + 1)?;
        Ok(bytes)
    }
}
