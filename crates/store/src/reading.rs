mod unsealing;

use crate::{Key, memory, pool::Pooled, sealed::Object, sys};
use bytes::Bytes;
use futures_util::Stream;
use gantry_env::BoxFuture;
use std::{
    collections::VecDeque,
    fmt,
    fs::File,
    future::Future,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::task::JoinHandle;
use unsealing::{Fast, Unsealing};

/// Bytes read at a time: from 64 KiB on it makes no difference for one reader; more only costs memory with many.
pub(crate) const PIECE: usize = 128 << 10;

/// A blob that is open for reading. What is deleted while it is open stays readable to its end.
#[derive(Clone)]
pub struct Reading {
    source: Source,
    length: u64,
    /// What opens it, where it is sealed.
    unsealing: Option<Unsealing>,
}

#[derive(Clone)]
pub(crate) enum Source {
    File(Arc<File>),
    Memory(memory::Opened),
}

impl Reading {
    pub(crate) fn new(source: Source, length: u64) -> Self {
        Reading { source, length, unsealing: None }
    }

    /// Of a sealed blob; `length` is that of its plain bytes.
    pub(crate) fn sealed(key: &Key, source: Source, object: Object, length: u64) -> Self {
        Reading { source, length, unsealing: Some(Unsealing::new(key.clone(), object)) }
    }

    /// Returns its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the file it lies in, where it is one, and not a sealed one.
    pub fn file(&self) -> Option<&Arc<File>> {
        match (&self.source, &self.unsealing) {
            (Source::File(file), None) => Some(file),
            _ => None,
        }
    }

    /// Returns the bytes of `range`, cut to the blob.
    pub fn body(self, range: Range<u64>) -> Body {
        let end = range.end.min(self.length);
        let offset = range.start.min(end);
        let (source, unsealing, waiting) = (self.source, self.unsealing, VecDeque::new());
        Body { source, unsealing, offset, asked: offset, end, waiting, fast: None }
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Bytes of a blob, read as they are asked for.
///
/// What lies in the page cache is read in place; only where the disk must be asked does a thread wait for it. A file that
/// is shorter than it was when it was opened ends in an error, never in fewer bytes. After an error nothing more comes.
///
/// What is sealed is opened in place too, chunk by chunk, where it lies in the page cache: a chunk is sent before it has left the
/// processor's cache. From where the disk must be asked on it is opened on threads, ahead of who asks: several chunks at a time, as
/// long as not too many blobs are read so, else chunk by chunk. Nothing of a chunk comes that does not open.
pub struct Body {
    source: Source,
    unsealing: Option<Unsealing>,
    offset: u64,
    /// Up to where reads are under way, of what is sealed.
    asked: u64,
    end: u64,
    /// With where each ends, the first one first.
    waiting: VecDeque<(Waiting, u64)>,
    fast: Option<Fast>,
}

/// A read that could not be done in place.
enum Waiting {
    Thread(JoinHandle<io::Result<Bytes>>),
    // Locked by nobody: it makes a body that may be shared, as some servers demand.
    Memory(Mutex<BoxFuture<'static, io::Result<Bytes>>>),
}

impl Body {
    /// Returns how many bytes are still to come.
    pub fn remaining(&self) -> u64 {
        self.end - self.offset
    }

    /// Returns file, offset and length of what is still to come, for whoever can send that without reading it; `None`
    /// while a read is under way, where there is no file, and where it is sealed.
    ///
    /// Whoever does so must itself see that the file may be shorter by now.
    pub fn as_file_range(&self) -> Option<(Arc<File>, u64, u64)> {
        match (&self.source, self.waiting.is_empty(), &self.unsealing) {
            (Source::File(file), true, None) => Some((file.clone(), self.offset, self.remaining())),
            _ => None,
        }
    }

    /// Reads the next bytes, `wanted` of them at the most where they are not sealed: either they are there at once, or somebody is
    /// waiting for them from now on.
    fn begin(&mut self, wanted: usize) -> Option<io::Result<Bytes>> {
        if let Some(unsealing) = &self.unsealing {
            let read = unsealing.open_cached(&self.source, self.offset..self.end);
            if read.is_none() {
                self.asked = self.offset;
                self.fast = Unsealing::hurry(&self.source, self.remaining());
                self.look_ahead();
            }
            return read;
        }
        match self.start(wanted) {
            Ok(read) => Some(read),
            Err(waiting) => {
                self.waiting.push_back((waiting, self.end));
                None
            }
        }
    }

    /// Begins to read what is sealed, as far ahead as may be.
    fn look_ahead(&mut self) {
        let Some(unsealing) = &self.unsealing else { return };
        while self.asked < self.end && self.waiting.len() < Unsealing::ahead(self.fast.as_ref()) {
            let (waiting, end) = unsealing.start(&self.source, self.asked..self.end, self.fast.as_ref());
            self.waiting.push_back((waiting, end));
            self.asked = end;
        }
    }

    /// Begins to read the next `wanted` bytes, which are not sealed: either they are there at once, or somebody is waiting for
    /// them.
    fn start(&mut self, wanted: usize) -> Result<io::Result<Bytes>, Waiting> {
        let offset = self.offset;
        let file = match &self.source {
            Source::File(file) => file,
            Source::Memory(opened) => {
                let reading = opened.clone().read(offset, wanted);
                return Err(Waiting::Memory(Mutex::new(Box::pin(reading))));
            }
        };
        let mut buffer = Pooled::take(wanted);
        match sys::read_cached(file, buffer.space(), offset) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let file = file.clone();
                Err(Waiting::Thread(tokio::task::spawn_blocking(move || {
                    loop {
                        match file.read_at(buffer.space(), offset) {
                            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                            read => return Ok(buffer.filled(read?)),
                        }
                    }
                })))
            }
            read => Ok(read.map(|count| buffer.filled(count))),
        }
    }

    fn arrived(&mut self, read: io::Result<Bytes>) -> io::Result<Bytes> {
        let read = match read {
            Ok(bytes) if bytes.is_empty() => {
                let message =
                    format!("the blob ends at {} where {} bytes belong; run gantry fsck", self.offset, self.end);
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
            }
            read => read,
        };
        match &read {
            Ok(bytes) => self.offset += bytes.len() as u64,
            Err(_) => {
                self.end = self.offset;
                self.waiting.clear();
            }
        }
        read
    }
}

impl Stream for Body {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let wanted = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(PIECE);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        if self.waiting.is_empty()
            && let Some(read) = self.begin(wanted)
        {
            return Poll::Ready(Some(self.arrived(read)));
        }
        let (waiting, end) = self.waiting.front_mut().expect("one has just been begun");
        let end = *end;
        let read = match waiting {
            Waiting::Thread(thread) => {
                ready!(Pin::new(thread).poll(cx)).unwrap_or_else(|error| Err(io::Error::other(error)))
            }
            Waiting::Memory(reading) => {
                ready!(reading.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx))
            }
        };
        self.waiting.pop_front();
        let read = self.arrived(read);
        if self.offset < end {
            // It ended before it should: what is under way begins elsewhere.
            self.waiting.clear();
            self.asked = self.offset;
        }
        self.look_ahead();
        Poll::Ready(Some(read))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.remaining() > 0), None)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("offset", &self.offset).field("end", &self.end).finish_non_exhaustive()
    }
}
