use bytes::{Bytes, BytesMut};
use std::io::IoSlice;

/// Bytes that are gathered at the most before they are written.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Bytes that make a write worth its while, where more are to come.
const BATCH_BYTES_MIN: usize = 128 << 10;
/// Smaller pieces are copied together: each may hold on to a reader's whole buffer.
const COPIED_BELOW: usize = 16 << 10;

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

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(AsRef::as_ref).chain(std::iter::once(self.tail.as_ref()))
    }

    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.pieces().map(IoSlice::new).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
