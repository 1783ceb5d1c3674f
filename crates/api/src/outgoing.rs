use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// What is answered.
pub struct Outgoing {
    /// The status.
    pub status: StatusCode,
    /// The headers; length, date, connection and request id are added.
    pub headers: HeaderMap,
    /// The body.
    pub body: Payload,
}

/// The body of an answer.
pub enum Payload {
    /// None.
    Empty,
    /// Bytes at hand.
    Bytes(Bytes),
    /// Bytes of the store, read as they are sent.
    Blob(gantry_store::Body),
    /// No body, but the length one would have: the answer to HEAD.
    Head(u64),
}

impl Outgoing {
    /// An answer without headers and body.
    pub fn empty(status: StatusCode) -> Self {
        Outgoing { status, headers: HeaderMap::new(), body: Payload::Empty }
    }
}
