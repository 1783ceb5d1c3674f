//! The worker's side: reads layers, one after another.

use super::frames::{self, Kind, PACKED_BYTES_MAX};
use crate::packing;
use gantry_scan::{Limits, Spool};
use std::io::{self, BufRead, Read, Write};

/// Reads the layers that a server sends, until it sends no more; calls `before_each` before each of them.
///
/// Whatever a layer does to this process is done to nothing else: it may panic, run out of memory, or never end.
///
/// # Errors
/// Those of `input` and `output`, and what is not understood.
pub fn serve_layers(input: &mut dyn Read, output: &mut dyn Write, before_each: &mut dyn FnMut()) -> io::Result<()> {
    frames::write(output, Kind::Ready, &frames::greeting(gantry_scan::ecosystems_revision()))?;
    let mut content = Vec::new();
    while let Some(kind) = frames::read(input, &mut content)? {
        if kind != Kind::Read {
            return Err(frames::nonsense(&format!("{kind:?} where a layer is to be read")));
        }
        before_each();
        let mut blob = Blob { input: &mut *input, output: &mut *output, piece: Vec::new(), at: 0, has_ended: false };
        let read = read_packed(&mut blob);
        match read {
            Ok(packed) => frames::write(output, Kind::Layer, &packed)?,
            Err(reason) => frames::write(output, Kind::Failed, reason.as_bytes())?,
        }
    }
    Ok(())
}

/// Reads a layer, and packs what it holds; says why where it cannot be read.
pub(crate) fn read_packed(input: &mut dyn BufRead) -> Result<Vec<u8>, String> {
    let layer = gantry_scan::read_layer(input, &Limits::default(), &mut spool).map_err(|error| error.to_string())?;
    let packed = packing::pack(&layer).map_err(|fault| fault.to_string())?;
    match packed.len() {
        ..=PACKED_BYTES_MAX => Ok(packed),
        bytes => Err(format!("what the layer holds takes {bytes} bytes, and only {PACKED_BYTES_MAX} are kept")),
    }
}

/// A place for a file that is too long for memory.
fn spool() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(tempfile::tempfile()?))
}

/// A layer's bytes, each asked for when it is needed.
struct Blob<'a> {
    input: &'a mut dyn Read,
    output: &'a mut dyn Write,
    piece: Vec<u8>,
    at: usize,
    has_ended: bool,
}

impl BufRead for Blob<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() && !self.has_ended {
            self.at = 0;
            self.has_ended = true;
            frames::write(self.output, Kind::More, &[])?;
            match frames::read(self.input, &mut self.piece)? {
                Some(Kind::Bytes) if !self.piece.is_empty() => self.has_ended = false,
                Some(Kind::Bytes | Kind::End) => self.piece.clear(),
                Some(Kind::Broken) => {
                    let reason = String::from_utf8_lossy(&self.piece).into_owned();
                    self.piece.clear();
                    return Err(io::Error::other(reason));
                }
                other => return Err(frames::nonsense(&format!("{other:?} where bytes are wanted"))),
            }
        }
        Ok(&self.piece[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at = self.piece.len().min(self.at + bytes);
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}
