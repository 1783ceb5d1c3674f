use super::{Fate, HASHED_AT_ONCE, Kept, Memory, Operation, State, Temporary};
use crate::{
    Error, Key, UploadId,
    batch::Batch,
    intake::{self, Intake, Until},
    sealed,
    upload::{self, Written},
};
use gantry_env::BoxFuture;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

/// The bytes of an upload.
pub(crate) struct Sink {
    memory: Arc<Memory>,
    id: UploadId,
    life: u64,
}

impl Sink {
    pub(crate) async fn create(memory: Arc<Memory>, id: UploadId) -> Result<Sink, Error> {
        memory.check_room(Operation::Begin, &id)?;
        let fate = memory.enter(Operation::Begin, id.as_str()).await?;
        let life = {
            let modified = memory.env.now();
            let state = &mut *memory.state();
            if state.uploads.contains_key(&id) {
                return Err(Error::Exists { place: id.to_string() });
            }
            state.uploads.insert(id.clone(), Temporary { bytes: Vec::new(), modified });
            state.life
        };
        fate.end(Operation::Begin, id.as_str())?;
        Ok(Sink { memory, id, life })
    }

    pub(crate) async fn reopen(
        memory: Arc<Memory>,
        id: UploadId,
        intake: Intake,
    ) -> Result<(Sink, Intake, u64), Error> {
        let life = memory.state().life;
        let sink = Sink { memory, id, life };
        let (intake, length) = sink.read_on(intake, 0).await?;
        Ok((sink, intake, length))
    }

    /// The store's state, for a sink whose upload is there and of this life.
    fn state(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.memory.state();
        if state.life != self.life {
            let cause = io::Error::other("it was begun before the crash");
            return Err(Error::of("go on with the upload", &self.id, cause));
        }
        match state.uploads.contains_key(&self.id) {
            true => Ok(state),
            false => Err(Error::Missing { place: self.id.to_string() }),
        }
    }

    /// As [`Sink::state`], where the upload must have so many bytes: else somebody else was at it.
    fn state_at(&self, length: u64) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.state()?;
        let found = state.uploads[&self.id].bytes.len() as u64;
        match found == length {
            true => Ok(state),
            false => Err(Error::Length { place: self.id.to_string(), expected: length, found }),
        }
    }

    /// Hashes the bytes behind those that `intake` has seen, which are `done`.
    pub(crate) async fn read_on(&self, mut intake: Intake, done: u64) -> Result<(Intake, u64), Error> {
        self.memory.enter(Operation::Resume, self.id.as_str()).await?;
        if intake.sealing.is_some() {
            return self.scan(intake);
        }
        let mut done = done as usize;
        loop {
            let piece = {
                let mut state = self.state()?;
                let bytes = &state.uploads[&self.id].bytes;
                if bytes.len() < done {
                    let (expected, found) = (done as u64, bytes.len() as u64);
                    return Err(Error::Length { place: self.id.to_string(), expected, found });
                }
                let piece = bytes[done..(done + HASHED_AT_ONCE).min(bytes.len())].to_vec();
                state.bytes_read_again += piece.len() as u64;
                piece
            };
            if piece.is_empty() {
                return Ok((intake, done as u64));
            }
            intake.hasher.update(&piece);
            done += piece.len();
            self.memory.step().await;
        }
    }

    /// As [`Sink::read_on`], where the bytes are sealed: what is not whole is cut off.
    fn scan(&self, mut intake: Intake) -> Result<(Intake, u64), Error> {
        let Some(sealing) = intake.sealing.take() else { return Ok((intake, 0)) };
        let mut state = self.state()?;
        let bytes = &state.uploads[&self.id].bytes;
        let (expected, found) = (sealing.table().sealed_end(), bytes.len() as u64);
        if found < expected {
            return Err(Error::Length { place: self.id.to_string(), expected, found });
        }
        let read = |at: u64, buffer: &mut [u8]| {
            let rest = &bytes[(at as usize).min(bytes.len())..];
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok::<_, Error>(count)
        };
        let sealing = sealed::scan(*sealing, &mut intake.hasher, found, read)?;
        let (plain, end) = (sealing.table().plain_end(), sealing.table().sealed_end());
        state.bytes_read_again += found - expected;
        state.uploads.get_mut(&self.id).expect("it has just been found").bytes.truncate(end as usize);
        intake.sealing = Some(Box::new(sealing));
        Ok((intake, plain))
    }

    pub(crate) async fn rehash(self, intake: Intake, length: u64) -> Result<(Sink, Intake), Error> {
        match self.read_on(intake, 0).await? {
            (intake, found) if found == length => Ok((self, intake)),
            (_, found) => Err(Error::Length { place: self.id.to_string(), expected: length, found }),
        }
    }

    pub(crate) fn write(self, batch: Batch, at: u64, mut intake: Intake, until: Until) -> BoxFuture<'static, Written> {
        Box::pin(async move {
            let result = self.write_now(batch, at, &mut intake, until).await;
            Written { back: Some((upload::Sink::Memory(self), intake)), result }
        })
    }

    async fn write_now(&self, batch: Batch, at: u64, intake: &mut Intake, until: Until) -> Result<(), Error> {
        self.memory.check_room(Operation::Append, &self.id)?;
        let fate = self.memory.enter(Operation::Append, self.id.as_str()).await?;
        {
            let modified = self.memory.env.now();
            let at = intake.sealing.as_ref().map_or(at, |sealing| sealing.unwritten(1).0);
            let mut state = self.state_at(at)?;
            let temporary = state.uploads.get_mut(&self.id).expect("it has just been found");
            match &mut intake.sealing {
                Some(sealing) => {
                    if !sealing.has_room(batch.bytes()) {
                        return Err(Error::Parts { place: self.id.to_string() });
                    }
                    intake::seal(sealing, &mut intake.hasher, batch, until);
                    temporary.bytes.extend_from_slice(sealing.unwritten(1).1);
                    sealing.wrote(temporary.bytes.len() - at as usize);
                }
                None => {
                    for piece in batch.pieces() {
                        intake.hasher.update(piece);
                        temporary.bytes.extend_from_slice(piece);
                    }
                }
            }
            temporary.modified = modified;
            if fate == Fate::Torn {
                let written = (temporary.bytes.len() - at as usize) / 2;
                temporary.bytes.truncate(at as usize + written);
            }
        }
        fate.end(Operation::Append, self.id.as_str())
    }

    pub(crate) fn cut(self, length: u64) -> Result<Sink, Error> {
        self.state()?.uploads.get_mut(&self.id).expect("it has just been found").bytes.truncate(length as usize);
        Ok(self)
    }

    /// Three steps, as on a disk: the bytes are synced, the name is changed, the name is synced. A crash may come between.
    pub(crate) async fn publish(self, key: &Key, length: u64) -> Result<(), Error> {
        let fate = self.memory.enter(Operation::Publish, key.as_str()).await?;
        {
            let modified = self.memory.env.now();
            let mut state = self.state_at(length)?;
            if state.blobs.contains_key(key) {
                return Err(Error::Exists { place: key.to_string() });
            }
            let temporary = state.uploads.remove(&self.id).expect("it has just been found");
            let content = Arc::new(Mutex::new(temporary.bytes));
            state.blobs.insert(key.clone(), Kept { content, modified, is_durable: false });
        }
        fate.end(Operation::Publish, key.as_str())?;
        self.memory.step().await;
        let mut state = self.memory.state();
        if state.life != self.life {
            let cause = io::Error::other("the crash came first");
            return Err(Error::of("publish", key, cause));
        }
        // It may have been deleted by somebody quicker: then there is nothing to keep.
        if let Some(kept) = state.blobs.get_mut(key) {
            kept.is_durable = true;
        }
        Ok(())
    }
}
