//! How much of a layer is read at most, and what is refused.

use std::io;

/// How much of a layer is read at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the unpacked archive.
    pub unpacked_bytes_max: u64,
    /// Unpacked bytes for each packed one, looked at from [`Limits::RATIO_FROM_BYTES`] on.
    pub ratio_max: u64,
    /// Entries of the archive, the files within files included.
    pub entries_max: u64,
    /// Bytes of a path, and of the target of a link; entries with a longer one are left out, with a complaint.
    pub path_bytes_max: usize,
    /// Bytes of a file that is read; longer ones are left out, with a complaint.
    pub file_bytes_max: u64,
    /// Bytes of a file that is held in memory; longer ones go to a spool.
    pub memory_bytes_max: u64,
    /// How many archives within archives are opened, the outermost included.
    pub nesting_max: u32,
    /// Bytes of all files within one file of the layer.
    pub nested_bytes_max: u64,
    /// Packages of the layer.
    pub packages_max: usize,
    /// Bytes of zstd's window, which are held in memory.
    pub window_bytes_max: u64,
}

impl Limits {
    /// Unpacked bytes from which on the ratio counts: small archives of zeros are harmless, and usual.
    pub const RATIO_FROM_BYTES: u64 = 256 << 20;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            unpacked_bytes_max: 64 << 30,
            ratio_max: 200,
            entries_max: 5_000_000,
            path_bytes_max: 4096,
            file_bytes_max: 2 << 30,
            memory_bytes_max: 8 << 20,
            nesting_max: 6,
            nested_bytes_max: 512 << 20,
            packages_max: 500_000,
            window_bytes_max: 128 << 20,
        }
    }
}

/// Why a layer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The input gave an error, or a spool.
    #[error("the layer cannot be read: {0}")]
    Io(#[source] io::Error),
    /// It is packed in a way that is not read.
    #[error("the layer is packed with {name}, and only gzip and zstd are read; push it again with one of them")]
    Packing {
        /// What packed it.
        name: &'static str,
    },
    /// What packed it cannot be undone.
    #[error("the layer's {packing} stream is damaged: {reason}; push the image again")]
    Unpacking {
        /// `gzip` or `zstd`.
        packing: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It is no tar archive, or a damaged one.
    #[error("the layer is no tar archive that can be read: {reason}, in the 512 bytes at {offset}")]
    Archive {
        /// What is wrong.
        reason: &'static str,
        /// The place of the header in the unpacked archive, in bytes.
        offset: u64,
    },
    /// A limit.
    #[error("the layer has more than {limit} {what}; it is not scanned, unless the limit is raised")]
    TooMuch {
        /// What there is too much of: `unpacked bytes`, `entries`.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
}
