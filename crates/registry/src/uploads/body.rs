use super::{HOLD, RENEW_EVERY, RENEW_WITHIN, Uploads, acts::RenewUpload, turn::Turn};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::Either, stream};
use gantry_fault::Fault;
use gantry_store::UploadId;
use gantry_words::Cx;
use std::{error::Error, future::Future, pin::pin};

/// Why a body ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyEnd<E: Error + 'static> {
    /// The client, or the connection.
    #[error(transparent)]
    Client(E),
    /// Another server has gone on with the upload.
    #[error("another server has taken the upload over")]
    Overtaken,
    /// A quota has no room for more.
    #[error(transparent)]
    NoRoom(Box<Fault>),
}

impl Uploads {
    /// Notes when bytes come, and renews the hold while they do.
    pub(super) fn watched<'a, E: Error + Send + Sync + 'static>(
        &self,
        turn: &Turn,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'a,
    ) -> impl Stream<Item = Result<Bytes, BodyEnd<E>>> + Send + Unpin + 'a {
        let (env, writing) = (self.ports.env.clone(), turn.writing.clone());
        let heard = body.map(move |piece| {
            writing.hear(env.elapsed());
            piece.map_err(BodyEnd::Client)
        });
        let Some(revision) = turn.hold else { return Either::Left(heard) };
        let (uploads, cx, id) = (self.clone(), turn.cx.clone(), turn.id.clone());
        let renewed_at = self.ports.env.elapsed();
        let held = stream::unfold((heard, renewed_at), move |(mut heard, mut renewed_at)| {
            let (uploads, cx, id) = (uploads.clone(), cx.clone(), id.clone());
            async move {
                let piece = heard.next().await?;
                let now = uploads.ports.env.elapsed();
                if now.saturating_sub(renewed_at) < RENEW_EVERY {
                    return Some((piece, (heard, renewed_at)));
                }
                let is_ours = uploads.renew(&cx, &id, revision).await;
                renewed_at = now;
                Some((if is_ours { piece } else { Err(BodyEnd::Overtaken) }, (heard, renewed_at)))
            }
        });
        Either::Right(Box::pin(held))
    }

    /// Does work of this server on an upload, and renews the hold meanwhile.
    pub(super) async fn holding<T>(
        &self,
        cx: &Cx,
        id: &UploadId,
        hold: Option<i64>,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(revision) = hold else { return work.await };
        let mut work = pin!(work);
        loop {
            if let Some(done) = self.ports.env.within(RENEW_EVERY, work.as_mut()).await {
                return done;
            }
            // Whoever has lost it is told when the blob is linked.
            self.renew(cx, id, revision).await;
        }
    }

    /// Whether the upload is still this server's. Where the database does not answer, nobody knows better.
    async fn renew(&self, cx: &Cx, id: &UploadId, revision: i64) -> bool {
        let until = self.ports.env.now().plus(HOLD);
        let renewing = self.ports.metadata.perform(cx, RenewUpload { id: id.to_string(), revision, until });
        !matches!(self.ports.env.within(RENEW_WITHIN, renewing).await, Some(Ok(false)))
    }
}
