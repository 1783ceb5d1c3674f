mod acts;
mod body;
mod reserve;
mod take;
mod turn;
#[cfg(test)]
mod two_servers;

pub(crate) use acts::{ExpireUpload, HoldUpload};

use crate::{
    admit::{admit, discard, store_fault, upload_fault},
    images::store_algorithm,
    keys::KeyDomain,
    ports::Ports,
    repositories::Repository,
};
use acts::{CloseUpload, OpenUpload, TouchUpload};
use body::BodyEnd;
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    future::{AbortHandle, Abortable, Either},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::uploads::{self, UploadRow};
use gantry_oci::{Algorithm, Digest};
use gantry_store::{AppendError, Upload, UploadId, sealed::DataKey};
use gantry_words::Cx;
use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use turn::{Session, Slot, Turn};

/// Uploads whose running hash is kept in memory between requests; more than these are read again when they go on.
const IDLE_MAX: usize = 4_096;
/// An upload's row says within this when its last byte came.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// A request whose body has been silent for this long can be ended by another that goes on with the upload: its client is
/// most likely gone without a word.
const SILENT_MAX: Duration = Duration::from_secs(5);
/// Where several servers share the database, one that writes to an upload keeps the others from it for this long since
/// its last sign of life. Clocks that differ by more let two write at once: each to a file of its own, and one is told.
const HOLD: Duration = Duration::from_secs(20);
/// While bytes come the hold is renewed this often.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A renewal that takes longer is left for the next time: bytes must not wait for the database.
const RENEW_WITHIN: Duration = Duration::from_secs(2);

/// The room for uploads: durable sessions in which the bytes of a blob arrive.
///
/// The session is a row, its bytes a file of the store under the same id. What is known only here is the running hash,
/// and it can be had again from the file: after a restart, or on another server, an upload goes on where its bytes end.
///
/// One request writes at a time. Within a process a slot sees to that; where several share the database, a hold in the
/// row does, which has a revision. A blob is linked only under the last revision, and who takes over from a server that
/// did not say that it ended makes a new file of the bytes first: so a late write of the other harms nobody.
#[derive(Clone)]
pub struct Uploads {
    ports: Arc<Ports>,
    slots: Arc<Mutex<HashMap<String, Slot>>>,
    /// This process as the others know it; `None` where it owns the database.
    holder: Option<Arc<str>>,
}

/// How a chunk was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The upload now has so many bytes.
    At(u64),
    /// Nothing was taken: the chunk begins elsewhere than the upload ends, which is at so many bytes.
    OutOfOrder(u64),
}

impl Uploads {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        let holder = (!ports.metadata.owns_alone()).then(|| ports.env.request_id().to_string().into());
        Uploads { ports, slots: Arc::default(), holder }
    }

    /// The smallest chunk clients are asked to send, in bytes; zero asks for nothing.
    pub fn chunk_bytes_min(&self) -> u64 {
        self.ports.settings.uploads.chunk_bytes_min.get()
    }

    /// Opens an upload. `algorithm` is the hash its digest will probably be of.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`]; [`FaultKind::QuotaExceeded`] where a quota has no room for a byte.
    pub async fn open(&self, cx: &Cx, repository: &Repository, algorithm: Algorithm) -> Result<UploadId, Fault> {
        let id = self.fresh_id();
        let (data_key, sealed) = match self.ports.key_of_upload(cx, repository, id.as_str()).await? {
            Some((data_key, domain, wrapped)) => (Some(data_key), Some((domain, wrapped))),
            None => (None, None),
        };
        let act = OpenUpload {
            account: cx.account,
            id: id.to_string(),
            repository: repository.id,
            name: repository.name.clone(),
            algorithm: algorithm.as_str(),
            actor: cx.actor.clone(),
            sealed,
        };
        let upload = self.begin(&id, algorithm, data_key).await?;
        if let Err(fault) = self.ports.metadata.perform(cx, act).await {
            discard(upload).await;
            return Err(fault);
        }
        // Where another server may go on with it, what is kept here is worth nothing.
        if self.holder.is_none() {
            let (repository, opened_by, touched_at) = (repository.id, cx.actor.clone(), cx.now);
            let reserved = Arc::default();
            self.park(&id, Box::new(Session { upload, repository, opened_by, touched_at, revision: 0, reserved }));
        }
        Ok(id)
    }

    /// Returns how many bytes of an upload are stored, also while a request writes to it.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`].
    pub async fn offset(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<u64, Fault> {
        let row = self.row(id).await?;
        check_owner(cx, repository, id, row.repository, &row.opened_by)?;
        match row.sealed {
            None => self.stored(id).await,
            Some(_) => self.sealed_offset(cx, repository, id).await,
        }
    }

    /// Returns where a sealed upload goes on: only whoever has it in hand knows that, as its file is longer. While a request
    /// writes, it is where that one began: nothing of it is surely kept before its end.
    async fn sealed_offset(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<u64, Fault> {
        match self.slots().get(id.as_str()) {
            Some(Slot::Busy(writing)) => return writing.begun_at().ok_or_else(upload_busy),
            Some(Slot::Idle(session)) if self.holder.is_none() => return Ok(session.upload.offset()),
            Some(Slot::Idle(_)) | None => {}
        }
        let turn = self.take(cx, repository, id, None).await?;
        let offset = turn.session().upload.offset();
        turn.give_back().await;
        Ok(offset)
    }

    /// Begins the bytes of an upload, sealed where there is a key.
    async fn begin(
        &self,
        id: &UploadId,
        algorithm: Algorithm,
        data_key: Option<Arc<DataKey>>,
    ) -> Result<Upload, Fault> {
        let (store, algorithm) = (&self.ports.store, store_algorithm(algorithm));
        let begun = match data_key {
            Some(data_key) => store.begin_sealed(id, algorithm, data_key).await,
            None => store.begin(id, algorithm).await,
        };
        begun.map_err(store_fault)
    }

    /// Adds bytes at the end of an upload. `start` is where the client believes that to be, `length` how many it says come.
    ///
    /// Where the line breaks, what came is kept, and the client can go on from there. Where it is only silent, the same
    /// client can too: a request that says rightly where it begins ends the silent one. Where the body is whole and yet of
    /// another length than announced, nothing of it is kept.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`], [`FaultKind::UploadBusy`], [`FaultKind::SizeInvalid`], [`FaultKind::UploadInvalid`],
    /// [`FaultKind::StorageFull`], [`FaultKind::QuotaExceeded`].
    pub async fn append<E: Error + Send + Sync + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &UploadId,
        start: Option<u64>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<Appended, Fault> {
        let mut turn = self.take(cx, repository, id, start).await?;
        let appended = self.append_in(&mut turn, start, length, body).await;
        turn.give_back().await;
        self.ports.push_failures.note(cx.account, repository, appended)
    }

    async fn append_in<E: Error + Send + Sync + 'static>(
        &self,
        turn: &mut Turn,
        start: Option<u64>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<Appended, Fault> {
        let offset = turn.session().upload.offset();
        if start.is_some_and(|start| start != offset) {
            return Ok(Appended::OutOfOrder(offset));
        }
        self.reserve(turn, length).await?;
        let received = self.receive(turn, length, body).await;
        let settled = self.settle(turn).await;
        received.and(settled)?;
        self.touch(turn).await?;
        Ok(Appended::At(turn.session().upload.offset()))
    }

    /// Adds the last bytes to an upload, checks its digest and makes it a blob of the repository.
    ///
    /// # Errors
    /// Those of [`Uploads::append`]; [`FaultKind::DigestInvalid`] where the bytes have another digest: then the upload
    /// is gone and nothing is stored.
    #[expect(clippy::too_many_arguments, reason = "those of append, and the digest")]
    pub async fn finish<E: Error + Send + Sync + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &UploadId,
        digest: &Digest,
        start: Option<u64>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<Appended, Fault> {
        let mut turn = self.take(cx, repository, id, start).await?;
        let finished = self.finish_in(&mut turn, repository, digest, (start, length), body).await;
        turn.give_back().await;
        self.ports.push_failures.note(cx.account, repository, finished)
    }

    async fn finish_in<E: Error + Send + Sync + 'static>(
        &self,
        turn: &mut Turn,
        repository: &Repository,
        digest: &Digest,
        (start, length): (Option<u64>, Option<u64>),
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<Appended, Fault> {
        let offset = turn.session().upload.offset();
        if start.is_some_and(|start| start != offset) {
            return Ok(Appended::OutOfOrder(offset));
        }
        if offset == 0 {
            self.rehash(turn, digest).await?;
        }
        self.reserve(turn, length).await?;
        self.receive(turn, length, body).await?;
        self.rehash(turn, digest).await?;
        let (cx, id) = (turn.cx.clone(), turn.id.clone());
        let upload = turn.end();
        let size = upload.offset();
        if let Err(fault) = check_digest(&upload, digest) {
            self.drop_row(&cx, &id).await?;
            discard(upload).await;
            return Err(fault);
        }
        let admitting = admit(&self.ports, &cx, repository, digest, upload, Some((id.as_str(), turn.hold)));
        let admitted = self.holding(&cx, &id, turn.hold, admitting).await;
        // Its bytes are gone; what it had reserved is free.
        if admitted.as_ref().is_err_and(|fault| fault.kind == FaultKind::QuotaExceeded) {
            self.drop_row(&cx, &id).await?;
        }
        admitted.map(|()| Appended::At(size))
    }

    /// Has the hash of the bytes so far be of the digest's algorithm.
    async fn rehash(&self, turn: &mut Turn, digest: &Digest) -> Result<(), Fault> {
        let mut session = turn.take_session();
        let rehashing = session.upload.rehash(store_algorithm(digest.algorithm()));
        session.upload = self.holding(&turn.cx, &turn.id, turn.hold, rehashing).await.map_err(upload_fault)?;
        turn.session = Some(session);
        Ok(())
    }

    /// Stores a blob whose bytes come in one piece with its digest.
    ///
    /// # Errors
    /// As [`Uploads::finish`].
    pub async fn store<E: Error + Send + Sync + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Fault> {
        if repository.is_limited {
            return self.store_reserving(cx, repository, digest, body).await;
        }
        let id = self.fresh_id();
        // Used by this request alone: it is not kept under the name of the upload.
        let domain = KeyDomain::of(cx.account, &repository.rules);
        self.ports.check_key(cx, repository).await?;
        let data_key = domain.map(|domain| Arc::new(DataKey::draw(&self.ports.env, domain.layers())));
        let upload = self.begin(&id, digest.algorithm(), data_key).await?;
        let body = body.map(|piece| piece.map_err(BodyEnd::Client));
        let (upload, received) = upload.append(body, self.blob_bytes_max()).await;
        if let Err(fault) =
            received.map_err(|error| self.append_fault(error, 0)).and_then(|_| check_digest(&upload, digest))
        {
            discard(upload).await;
            return self.ports.push_failures.note(cx.account, repository, Err(fault));
        }
        let admitted = admit(&self.ports, cx, repository, digest, upload, None).await;
        self.ports.push_failures.note(cx.account, repository, admitted)
    }

    /// The same where quotas keep room for the bytes while they come: that is written in the row of an upload.
    async fn store_reserving<E: Error + Send + Sync + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Fault> {
        let opened = self.open(cx, repository, digest.algorithm()).await;
        let id = self.ports.push_failures.note(cx.account, repository, opened)?;
        let finished = self.finish(cx, repository, &id, digest, None, None, body).await;
        if finished.is_err() {
            // Nobody knows its name. Where this fails, or it has gone already, nothing is left to do: it expires.
            let _ = self.cancel(cx, repository, &id).await;
        }
        finished.map(drop)
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`], [`FaultKind::UploadBusy`].
    pub async fn cancel(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<(), Fault> {
        let mut turn = self.take(cx, repository, id, None).await?;
        let dropped = self.drop_row(cx, id).await;
        if dropped.is_ok() {
            discard(turn.end()).await;
        }
        turn.give_back().await;
        dropped
    }

    async fn receive<E: Error + Send + Sync + 'static>(
        &self,
        turn: &mut Turn,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Fault> {
        let mut session = turn.take_session();
        let offset = session.upload.offset();
        let room = self.blob_bytes_max().saturating_sub(offset);
        if length.is_some_and(|length| length > room) {
            turn.session = Some(session);
            return Err(self.append_fault(AppendError::<BodyEnd<E>>::TooLong, offset));
        }
        let (interrupt, interrupted) = AbortHandle::new_pair();
        turn.writing.begin(interrupt, self.ports.env.elapsed());
        let body = self.watched(turn, body);
        let appending = match length {
            Some(length) => Either::Left(session.upload.append_exactly(body, length)),
            None => {
                let body = self.reserving(turn, session.reserved.clone(), offset, body);
                Either::Right(session.upload.append(body, room))
            }
        };
        let appended = Abortable::new(appending, interrupted).await;
        turn.writing.end();
        // What was dropped in the middle is taken up anew, from what is really in the file.
        let Ok((upload, received)) = appended else { return Err(overtaken()) };
        session.upload = upload;
        if session.upload.offset() > offset {
            turn.touched_at = self.ports.env.now();
        }
        // The same after a failing disk; a full one leaves the file as it was.
        if !matches!(&received, Err(AppendError::Store(error)) if !error.is_full()) {
            turn.session = Some(session);
        }
        received.map(drop).map_err(|error| self.append_fault(error, offset))
    }

    fn append_fault<E: Error + Send + Sync + 'static>(&self, error: AppendError<BodyEnd<E>>, offset: u64) -> Fault {
        match error {
            AppendError::TooLong => {
                let message = format!(
                    "More bytes came than were announced, or the blob is larger than limits.blob_bytes_max ({}); the upload still has {offset} bytes",
                    self.ports.settings.limits.blob_bytes_max
                );
                Fault::new(FaultKind::SizeInvalid, message)
            }
            AppendError::TooShort => {
                let message = format!("Fewer bytes came than were announced; the upload still has {offset} bytes");
                Fault::new(FaultKind::SizeInvalid, message)
            }
            AppendError::Body(BodyEnd::Overtaken) => overtaken(),
            AppendError::Body(BodyEnd::NoRoom(fault)) => *fault,
            AppendError::Body(BodyEnd::Client(cause)) => {
                let message = "The body ended before it was complete; ask for the upload's status and go on from there";
                Fault::new(FaultKind::UploadInvalid, message).because(cause)
            }
            AppendError::Store(error) => upload_fault(error),
        }
    }

    fn blob_bytes_max(&self) -> u64 {
        self.ports.settings.limits.blob_bytes_max.get()
    }

    fn fresh_id(&self) -> UploadId {
        self.ports.env.request_id().to_string().parse().expect("a UUID is an upload id")
    }

    /// Notes that bytes came. Where there is a hold, its end does that.
    async fn touch(&self, turn: &mut Turn) -> Result<(), Fault> {
        let now = self.ports.env.now();
        if turn.hold.is_some() || now.since(turn.session().touched_at) < TOUCH_EVERY {
            return Ok(());
        }
        self.ports.metadata.perform(&turn.cx, TouchUpload { id: turn.id.to_string(), now }).await?;
        turn.session.as_mut().expect("a turn has its session until it ends").touched_at = now;
        Ok(())
    }

    async fn drop_row(&self, cx: &Cx, id: &UploadId) -> Result<(), Fault> {
        self.ports.metadata.perform(cx, CloseUpload { id: id.to_string() }).await.map(drop)
    }

    async fn row(&self, id: &UploadId) -> Result<UploadRow, Fault> {
        let wanted = id.to_string();
        let row = self.ports.metadata.read(move |rows| uploads::find(rows, &wanted)).await?;
        row.ok_or_else(|| upload_not_found(id))
    }

    async fn stored(&self, id: &UploadId) -> Result<u64, Fault> {
        let length = self.ports.store.upload_length(id).await.map_err(store_fault)?;
        length.ok_or_else(|| upload_not_found(id))
    }

    fn park(&self, id: &UploadId, session: Box<Session>) {
        let mut slots = self.slots();
        if slots.len() >= IDLE_MAX {
            let idle = slots.iter().find(|(_, slot)| matches!(slot, Slot::Idle(_))).map(|(id, _)| id.clone());
            if let Some(idle) = idle {
                slots.remove(&idle);
            }
        }
        slots.insert(id.to_string(), Slot::Idle(session));
    }

    /// Forgets what is known of an upload that is given up, unless a request is at it.
    pub(crate) fn forget(&self, id: &str) {
        let mut slots = self.slots();
        if matches!(slots.get(id), Some(Slot::Idle(_))) {
            slots.remove(id);
        }
    }

    /// Whether a request is writing to an upload just now.
    pub(crate) fn is_busy(&self, id: &str) -> bool {
        matches!(self.slots().get(id), Some(Slot::Busy(_)))
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().expect("nothing panics while it holds the slots")
    }
}

fn check_digest(upload: &Upload, digest: &Digest) -> Result<(), Fault> {
    let found = Digest::from_hash(digest.algorithm(), &upload.hash());
    if found == *digest {
        return Ok(());
    }
    let message = format!("{} bytes came with the digest {found}, not {digest}; nothing was stored", upload.offset());
    Err(Fault::new(FaultKind::DigestInvalid, message))
}

/// An upload belongs to the principal that opened it, and to its repository.
fn check_owner(cx: &Cx, repository: &Repository, id: &UploadId, of: i64, opened_by: &str) -> Result<(), Fault> {
    if of == repository.id && *opened_by == *cx.actor { Ok(()) } else { Err(upload_not_found(id)) }
}

fn upload_busy() -> Fault {
    let message = "Another request is writing to this upload; wait for it, then ask for the upload's status";
    Fault::new(FaultKind::UploadBusy, message)
}

fn overtaken() -> Fault {
    let message = "Nothing came here for a while, and another request has gone on with this upload";
    Fault::new(FaultKind::UploadBusy, message)
}

fn upload_not_found(id: &UploadId) -> Fault {
    let message =
        format!("There is no upload {id} here: it is finished, was cancelled or has expired; start a new one");
    Fault::new(FaultKind::UploadNotFound, message)
}
