//! Room that quotas keep for the bytes of an upload while it is open.

use super::{Uploads, acts::ReserveUpload, body::BodyEnd, turn::Turn};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::Either, stream};
use gantry_fault::Fault;
use gantry_store::UploadId;
use gantry_words::Cx;
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Where nobody says how many bytes come, room is kept for up to so many more each time: a question for each piece would be too dear.
const AHEAD_BYTES: u64 = 64 << 20;

impl Uploads {
    /// Has quotas keep room for the bytes that are about to come, where it was said how many that are.
    ///
    /// # Errors
    /// [`QuotaExceeded`](gantry_fault::FaultKind::QuotaExceeded).
    pub(super) async fn reserve(&self, turn: &Turn, length: Option<u64>) -> Result<(), Fault> {
        let Some(length) = length.filter(|length| *length > 0 && turn.is_limited) else { return Ok(()) };
        let session = turn.session();
        let bytes = session.upload.offset().saturating_add(length);
        self.keep(&turn.cx, &turn.id, &session.reserved, bytes, 0).await
    }

    /// Has quotas keep room while bytes come of which nobody said how many there are. `offset` is where they begin. Where there is no
    /// room for a piece the body ends with it.
    pub(super) fn reserving<'a, E: Error + Send + Sync + 'static>(
        &self,
        turn: &Turn,
        reserved: Arc<AtomicU64>,
        offset: u64,
        body: impl Stream<Item = Result<Bytes, BodyEnd<E>>> + Send + Unpin + 'a,
    ) -> impl Stream<Item = Result<Bytes, BodyEnd<E>>> + Send + Unpin + 'a {
        if !turn.is_limited {
            return Either::Left(body);
        }
        let (uploads, cx, id) = (self.clone(), turn.cx.clone(), turn.id.clone());
        let reserving = stream::unfold((body, offset), move |(mut body, at)| {
            let (uploads, cx, id, reserved) = (uploads.clone(), cx.clone(), id.clone(), reserved.clone());
            async move {
                let piece = match body.next().await? {
                    Ok(piece) => piece,
                    Err(end) => return Some((Err(end), (body, at))),
                };
                let at = at.saturating_add(piece.len() as u64);
                let is_kept = at <= reserved.load(Relaxed);
                let kept = if is_kept { Ok(()) } else { uploads.keep(&cx, &id, &reserved, at, AHEAD_BYTES).await };
                match kept {
                    Ok(()) => Some((Ok(piece), (body, at))),
                    Err(fault) => Some((Err(BodyEnd::NoRoom(Box::new(fault))), (body, at))),
                }
            }
        });
        Either::Right(Box::pin(reserving))
    }

    /// Has quotas keep no more than has come.
    pub(super) async fn settle(&self, turn: &Turn) -> Result<(), Fault> {
        match &turn.session {
            Some(session) if session.reserved.load(Relaxed) > session.upload.offset() => {
                self.keep(&turn.cx, &turn.id, &session.reserved, session.upload.offset(), 0).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Has quotas keep room for `bytes`, and for up to `ahead` more as far as there is plenty.
    async fn keep(&self, cx: &Cx, id: &UploadId, reserved: &AtomicU64, bytes: u64, ahead: u64) -> Result<(), Fault> {
        if reserved.load(Relaxed) == bytes {
            return Ok(());
        }
        let act = ReserveUpload { id: id.to_string(), bytes, ahead };
        reserved.store(self.ports.metadata.perform(cx, act).await?, Relaxed);
        Ok(())
    }
}
