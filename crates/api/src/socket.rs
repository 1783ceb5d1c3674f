use crate::{link::Link, sendfile::Sender};
use rustix::ioctl::{Getter, Opcode};
use socket2::SockRef;
use std::{
    ffi::c_int,
    io,
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;

/// Asks a socket how much it has still to deliver.
const SIOCOUTQ: Opcode = 0x5411;

/// Who has taken so much is no slow reader: what is unsent for one that takes a kilobyte each second never gets there.
const FAST_BYTES_MIN: u64 = 1 << 20;

/// What bytes go over.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection's bytes, with an eye on whether they move.
pub(crate) struct Socket {
    stream: Stream,
    sender: Sender,
    link: Arc<Link>,
    is_shut: bool,
    /// Bytes that were written to it.
    written: u64,
}

/// One expression on whichever stream it is.
macro_rules! on {
    ($stream:expr, $inner:ident => $body:expr) => {
        match $stream {
            Stream::Tcp($inner) => $body,
            Stream::Unix($inner) => $body,
            Stream::Tls($inner) => $body,
        }
    };
}

impl Stream {
    /// Returns how many bytes the kernel holds that the client has not taken.
    fn undelivered(&self) -> u64 {
        let fd = match self {
            Stream::Tcp(tcp) => tcp.as_fd(),
            Stream::Unix(unix) => unix.as_fd(),
            Stream::Tls(tls) => tls.get_ref().0.as_fd(),
        };
        // SAFETY: SIOCOUTQ (unix(7), tcp(7)) writes one int, which is what the getter has room for.
        let count = unsafe { rustix::ioctl::ioctl(fd, Getter::<SIOCOUTQ, c_int>::new()) };
        count.ok().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
    }

    /// Ends the bound on unsent bytes that a connection begins with.
    fn lift_unsent_max(&self) {
        let tcp = match self {
            Stream::Tcp(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
            Stream::Unix(_) => return,
        };
        // Where it is refused the connection goes on as it is.
        let _ = SockRef::from(tcp).set_tcp_notsent_lowat(u32::MAX);
    }
}

impl Socket {
    pub(crate) fn new(stream: Stream, link: Arc<Link>) -> Self {
        Socket { stream, sender: Sender::default(), link, is_shut: false, written: 0 }
    }

    fn note(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(count)) => {
                self.link.wrote();
                self.note_speed(*count as u64);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.link.blocked(self.stream.undelivered()),
        }
        written
    }

    /// Lets the kernel keep more for a client that has taken much: it is woken less often then.
    fn note_speed(&mut self, count: u64) {
        let before = self.written;
        self.written = before.saturating_add(count);
        if before < FAST_BYTES_MIN && self.written >= FAST_BYTES_MIN {
            self.stream.lift_unsent_max();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(on!(&mut self.stream, stream => Pin::new(stream).poll_read(cx, buffer)))?;
        if buffer.filled().len() > before {
            self.link.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = match &mut this.stream {
            Stream::Tcp(tcp) => this.sender.poll_write(tcp, &this.link, cx, slices),
            Stream::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, slices),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        };
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        // Also what keeps hyper from copying a piece that stands for a file.
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(&mut self.stream, stream => Pin::new(stream).poll_flush(cx))
    }

    /// Closes our side, then reads what the client still sends until it closes its own: the watch ends the wait.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_shut {
            ready!(on!(&mut this.stream, stream => Pin::new(stream).poll_shutdown(cx)))?;
            this.is_shut = true;
        }
        this.link.lingers();
        let mut scratch = [0; 4096];
        for _ in 0..64 {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(on!(&mut this.stream, stream => Pin::new(stream).poll_read(cx, &mut buffer)));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
