//! Writing past the page cache.
//!
//! What comes in large pieces is copied once, into memory of our own, is hashed there, and goes to the disk from there
//! (`O_DIRECT`). Through the page cache the kernel would find, fill, write and free as many pages, which takes several
//! times the processor time. It changes nothing about durability: length and place of the bytes, and what the disk holds
//! in its own cache, are brought home by the sync alone.
//!
//! A body that comes alone goes through the page cache, as small ones do: there are processors enough, the disk writes while
//! more comes, and who pulls it soon finds it there.

use crate::{
    batch::{ALIGNMENT, BATCH_BYTES_MIN, BLOCK_BYTES},
    sys,
};
use std::{
    fs::File,
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

/// Blocks in use at once: 16 MiB. Who gets none writes through the page cache.
const BLOCKS_MAX: usize = 32;
/// Blocks kept for the next writer: 4 MiB.
const KEPT_MAX: usize = 8;
/// Less than this goes through the page cache: it costs no more there, and small blobs are found there when they are pulled.
const DIRECT_BYTES_MIN: usize = BATCH_BYTES_MIN;

/// How the files of one folder are written past the page cache.
#[derive(Default)]
pub(super) struct Direct {
    /// The file system does not do this.
    is_refused: AtomicBool,
    /// Bodies that are arriving.
    arriving: AtomicUsize,
    blocks: Mutex<Blocks>,
}

/// Counts a body that is arriving, until dropped.
pub(super) struct Arriving {
    direct: Arc<Direct>,
    has_company: bool,
}

impl Arriving {
    pub(super) fn begin(direct: &Arc<Direct>) -> Arriving {
        let others = direct.arriving.fetch_add(1, Relaxed);
        Arriving { direct: direct.clone(), has_company: others > 0 }
    }

    /// Whether nobody else's is arriving now.
    pub(super) fn is_alone(&self) -> bool {
        self.direct.arriving.load(Relaxed) == 1
    }

    /// Whether others were arriving when it began. It holds to the body's end, so that all of it lies in one place.
    pub(super) fn has_company(&self) -> bool {
        self.has_company
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.direct.arriving.fetch_sub(1, Relaxed);
    }
}

#[derive(Default)]
struct Blocks {
    idle: Vec<Vec<u8>>,
    lent: usize,
}

/// Memory that bytes are gathered in and written from: [`BLOCK_BYTES`] at a multiple of [`ALIGNMENT`].
pub(super) struct Block<'a> {
    direct: &'a Direct,
    memory: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Direct {
    /// Returns a block to write `bytes` at `at`, where that pays and can be done.
    pub(super) fn block(&self, at: u64, bytes: u64) -> Option<Block<'_>> {
        let pays = bytes >= DIRECT_BYTES_MIN as u64 && at.is_multiple_of(ALIGNMENT as u64);
        if !pays || self.is_refused.load(Relaxed) {
            return None;
        }
        let idle = {
            let mut blocks = self.blocks();
            if blocks.lent == BLOCKS_MAX {
                return None;
            }
            blocks.lent += 1;
            blocks.idle.pop()
        };
        let memory = idle.unwrap_or_else(|| vec![0; BLOCK_BYTES + ALIGNMENT]);
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Some(Block { direct: self, memory, start, filled: 0 })
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.blocks.lock().expect("nothing panics while it holds the blocks")
    }

    /// Remembers that the file system does not do this.
    fn refuse(&self, error: &io::Error) {
        if !self.is_refused.swap(true, Relaxed) {
            tracing::debug!(%error, "the file system takes no writes past the page cache; uploads are written through it");
        }
    }
}

impl Block<'_> {
    /// Writes pieces at `at`, a multiple of [`ALIGNMENT`], each let go when it is done with; returns up to where they went
    /// past the page cache. `seen` is shown all bytes.
    pub(super) fn write(
        mut self,
        file: &File,
        pieces: impl Iterator<Item: AsRef<[u8]>>,
        mut at: u64,
        mut seen: impl FnMut(&[u8]),
    ) -> io::Result<u64> {
        for piece in pieces {
            let mut piece = piece.as_ref();
            while !piece.is_empty() {
                let taken = self.take(piece);
                // Here, where they have just been copied to, the processor has them at hand.
                seen(&self.bytes()[self.filled - taken..]);
                piece = &piece[taken..];
                if self.filled == BLOCK_BYTES {
                    self.write_whole(file, at, BLOCK_BYTES)?;
                    at += BLOCK_BYTES as u64;
                    self.filled = 0;
                }
            }
        }
        let whole = match self.filled - self.filled % ALIGNMENT {
            little if little < DIRECT_BYTES_MIN => 0,
            whole => whole,
        };
        self.write_whole(file, at, whole)?;
        at += whole as u64;
        sys::write_all_at(file, &mut [IoSlice::new(&self.bytes()[whole..])], at)?;
        Ok(at)
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.filled]
    }

    /// Takes as much of `piece` as fits; returns how much that is.
    fn take(&mut self, piece: &[u8]) -> usize {
        let taken = piece.len().min(BLOCK_BYTES - self.filled);
        let end = self.start + self.filled;
        self.memory[end..end + taken].copy_from_slice(&piece[..taken]);
        self.filled += taken;
        taken
    }

    /// Writes the first `length` bytes, a multiple of [`ALIGNMENT`], past the page cache, or else through it.
    fn write_whole(&self, file: &File, at: u64, length: usize) -> io::Result<()> {
        let bytes = &self.bytes()[..length];
        let done = match self.direct.is_refused.load(Relaxed) || bytes.is_empty() {
            true => 0,
            false => self.write_direct(file, at, bytes)?,
        };
        sys::write_all_at(file, &mut [IoSlice::new(&bytes[done..])], at + done as u64)
    }

    /// Writes past the page cache what the file system takes; returns how much that is.
    fn write_direct(&self, file: &File, at: u64, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = sys::set_direct(file, true) {
            self.direct.refuse(&error);
            return Ok(0);
        }
        let (done, written) = sys::write_aligned_at(file, bytes, at, ALIGNMENT);
        // In any case: what is written or read next lies anywhere in memory.
        sys::set_direct(file, false)?;
        match written {
            Err(error) if sys::is_unsupported(&error) => self.direct.refuse(&error),
            written => written?,
        }
        Ok(done)
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        let mut blocks = self.direct.blocks();
        blocks.lent -= 1;
        if blocks.idle.len() < KEPT_MAX {
            blocks.idle.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests;
