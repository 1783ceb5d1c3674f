//! The file's bytes: a header and twelve tables (eleven in format 1), all numbers little-endian `u32`.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `GANTRYKN` |
//! | 8..12 | [`FORMAT`] |
//! | 12..16 | nothing |
//! | 16..24 | XXH3-64 of all that follows |
//! | 24..120 | where each [`Table`] begins, and its bytes (to 112 in format 1) |
//!
//! A string is its number in [`Table::Strings`]; number 0 is the empty string, and says "none". A list is a row of words
//! in [`Table::Words`]: its beginning and its count.

use super::KnowledgeError;
use xxhash_rust::xxh3::xxh3_64;

/// Raise it whenever a table or the bytes of a version's key change.
pub(super) const FORMAT: u32 = 2;
/// A file without [`Table::Exploitation`], which is read as one in which that is empty.
const FORMAT_WITHOUT_EXPLOITATION: u32 = 1;
const MAGIC: &[u8; 8] = b"GANTRYKN";
const CHECKED_FROM: usize = 24;
const TABLES_FROM: usize = 24;
const HEADER_BYTES: usize = TABLES_FROM + Table::COUNT * 8;

/// The tables, in the file's order; the words of a row are named where they are written (`build.rs`).
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    /// Where each string ends in `Bytes`; it begins where the one before ends.
    Strings,
    Bytes,
    Words,
    Sources,
    Names,
    Rules,
    Ranges,
    Advisories,
    Flaws,
    /// Where each block of `Text` begins, its bytes, and those it has unpacked.
    Blocks,
    /// Titles, descriptions and references, in blocks compressed with deflate.
    Text,
    /// What is known of the exploitation of CVEs, by their ids.
    Exploitation,
}

impl Table {
    const COUNT: usize = 12;
}

/// A file whose header and checksum are right. What its tables hold is checked where it is read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    bytes: Vec<u8>,
    tables: [(usize, usize); Table::COUNT],
}

impl Layout {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Layout, KnowledgeError> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(KnowledgeError::Damaged("its beginning is not that of such a file"));
        }
        let short = KnowledgeError::Damaged("it is too short");
        let (Some(format), Some(body)) = (word(&bytes, 8), bytes.get(CHECKED_FROM..)) else { return Err(short) };
        let count = if format == FORMAT_WITHOUT_EXPLOITATION { Table::COUNT - 1 } else { Table::COUNT };
        if !(FORMAT_WITHOUT_EXPLOITATION..=FORMAT).contains(&format) {
            return Err(KnowledgeError::Format { found: format, expected: FORMAT });
        }
        let checksum = bytes.get(16..24).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        if checksum != Some(xxh3_64(body)) {
            return Err(KnowledgeError::Damaged("its checksum does not fit"));
        }
        let mut tables = [(0, 0); Table::COUNT];
        for (at, table) in tables.iter_mut().enumerate().take(count) {
            let place = TABLES_FROM + at * 8;
            let (Some(start), Some(length)) = (word(&bytes, place), word(&bytes, place + 4)) else { return Err(short) };
            let (start, end) = (start as usize, start as usize + length as usize);
            if end > bytes.len() {
                return Err(KnowledgeError::Damaged("a table is longer than the file"));
            }
            *table = (start, end);
        }
        Ok(Layout { bytes, tables })
    }

    /// Puts tables together.
    pub(super) fn write(tables: [Vec<u8>; Table::COUNT]) -> Result<Vec<u8>, KnowledgeError> {
        let mut file = Vec::with_capacity(HEADER_BYTES + tables.iter().map(Vec::len).sum::<usize>());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&FORMAT.to_le_bytes());
        file.extend_from_slice(&[0; 12]);
        let mut start = HEADER_BYTES;
        for table in &tables {
            for number in [start, table.len()] {
                let number = u32::try_from(number).map_err(|_| KnowledgeError::TooMany("more than 4 GiB of them"))?;
                file.extend_from_slice(&number.to_le_bytes());
            }
            start += table.len();
        }
        for table in &tables {
            file.extend_from_slice(table);
        }
        seal(&mut file);
        Ok(file)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checksum in the header.
    pub(super) fn checksum(&self) -> u64 {
        self.bytes.get(16..24).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes).unwrap_or_default()
    }

    pub(super) fn table(&self, table: Table) -> &[u8] {
        let (start, end) = self.tables[table as usize];
        &self.bytes[start..end]
    }

    pub(super) fn count<const WORDS: usize>(&self, table: Table) -> u32 {
        u32::try_from(self.table(table).len() / (WORDS * 4)).unwrap_or(u32::MAX)
    }

    pub(super) fn row<const WORDS: usize>(&self, table: Table, at: u32) -> Result<[u32; WORDS], KnowledgeError> {
        let missing = KnowledgeError::Damaged("a row is missing");
        let start = (at as usize).checked_mul(WORDS * 4);
        let Some(bytes) = start.and_then(|start| self.table(table).get(start..start + WORDS * 4)) else {
            return Err(missing);
        };
        let mut row = [0; WORDS];
        for (number, bytes) in row.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Ok(row)
    }

    /// The bytes of a string.
    pub(super) fn string(&self, at: u32) -> Result<&[u8], KnowledgeError> {
        let ends = self.table(Table::Strings);
        let end = word(ends, at as usize * 4);
        let start = match at.checked_sub(1) {
            Some(before) => word(ends, before as usize * 4),
            None => Some(0),
        };
        let bytes = start.zip(end).and_then(|(start, end)| self.table(Table::Bytes).get(start as usize..end as usize));
        bytes.ok_or(KnowledgeError::Damaged("a string is missing"))
    }

    pub(super) fn text(&self, at: u32) -> Result<&str, KnowledgeError> {
        std::str::from_utf8(self.string(at)?).map_err(|_| KnowledgeError::Damaged("a string is no text"))
    }

    /// A text that may be none.
    pub(super) fn some_text(&self, at: u32) -> Result<Option<String>, KnowledgeError> {
        Ok(Some(self.text(at)?).filter(|text| !text.is_empty()).map(String::from))
    }

    /// The words of a list.
    pub(super) fn list(
        &self,
        start: u32,
        count: u32,
    ) -> Result<impl ExactSizeIterator<Item = u32> + '_, KnowledgeError> {
        let start = start as usize * 4;
        let bytes = self.table(Table::Words).get(start..start + count as usize * 4);
        let bytes = bytes.ok_or(KnowledgeError::Damaged("a list is missing"))?;
        Ok(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])))
    }

    pub(super) fn texts(&self, (start, count): (u32, u32)) -> Result<Vec<String>, KnowledgeError> {
        self.list(start, count)?.map(|at| self.text(at).map(String::from)).collect()
    }
}

/// Writes the checksum of a file into it: what a fuzzer does to come behind it.
pub(super) fn seal(file: &mut [u8]) {
    let checksum = file.get(CHECKED_FROM..).map(xxh3_64).unwrap_or_default();
    if let Some(place) = file.get_mut(16..24) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}
