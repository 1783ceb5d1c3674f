use crate::{
    admit::{admit, discard, store_fault, upload_fault},
    images::store_algorithm,
    ports::Ports,
    repositories::{self, Repository},
};
use bytes::Bytes;
use futures_util::Stream;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Trail, Tx, repositories as repository_rows, uploads};
use gantry_oci::{Algorithm, Digest};
use gantry_store::{AppendError, Upload, UploadId};
use gantry_words::{AccountId, Cx, RepositoryName, Timestamp};
use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// Uploads whose running hash is kept in memory between requests; more than these are read again when they go on.
const IDLE_MAX: usize = 4_096;
/// An upload's row says within this when its last byte came.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// The room for uploads: durable sessions in which the bytes of a blob arrive.
///
/// The session is a row, its bytes a file of the store under the same id. What is known only here is the running hash,
/// and it can be had again from the file: after a restart an upload goes on where its bytes end.
#[derive(Clone)]
pub struct Uploads {
    ports: Arc<Ports>,
    slots: Arc<Mutex<HashMap<String, Slot>>>,
}

enum Slot {
    /// A request writes to it.
    Busy,
    /// Nobody does.
    Idle(Box<Session>),
}

/// An upload in the hands of one request.
struct Session {
    upload: Upload,
    repository: i64,
    opened_by: Arc<str>,
    touched_at: Timestamp,
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
        Uploads { ports, slots: Arc::default() }
    }

    /// The smallest chunk clients are asked to send, in bytes; zero asks for nothing.
    pub fn chunk_bytes_min(&self) -> u64 {
        self.ports.settings.uploads.chunk_bytes_min.get()
    }

    /// Opens an upload. `algorithm` is the hash its digest will probably be of.
    pub async fn open(&self, cx: &Cx, repository: &Repository, algorithm: Algorithm) -> Result<UploadId, Fault> {
        let id = self.fresh_id();
        let act = OpenUpload {
            account: cx.account,
            id: id.to_string(),
            repository: repository.id,
            name: repository.name.clone(),
            algorithm: algorithm.as_str(),
            actor: cx.actor.clone(),
        };
        let upload = self.ports.store.begin(&id, store_algorithm(algorithm)).await.map_err(store_fault)?;
        if let Err(fault) = self.ports.metadata.perform(cx, act).await {
            discard(upload).await;
            return Err(fault);
        }
        let session = Session { upload, repository: repository.id, opened_by: cx.actor.clone(), touched_at: cx.now };
        self.park(&id, session);
        Ok(id)
    }

    /// Returns how many bytes an upload has.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`], [`FaultKind::UploadBusy`].
    pub async fn offset(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<u64, Fault> {
        let turn = self.take(cx, repository, id).await?;
        Ok(turn.session().upload.offset())
    }

    /// Adds bytes at the end of an upload. `start` is where the client believes that to be, `length` how many it says come.
    ///
    /// Where the line breaks, what came is kept, and the client can go on from there. Where the body is whole and yet of
    /// another length, nothing of it is.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`], [`FaultKind::UploadBusy`], [`FaultKind::SizeInvalid`], [`FaultKind::UploadInvalid`],
    /// [`FaultKind::StorageFull`].
    pub async fn append<E: Error + Send + Sync + 'static>(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &UploadId,
        start: Option<u64>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<Appended, Fault> {
        let mut turn = self.take(cx, repository, id).await?;
        let offset = turn.session().upload.offset();
        if start.is_some_and(|start| start != offset) {
            return Ok(Appended::OutOfOrder(offset));
        }
        self.receive(&mut turn, length, body).await?;
        self.touch(cx, &mut turn).await?;
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
        let mut turn = self.take(cx, repository, id).await?;
        let offset = turn.session().upload.offset();
        if start.is_some_and(|start| start != offset) {
            return Ok(Appended::OutOfOrder(offset));
        }
        if offset == 0 {
            turn.set_algorithm(digest.algorithm()).await?;
        }
        self.receive(&mut turn, length, body).await?;
        turn.set_algorithm(digest.algorithm()).await?;
        let upload = turn.end();
        let size = upload.offset();
        if let Err(fault) = check_digest(&upload, digest) {
            self.drop_row(cx, id).await?;
            discard(upload).await;
            return Err(fault);
        }
        admit(&self.ports, cx, repository, digest, upload, Some(id.as_str())).await?;
        Ok(Appended::At(size))
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
        let id = self.fresh_id();
        let upload = self.ports.store.begin(&id, store_algorithm(digest.algorithm())).await.map_err(store_fault)?;
        let (upload, received) = upload.append(body, self.blob_bytes_max()).await;
        if let Err(fault) =
            received.map_err(|error| self.append_fault(error, 0)).and_then(|_| check_digest(&upload, digest))
        {
            discard(upload).await;
            return Err(fault);
        }
        admit(&self.ports, cx, repository, digest, upload, None).await
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// [`FaultKind::UploadNotFound`], [`FaultKind::UploadBusy`].
    pub async fn cancel(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<(), Fault> {
        let mut turn = self.take(cx, repository, id).await?;
        self.drop_row(cx, id).await?;
        discard(turn.end()).await;
        Ok(())
    }

    async fn receive<E: Error + Send + Sync + 'static>(
        &self,
        turn: &mut Turn<'_>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<u64, Fault> {
        let offset = turn.session().upload.offset();
        let room = self.blob_bytes_max().saturating_sub(offset);
        if length.is_some_and(|length| length > room) {
            return Err(self.append_fault(AppendError::<E>::TooLong, offset));
        }
        let mut session = turn.session.take().expect("a turn has its session until it ends");
        let (upload, received) = match length {
            Some(length) => session.upload.append_exactly(body, length).await,
            None => session.upload.append(body, room).await,
        };
        session.upload = upload;
        // After a failing disk the file is taken up anew, from what is really in it; a full one leaves it as it was.
        if !matches!(&received, Err(AppendError::Store(error)) if !error.is_full()) {
            turn.session = Some(session);
        }
        received.map_err(|error| self.append_fault(error, offset))
    }

    fn append_fault<E: Error + Send + Sync + 'static>(&self, error: AppendError<E>, offset: u64) -> Fault {
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
            AppendError::Body(cause) => {
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

    async fn touch(&self, cx: &Cx, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let now = self.ports.env.now();
        if now.since(turn.session().touched_at) < TOUCH_EVERY {
            return Ok(());
        }
        self.ports.metadata.perform(cx, TouchUpload { id: turn.id.to_string(), now }).await?;
        turn.session.as_mut().expect("a turn has its session until it ends").touched_at = now;
        Ok(())
    }

    async fn drop_row(&self, cx: &Cx, id: &UploadId) -> Result<(), Fault> {
        self.ports.metadata.perform(cx, CloseUpload { id: id.to_string() }).await.map(drop)
    }

    /// Takes an upload into the hands of one request.
    async fn take(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<Turn<'_>, Fault> {
        let held = match self.slots().insert(id.to_string(), Slot::Busy) {
            Some(Slot::Busy) => {
                let message =
                    "Another request is writing to this upload; wait for it, then ask for the upload's status";
                return Err(Fault::new(FaultKind::UploadBusy, message));
            }
            Some(Slot::Idle(session)) => Some(session),
            None => None,
        };
        // From here on the turn puts the slot right, however this ends.
        let mut turn = Turn { uploads: self, id: id.clone(), session: held };
        if turn.session.is_none() {
            turn.session = Some(Box::new(self.resume(id).await?));
        }
        let session = turn.session();
        // An upload belongs to the principal that opened it, and to its repository.
        if session.repository != repository.id || session.opened_by != cx.actor {
            return Err(upload_not_found(id));
        }
        Ok(turn)
    }

    /// Takes an upload up again that this process has not at hand.
    async fn resume(&self, id: &UploadId) -> Result<Session, Fault> {
        let wanted = id.to_string();
        let row = self.ports.metadata.read(move |rows| uploads::find(rows, &wanted)).await?;
        let row = row.ok_or_else(|| upload_not_found(id))?;
        let algorithm = if row.algorithm == "sha512" { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let upload = match self.ports.store.resume(id, store_algorithm(algorithm)).await {
            Ok(upload) => upload,
            Err(error) if error.is_missing() => return Err(upload_not_found(id).because(error)),
            Err(error) => return Err(store_fault(error)),
        };
        Ok(Session { upload, repository: row.repository, opened_by: row.opened_by.into(), touched_at: row.touched_at })
    }

    fn park(&self, id: &UploadId, session: Session) {
        let mut slots = self.slots();
        if slots.len() >= IDLE_MAX {
            let idle = slots.iter().find(|(_, slot)| matches!(slot, Slot::Idle(_))).map(|(id, _)| id.clone());
            if let Some(idle) = idle {
                slots.remove(&idle);
            }
        }
        slots.insert(id.to_string(), Slot::Idle(Box::new(session)));
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
        matches!(self.slots().get(id), Some(Slot::Busy))
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().expect("nothing panics while it holds the slots")
    }
}

/// One request's hold on an upload: gives it back when dropped.
struct Turn<'a> {
    uploads: &'a Uploads,
    id: UploadId,
    session: Option<Box<Session>>,
}

impl Turn<'_> {
    fn session(&self) -> &Session {
        self.session.as_ref().expect("a turn has its session until it ends")
    }

    /// Has the hash of the bytes so far be of this algorithm.
    async fn set_algorithm(&mut self, algorithm: Algorithm) -> Result<(), Fault> {
        let mut session = self.session.take().expect("a turn has its session until it ends");
        session.upload = session.upload.rehash(store_algorithm(algorithm)).await.map_err(upload_fault)?;
        self.session = Some(session);
        Ok(())
    }

    /// Takes the upload out for good. The turn goes on until it is dropped: nobody else may write meanwhile.
    fn end(&mut self) -> Upload {
        let session = self.session.take().expect("a turn has its session until it ends");
        session.upload
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.uploads.slots().remove(self.id.as_str());
        if let Some(session) = self.session.take() {
            self.uploads.park(&self.id, *session);
        }
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

fn upload_not_found(id: &UploadId) -> Fault {
    let message =
        format!("There is no upload {id} here: it is finished, was cancelled or has expired; start a new one");
    Fault::new(FaultKind::UploadNotFound, message)
}

struct OpenUpload {
    account: AccountId,
    id: String,
    repository: i64,
    name: RepositoryName,
    algorithm: &'static str,
    actor: Arc<str>,
}

impl Act for OpenUpload {
    type Seen = bool;
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "registry.open_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        Ok(repository_rows::by_id(rows, self.repository)?.is_some())
    }

    fn decide(&self, repository_exists: bool, now: Timestamp) -> Result<Timestamp, Fault> {
        if repository_exists { Ok(now) } else { Err(repositories::not_found(&self.name, self.account)) }
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        uploads::insert(tx, &self.id, self.repository, self.algorithm, &self.actor, now)
    }
}

struct TouchUpload {
    id: String,
    now: Timestamp,
}

impl Act for TouchUpload {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.touch_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        uploads::touch(tx, &self.id, self.now)
    }
}

pub(crate) struct CloseUpload {
    pub(crate) id: String,
}

impl Act for CloseUpload {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.close_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        uploads::delete(tx, &self.id)
    }
}
