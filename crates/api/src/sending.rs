use crate::{
    ending::Ending,
    link::Link,
    outgoing::Payload,
    sendfile::{FilePart, StandIns},
};
use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The body of an answer on its way out.
pub(crate) struct Sending {
    left: Left,
    /// Counts what is handed over; the end of the answer when it is dropped.
    ending: Arc<Ending>,
    link: Arc<Link>,
}

enum Left {
    Nothing,
    Whole(Bytes),
    Blob(gantry_store::Body),
    /// Handed over as pieces that stand for it: counted when they are sent.
    File(FilePart),
}

impl Sending {
    pub(crate) fn new(payload: Payload, ending: Ending, link: Arc<Link>, is_http1: bool) -> Self {
        let left = match payload {
            Payload::Empty | Payload::Head(_) => Left::Nothing,
            Payload::Bytes(bytes) if bytes.is_empty() => Left::Nothing,
            Payload::Bytes(bytes) => Left::Whole(bytes),
            Payload::Blob(body) => match FilePart::of(&body, &link).filter(|_| is_http1) {
                Some(part) => Left::File(part),
                None => Left::Blob(body),
            },
        };
        Sending { left, ending: Arc::new(ending), link }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match &mut self.left {
            Left::Nothing => Poll::Ready(None),
            Left::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.ending.sent(bytes.len() as u64);
                Poll::Ready(Some(Ok(bytes)))
            }
            Left::Blob(body) => {
                let piece = ready!(Pin::new(body).poll_next(cx));
                self.link.handed_over();
                if let Some(Ok(bytes)) = &piece {
                    self.ending.sent(bytes.len() as u64);
                }
                Poll::Ready(piece)
            }
            Left::File(part) if part.left == 0 => Poll::Ready(None),
            Left::File(part) => Poll::Ready(Some(StandIns::stand_in(&self.link, part, &self.ending))),
        }
    }

    fn remaining(&self) -> u64 {
        match &self.left {
            Left::Nothing => 0,
            Left::Whole(bytes) => bytes.len() as u64,
            Left::Blob(body) => body.remaining(),
            Left::File(part) => part.left,
        }
    }
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.poll_bytes(cx));
        if let Some(Err(error)) = &piece {
            self.ending.broke();
            tracing::error!(%error, "a blob could not be read to its end; the answer was broken off. Run gantry fsck");
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
