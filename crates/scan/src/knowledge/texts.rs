//! Titles, descriptions and references: many in one compressed block, apart from what matching reads.

use super::KnowledgeError;
use super::layout::{Layout, Table};
use crate::Advisory;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::collections::HashMap;
use std::io::{Read, Write};

/// Bytes after which a block is closed.
const BLOCK_BYTES: usize = 32 << 10;
/// Bytes of a block at most: one record beyond its end is as long as it is.
const BLOCK_BYTES_MAX: u32 = 32 << 20;

/// What a record says for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) references: Vec<String>,
}

/// Collects texts into blocks.
#[derive(Default)]
pub(super) struct TextWriter {
    open: Vec<u8>,
    pub(super) blocks: Vec<[u32; 3]>,
    pub(super) packed: Vec<u8>,
}

impl TextWriter {
    /// Returns the block (from 1) and the place in it; 0 where there is no text.
    pub(super) fn add(&mut self, advisory: &Advisory) -> Result<(u32, u32), KnowledgeError> {
        if advisory.title.is_empty() && advisory.description.is_empty() && advisory.references.is_empty() {
            return Ok((0, 0));
        }
        if self.open.len() >= BLOCK_BYTES {
            self.close()?;
        }
        let place = (length(self.blocks.len() + 1)?, length(self.open.len())?);
        let parts = [&advisory.title, &advisory.description].into_iter().chain(&advisory.references);
        self.open.extend_from_slice(&length(advisory.references.len() + 2)?.to_le_bytes());
        for part in parts {
            self.open.extend_from_slice(&length(part.len())?.to_le_bytes());
            self.open.extend_from_slice(part.as_bytes());
        }
        Ok(place)
    }

    pub(super) fn close(&mut self) -> Result<(), KnowledgeError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let start = self.packed.len();
        let mut encoder = DeflateEncoder::new(&mut self.packed, Compression::new(4));
        encoder.write_all(&self.open)?;
        encoder.finish()?;
        self.blocks.push([length(start)?, length(self.packed.len() - start)?, length(self.open.len())?]);
        self.open.clear();
        Ok(())
    }
}

fn length(bytes: usize) -> Result<u32, KnowledgeError> {
    u32::try_from(bytes).map_err(|_| KnowledgeError::TooMany("more than 4 GiB of texts"))
}

/// Reads texts, each block once.
pub(crate) struct TextReader<'a> {
    layout: &'a Layout,
    blocks: HashMap<u32, Vec<u8>>,
}

impl<'a> TextReader<'a> {
    pub(super) fn new(layout: &'a Layout) -> TextReader<'a> {
        TextReader { layout, blocks: HashMap::new() }
    }

    pub(crate) fn read(&mut self, block: u32, place: u32) -> Result<Text, KnowledgeError> {
        let Some(at) = block.checked_sub(1) else { return Ok(Text::default()) };
        if !self.blocks.contains_key(&at) {
            let unpacked = unpack(self.layout, at)?;
            self.blocks.insert(at, unpacked);
        }
        let damaged = || KnowledgeError::Damaged("a text is missing");
        let mut rest = self.blocks.get(&at).and_then(|block| block.get(place as usize..)).ok_or_else(damaged)?;
        let count = take_length(&mut rest).ok_or_else(damaged)?;
        let mut text = Text::default();
        for part in 0..count {
            let bytes =
                take_length(&mut rest).and_then(|length| rest.split_off(..length as usize)).ok_or_else(damaged)?;
            let words = String::from_utf8(bytes.to_vec()).map_err(|_| damaged())?;
            match part {
                0 => text.title = words,
                1 => text.description = words,
                _ => text.references.push(words),
            }
        }
        Ok(text)
    }
}

fn take_length(rest: &mut &[u8]) -> Option<u32> {
    let bytes = rest.split_off(..4)?;
    bytes.try_into().ok().map(u32::from_le_bytes)
}

fn unpack(layout: &Layout, at: u32) -> Result<Vec<u8>, KnowledgeError> {
    let damaged = KnowledgeError::Damaged("a block of texts is missing");
    let [start, packed, unpacked] = layout.row(Table::Blocks, at)?;
    let end = start as usize + packed as usize;
    let Some(bytes) = layout.table(Table::Text).get(start as usize..end).filter(|_| unpacked <= BLOCK_BYTES_MAX) else {
        return Err(damaged);
    };
    let mut block = Vec::new();
    DeflateDecoder::new(bytes).take(u64::from(unpacked)).read_to_end(&mut block)?;
    if block.len() == unpacked as usize { Ok(block) } else { Err(damaged) }
}
