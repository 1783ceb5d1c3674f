use crate::{buffers::Held, link::Link};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use gantry_env::{BoxFuture, Env};
use gantry_fault::{Fault, FaultKind};
use hyper::body::{Body as _, Incoming};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

/// Collecting starts with at most this much memory, whatever length was announced.
const COLLECT_BYTES_FIRST: u64 = 64 << 10;

/// The body of a request: pieces as they arrive.
///
/// Waiting for a piece has a deadline, and so has dribbling: see `body_idle` and `body_rate_min` in
/// [`Settings`](crate::Settings). After an error or the end nothing more comes.
pub struct Body(Source);

enum Source {
    Ended,
    Whole(Bytes),
    Arriving(Box<Arriving>),
    Other(Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>),
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Nothing came for too long.
    #[error("the body stopped: no byte came for {seconds} s; send it again, or go on from where it stopped")]
    Stalled {
        /// How long.
        seconds: u64,
    },
    /// Too little came for too long.
    #[error("the body came slower than {bytes_per_second} bytes per second; send it over a faster line, or in chunks")]
    Slow {
        /// The slowest that is waited for.
        bytes_per_second: u64,
    },
    /// The client went away, or what it sent is no body.
    #[error("the body broke off: the client went away or sent what is no HTTP")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        let kind = match error {
            BodyError::Stalled { .. } | BodyError::Slow { .. } => FaultKind::RequestTimeout,
            BodyError::Broken(_) => FaultKind::Malformed,
        };
        Fault::new(kind, error.to_string()).because(error)
    }
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Body(Source::Ended)
    }

    /// The pieces of `stream`: for tests of what reads bodies.
    pub fn of(stream: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static) -> Self {
        Body(Source::Other(Box::pin(stream)))
    }

    pub(crate) fn arriving(incoming: Incoming, pace: Pace, link: Arc<Link>, received: Arc<AtomicU64>) -> Self {
        if incoming.is_end_stream() {
            return Body::empty();
        }
        Body(Source::Arriving(Box::new(Arriving { incoming: Some(incoming), pace, link, received })))
    }

    /// Returns how many bytes are still to come, where that was announced.
    pub fn content_length(&self) -> Option<u64> {
        match &self.0 {
            Source::Ended => Some(0),
            Source::Whole(bytes) => Some(bytes.len() as u64),
            Source::Arriving(arriving) => arriving.incoming.as_ref().and_then(|incoming| incoming.size_hint().exact()),
            Source::Other(_) => None,
        }
    }

    /// Returns all of it where it is at hand already.
    pub fn whole(&self) -> Option<&Bytes> {
        static NOTHING: Bytes = Bytes::new();
        match &self.0 {
            Source::Ended => Some(&NOTHING),
            Source::Whole(bytes) => Some(bytes),
            Source::Arriving(_) | Source::Other(_) => None,
        }
    }

    /// Reads it all. For small bodies that are done with at once; [`Body::collect_held`] is for the others.
    ///
    /// # Errors
    /// Those of [`Body::collect_held`].
    pub async fn collect(self, bytes_max: usize) -> Result<Bytes, Fault> {
        self.collect_held(bytes_max).await.map(|(bytes, _)| bytes)
    }

    /// Reads it all. Until the second value is dropped, the bytes count among those that all requests may keep at once
    /// (`buffered_bytes_max` in [`Settings`](crate::Settings)).
    ///
    /// # Errors
    /// `BodyTooLarge` where it has more than `bytes_max` bytes (known before the first byte where the length was
    /// announced), `Unavailable` where all requests together keep too much, and those of the body.
    pub async fn collect_held(mut self, bytes_max: usize) -> Result<(Bytes, Held), Fault> {
        let too_large = || {
            let message = format!("The body of this request may have {bytes_max} bytes; this one has more");
            Fault::new(FaultKind::BodyTooLarge, message)
        };
        let announced = self.content_length();
        if announced.is_some_and(|length| length > bytes_max as u64) {
            return Err(too_large());
        }
        let mut held = self.hold();
        let Some(first) = self.next().await.transpose()? else { return Ok((Bytes::new(), held)) };
        if first.len() > bytes_max {
            return Err(too_large());
        }
        held.grow(first.len() as u64)?;
        let Some(second) = self.next().await.transpose()? else { return Ok((first, held)) };
        let capacity = announced.unwrap_or(0).clamp(1, COLLECT_BYTES_FIRST).max((first.len() + second.len()) as u64);
        let mut whole = BytesMut::with_capacity(usize::try_from(capacity).unwrap_or(0));
        whole.extend_from_slice(&first);
        let mut piece = Some(second);
        while let Some(bytes) = piece {
            if whole.len() + bytes.len() > bytes_max {
                return Err(too_large());
            }
            held.grow(bytes.len() as u64)?;
            whole.extend_from_slice(&bytes);
            drop(bytes);
            piece = self.next().await.transpose()?;
        }
        Ok((whole.freeze(), held))
    }

    fn hold(&self) -> Held {
        match &self.0 {
            Source::Arriving(arriving) => arriving.link.porch.buffers.hold(),
            Source::Ended | Source::Whole(_) | Source::Other(_) => Held::default(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Body::empty() } else { Body(Source::Whole(bytes)) }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match &mut self.0 {
            Source::Ended => return Poll::Ready(None),
            Source::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Source::Arriving(arriving) => match ready!(arriving.poll_piece(cx)) {
                Some(Ok(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                end => end,
            },
            Source::Other(stream) => match ready!(stream.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                end => end,
            },
        };
        self.0 = Source::Ended;
        Poll::Ready(item)
    }
}

/// The most that is read and thrown away of a body nobody wants, so that its connection can go on.
const DRAINED_BYTES_MAX: u64 = 16 << 20;
/// How long that may take.
const DRAIN_WAIT: Duration = Duration::from_secs(5);

/// A body on its way from the socket.
struct Arriving {
    /// Taken out only when dropped.
    incoming: Option<Incoming>,
    pace: Pace,
    link: Arc<Link>,
    received: Arc<AtomicU64>,
}

impl Arriving {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        loop {
            match Pin::new(&mut *incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers hold nothing for us.
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.pace.came(bytes.len());
                    self.received.fetch_add(bytes.len() as u64, Relaxed);
                    self.link.moved();
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return self.pace.poll_late(cx).map(|error| Some(Err(error))),
            }
        }
    }
}

/// A refusal may be answered before its body came. Where that is small it is still read: a client that sends its next
/// request on the same connection would find it closed otherwise, and believe that request lost.
impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(mut incoming) = self.incoming.take().filter(|incoming| !incoming.is_end_stream()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if incoming.size_hint().lower() > DRAINED_BYTES_MAX {
            return;
        }
        let (env, link) = (self.pace.env.clone(), self.link.clone());
        runtime.spawn(async move {
            let drain = async {
                let mut drained = 0;
                while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
                    link.moved();
                    drained += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                    if drained > DRAINED_BYTES_MAX {
                        break;
                    }
                }
            };
            // What does not come in time is not waited for: the connection ends then.
            let _ = env.within(DRAIN_WAIT, drain).await;
        });
    }
}

/// Watches how fast a body comes. Costs one timer per `idle`, not one per piece, and counts only the time in which
/// somebody waited for the client: a slow disk of ours is not its fault.
pub(crate) struct Pace {
    env: Env,
    idle: Duration,
    bytes_per_second_min: u64,
    timer: Option<BoxFuture<'static, ()>>,
    /// Since when nothing has come while waited for.
    quiet_since: Option<Duration>,
    /// The same, but set anew with each window.
    counted_from: Duration,
    /// Waited for in this window, up to the last piece, and what came in it.
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(env: Env, idle: Duration, bytes_per_second_min: u64) -> Self {
        Pace {
            env,
            idle,
            bytes_per_second_min,
            timer: None,
            quiet_since: None,
            counted_from: Duration::ZERO,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    fn came(&mut self, bytes: usize) {
        if self.quiet_since.take().is_some() {
            self.waited += self.env.elapsed().saturating_sub(self.counted_from);
        }
        self.bytes += bytes as u64;
    }

    /// Ready with an error once the client is too slow.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let quiet_since = *self.quiet_since.get_or_insert_with(|| {
            self.counted_from = self.env.elapsed();
            self.counted_from
        });
        let mut rest = self.idle;
        loop {
            let timer = self.timer.get_or_insert_with(|| self.env.sleep(rest));
            ready!(timer.as_mut().poll(cx));
            self.timer = None;
            let now = self.env.elapsed();
            let quiet = now.saturating_sub(quiet_since);
            if quiet >= self.idle {
                return Poll::Ready(BodyError::Stalled { seconds: self.idle.as_secs() });
            }
            let waited = self.waited + now.saturating_sub(self.counted_from);
            let is_slow = self.bytes < self.bytes_per_second_min.saturating_mul(waited.as_secs());
            if is_slow && waited >= self.idle / 2 {
                return Poll::Ready(BodyError::Slow { bytes_per_second: self.bytes_per_second_min });
            }
            (self.waited, self.bytes, self.counted_from) = (Duration::ZERO, 0, now);
            rest = self.idle - quiet;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn pieces(pieces: &'static [&'static str]) -> Body {
        Body::of(stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())))))
    }

    #[tokio::test]
    async fn a_body_is_collected_up_to_its_limit() {
        assert_eq!(pieces(&["ab", "cd", "e"]).collect(5).await.unwrap(), "abcde");
        assert_eq!(Body::from(Bytes::from_static(b"abc")).collect(3).await.unwrap(), "abc");
        assert_eq!(Body::empty().collect(0).await.unwrap(), "");
        for (body, limit) in
            [(pieces(&["ab", "cd", "e"]), 4), (pieces(&["ab"]), 1), (Bytes::from_static(b"abc").into(), 2)]
        {
            assert_eq!(body.collect(limit).await.unwrap_err().kind, FaultKind::BodyTooLarge);
        }
    }

    #[tokio::test]
    async fn nothing_comes_after_an_error() {
        let broken = Err(BodyError::Broken("gone".into()));
        let mut body = Body::of(stream::iter([Ok(Bytes::from_static(b"a")), broken, Ok(Bytes::from_static(b"b"))]));

        assert!(body.next().await.unwrap().is_ok());
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
    }
}
