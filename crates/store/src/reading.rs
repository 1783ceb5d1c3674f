use crate::sys;
use bytes::Bytes;
use futures_util::Stream;
use std::{
    fs::File,
    future::Future,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};
use tokio::task::JoinHandle;

/// Bytes read at a time: from 64 KiB on it makes no difference for one reader; more only costs memory with many.
const PIECE: usize = 128 * 1024;
/// Buffers kept for the next reader.
const POOLED_MAX: usize = 64;

static POOL: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A blob that is open for reading.
#[derive(Clone, Debug)]
pub struct Reading {
    file: Arc<File>,
    length: u64,
}

impl Reading {
    pub(crate) fn new(file: File, length: u64) -> Self {
        Reading { file: Arc::new(file), length }
    }

    /// Returns its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the bytes of `range`, cut to the blob.
    pub fn body(self, range: Range<u64>) -> Body {
        let end = range.end.min(self.length);
        Body { file: self.file, offset: range.start.min(end), end, waiting: None }
    }
}

/// Bytes of a blob, read as they are asked for.
///
/// What lies in the page cache is read in place; only where the disk must be asked does a thread wait for it. A file that
/// is shorter than it was when it was opened ends in an error, never in fewer bytes.
#[derive(Debug)]
pub struct Body {
    file: Arc<File>,
    offset: u64,
    end: u64,
    waiting: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body {
    /// Returns how many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.end - self.offset
    }

    /// Returns file, offset and length of what is still to come, for whoever can send that without reading it; `None`
    /// while a read is under way.
    pub fn as_file_range(&self) -> Option<(Arc<File>, u64, u64)> {
        self.waiting.is_none().then(|| (self.file.clone(), self.offset, self.end - self.offset))
    }

    fn arrived(&mut self, read: io::Result<Bytes>) -> Option<io::Result<Bytes>> {
        match read {
            Ok(bytes) if bytes.is_empty() => {
                let message = format!("the file ends at {} where {} bytes belong", self.offset, self.end);
                self.end = self.offset;
                Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, message)))
            }
            Ok(bytes) => {
                self.offset += bytes.len() as u64;
                Some(Ok(bytes))
            }
            Err(error) => {
                self.end = self.offset;
                Some(Err(error))
            }
        }
    }
}

impl Stream for Body {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(waiting) = &mut self.waiting {
            let read = ready!(Pin::new(waiting).poll(cx))
                .unwrap_or_else(|_| Err(io::Error::other("a reading thread panicked")));
            self.waiting = None;
            return Poll::Ready(self.arrived(read));
        }
        let wanted = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(PIECE);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = Pooled::take();
        match sys::read_cached(&self.file, &mut buffer.bytes[..wanted], self.offset) {
            Ok(count) => {
                let read = Ok(buffer.filled(count));
                Poll::Ready(self.arrived(read))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let (file, offset) = (self.file.clone(), self.offset);
                self.waiting = Some(tokio::task::spawn_blocking(move || {
                    let count = file.read_at(&mut buffer.bytes[..wanted], offset)?;
                    Ok(buffer.filled(count))
                }));
                self.poll_next(cx)
            }
            Err(error) => Poll::Ready(self.arrived(Err(error))),
        }
    }
}

/// A buffer of the pool; goes back when the last slice of it is dropped.
struct Pooled {
    bytes: Box<[u8]>,
    length: usize,
}

impl Pooled {
    fn take() -> Self {
        let kept = POOL.lock().expect("nothing panics while it holds the pool").pop();
        Pooled { bytes: kept.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice()), length: 0 }
    }

    fn filled(mut self, length: usize) -> Bytes {
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
        let mut pool = POOL.lock().expect("nothing panics while it holds the pool");
        if pool.len() < POOLED_MAX && bytes.len() == PIECE {
            pool.push(bytes);
        }
    }
}
