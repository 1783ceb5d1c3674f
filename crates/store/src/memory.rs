//! A store in memory, for the simulated world: it crashes and fails when it is told to.
//!
//! Before each operation it steps (`env.sleep(0)`), so that others may come first; it asks nothing of a runtime. Of what
//! survives a crash it promises as much as the folder does, and keeps no more: see [`MemoryControl::crash`].

mod control;
mod faults;
mod sink;

pub use control::MemoryControl;
pub use faults::{InjectedFault, Operation};
pub(crate) use sink::Sink;

use crate::{Algorithm, Error, Found, FoundUpload, Key, Settings, UploadId, Whereabouts, hash::Hasher};
use bytes::Bytes;
use faults::{Fate, Faults};
use futures_util::Stream;
use gantry_env::Env;
use gantry_words::Timestamp;
use std::{
    collections::BTreeMap,
    io,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// Bytes hashed between two steps.
const HASHED_AT_ONCE: usize = 1 << 20;

pub(crate) struct Memory {
    env: Env,
    state: Mutex<State>,
}

struct State {
    /// Grows with each crash: what was held from before it is dead.
    life: u64,
    uploads: BTreeMap<UploadId, Temporary>,
    blobs: BTreeMap<Key, Kept>,
    /// What was removed, but not yet durably.
    removed: Vec<(Key, Kept)>,
    quarantined: BTreeMap<Key, Content>,
    owner: Option<String>,
    free_bytes: u64,
    /// Bytes of uploads that were read again to be hashed.
    bytes_read_again: u64,
    faults: Faults,
}

/// A blob's bytes. Shared with those that read it, as a file is.
type Content = Arc<Mutex<Vec<u8>>>;

struct Temporary {
    bytes: Vec<u8>,
    modified: Timestamp,
}

#[derive(Clone)]
struct Kept {
    content: Content,
    modified: Timestamp,
    /// Whether a crash leaves it.
    is_durable: bool,
}

/// A blob that is being read.
#[derive(Clone)]
pub(crate) struct Opened {
    memory: Arc<Memory>,
    key: Key,
    content: Content,
    life: u64,
}

impl Memory {
    pub(crate) fn new(env: Env) -> Arc<Memory> {
        let state = State {
            life: 0,
            uploads: BTreeMap::new(),
            blobs: BTreeMap::new(),
            removed: Vec::new(),
            quarantined: BTreeMap::new(),
            owner: None,
            free_bytes: u64::MAX,
            bytes_read_again: 0,
            faults: Faults::default(),
        };
        Arc::new(Memory { env, state: Mutex::new(state) })
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the store")
    }

    pub(crate) fn claim(&self, owner: &str) -> String {
        self.state().owner.get_or_insert_with(|| owner.to_string()).clone()
    }

    async fn step(&self) {
        self.env.sleep(Duration::ZERO).await;
    }

    /// Steps, and meets the fault that was planned for this operation, if there is one.
    async fn enter(&self, operation: Operation, place: &str) -> Result<Fate, Error> {
        self.step().await;
        let fault = self.state().faults.next(operation, place);
        match fault {
            None => Ok(Fate::Well),
            Some(InjectedFault::Delay(duration)) => {
                self.env.sleep(duration).await;
                Ok(Fate::Well)
            }
            Some(InjectedFault::TornWrite) if operation == Operation::Append => Ok(Fate::Torn),
            Some(InjectedFault::FailLate) if operation.changes_something() => Ok(Fate::Late),
            Some(InjectedFault::Full) if operation.needs_room() => {
                Err(Error::Full { action: operation.as_str(), place: place.into() })
            }
            Some(_) => Err(faults::failure(operation, place)),
        }
    }

    fn check_room(&self, operation: Operation, id: &UploadId) -> Result<(), Error> {
        if self.state().free_bytes >= Settings::default().min_free.get() {
            return Ok(());
        }
        Err(Error::Full { action: operation.as_str(), place: id.to_string() })
    }

    pub(crate) async fn check_room_beside(&self) -> Result<(), Error> {
        self.step().await;
        if self.state().free_bytes >= Settings::default().min_free.get() {
            return Ok(());
        }
        Err(Error::Full { action: "write beside", place: "the store".into() })
    }

    pub(crate) async fn free_bytes(&self) -> Result<u64, Error> {
        self.enter(Operation::FreeBytes, "the store").await?;
        Ok(self.state().free_bytes)
    }

    pub(crate) async fn discard(&self, id: &UploadId) -> Result<(), Error> {
        let fate = self.enter(Operation::Discard, id.as_str()).await?;
        self.state().uploads.remove(id);
        fate.end(Operation::Discard, id.as_str())
    }

    pub(crate) async fn uploads(&self) -> Result<Vec<FoundUpload>, Error> {
        self.enter(Operation::Uploads, "uploads").await?;
        let found = |(id, temporary): (&UploadId, &Temporary)| FoundUpload {
            id: id.clone(),
            bytes: temporary.bytes.len() as u64,
            modified: temporary.modified,
        };
        Ok(self.state().uploads.iter().map(found).collect())
    }

    pub(crate) async fn upload_length(&self, id: &UploadId) -> Result<Option<u64>, Error> {
        self.enter(Operation::Uploads, id.as_str()).await?;
        Ok(self.state().uploads.get(id).map(|temporary| temporary.bytes.len() as u64))
    }

    pub(crate) async fn open(self: &Arc<Self>, key: &Key, length: u64) -> Result<Opened, Error> {
        let opened = self.open_whole(key).await?;
        let found = opened.length();
        match found == length {
            true => Ok(opened),
            false => Err(Error::Length { place: key.to_string(), expected: length, found }),
        }
    }

    /// As [`Memory::open`], of whatever length.
    pub(crate) async fn open_whole(self: &Arc<Self>, key: &Key) -> Result<Opened, Error> {
        self.enter(Operation::Open, key.as_str()).await?;
        self.opened(key)
    }

    fn opened(self: &Arc<Self>, key: &Key) -> Result<Opened, Error> {
        let state = self.state();
        let kept = state.blobs.get(key).ok_or_else(|| Error::Missing { place: key.to_string() })?;
        Ok(Opened { memory: self.clone(), key: key.clone(), content: kept.content.clone(), life: state.life })
    }

    fn opened_in_quarantine(self: &Arc<Self>, key: &Key) -> Result<Opened, Error> {
        let state = self.state();
        let content = state.quarantined.get(key).ok_or_else(|| Error::Missing { place: key.to_string() })?;
        Ok(Opened { memory: self.clone(), key: key.clone(), content: content.clone(), life: state.life })
    }

    pub(crate) async fn length(&self, key: &Key) -> Result<Option<u64>, Error> {
        self.enter(Operation::Exists, key.as_str()).await?;
        Ok(self.state().blobs.get(key).map(|kept| length(&kept.content)))
    }

    pub(crate) async fn delete(&self, keys: &[Key]) -> Result<(), Error> {
        for key in keys {
            let fate = self.enter(Operation::Delete, key.as_str()).await?;
            {
                let state = &mut *self.state();
                state.removed.extend(state.blobs.remove(key).map(|kept| (key.clone(), kept)));
            }
            fate.end(Operation::Delete, key.as_str())?;
        }
        // Gone, but not yet durably.
        self.step().await;
        self.state().removed.retain(|(key, _)| !keys.contains(key));
        Ok(())
    }

    pub(crate) async fn quarantine(&self, key: &Key) -> Result<(), Error> {
        let fate = self.enter(Operation::Quarantine, key.as_str()).await?;
        {
            let state = &mut *self.state();
            let kept = state.blobs.remove(key).ok_or_else(|| Error::Missing { place: key.to_string() })?;
            state.quarantined.insert(key.clone(), kept.content.clone());
            state.removed.push((key.clone(), kept));
        }
        fate.end(Operation::Quarantine, key.as_str())?;
        self.step().await;
        self.state().removed.retain(|(removed, _)| removed != key);
        Ok(())
    }

    pub(crate) async fn release(&self, key: &Key) -> Result<(), Error> {
        let fate = self.enter(Operation::Release, key.as_str()).await?;
        let modified = self.env.now();
        {
            let state = &mut *self.state();
            let content = state.quarantined.get(key).ok_or_else(|| Error::Missing { place: key.to_string() })?.clone();
            state.blobs.insert(key.clone(), Kept { content, modified, is_durable: false });
        }
        fate.end(Operation::Release, key.as_str())?;
        self.step().await;
        let state = &mut *self.state();
        if let Some(kept) = state.blobs.get_mut(key) {
            kept.is_durable = true;
            state.quarantined.remove(key);
        }
        Ok(())
    }

    pub(crate) async fn hash(
        self: &Arc<Self>,
        key: &Key,
        whereabouts: Whereabouts,
        algorithm: Algorithm,
        progress: impl Fn(u64),
    ) -> Result<(u64, Vec<u8>), Error> {
        self.enter(Operation::Hash, key.as_str()).await?;
        let opened = match whereabouts {
            Whereabouts::Served => self.opened(key)?,
            Whereabouts::Quarantined => self.opened_in_quarantine(key)?,
        };
        let (mut hasher, mut done) = (Hasher::new(algorithm), 0);
        loop {
            let piece = opened.slice(done, HASHED_AT_ONCE);
            if piece.is_empty() {
                return Ok((done, hasher.value()));
            }
            hasher.update(&piece);
            done += piece.len() as u64;
            progress(done);
            self.step().await;
        }
    }

    /// Lists every blob in the order of keys. What comes or goes meanwhile may be there or not.
    pub(crate) fn list(self: Arc<Self>) -> impl Stream<Item = Result<Found, Error>> + Send + use<> {
        futures_util::stream::unfold((self, Some(Bound::Unbounded)), |(memory, after)| async move {
            let after = after?;
            if let Err(error) = memory.enter(Operation::List, "blobs").await {
                return Some((Err(error), (memory, None)));
            }
            let found = {
                let state = memory.state();
                let (key, kept) = state.blobs.range((after, Bound::Unbounded)).next()?;
                Found { key: key.clone(), length: length(&kept.content), modified: kept.modified }
            };
            let after = Bound::Excluded(found.key.clone());
            Some((Ok(found), (memory, Some(after))))
        })
    }
}

impl Opened {
    pub(crate) fn length(&self) -> u64 {
        length(&self.content)
    }

    pub(crate) fn slice(&self, offset: u64, wanted: usize) -> Bytes {
        let content = self.content.lock().expect("nothing panics while it holds a blob");
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        Bytes::copy_from_slice(&content[from..from.saturating_add(wanted).min(content.len())])
    }

    /// Reads a piece; an empty one where the blob ends.
    pub(crate) async fn read(self, offset: u64, wanted: usize) -> io::Result<Bytes> {
        self.memory.enter(Operation::Read, self.key.as_str()).await.map_err(io::Error::other)?;
        if self.memory.state().life != self.life {
            return Err(io::Error::other("opened before the crash"));
        }
        Ok(self.slice(offset, wanted))
    }
}

fn length(content: &Content) -> u64 {
    content.lock().expect("nothing panics while it holds a blob").len() as u64
}
