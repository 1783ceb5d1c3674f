use bytes::{Bytes, BytesMut};
use std::io::IoSlice;

/// Bytes that are gathered at the most before they are written.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Bytes that make a write worth its while, where more are to come.
pub(crate) const BATCH_BYTES_MIN: usize = 128 << 10;
/// Smaller pieces are copied together: each may hold on to a reader's whole buffer.
const COPIED_BELOW: usize = 16 << 10;

/// Where more is to come, a write ends at a multiple of this, so that the next can go past the page cache. Disks ask for
/// 512 bytes or for 4 KiB.
pub(crate) const ALIGNMENT: usize = 4 << 10;
/// Bytes that go past the page cache in one write: from half a megabyte on, more makes no difference.
pub(crate) const BLOCK_BYTES: usize = 512 << 10;

/// Pieces of a body that are written at once.
#[derive(Default)]
pub(crate) struct Batch {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    bytes: usize,
}

impl Batch {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        if piece.len() < COPIED_BELOW {
            self.tail.extend_from_slice(&piece);
        } else {
            self.close_tail();
            self.pieces.push(piece);
        }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(std::mem::take(&mut self.tail).freeze());
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether more may be gathered.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < BATCH_BYTES_MAX
    }

    /// Whether it is worth a write though more may come.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.bytes >= BATCH_BYTES_MIN
    }

    /// Returns what was gathered and begins anew.
    pub(crate) fn take(&mut self) -> Batch {
        self.close_tail();
        std::mem::take(self)
    }

    /// Returns what is best written at `at` while more is to come; the rest stays.
    pub(crate) fn take_whole(&mut self, at: u64) -> Batch {
        match bytes_written_first(at, self.bytes) {
            bytes if bytes == self.bytes => self.take(),
            bytes => self.take_first(bytes),
        }
    }

    fn take_first(&mut self, bytes: usize) -> Batch {
        let mut first = self.take();
        let mut rest = Vec::new();
        while first.bytes > bytes
            && let Some(mut last) = first.pieces.pop()
        {
            let beyond = last.split_off(last.len().saturating_sub(first.bytes - bytes));
            first.bytes -= beyond.len();
            rest.push(beyond);
            first.pieces.push(last);
            first.pieces.pop_if(|last| last.is_empty());
        }
        rest.into_iter().rev().for_each(|piece| self.push(piece));
        first
    }

    /// Returns the pieces, so that each can be let go when it is done with.
    pub(crate) fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        self.pieces.into_iter().chain(std::iter::once(self.tail.freeze()))
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(AsRef::as_ref).chain(std::iter::once(self.tail.as_ref()))
    }

    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.pieces().map(IoSlice::new).collect()
    }
}

/// Returns how many of the `gathered` bytes to write at `at`, so that the next write begins at a multiple of
/// [`ALIGNMENT`]: whole blocks, where there is one.
fn bytes_written_first(at: u64, gathered: usize) -> usize {
    let astray = (at % ALIGNMENT as u64) as usize;
    let beyond = match gathered {
        BLOCK_BYTES.. if astray == 0 => gathered % BLOCK_BYTES,
        _ => (astray + gathered) % ALIGNMENT,
    };
    // All of it, where there is no multiple in between.
    if beyond < gathered { gathered - beyond } else { gathered }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_pieces_become_one_and_keep_their_place() {
        let big = Bytes::from(vec![7; COPIED_BELOW]);
        let mut batch = Batch::default();
        for piece in ["ab", "", "c"] {
            batch.push(piece.into());
        }
        batch.push(big.clone());
        batch.push("d".into());

        let taken = batch.take();

        assert_eq!(taken.pieces().filter(|piece| !piece.is_empty()).collect::<Vec<_>>(), [b"abc", &big[..], b"d"]);
        assert_eq!(taken.bytes(), 4 + big.len() as u64);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_write_ends_where_the_next_can_begin() {
        for (at, gathered, expected) in [
            (0, 131_072, 131_072),
            (0, 135_000, 131_072),
            (4096, 524_287, 520_192),
            (4096, 524_289, 524_288),
            (0, 1_100_000, 1_048_576),
            (100, 131_072, 130_972),
            (4095, 1, 1),
            (100, 3000, 3000),
        ] {
            assert_eq!(bytes_written_first(at, gathered), expected, "{gathered} bytes at {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_off_comes_next(sizes in prop::collection::vec(0usize..40_000, 0..40), at in 0u64..10_000) {
            let bytes: Bytes = (0..sizes.iter().sum()).map(|at: usize| (at.wrapping_mul(31) >> 4) as u8).collect();
            let (mut batch, mut from) = (Batch::default(), 0);
            for size in sizes {
                batch.push(bytes.slice(from..from + size));
                from += size;
            }

            let first = batch.take_whole(at);

            prop_assert_eq!(first.bytes() + batch.bytes(), bytes.len() as u64);
            prop_assert!(batch.is_empty() || (at + first.bytes()).is_multiple_of(ALIGNMENT as u64));
            let first: Vec<Bytes> = first.into_pieces().collect();
            let rest: Vec<Bytes> = batch.take().into_pieces().collect();
            prop_assert_eq!([first, rest].concat().concat(), bytes);
        }
    }
}
