//! Undoes what packed a layer, within limits.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use super::{LayerError, Limits};

/// Returns the unpacked bytes of `input`, which its first bytes show to be gzip (of any number of members), zstd, or not
/// packed. Errors of the reader hold a [`LayerError`], see [`LayerError::of`].
pub(super) fn unpack<'a>(input: &'a mut dyn BufRead, limits: &Limits) -> Result<Unpacked<'a>, LayerError> {
    let count = Rc::new(Count::default());
    let mut input = Counted { input, count: Rc::clone(&count) };
    let packing = Packing::of(input.fill_buf().map_err(LayerError::Io)?)?;
    let content: Box<dyn Read + 'a> = match packing {
        Packing::None => Box::new(input),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(LayerError::Io)?;
            decoder.window_log_max(limits.window_bytes_max.max(1).ilog2()).map_err(LayerError::Io)?;
            Box::new(decoder)
        }
    };
    Ok(Unpacked {
        content,
        packing,
        count,
        bytes: 0,
        bytes_max: limits.unpacked_bytes_max,
        ratio_max: limits.ratio_max,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(head: &[u8]) -> Result<Packing, LayerError> {
        let name = match head {
            [0x1f, 0x8b, ..] => return Ok(Packing::Gzip),
            // A frame (RFC 8878, section 3.1.1), or one that is skipped (3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Ok(Packing::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
            _ => return Ok(Packing::None),
        };
        Err(LayerError::Packing { name })
    }

    fn name(self) -> &'static str {
        match self {
            Packing::None => "plain",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}

/// How many bytes [`may_be_layer`] looks at: the header of an archive's first member.
pub const LAYER_HEAD_BYTES: usize = 512;

/// Tells by its first bytes whether a blob may be a layer: packed so that it can be read, or a tar archive (POSIX.1-1988's mark).
/// `head` is the first [`LAYER_HEAD_BYTES`], or all where there are fewer. Nothing is said of what it holds.
pub fn may_be_layer(head: &[u8]) -> bool {
    match Packing::of(head) {
        Ok(Packing::Gzip | Packing::Zstd) => true,
        Ok(Packing::None) => head.get(257..262) == Some(&b"ustar"[..]),
        Err(_) => false,
    }
}

/// What is known of the packed input while the decoder owns it.
#[derive(Default)]
struct Count {
    bytes: Cell<u64>,
    has_failed: Cell<bool>,
}

struct Counted<'a> {
    input: &'a mut dyn BufRead,
    count: Rc<Count>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer).inspect_err(|_| self.count.has_failed.set(true))?;
        self.count.bytes.set(self.count.bytes.get().saturating_add(read as u64));
        Ok(read)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf().inspect_err(|_| self.count.has_failed.set(true))
    }

    fn consume(&mut self, bytes: usize) {
        self.count.bytes.set(self.count.bytes.get().saturating_add(bytes as u64));
        self.input.consume(bytes);
    }
}

/// The unpacked bytes of a layer.
pub(super) struct Unpacked<'a> {
    content: Box<dyn Read + 'a>,
    packing: Packing,
    count: Rc<Count>,
    bytes: u64,
    bytes_max: u64,
    ratio_max: u64,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer).map_err(|error| match self.packing {
            _ if error.kind() == io::ErrorKind::Interrupted => error,
            Packing::Gzip | Packing::Zstd if !self.count.has_failed.get() => {
                io::Error::other(LayerError::Unpacking { packing: self.packing.name(), reason: error.to_string() })
            }
            Packing::None | Packing::Gzip | Packing::Zstd => io::Error::other(LayerError::Io(error)),
        })?;
        self.bytes = self.bytes.saturating_add(read as u64);
        if self.bytes > self.bytes_max {
            return Err(io::Error::other(LayerError::TooMuch { what: "unpacked bytes", limit: self.bytes_max }));
        }
        let unpacked_max = self.count.bytes.get().saturating_mul(self.ratio_max);
        if self.bytes > Limits::RATIO_FROM_BYTES && self.bytes > unpacked_max {
            let what = "unpacked bytes for each packed one";
            return Err(io::Error::other(LayerError::TooMuch { what, limit: self.ratio_max }));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_told_by_its_first_bytes() {
        let mut archive = [0; LAYER_HEAD_BYTES];
        archive[257..262].copy_from_slice(b"ustar");
        let heads: [(&[u8], bool); 7] = [
            (&archive, true),
            (b"\x1f\x8b\x08\0", true),
            (b"\x28\xb5\x2f\xfd\0", true),
            (b"\xfd7zXZ\0", false),
            (b"{\"architecture\":\"amd64\"}", false),
            (&archive[..261], false),
            (b"", false),
        ];

        for (head, expected) in heads {
            assert_eq!(may_be_layer(head), expected, "{head:?}");
        }
    }
}
