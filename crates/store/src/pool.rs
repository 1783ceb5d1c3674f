use crate::{
    reading::PIECE,
    sealed::{PLACE_BYTES_MAX, RUN_BYTES_MAX},
};
use bytes::Bytes;
use std::sync::Mutex;

/// What buffers have room for: a chunk that is sealed, a piece, or several chunks.
const SIZES: [usize; 3] = [PLACE_BYTES_MAX, PIECE, RUN_BYTES_MAX];
/// Buffers of each size kept for the next reader: 4, 8 and 4 MiB.
const KEPT_MAX: [usize; SIZES.len()] = [64, 64, 16];
/// Reads that are smaller get a buffer of their own size: many slow readers of small blobs shall not hold big ones.
const POOLED_FROM: usize = 16 << 10;

static POOLS: [Mutex<Vec<Box<[u8]>>>; SIZES.len()] = [const { Mutex::new(Vec::new()) }; SIZES.len()];

/// A buffer to read into; goes back to the pool when the last slice of it is dropped.
pub(crate) struct Pooled {
    bytes: Box<[u8]>,
    length: usize,
}

impl Pooled {
    /// Takes a buffer for `length` bytes, at most [`RUN_BYTES_MAX`].
    pub(crate) fn take(length: usize) -> Self {
        if length < POOLED_FROM {
            return Pooled { bytes: vec![0; length].into_boxed_slice(), length };
        }
        let size = SIZES.iter().position(|size| length <= *size).expect("no more is read in one go");
        let kept = POOLS[size].lock().expect("nothing panics while it holds the pool").pop();
        Pooled { bytes: kept.unwrap_or_else(|| vec![0; SIZES[size]].into_boxed_slice()), length }
    }

    /// Where to read to.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// Returns the first `length` bytes of it.
    pub(crate) fn filled(mut self, length: usize) -> Bytes {
        self.length = length;
        if length == 0 { Bytes::new() } else { Bytes::from_owner(self) }
    }
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let Some(size) = SIZES.iter().position(|size| *size == bytes.len()) else { return };
        let mut pool = POOLS[size].lock().expect("nothing panics while it holds the pool");
        if pool.len() < KEPT_MAX[size] {
            pool.push(bytes);
        }
    }
}
