//! The server's side of the talk with a worker.

use super::frames::{self, Kind, PIECE_BYTES_MAX};
use std::io::{self, Read, Write};

/// What a worker says of a layer.
#[derive(Debug, PartialEq, Eq)]
pub enum WorkerAnswer {
    /// What it holds, packed.
    Layer(Vec<u8>),
    /// Why it cannot be read.
    Failed(String),
}

/// Hears what a worker says first.
///
/// # Errors
/// Those of `from_worker`, and where it is no worker of this version.
pub(super) fn hear_greeting(from_worker: &mut dyn Read) -> io::Result<()> {
    let mut content = Vec::new();
    match frames::read(from_worker, &mut content)? {
        Some(Kind::Ready) if content[..] == frames::greeting(gantry_scan::ecosystems_revision()) => Ok(()),
        Some(_) => Err(frames::nonsense("it is of another version")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Has a layer read by the worker that is at the other end of these, and has greeted. `between` is called before and after the layer's
/// own bytes are waited for: the worker's turn is all the time but then.
///
/// # Errors
/// Those of `from_worker` and `to_worker`, and what is not understood. Where `layer` cannot be read, the worker is told so, and answers.
pub(super) fn ask(
    from_worker: &mut dyn Read,
    to_worker: &mut dyn Write,
    layer: &mut dyn Read,
    between: &mut dyn FnMut(),
) -> io::Result<WorkerAnswer> {
    let (mut content, mut piece) = (Vec::new(), vec![0; PIECE_BYTES_MAX]);
    frames::write(to_worker, Kind::Read, &[])?;
    loop {
        match frames::read(from_worker, &mut content)? {
            Some(Kind::More) => {
                between();
                let read = fill(layer, &mut piece);
                between();
                match read {
                    Ok(0) => frames::write(to_worker, Kind::End, &[])?,
                    Ok(count) => frames::write(to_worker, Kind::Bytes, &piece[..count])?,
                    Err(error) => frames::write(to_worker, Kind::Broken, error.to_string().as_bytes())?,
                }
            }
            Some(Kind::Layer) => return Ok(WorkerAnswer::Layer(content)),
            Some(Kind::Failed) => return Ok(WorkerAnswer::Failed(String::from_utf8_lossy(&content).into_owned())),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(other) => return Err(frames::nonsense(&format!("{other:?}"))),
        }
    }
}

/// Has one layer read by a worker that has just begun, and is at the other end of these ([`crate::serve_layers`]).
///
/// # Errors
/// Those of `from_worker` and `to_worker`, a worker of another version, and what is not understood. Never more of an answer is read, or
/// held, than its kind may have.
pub fn ask_worker(
    from_worker: &mut dyn Read,
    to_worker: &mut dyn Write,
    layer: &mut dyn Read,
) -> io::Result<WorkerAnswer> {
    hear_greeting(from_worker)?;
    ask(from_worker, to_worker, layer, &mut || {})
}

/// Reads until the piece is full, or the layer at its end: each turn costs the same, whatever is sent with it.
fn fill(layer: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match layer.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
