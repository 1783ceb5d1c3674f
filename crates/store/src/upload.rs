use crate::{Algorithm, AppendError, Backend, Error, Key, Store, UploadId, batch::Batch, folder, hash::Hasher, memory};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt};
use gantry_env::BoxFuture;
use std::{fmt, future::poll_fn, ops::RangeInclusive, task::Poll};
use tracing::{Instrument, field::Empty};

/// Bytes that are arriving: a temporary file and the hash of what is in it. One writer by construction.
///
/// Dropped, its bytes stay and can be taken up again with [`Store::resume`].
pub struct Upload {
    store: Store,
    id: UploadId,
    hasher: Hasher,
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
    pub(crate) back: Option<(Sink, Hasher)>,
    pub(crate) result: Result<(), Error>,
}

impl Upload {
    pub(crate) async fn begin(store: Store, id: UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        let sink = match &store.backend {
            Backend::Folder(folder) => Sink::Folder(folder::Sink::create(folder.clone(), id.clone()).await?),
            Backend::Memory(memory) => Sink::Memory(memory::Sink::create(memory.clone(), id.clone()).await?),
        };
        Ok(Upload { store, id, hasher: Hasher::new(algorithm), offset: 0, sink: Some(sink) })
    }

    pub(crate) async fn resume(store: Store, id: UploadId, algorithm: Algorithm) -> Result<Upload, Error> {
        let (sink, hasher, offset) = match &store.backend {
            Backend::Folder(folder) => {
                let (sink, hasher, offset) = folder::Sink::reopen(folder.clone(), id.clone(), algorithm).await?;
                (Sink::Folder(sink), hasher, offset)
            }
            Backend::Memory(memory) => {
                let (sink, hasher, offset) = memory::Sink::reopen(memory.clone(), id.clone(), algorithm).await?;
                (Sink::Memory(sink), hasher, offset)
            }
        };
        Ok(Upload { store, id, hasher, offset, sink: Some(sink) })
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
        self.hasher.algorithm
    }

    /// Returns the hash of all bytes so far.
    pub fn hash(&self) -> Vec<u8> {
        self.hasher.value()
    }

    /// Returns the upload with a running hash of another algorithm: the bytes are read again where that differs.
    ///
    /// # Errors
    /// The upload is given back to the store: it can be resumed.
    pub async fn rehash(mut self, algorithm: Algorithm) -> Result<Upload, Error> {
        if algorithm == self.hasher.algorithm {
            return Ok(self);
        }
        if self.offset == 0 {
            self.hasher = Hasher::new(algorithm);
            return Ok(self);
        }
        let (sink, hasher) = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => {
                sink.rehash(algorithm, self.offset).await.map(|(sink, hash)| (Sink::Folder(sink), hash))?
            }
            Sink::Memory(sink) => {
                sink.rehash(algorithm, self.offset).await.map(|(sink, hash)| (Sink::Memory(sink), hash))?
            }
        };
        Ok(Upload { sink: Some(sink), hasher, ..self })
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
        let Some(sink) = self.sink.take() else {
            let error = AppendError::Store(self.broken());
            return (self, Err(error));
        };
        let mut writer = Writer { state: State::Idle(sink, self.hasher.clone()), offset: self.offset };
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
        let State::Idle(sink, hasher) = writer.state else { return Err(self.broken()) };
        (self.hasher, self.offset) = (hasher, writer.offset);
        self.sink = Some(sink.rest().await?);
        Ok(())
    }

    /// Undoes what was written.
    async fn cut_back(&mut self, writer: Writer) -> Result<(), Error> {
        let sink = match writer.settle().await {
            State::Idle(sink, _) => sink.cut(self.offset).await?,
            State::Busy(_) | State::Broken => return Err(self.broken()),
        };
        self.sink = Some(sink.rest().await?);
        Ok(())
    }

    fn broken(&self) -> Error {
        Error::Broken { place: self.id.to_string() }
    }

    /// Makes the bytes durable at `key`, where nothing lies yet; answers how many there are. When it returns they survive
    /// a power cut, and the upload is no more.
    ///
    /// # Errors
    /// [`Error::Exists`] where the place is taken, [`Error::Missing`] where the upload was discarded. After any error the
    /// bytes may still be below the upload's id, and, rarely, at `key`, for the collection and for fsck to find.
    pub async fn publish(mut self, key: &Key) -> Result<u64, Error> {
        let span = tracing::debug_span!("store.publish", bytes = self.offset);
        match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => sink.publish(key, self.offset).instrument(span).await?,
            Sink::Memory(sink) => sink.publish(key, self.offset).instrument(span).await?,
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
        let offset = self.offset;
        self.sink = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => Some(Sink::Folder(sink.open(offset).await?)),
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
        let (hasher, offset) = (self.hasher.clone(), self.offset);
        (self.sink, self.hasher, self.offset) = match self.sink.take().ok_or_else(|| self.broken())? {
            Sink::Folder(sink) => {
                let (sink, hasher, offset) = sink.catch_up(hasher, offset).await?;
                (Some(Sink::Folder(sink)), hasher, offset)
            }
            Sink::Memory(sink) => {
                let (hasher, offset) = sink.read_on(hasher, offset).await?;
                (Some(Sink::Memory(sink)), hasher, offset)
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
    Idle(Sink, Hasher),
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
                self.start(&mut batch, false);
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
    fn start(&mut self, batch: &mut Batch, is_last: bool) {
        self.state = match std::mem::replace(&mut self.state, State::Broken) {
            State::Idle(sink, hasher) => {
                let at = self.offset;
                let batch = if is_last { batch.take() } else { batch.take_whole(at) };
                self.offset += batch.bytes();
                State::Busy(match sink {
                    Sink::Folder(sink) => sink.write(batch, at, hasher),
                    Sink::Memory(sink) => sink.write(batch, at, hasher),
                })
            }
            busy => busy,
        }
    }

    async fn finish(&mut self, batch: &mut Batch) -> Result<(), Error> {
        self.wait().await?;
        if !batch.is_empty() {
            self.start(batch, true);
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
            Some((sink, hasher)) => State::Idle(sink, hasher),
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
