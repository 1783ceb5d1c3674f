use crate::{
    link::{Link, Order},
    porch,
    sending::Sending,
    socket::{Socket, Stream},
};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::net::{RecvFlags, recv};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
};
use tokio::io::Interest;
use tokio_rustls::TlsAcceptor;

/// hyper's buffers grow up to this when bodies come fast; a connection that rests has a few KiB.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;
/// What a client may send on one HTTP/2 stream before we have read it: a fast push needs bandwidth times delay.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 2 << 20;

/// How connections speak HTTP.
#[derive(Clone)]
pub(crate) struct Speech {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Speech {
    pub(crate) fn new(header_bytes_max: usize) -> Self {
        let mut http1 = http1::Builder::new();
        // Deadlines are the watch's.
        http1
            .header_read_timeout(None)
            .max_buf_size(BUFFER_BYTES_MAX.max(header_bytes_max))
            .max_header_size(header_bytes_max);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX))
            // Little is buffered for a slow reader, so that the watch sees whether he reads.
            .max_send_buf_size(BUFFER_BYTES_MAX);
        Speech { http1, http2 }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, stream: Stream, tls: Option<TlsAcceptor>, link: Arc<Link>) {
        let opened = heeding(&link, pin!(open(stream, tls))).await;
        let (stream, is_http2) = match opened {
            None => return,
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                if link.is_tls {
                    link.porch.metrics.handshakes_failed.fetch_add(1, Relaxed);
                }
                return tracing::debug!(%error, peer = ?link.peer, "a connection did not get as far as HTTP");
            }
        };
        link.opened(is_http2);
        let io = TokioIo::new(Socket::new(stream, link.clone()));
        let ended = if is_http2 { self.serve_http2(io, &link).await } else { self.serve_http1(io, &link).await };
        if let Err(error) = ended {
            tracing::debug!(%error, peer = ?link.peer, "a connection ended");
        }
    }

    async fn serve_http1(&self, io: TokioIo<Socket>, link: &Arc<Link>) -> hyper::Result<()> {
        let service = service_fn(|request| async { answer(link, request).await });
        let mut connection = pin!(self.http1.serve_connection(io, service));
        let mut is_told = false;
        poll_fn(|cx| {
            match link.heed(cx.waker()) {
                Order::Serve => {}
                Order::Finish if is_told => {}
                Order::Finish => {
                    is_told = true;
                    connection.as_mut().graceful_shutdown();
                }
                Order::Cut => return Poll::Ready(Ok(())),
            }
            connection.as_mut().poll(cx)
        })
        .await
    }

    async fn serve_http2(&self, io: TokioIo<Socket>, link: &Arc<Link>) -> hyper::Result<()> {
        // Requests are tasks of their own here.
        let shared = link.clone();
        let service = service_fn(move |request| {
            let link = shared.clone();
            async move { answer(&link, request).await }
        });
        let mut connection = pin!(self.http2.serve_connection(io, service));
        let mut is_told = false;
        poll_fn(|cx| {
            match link.heed(cx.waker()) {
                Order::Serve => {}
                Order::Finish if is_told => {}
                Order::Finish => {
                    is_told = true;
                    connection.as_mut().graceful_shutdown();
                }
                Order::Cut => return Poll::Ready(Ok(())),
            }
            connection.as_mut().poll(cx)
        })
        .await
    }
}

async fn answer(link: &Arc<Link>, request: Request<Incoming>) -> Result<Response<Sending>, Infallible> {
    Ok(porch::serve(link, request).await)
}

/// Shakes hands, and finds out which HTTP is spoken.
async fn open(stream: Stream, tls: Option<TlsAcceptor>) -> io::Result<(Stream, bool)> {
    match (stream, tls) {
        (Stream::Tcp(tcp), Some(tls)) => {
            let tls = tls.accept(tcp).await?;
            let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            Ok((Stream::Tls(Box::new(tls)), is_http2))
        }
        (Stream::Tcp(tcp), None) => {
            let mut start = Start::default();
            let length = tcp.peek(&mut start).await?;
            Ok((Stream::Tcp(tcp), is_preface(&start, length)))
        }
        (Stream::Unix(unix), _) => {
            let mut start = Start::default();
            let peek = || Ok(recv(&unix, &mut start[..], RecvFlags::PEEK)?.0);
            let length = unix.async_io(Interest::READABLE, peek).await?;
            Ok((Stream::Unix(unix), is_preface(&start, length)))
        }
        (stream @ Stream::Tls(_), _) => Ok((stream, false)),
    }
}

/// What is looked at of a plain connection before it is known which HTTP is spoken.
type Start = [u8; 3];

/// No method begins like HTTP/2's preface, and every client sends its first line in one piece.
fn is_preface(start: &Start, length: usize) -> bool {
    length == start.len() && start == b"PRI"
}

/// Waits for `work`, unless the connection is told to stop.
async fn heeding<T>(link: &Link, mut work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|cx| match link.heed(cx.waker()) {
        Order::Serve => work.as_mut().poll(cx).map(Some),
        Order::Finish | Order::Cut => Poll::Ready(None),
    })
    .await
}
