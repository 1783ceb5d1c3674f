use super::{SILENT_MAX, Uploads, acts::ReleaseUpload};
use futures_util::future::AbortHandle;
use gantry_fault::Fault;
use gantry_store::{Upload, UploadId};
use gantry_words::{Cx, Timestamp};
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, atomic::AtomicU64},
    time::Duration,
};
use tokio::{runtime::Handle, sync::Notify};

/// What this process knows of an upload.
pub(super) enum Slot {
    /// A request writes to it.
    Busy(Arc<Writing>),
    /// Nobody does.
    Idle(Box<Session>),
}

/// What lay in a slot that a request has taken, and what others can see of that request.
pub(super) type Claimed = (Option<Box<Session>>, Arc<Writing>);

/// An upload in the hands of one request.
pub(super) struct Session {
    pub(super) upload: Upload,
    pub(super) repository: i64,
    pub(super) opened_by: Arc<str>,
    pub(super) touched_at: Timestamp,
    /// The last hold under which its bytes came.
    pub(super) revision: i64,
    /// How many bytes quotas keep for it, those that have come included.
    pub(super) reserved: Arc<AtomicU64>,
}

impl Session {
    /// Opens its file again; `None` where somebody else was at it, and it must be read anew.
    pub(super) async fn open(mut self: Box<Self>) -> Option<Box<Session>> {
        self.upload = self.upload.open().await.ok()?;
        Some(self)
    }

    /// Opens its file again where others have added to it since its hold was released; `None` where it must be read anew.
    pub(super) async fn catch_up(mut self: Box<Self>) -> Option<Box<Session>> {
        self.upload = self.upload.catch_up().await.ok()?;
        Some(self)
    }
}

/// What others can see of a request that writes to an upload, and how they can end it.
pub(super) struct Writing {
    repository: i64,
    actor: Arc<str>,
    /// Only while a body is awaited: a request that does anything else is not ended.
    body: Mutex<Option<Awaited>>,
    /// How many bytes the upload had when the request took it, and whether it is sealed; `None` until that is known.
    begun: OnceLock<(u64, bool)>,
    /// Told when the request has let go of the upload.
    pub(super) ended: Notify,
}

struct Awaited {
    interrupt: AbortHandle,
    heard_at: Duration,
}

impl Writing {
    pub(super) fn new(repository: i64, actor: Arc<str>) -> Self {
        Writing { repository, actor, body: Mutex::default(), begun: OnceLock::new(), ended: Notify::new() }
    }

    pub(super) fn note(&self, offset: u64, is_sealed: bool) {
        let _ = self.begun.set((offset, is_sealed));
    }

    /// How many bytes the upload had when the request took it.
    pub(super) fn begun_at(&self) -> Option<u64> {
        self.begun.get().map(|(offset, _)| *offset)
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.begun.get().is_some_and(|(_, is_sealed)| *is_sealed)
    }

    pub(super) fn begin(&self, interrupt: AbortHandle, now: Duration) {
        *self.body() = Some(Awaited { interrupt, heard_at: now });
    }

    pub(super) fn hear(&self, now: Duration) {
        if let Some(awaited) = self.body().as_mut() {
            awaited.heard_at = now;
        }
    }

    pub(super) fn end(&self) {
        *self.body() = None;
    }

    /// Ends the request, if it is of this principal and its body has been silent for long; answers whether.
    pub(super) fn interrupt(&self, repository: i64, actor: &str, now: Duration) -> bool {
        let mut body = self.body();
        let is_silent = |awaited: &mut Awaited| now.saturating_sub(awaited.heard_at) >= SILENT_MAX;
        if self.repository != repository || *self.actor != *actor {
            return false;
        }
        let Some(awaited) = body.take_if(is_silent) else { return false };
        awaited.interrupt.abort();
        true
    }

    fn body(&self) -> MutexGuard<'_, Option<Awaited>> {
        self.body.lock().expect("nothing panics while it holds the body's place")
    }
}

/// One request's hold on an upload: gives it back when dropped.
pub(super) struct Turn {
    uploads: Uploads,
    pub(super) cx: Cx,
    pub(super) id: UploadId,
    pub(super) session: Option<Box<Session>>,
    pub(super) writing: Arc<Writing>,
    /// The revision of its hold, where other servers have to be kept away.
    pub(super) hold: Option<i64>,
    /// When the last byte came, to be written with the end of the hold.
    pub(super) touched_at: Timestamp,
    /// Whether quotas mean its repository.
    pub(super) is_limited: bool,
}

impl Turn {
    pub(super) fn new(
        uploads: Uploads,
        cx: Cx,
        id: UploadId,
        session: Option<Box<Session>>,
        writing: Arc<Writing>,
    ) -> Self {
        let (hold, touched_at, is_limited) = (None, Timestamp::default(), false);
        Turn { uploads, cx, id, session, writing, hold, touched_at, is_limited }
    }

    pub(super) fn session(&self) -> &Session {
        self.session.as_ref().expect("a turn has its session until it ends")
    }

    pub(super) fn take_session(&mut self) -> Box<Session> {
        self.session.take().expect("a turn has its session until it ends")
    }

    /// Takes the upload out for good. The turn goes on until it is dropped: nobody else may write meanwhile.
    pub(super) fn end(&mut self) -> Upload {
        self.take_session().upload
    }

    /// Gives the upload back, to other servers too: they find every byte in its file.
    pub(super) async fn give_back(mut self) {
        let Some(revision) = self.hold else { return };
        if let Some(mut session) = self.session.take() {
            match session.upload.close().await {
                Ok(upload) => {
                    session.upload = upload;
                    session.revision = revision;
                    self.session = Some(session);
                }
                Err(error) => tracing::warn!(%error, "an upload could not be written down; it is read again"),
            }
        }
        // Also where an append was given up in the middle: its last write must have ended.
        self.hold = None;
        if !release(&self.uploads, &self.cx, &self.id, revision, self.touched_at).await {
            // Another server has gone on from fewer bytes, perhaps with others: what is known here is of no use to anybody.
            self.session = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut session = self.session.take();
        if let Some(revision) = self.hold.take() {
            // The request was given up in the middle: its file is still open, so that it is not kept.
            session = None;
            if let Ok(runtime) = Handle::try_current() {
                let (uploads, cx, id, at) = (self.uploads.clone(), self.cx.clone(), self.id.clone(), self.touched_at);
                runtime.spawn(async move { release(&uploads, &cx, &id, revision, at).await });
            }
        }
        self.uploads.slots().remove(self.id.as_str());
        if let Some(session) = session {
            self.uploads.park(&self.id, session);
        }
        self.writing.ended.notify_waiters();
    }
}

/// Ends a hold. Where that fails it runs out by itself. Returns whether it surely was ours to the end: then every byte that
/// came under it is in the upload, and stays there.
async fn release(uploads: &Uploads, cx: &Cx, id: &UploadId, revision: i64, now: Timestamp) -> bool {
    let ports = &uploads.ports;
    let released = async {
        ports.store.settle(id).await.map_err(crate::admit::store_fault)?;
        ports.metadata.perform(cx, ReleaseUpload { id: id.to_string(), revision, now }).await
    };
    released.await.unwrap_or_else(|fault: Fault| {
        tracing::warn!(error = ?fault, upload = %id, "the hold of the upload {id} could not be ended; it runs out soon: {fault}");
        false
    })
}
