//! Unpacks what feeds are packed in, within bounds: gzip, xz, zstd, tar.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use super::FeedError;

/// Bytes of an unpacked file at most.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;
/// Files of an archive at most.
pub const FILES_MAX: usize = 1_000_000;
/// Bytes of one file within an archive at most.
const MEMBER_BYTES_MAX: u64 = UNPACKED_BYTES_MAX;

/// KiB of memory that unpacking xz takes at most; its strongest preset takes 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 128 << 10;

/// Unpacks gzip (RFC 1952), xz (its file format 1.2.1) and zstd (RFC 8878), known by their first bytes; anything else is returned as it is.
///
/// # Errors
/// [`FeedError::Packed`] where it is damaged, [`FeedError::TooLarge`] where more than `bytes_max` bytes come out.
pub fn unpack<'a>(file: &str, bytes: &'a [u8], bytes_max: u64) -> Result<Cow<'a, [u8]>, FeedError> {
    let packed = |source| FeedError::Packed { file: file.to_owned(), source };
    let mut out = Vec::new();
    let read = match bytes {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(bytes).take(bytes_max + 1).read_to_end(&mut out),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::Decoder::with_buffer(bytes).map_err(packed)?;
            decoder.take(bytes_max + 1).read_to_end(&mut out)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let decoder = lzma_rust2::XzReader::new_mem_limit(bytes, true, XZ_MEMORY_KIB_MAX);
            decoder.take(bytes_max + 1).read_to_end(&mut out)
        }
        _ if bytes.len() as u64 > bytes_max => return Err(too_large(file, bytes_max)),
        _ => return Ok(Cow::Borrowed(bytes)),
    };
    read.map_err(packed)?;
    if out.len() as u64 > bytes_max {
        return Err(too_large(file, bytes_max));
    }
    Ok(Cow::Owned(out))
}

fn too_large(file: &str, bytes_max: u64) -> FeedError {
    FeedError::TooLarge { file: file.to_owned(), bytes_max }
}

/// Hands every regular file of a tar archive (POSIX.1-2001 or GNU) to `each`: its name and its bytes.
///
/// # Errors
/// Those of `each`; [`FeedError::Packed`] for a damaged archive, or one of more than [`FILES_MAX`] files.
pub fn each_file(
    file: &str,
    archive: &[u8],
    mut each: impl FnMut(&str, &[u8]) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let packed = |source| FeedError::Packed { file: file.to_owned(), source };
    let mut archive = tar::Archive::new(archive);
    let mut bytes = Vec::new();
    for (count, entry) in archive.entries().map_err(packed)?.enumerate() {
        let mut entry = entry.map_err(packed)?;
        if count >= FILES_MAX {
            return Err(packed(io::Error::other(format!("it has more than {FILES_MAX} files"))));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        bytes.clear();
        // The archive is in memory: a length beyond its end is an error of reading, not an allocation.
        (&mut entry).take(MEMBER_BYTES_MAX).read_to_end(&mut bytes).map_err(packed)?;
        each(&name, &bytes)?;
    }
    Ok(())
}
