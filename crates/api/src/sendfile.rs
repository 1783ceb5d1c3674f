//! Blobs from the page cache into the socket without passing through this process, with hyper none the wiser.
//!
//! An answer hands hyper a piece of bytes that *stands for* a part of a file: an address range in a region of memory
//! that is reserved and that nobody may touch (`PROT_NONE`). hyper queues it behind its headers; when it comes to write,
//! the socket sees that the piece lies in the region, looks up which file it stands for, and calls sendfile(2) instead.
//! Framing, keep-alive and limits stay hyper's work. Should anyone ever read such a piece, the process faults at once
//! rather than send wrong bytes.
//!
//! Every connection keeps its own list of what stands for what ([`StandIns`]), so all share one region. Only plain
//! HTTP/1 over TCP: TLS and HTTP/2 must read what they send. Their sockets never see such a piece.

use crate::{ending::Ending, link::Link};
use bytes::Bytes;
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::{Advice, fadvise},
    io::ReadWriteFlags,
    mm::{MapFlags, ProtFlags},
    net::{SendAncillaryBuffer, SendFlags},
};
use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    num::NonZeroU64,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{io::Interest, net::TcpStream, task::JoinHandle};

/// Addresses reserved for standing in. It is address space, not memory.
const REGION_BYTES: usize = 4 << 30;
/// The most that one piece stands for. hyper takes a piece only while less than its buffer limit (64 KiB) is queued, so
/// the pieces of a connection never stand for more than this and a little at a time, and four times that is room enough.
const PIECE_BYTES_MAX: usize = 1 << 30;
/// The most that one call sends, so that no connection holds a worker for long.
const CALL_BYTES_MAX: usize = 4 << 20;
/// How far apart the page cache is looked at: what was read ahead or thrown out is rarely smaller.
const LOOK_EVERY: usize = 1 << 20;
/// What the kernel is asked for at once: of more, where disks take smaller pieces, it would forget the rest.
const ASKED_AT_ONCE: usize = 512 << 10;
/// How far apart what was asked for is waited for: the kernel reads it in pieces of about this size or larger.
const WAITED_EVERY: usize = 64 << 10;
/// After so much without a pause the connection lets others run.
const TURN_BYTES_MAX: usize = 8 << 20;
/// Below this, reading and writing is as fast.
const FILE_BYTES_MIN: u64 = 32 << 10;

/// The reserved addresses.
struct Region {
    base: usize,
}

static REGION: OnceLock<Option<Region>> = OnceLock::new();

/// Reserves the region at the first call; `None` where the system does not let us (`RLIMIT_AS`).
fn region() -> Option<&'static Region> {
    let reserve = || {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory in use. It is never
        // unmapped, and without access rights nothing in it can be read or written.
        let mapped =
            unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), REGION_BYTES, ProtFlags::empty(), flags) };
        mapped
            .inspect_err(|error| tracing::warn!(%error, "no address space to reserve for sendfile; blobs are read and written instead"))
            .ok()
            .map(|base| Region { base: base.expose_provenance() })
    };
    REGION.get_or_init(reserve).as_ref()
}

impl Region {
    /// Where in the region a slice begins.
    fn offset_of(&self, slice: &[u8]) -> Option<usize> {
        let address = slice.as_ptr().addr();
        (self.base..self.base + REGION_BYTES).contains(&address).then(|| address - self.base)
    }
}

fn is_stand_in(slice: &[u8]) -> bool {
    REGION.get().and_then(Option::as_ref).is_some_and(|region| region.offset_of(slice).is_some())
}

/// A part of a file still to be sent.
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    pub(crate) at: u64,
    pub(crate) left: u64,
}

impl FilePart {
    /// The part of a file that a body consists of, where it is worth sending it this way.
    pub(crate) fn of(body: &gantry_store::Body, link: &Link) -> Option<FilePart> {
        if !link.has_sendfile {
            return None;
        }
        let (file, at, left) = body.as_file_range()?;
        (left >= FILE_BYTES_MIN && region().is_some()).then_some(FilePart { file, at, left })
    }
}

/// What stands for what on one connection.
#[derive(Default)]
pub(crate) struct StandIns(Mutex<Live>);

#[derive(Default)]
struct Live {
    next: usize,
    pieces: Vec<Piece>,
}

struct Piece {
    start: usize,
    length: usize,
    file: Arc<File>,
    at: u64,
    /// Up to here the file was just seen, or put, in the page cache.
    warm_to: u64,
    ending: Arc<Ending>,
}

/// What a slice stands for.
struct Found {
    file: Arc<File>,
    at: u64,
    warm_to: u64,
    ending: Arc<Ending>,
}

/// Owner of a piece's addresses: when hyper lets go of the bytes, the piece is sent or given up.
struct StandIn {
    link: Arc<Link>,
    start: usize,
    length: usize,
}

impl AsRef<[u8]> for StandIn {
    fn as_ref(&self) -> &[u8] {
        let base = region().map_or(0, |region| region.base);
        let address: *const u8 = std::ptr::with_exposed_provenance(base + self.start);
        // SAFETY: the range lies within the region, which is mapped for as long as the process lives, and no one writes
        // to it. It cannot be read either: that is meant. Whoever gets this slice is hyper's write queue, which only
        // passes it on to the socket, which only compares its address.
        unsafe { std::slice::from_raw_parts(address, self.length) }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.link.stand_ins.live().pieces.retain(|piece| piece.start != self.start);
    }
}

impl StandIns {
    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the next piece off `part` and returns what stands for it.
    ///
    /// # Errors
    /// When all addresses are taken, which the queue's limit rules out.
    pub(crate) fn stand_in(link: &Arc<Link>, part: &mut FilePart, ending: &Arc<Ending>) -> io::Result<Bytes> {
        let length = usize::try_from(part.left).unwrap_or(usize::MAX).min(PIECE_BYTES_MAX);
        let start = {
            let mut live = link.stand_ins.live();
            let start = live.free(length).ok_or_else(|| io::Error::other("no address left to stand for a file"))?;
            live.next = start + length;
            let (file, at, ending) = (part.file.clone(), part.at, ending.clone());
            live.pieces.push(Piece { start, length, file, at, warm_to: at, ending });
            start
        };
        part.at += length as u64;
        part.left -= length as u64;
        Ok(Bytes::from_owner(StandIn { link: link.clone(), start, length }))
    }

    /// Finds what `slice` stands for.
    fn find(&self, slice: &[u8]) -> Option<Found> {
        let offset = region()?.offset_of(slice)?;
        let live = self.live();
        let piece = live.pieces.iter().find(|piece| piece.has(offset))?;
        let into = offset - piece.start;
        let Piece { file, warm_to, ending, .. } = piece;
        (slice.len() <= piece.length - into).then(|| Found {
            file: file.clone(),
            at: piece.at + into as u64,
            warm_to: *warm_to,
            ending: ending.clone(),
        })
    }

    /// Notes how far the file that `slice` stands for is in the page cache.
    fn warmed(&self, slice: &[u8], warm_to: u64) {
        let Some(offset) = region().and_then(|region| region.offset_of(slice)) else { return };
        if let Some(piece) = self.live().pieces.iter_mut().find(|piece| piece.has(offset)) {
            piece.warm_to = warm_to;
        }
    }
}

impl Piece {
    fn has(&self, offset: usize) -> bool {
        (self.start..self.start + self.length).contains(&offset)
    }
}

impl Live {
    /// Finds addresses that stand for nothing, going round.
    fn free(&self, length: usize) -> Option<usize> {
        let is_free = |start: usize| {
            let end = start + length;
            end <= REGION_BYTES
                && self.pieces.iter().all(|piece| end <= piece.start || piece.start + piece.length <= start)
        };
        [self.next, 0].into_iter().find(|start| is_free(*start))
    }
}

/// How far one socket is with sending files.
#[derive(Default)]
pub(crate) struct Sender {
    warming: Option<JoinHandle<io::Result<()>>>,
    in_turn: usize,
}

impl Sender {
    /// Writes `slices` to the socket, files in place of what stands for them.
    pub(crate) fn poll_write(
        &mut self,
        tcp: &mut TcpStream,
        link: &Link,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(first) = slices.iter().position(|slice| !slice.is_empty()) else { return Poll::Ready(Ok(0)) };
        let slices = &slices[first..];
        match slices.iter().position(|slice| is_stand_in(slice)) {
            None => tokio::io::AsyncWrite::poll_write_vectored(Pin::new(tcp), cx, slices),
            Some(0) => self.poll_file(tcp, link, cx, &slices[0]),
            Some(count) => poll_before(tcp, cx, &slices[..count]),
        }
    }

    fn poll_file(
        &mut self,
        tcp: &TcpStream,
        link: &Link,
        cx: &mut Context<'_>,
        slice: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(Found { file, at, mut warm_to, ending }) = link.stand_ins.find(slice) else {
            return Poll::Ready(Err(io::Error::other("bytes that stand for no file")));
        };
        if self.in_turn >= TURN_BYTES_MAX {
            self.in_turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let length = slice.len().min(CALL_BYTES_MAX);
        loop {
            if tcp.poll_write_ready(cx)?.is_pending() {
                self.in_turn = 0;
                return Poll::Pending;
            }
            // What was seen in the page cache holds until it is sent: a socket takes it in several bites.
            let length = match usize::try_from(warm_to.saturating_sub(at)) {
                Ok(warm @ 1..) => warm.min(length),
                _ => {
                    ready!(self.poll_warm(cx, &file, at, length))?;
                    warm_to = at + length as u64;
                    link.stand_ins.warmed(slice, warm_to);
                    length
                }
            };
            match send_file(tcp, &file, at, length) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Ok(0) => return Poll::Ready(Err(too_short(at, length))),
                sent => {
                    let sent = sent?;
                    self.in_turn += sent;
                    ending.sent(sent as u64);
                    return Poll::Ready(Ok(sent));
                }
            }
        }
    }

    /// Ready once the part is in the page cache: sendfile would hold the worker while the disk is read.
    fn poll_warm(&mut self, cx: &mut Context<'_>, file: &Arc<File>, at: u64, length: usize) -> Poll<io::Result<()>> {
        if self.warming.is_none() {
            let mut looks = (0..length).step_by(LOOK_EVERY).chain([length - 1]);
            if looks.all(|offset| is_warm(file, at + offset as u64)) {
                return Poll::Ready(Ok(()));
            }
            let file = file.clone();
            self.warming = Some(tokio::task::spawn_blocking(move || warm(&file, at, length)));
        }
        let Some(warming) = &mut self.warming else { return Poll::Ready(Ok(())) };
        let warmed = ready!(Pin::new(warming).poll(cx));
        self.warming = None;
        Poll::Ready(warmed.unwrap_or_else(|error| Err(io::Error::other(error))))
    }
}

/// Sends as much of a part of a file as the socket takes.
///
/// A socket that took less is full, and is asked again only once it says that it has room: to try at once would fill the
/// little that the client took meanwhile, at the cost of a wake-up for each bite.
fn send_file(tcp: &TcpStream, file: &File, mut at: u64, length: usize) -> io::Result<usize> {
    let mut taken = None;
    let sent = tcp.try_io(Interest::WRITABLE, || {
        let sent = rustix::fs::sendfile(tcp, file, Some(&mut at), length)?;
        if sent == 0 || sent == length || has_room(tcp)? {
            return Ok(sent);
        }
        taken = Some(sent);
        Err(io::ErrorKind::WouldBlock.into())
    });
    taken.map_or(sent, Ok)
}

/// Whether a socket can be written to. Where it cannot, the kernel tells when it can: that is what asking asks for.
fn has_room(tcp: &TcpStream) -> io::Result<bool> {
    let mut fds = [PollFd::new(tcp, PollFlags::OUT)];
    Ok(rustix::event::poll(&mut fds, Some(&Timespec::default()))? > 0)
}

/// Sends what stands before a file, held back by the kernel so that it shares a segment with the file's first bytes.
fn poll_before(tcp: &TcpStream, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    loop {
        ready!(tcp.poll_write_ready(cx))?;
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        let send =
            || rustix::net::sendmsg(tcp, slices, &mut SendAncillaryBuffer::default(), flags).map_err(io::Error::from);
        match tcp.try_io(Interest::WRITABLE, send) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            sent => return Poll::Ready(sent),
        }
    }
}

fn too_short(at: u64, length: usize) -> io::Error {
    tracing::error!(at, length, "a blob's file ends before the blob does; the answer was broken off. Run gantry fsck");
    io::ErrorKind::UnexpectedEof.into()
}

/// Whether a byte can be read without waiting for the disk. Past the end of the file there is nothing to wait for.
fn is_warm(file: &File, at: u64) -> bool {
    let mut byte = [0];
    rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT).is_ok()
}

/// Has a part of a file read into the page cache, and waits until it is there.
///
/// Nothing is copied out of it: that would cost several times what sending does, for bytes the disk has just brought.
fn warm(file: &File, at: u64, length: usize) -> io::Result<()> {
    let end = at + length as u64;
    for start in (at..end).step_by(ASKED_AT_ONCE) {
        // A hint: where it is refused, waiting reads.
        let asked = NonZeroU64::new((end - start).min(ASKED_AT_ONCE as u64));
        let _ = fadvise(file, start, asked, Advice::WillNeed);
    }
    (at..end).step_by(WAITED_EVERY).chain([end.saturating_sub(1)]).try_for_each(|at| wait_for(file, at))
}

/// Waits for a byte of a file, where there is one.
fn wait_for(file: &File, at: u64) -> io::Result<()> {
    loop {
        match file.read_at(&mut [0], at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(pieces: &[(usize, usize)], next: usize) -> Live {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let piece = |(start, length): &(usize, usize)| Piece {
            start: *start,
            length: *length,
            file: file.clone(),
            at: 0,
            warm_to: 0,
            ending: Arc::new(Ending::none()),
        };
        Live { next, pieces: pieces.iter().map(piece).collect() }
    }

    #[test]
    fn addresses_in_use_are_not_given_out_again() {
        let big = PIECE_BYTES_MAX;

        assert_eq!(live(&[], 0).free(big), Some(0));
        assert_eq!(live(&[(0, big)], big).free(big), Some(big));
        assert_eq!(live(&[(2 * big, big)], 3 * big + 1).free(big), Some(0), "round the end");
        assert_eq!(live(&[(0, big)], 4 * big - 1).free(big), None, "both ways are taken");
    }

    #[test]
    fn a_part_that_is_waited_for_is_in_the_page_cache_also_past_the_end() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&vec![7; 3 << 20], 0).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();

        warm(&file, 5, 4 << 20).unwrap();

        assert!((5..3 << 20).step_by(4096).all(|at| is_warm(&file, at)));
    }
}
