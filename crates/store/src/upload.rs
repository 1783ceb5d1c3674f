use crate::{
    Algorithm, AppendError, Backend, Error, Key, Store, UploadId,
    batch::Batch,
    folder,
    intake::{Intake, Until},
    memory,
    sealed::DataKey,
};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};
use gantry_env::BoxFuture;
use std::{fmt, future::poll_fn, ops::RangeInclusive, sync::Arc, task::Poll};
use tracing::{Instrument, field::Empty};

/// Bytes that are arriving: a temporary file and the hash of what is in it. One writer by construction.
///
/// Dropped, its bytes stay and can be taken up again with [`Store::resume`].
pub struct Upload {
    store: Store,
    id: UploadId,
    intake: Intake,
    offset: u64,
    /// `None` after a failure that leaves open what is on the disk.
    sink: Option<Sink>,
}

/// Where an upload's bytes go.
pub(crate) enum Sink {
    Folder(folder::Sink),
    Memory(memory::Sink),
}

/// How a write ended; what was lent to it comes back, unless a thread panicked.
pub(crate) struct Written {
    pub(crate) back: Option<(Sink, Intake)>,
    pub(crate) result: Result<(), Error>,
}

impl Upload {
    pub(crate) async fn begin(
        store: Store,
        id: UploadId,
        algorithm: Algorithm,
        key: Option<Arc<DataKey>>,
    ) -> Result<Upload, Error> {
        let sink = match &store.backend {
            Backend::Folder(folder) => Sink::Folder(folder::Sink::create(folder.clone(), id.clone()).await?),
            Backend::Memory(memory) => Sink::Memory(memory::Sink::create(memory.clone(), id.clone()).await?),
        };
        let intake = Intake::new(algorithm, key, store.env());
        Ok(Upload { store, id, intake, offset: 0, sink: Some(sink) })
    }

    pub(crate) async fn resume(
        store: Store,
        id: UploadId,
        algorithm: Algorithm,
        key: Option<Arc<DataKey>>,
    ) -> Result<Upload, Error> {
        let intake = Intake::new(algorithm, key, store.env());
        let (sink, intake, offset) = match &store.backend {
            Backend::Folder(folder) => {
                let (sink, intake, offset) = folder::Sink::reopen(folder.clone(), id.clone(), intake).await?;
                (Sink::Folder(sink), intake, offset)
            }
            Backend::Memory(memory) => {
                let (sink, intake, offset) = memory::Sink::reopen(memory.clone(), id.clone(), intake).await?;
                (Sink::Memory(sink), intake, offset)
            }
        };
        Ok(Upload { store, id, intake, offset, sink: Some(sink) })
    }

    /// Returns its id.
    pub fn id(&self) -> &UploadId {
        &self.id
    }

    /// Returns how many bytes there are.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns which hash is computed.
    pub fn algorithm(&self) -> Algorithm {
        self.intake.hasher.algorithm
    }

    /// Returns how many bytes the blob will have on the disk: more than [`Upload::offset`] where it is sealed.
    pub fn object_bytes(&self) -> u64 {
        self.intake.object_bytes(self.offset)
    }

    /// Returns what it is sealed with; `None` where it is plain.
    pub fn data_key(&self) -> Option<&Arc<DataKey>> {
        self.intake.sealing.as_ref().map(|sealing| sealing.key())
    }

    /// Returns the hash of all bytes so far.
    pub fn hash(&self) -> Vec<u8> {
        self.intake.hasher.value()
    }

    /// Returns the upload with a running hash of another algorithm: the bytes are read again where that differs.
    ///
    /// # Errors
    /// The upload is given back to the store: it can be resumed.
    pub async fn rehash(mut self, algorithm: Algorithm) -> Result<Upload, Error> {
        if algorithm == self.algorithm() {
            return Ok(self);
        }
        let intake = self.intake.anew(algorithm);
        if self.offset == 0 {
            self.intake = intake;
            return Ok(self);
        }
        let (sink, intake) = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => {
                sink.rehash(intake, self.offset).await.map(|(sink, intake)| (Sink::Folder(sink), intake))?
            }
            Sink::Memory(sink) => {
                sink.rehash(intake, self.offset).await.map(|(sink, intake)| (Sink::Memory(sink), intake))?
            }
        };
        Ok(Upload { sink: Some(sink), intake, ..self })
    }

    /// Adds a body of at most `limit` bytes at the end; answers how many came.
    ///
    /// Where the body breaks off, what came is kept. Where it is too long, or there is no room, nothing of it is kept. The
    /// upload that comes back is whole in either case: its hash is that of its bytes. After any other failure of the
    /// disk it takes no more.
    ///
    /// Dropped before its end, it keeps what was written by then, up to a megabyte less than came.
    pub async fn append<E>(
        self,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
        limit: u64,
    ) -> (Upload, Result<u64, AppendError<E>>) {
        self.append_within(body, 0..=limit).await
    }

    /// As [`Upload::append`], for a body that must have `length` bytes: of one that ends before, nothing is kept
    /// ([`AppendError::TooShort`]).
    pub async fn append_exactly<E>(
        self,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
        length: u64,
    ) -> (Upload, Result<u64, AppendError<E>>) {
        self.append_within(body, length..=length).await
    }

    async fn append_within<E>(
        self,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
        lengths: RangeInclusive<u64>,
    ) -> (Upload, Result<u64, AppendError<E>>) {
        let span = tracing::debug_span!("store.append", bytes = Empty);
        let (upload, appended) = self.write(body, lengths).instrument(span.clone()).await;
        span.record("bytes", appended.as_ref().ok());
        (upload, appended)
    }

    async fn write<E>(
        mut self,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
        lengths: RangeInclusive<u64>,
    ) -> (Upload, Result<u64, AppendError<E>>) {
        if self.intake.sealing.as_ref().is_some_and(|sealing| !sealing.has_room(0)) {
            let error = AppendError::Store(Error::Parts { place: self.id.to_string() });
            return (self, Err(error));
        }
        let Some(sink) = self.sink.take() else {
            let error = AppendError::Store(self.broken());
            return (self, Err(error));
        };
        let mut writer = Writer { state: State::Idle(sink, self.intake.fork()), offset: self.offset };
        let mut received = writer.receive(body, *lengths.end()).await;
        if received.is_ok() && writer.offset - self.offset < *lengths.start() {
            received = Err(AppendError::TooShort);
        }
        match received {
            Ok(()) | Err(AppendError::Body(_)) => {
                let appended = writer.offset - self.offset;
                match self.take_back(writer).await {
                    Ok(()) => (self, received.map(|()| appended)),
                    Err(error) => (self, Err(AppendError::Store(error))),
                }
            }
            Err(error @ (AppendError::TooLong | AppendError::TooShort)) => {
                let error = self.cut_back(writer).await.map_or_else(AppendError::Store, |()| error);
                (self, Err(error))
            }
            Err(AppendError::Store(error)) => {
                // Where even cutting fails, the first error says more.
                if error.is_full() && self.cut_back(writer).await.is_err() {
                    tracing::error!(upload = %self.id, "the upload {} cannot be cut back; it is given up", self.id);
                }
                (self, Err(AppendError::Store(error)))
            }
        }
    }

    /// Takes over what was written.
    async fn take_back(&mut self, writer: Writer) -> Result<(), Error> {
        let State::Idle(sink, intake) = writer.state else { return Err(self.broken()) };
        // Forked, so that it holds no buffers while nothing comes.
        (self.intake, self.offset) = (intake.fork(), writer.offset);
        self.sink = Some(sink.rest().await?);
        Ok(())
    }

    /// Undoes what was written.
    async fn cut_back(&mut self, writer: Writer) -> Result<(), Error> {
        let sink = match writer.settle().await {
            State::Idle(sink, _) => sink.cut(self.intake.file_bytes(self.offset)).await?,
            State::Busy(_) | State::Broken => return Err(self.broken()),
        };
        self.sink = Some(sink.rest().await?);
        Ok(())
    }

    fn broken(&self) -> Error {
        Error::Broken { place: self.id.to_string() }
    }

    /// Makes the bytes durable at `key`, where nothing lies yet; answers how many there are, in plain. When it returns they
    /// survive a power cut, and the upload is no more.
    ///
    /// # Errors
    /// [`Error::Exists`] where the place is taken, [`Error::Missing`] where the upload was discarded. After any error the
    /// bytes may still be below the upload's id, and, rarely, at `key`, for the collection and for fsck to find.
    pub async fn publish(mut self, key: &Key) -> Result<u64, Error> {
        let span = tracing::debug_span!("store.publish", bytes = self.offset);
        let mut sink = self.sink.take().ok_or_else(|| self.broken())?;
        let length = self.object_bytes();
        if length != self.intake.file_bytes(self.offset) {
            let written = sink.write(Batch::default(), self.offset, self.intake, Until::EndOfObject).await;
            written.result?;
            sink = written.back.ok_or_else(|| Error::Broken { place: self.id.to_string() })?.0;
        }
        match sink {
            Sink::Folder(sink) => sink.publish(key, length).instrument(span).await?,
            Sink::Memory(sink) => sink.publish(key, length).instrument(span).await?,
        }
        Ok(self.offset)
    }

    /// Syncs and closes its file, so that whoever resumes it next, in this process or another, finds every byte.
    ///
    /// # Errors
    /// The upload is given back to the store: it can be resumed.
    pub async fn close(mut self) -> Result<Upload, Error> {
        self.sink = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => Some(Sink::Folder(sink.close().await?)),
            Sink::Memory(sink) => Some(Sink::Memory(sink)),
        };
        Ok(self)
    }

    /// Opens the file of an upload that was closed. Whoever gives the upload another one by [`Store::detach`] cannot be
    /// disturbed by what is written here from now on.
    ///
    /// # Errors
    /// [`Error::Missing`], and [`Error::Length`] where somebody else wrote to it. The upload is given back to the store.
    pub async fn open(mut self) -> Result<Upload, Error> {
        let length = self.intake.file_bytes(self.offset);
        self.sink = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => Some(Sink::Folder(sink.open(length).await?)),
            Sink::Memory(sink) => Some(Sink::Memory(sink)),
        };
        Ok(self)
    }

    /// Opens the file of an upload that was closed, and to which others have added since: what they added is read and
    /// hashed, what was there before is not.
    ///
    /// # Errors
    /// [`Error::Missing`], and [`Error::Length`] where there are fewer bytes than there were. The upload is given back to
    /// the store: it can be resumed.
    pub async fn catch_up(mut self) -> Result<Upload, Error> {
        let (intake, offset) = (self.intake.fork(), self.offset);
        (self.sink, self.intake, self.offset) = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => {
                let (sink, intake, offset) = sink.catch_up(intake, offset).await?;
                (Some(Sink::Folder(sink)), intake, offset)
            }
            Sink::Memory(sink) => {
                let (intake, offset) = sink.read_on(intake, offset).await?;
                (Some(Sink::Memory(sink)), intake, offset)
            }
        };
        Ok(self)
    }

    /// Lets go of the upload and keeps its bytes, as dropping it does.
    pub fn suspend(self) -> UploadId {
        self.id
    }

    /// Removes the bytes.
    pub async fn abort(self) -> Result<(), Error> {
        let Upload { store, id, sink, .. } = self;
        drop(sink);
        store.discard(&id).await
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("id", &self.id).field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Writes a body while it arrives: one batch at a time, so that bytes keep their order; meanwhile the next is gathered.
///
/// A thread is asked for with each batch and not held between them, so that any number of slow clients holds none.
struct Writer {
    state: State,
    /// Where the next batch goes.
    offset: u64,
}

enum State {
    Idle(Sink, Intake),
    Busy(BoxFuture<'static, Written>),
    /// A failure leaves open what is there.
    Broken,
}

enum Event<E> {
    Piece(Option<Result<Bytes, E>>),
    Written(Written),
}

impl Writer {
    /// Writes what comes. When it returns no write is under way, save after [`AppendError::TooLong`].
    async fn receive<E>(
        &mut self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
        limit: u64,
    ) -> Result<(), AppendError<E>> {
        let (mut batch, mut came) = (Batch::default(), 0u64);
        let end = loop {
            match self.next(&mut body, &batch).await {
                Event::Written(written) => self.settled(written).map_err(AppendError::Store)?,
                Event::Piece(None) => break Ok(()),
                Event::Piece(Some(Err(error))) => break Err(AppendError::Body(error)),
                Event::Piece(Some(Ok(piece))) => {
                    came = came.saturating_add(piece.len() as u64);
                    if came > limit {
                        return Err(AppendError::TooLong);
                    }
                    batch.push(piece);
                }
            }
            if batch.is_worth_it() {
                self.start(&mut batch, Until::More);
            }
        };
        self.finish(&mut batch).await.map_err(AppendError::Store)?;
        end
    }

    async fn next<E>(&mut self, body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin), batch: &Batch) -> Event<E> {
        poll_fn(|cx| {
            if let State::Busy(writing) = &mut self.state
                && let Poll::Ready(written) = writing.poll_unpin(cx)
            {
                return Poll::Ready(Event::Written(written));
            }
            // Without room a write is under way, and its end wakes us.
            if batch.has_room() { body.poll_next_unpin(cx).map(Event::Piece) } else { Poll::Pending }
        })
        .await
    }

    /// Begins to write the batch, or most of it where it is not the last, unless another is being written.
    fn start(&mut self, batch: &mut Batch, until: Until) {
        self.state = match std::mem::replace(&mut self.state, State::Broken) {
            State::Idle(sink, intake) => {
                let at = self.offset;
                let batch = if until == Until::More { batch.take_whole(at) } else { batch.take() };
                self.offset += batch.bytes();
                State::Busy(sink.write(batch, at, intake, until))
            }
            busy => busy,
        }
    }

    async fn finish(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.wait().await?;
        let is_open = matches!(&self.state, State::Idle(_, intake) if intake.is_open());
        if is_open || !batch.is_empty() {
            self.start(batch, Until::EndOfBody);
            self.wait().await?;
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), Error> {
        let State::Busy(writing) = &mut self.state else { return Ok(()) };
        let written = writing.await;
        self.settled(written)
    }

    fn settled(&mut self, written: Written) -> Result<(), Error> {
        let is_known = written.result.as_ref().err().is_none_or(Error::is_full);
        self.state = match written.back.filter(|_| is_known) {
            Some((sink, intake)) => State::Idle(sink, intake),
            None => State::Broken,
        };
        written.result
    }

    /// Waits for a write that is under way, however it ends.
    async fn settle(mut self) -> State {
        let _ = self.wait().await;
        self.state
    }
}

impl Sink {
    /// Hashes, seals and writes a batch at `at` of the plain bytes.
    fn write(self, batch: Batch, at: u64, intake: Intake, until: Until) -> BoxFuture<'static, Written> {
        match self {
            Sink::Folder(sink) => sink.write(batch, at, intake, until),
            Sink::Memory(sink) => sink.write(batch, at, intake, until),
        }
    }

    async fn rest(self) -> Result<Sink, Error> {
        match self {
            Sink::Folder(sink) => sink.rest().await.map(Sink::Folder),
            Sink::Memory(_) => Ok(self),
        }
    }

    async fn cut(self, length: u64) -> Result<Sink, Error> {
        match self {
            Sink::Folder(sink) => sink.cut(length).await.map(Sink::Folder),
            Sink::Memory(sink) => sink.cut(length).map(Sink::Memory),
        }
    }
}
