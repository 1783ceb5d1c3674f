//! Just enough of SQLite to read the table `Packages` of `rpmdb.sqlite` (SQLite's file format, sections 1.3, 1.6, 2).
//!
//! Read-only, without its library: the tree of one table, a page at a time. A write-ahead log beside the file is not seen.

use super::{DatabaseError, HEADER_BYTES_MAX, Pages};

pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of the file's header, which lies at the beginning of the first page.
const FILE_HEADER: usize = 100;
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

const DAMAGED: DatabaseError = DatabaseError::Damaged("a page of it is damaged");

struct Database<'a, 'b> {
    pages: &'a mut Pages<'b>,
    page_bytes: usize,
    /// Bytes of a page that are used.
    usable: usize,
}

pub(super) fn read(pages: &mut Pages<'_>, each: &mut dyn FnMut(&[u8])) -> Result<(), DatabaseError> {
    let mut header = [0; FILE_HEADER];
    pages.read(0, &mut header)?;
    let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        bytes if bytes.is_power_of_two() && bytes >= 512 => usize::from(bytes),
        _ => return Err(DatabaseError::Damaged("the length of its pages is none")),
    };
    let usable = page_bytes - usize::from(header[20]);
    if usable < 480 {
        return Err(DatabaseError::Damaged("the length of its pages is none"));
    }
    let mut database = Database { pages, page_bytes, usable };
    let mut root = None;
    // The table of tables: type, name, table's name, root page, SQL.
    database.each_record(1, &mut |record| {
        let columns = columns(record).ok_or(DAMAGED)?;
        if let [b"table", b"Packages", _, number, ..] = columns[..] {
            root = number.iter().try_fold(0_u32, |sum, byte| sum.checked_mul(256)?.checked_add(u32::from(*byte)));
        }
        Ok(())
    })?;
    let root = root.ok_or(DatabaseError::Damaged("it has no table `Packages`"))?;
    database.each_record(root, &mut |record| {
        let columns = columns(record).ok_or(DAMAGED)?;
        // The first column is the row's number, and empty.
        if let [_, header, ..] = columns[..] {
            each(header);
        }
        Ok(())
    })
}

impl Database<'_, '_> {
    /// Gives the records of the table with this root page, in the order of their numbers.
    fn each_record(
        &mut self,
        root: u32,
        each: &mut dyn FnMut(&[u8]) -> Result<(), DatabaseError>,
    ) -> Result<(), DatabaseError> {
        let pages_max = self.pages.length / self.page_bytes as u64;
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            if waiting.len() as u64 > pages_max {
                return Err(DAMAGED);
            }
            let page = self.page(number)?;
            let head = if number == 1 { FILE_HEADER } else { 0 };
            let kind = *page.get(head).ok_or(DAMAGED)?;
            let count = short(&page, head + 3).ok_or(DAMAGED)?;
            let cells = |header: usize, index: usize| short(&page, head + header + 2 * index).ok_or(DAMAGED);
            match kind {
                LEAF => {
                    for index in 0..count {
                        let at = cells(8, index)?;
                        each(&self.record(page.get(at..self.usable).ok_or(DAMAGED)?)?)?;
                    }
                }
                INTERIOR => {
                    waiting.push(long(&page, head + 8).ok_or(DAMAGED)?);
                    for index in (0..count).rev() {
                        waiting.push(long(&page, cells(12, index)?).ok_or(DAMAGED)?);
                    }
                }
                _ => return Err(DAMAGED),
            }
        }
        Ok(())
    }

    /// Reads a record, which may go on in a chain of overflow pages.
    fn record(&mut self, cell: &[u8]) -> Result<Vec<u8>, DatabaseError> {
        let (length, cell) = variable(cell).ok_or(DAMAGED)?;
        let (_, cell) = variable(cell).ok_or(DAMAGED)?;
        if length > HEADER_BYTES_MAX {
            return Err(DatabaseError::Damaged("a part of it is too long"));
        }
        let length = length as usize;
        let local = self.local(length);
        let mut record = cell.get(..local).ok_or(DAMAGED)?.to_vec();
        let mut next = if local < length { long(cell, local).ok_or(DAMAGED)? } else { 0 };
        while record.len() < length {
            let page = self.page(next)?;
            let wanted = (length - record.len()).min(self.usable - 4);
            record.extend_from_slice(page.get(4..4 + wanted).ok_or(DAMAGED)?);
            next = long(&page, 0).ok_or(DAMAGED)?;
        }
        Ok(record)
    }

    /// How much of a record lies in its own page (section 1.6, table leaf cells).
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }

    /// Reads a page, counted from 1.
    fn page(&mut self, number: u32) -> Result<Vec<u8>, DatabaseError> {
        let number = u64::from(number).checked_sub(1).ok_or(DAMAGED)?;
        self.pages.read_vec(number * self.page_bytes as u64, self.page_bytes as u64)
    }
}

/// Splits a record into its columns' bytes; numbers are big-endian and as long as they must be.
fn columns(record: &[u8]) -> Option<Vec<&[u8]>> {
    let (header, rest) = variable(record)?;
    let header = usize::try_from(header).ok()?;
    let mut types = record.get(record.len() - rest.len()..header)?;
    let mut values = record.get(header..)?;
    let mut columns = Vec::new();
    while !types.is_empty() && columns.len() < 8 {
        let (kind, rest) = variable(types)?;
        types = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (value, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
        columns.push(value);
        values = rest;
    }
    Some(columns)
}

/// Reads an integer of one to nine bytes.
fn variable(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
