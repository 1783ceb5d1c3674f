//! Sealed blobs: what lies on the disk of a repository that is encrypted. Pure: bytes in, bytes out.
//!
//! An object is one segment, or several and a directory of them. A segment is a header and chunks:
//!
//! | bytes of a header | what |
//! |---|---|
//! | 4 | `GBE1` |
//! | 1, 1, 1 | version 1; suite: 1 one layer of AES-256-GCM, 2 two; log2 of a chunk's bytes, 16 |
//! | 8 | id of the segment, random |
//! | 1 | kind: 0 a segment, 1 the directory |
//! | 4 | number: of the segment, from 0; in the directory, how many there are |
//! | 8 | offset in the plain bytes: of the segment; in the directory, how many there are |
//! | 4 | zero |
//! | 32 | salt, random |
//!
//! Numbers are big-endian. A chunk is 65,536 plain bytes, sealed, and a tag of 16; the last of a segment has 1 to 65,536,
//! and none only where the whole object is empty. Its key is HKDF-SHA256 (data key, salt, `gantry-blob-v1`), its nonce seven zero bytes,
//! the chunk's number in the segment (4 bytes) and 1 where it is the segment's last, else 0; the header is authenticated
//! with it. Two layers are two headers, one behind the other, with salts and keys of their own, and two tags on each
//! chunk: the second layer seals what the first made. Both headers are authenticated by both.
//!
//! **Segments.** Each append to an upload opens a segment, with a fresh salt, and so does every 64 MiB of a long one. What a
//! counter has sealed is never sealed again in other words: a segment whose append was cut short (dropped, or by the end
//! of the process) is dropped whole when the upload is taken up again. An upload is read from its beginning to be hashed;
//! there a segment ends where the header of the next says that as many plain bytes came before it.
//!
//! **The directory** ends an object of several segments: first its entries (where the segment ends in the plain bytes, and
//! the segment's header), sealed like a chunk under the label `gantry-blob-directory-v1`, then its own header. It binds
//! which segments there are, in which order and of which length; a range is found in it by bisection, and a segment's
//! header is compared with it when the segment's first chunk is read. An object of one segment has none: its length says so.
//! An object is opened with the length that the database has for it, so that a whole but shorter one is refused.

mod cipher;
mod header;
mod key;
mod object;
mod scan;
mod sealing;
mod table;
#[cfg(test)]
mod tests;

pub use key::DataKey;
pub use object::open_bytes;
pub(crate) use object::{Object, OpenError, PLACE_BYTES_MAX, Place, RUN_BYTES_MAX, RUN_CHUNKS};
pub(crate) use scan::scan;
pub use scan::scan_bytes;
pub(crate) use sealing::Sealing;
pub use sealing::seal_bytes;
pub(crate) use table::Table;

/// Plain bytes of a chunk.
pub(crate) const CHUNK_BYTES: usize = 1 << 16;
/// Bytes that a layer adds to a chunk.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of one header.
pub(crate) const HEADER_BYTES: usize = 64;
/// Layers at the most.
pub(crate) const LAYERS_MAX: usize = 2;
/// Plain bytes after which a long append opens another segment: so many are lost where it is cut short.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;
/// Segments of an object at the most: a terabyte of the longest, or so many appends.
pub(crate) const SEGMENTS_MAX: usize = 1 << 14;

/// What is wrong with sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// The object is too short, too long, or cut at a place where none can end.
    #[error("its length fits no sealed object of so many bytes")]
    Length,
    /// A header is none, or another's.
    #[error("the header of its segment {segment} is not what was written")]
    Header {
        /// The segment's number, from 0.
        segment: usize,
    },
    /// The directory does not open, or contradicts itself.
    #[error("its directory does not open with its key")]
    Directory,
    /// A chunk does not open.
    #[error("chunk {chunk} of its segment {segment} does not open with its key")]
    Chunk {
        /// The segment's number, from 0.
        segment: usize,
        /// The chunk's number in the segment, from 0.
        chunk: u64,
    },
}

/// Returns how many bytes `plain` bytes take on the disk in one segment, in so many layers (1 or 2).
pub const fn sealed_length(plain: u64, layers: usize) -> u64 {
    let chunks = if plain == 0 { 1 } else { plain.div_ceil(CHUNK_BYTES as u64) };
    (HEADER_BYTES * layers) as u64 + plain + chunks * (TAG_BYTES * layers) as u64
}
