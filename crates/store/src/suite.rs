//! What every backend promises, as checks: run in tests on each, and by whoever wants to know of a store of theirs.

use crate::{Algorithm, AppendError, Error, Key, Store, UploadId, Whereabouts, hash_bytes};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::fmt;

/// A promise that a store did not keep.
#[derive(Debug, thiserror::Error)]
#[error("the store does not keep its promise that {promise}: {found}")]
pub struct BrokenPromise {
    /// What every store promises.
    pub promise: &'static str,
    /// What was found instead.
    pub found: String,
}

/// What was found where something else was promised.
struct Broken(String);

impl<E: fmt::Display> From<E> for Broken {
    fn from(error: E) -> Self {
        Broken(error.to_string())
    }
}

type Checked = Result<(), Broken>;

macro_rules! expect {
    ($holds:expr, $($found:tt)+) => {
        if !$holds { return Err(Broken(format!($($found)+))); }
    };
}

mod sealed;

/// Checks what every store promises, on one that may be in use: it writes a few megabytes below `suite/` and removes them.
///
/// It cannot check what only a power cut would show.
///
/// # Errors
/// The first promise that is broken.
pub async fn suite(store: &Store) -> Result<(), BrokenPromise> {
    let bench = Bench { store, name: store.env().request_id().to_string() };
    let outcome = bench.run().await;
    let cleared = bench.clear().await;
    outcome.and(cleared)
}

/// One run: names nobody else uses.
struct Bench<'a> {
    store: &'a Store,
    name: String,
}

/// Keys and uploads of a run.
const PLACES: u32 = 6;
/// What makes several writes and reads.
const LARGE: usize = 3 << 20;

impl Bench<'_> {
    async fn run(&self) -> Result<(), BrokenPromise> {
        let says = |promise| move |Broken(found)| BrokenPromise { promise, found };
        self.bytes_come_back().await.map_err(says("what is published is read back, whole and in parts"))?;
        self.appends_add_up().await.map_err(says("bytes that come in pieces are hashed as one"))?;
        self.long_bodies_leave_nothing().await.map_err(says("of a body that is too long nothing is kept"))?;
        self.short_bodies_leave_nothing().await.map_err(says("of a body that is too short nothing is kept"))?;
        self.broken_bodies_go_on().await.map_err(says("of a body that breaks off what came is kept"))?;
        self.hashes_can_change().await.map_err(says("the hash of an upload can become another"))?;
        self.places_are_used_once().await.map_err(says("nothing is overwritten"))?;
        self.absence_is_told().await.map_err(says("what is not there, or not whole, is told from what is"))?;
        self.copies_are_whole().await.map_err(says("what goes to the archive is the same there, and comes back"))?;
        self.sealed_bytes_come_back().await.map_err(says("what is sealed is read back, whole and in parts"))?;
        self.sealed_uploads_go_on().await.map_err(says("an upload that is sealed goes on where it was"))?;
        self.sealed_bytes_need_their_key().await.map_err(says("what is sealed needs its key and its length"))?;
        self.copies_change_keys().await.map_err(says("a blob goes from one key to another"))?;
        self.lists_are_whole().await.map_err(says("blobs and uploads are listed"))?;
        self.deleting_lasts().await.map_err(says("what is deleted is gone, and what is gone may be deleted"))
    }

    async fn clear(&self) -> Result<(), BrokenPromise> {
        let mut keys: Vec<Key> = (0..PLACES).map(|place| self.key(place)).collect();
        keys.extend(self.key(0).archived());
        let mut cleared = self.store.delete(&keys).await;
        for place in 0..PLACES {
            cleared = cleared.and(self.store.discard(&self.id(place)).await);
        }
        cleared.map_err(|error| BrokenPromise { promise: "what is deleted is gone", found: error.to_string() })
    }

    fn key(&self, place: u32) -> Key {
        format!("suite/{}.{place}", self.name).parse().expect("a UUID makes a key")
    }

    fn id(&self, place: u32) -> UploadId {
        format!("suite-{}-{place}", self.name).parse().expect("a UUID makes an upload id")
    }

    async fn publish(&self, place: u32, bytes: &Bytes) -> Result<Key, Broken> {
        let key = self.key(place);
        let upload = self.store.begin(&self.id(place), Algorithm::Sha256).await?;
        let (upload, appended) = upload.append(pieces(bytes), bytes.len() as u64).await;
        appended?;
        upload.publish(&key).await?;
        Ok(key)
    }

    async fn read(&self, key: &Key, length: usize, from: usize, to: usize) -> Result<Vec<u8>, Broken> {
        let mut body = self.store.open(key, length as u64).await?.body(from as u64..to as u64);
        let mut read = Vec::new();
        while let Some(piece) = body.next().await {
            read.extend_from_slice(&piece?);
        }
        expect!(body.remaining() == 0, "{} bytes remain of a body that ended", body.remaining());
        Ok(read)
    }

    async fn copies_are_whole(&self) -> Checked {
        let bytes = pattern(LARGE + 17);
        let (key, back) = (self.publish(0, &bytes).await?, self.key(1));
        let (archived, end) = (key.archived()?, bytes.len());

        let first = self.store.copy(&key, &archived, Algorithm::Sha256).await?;
        self.store.delete(std::slice::from_ref(&key)).await?;
        let second = self.store.copy(&archived, &back, Algorithm::Sha256).await?;

        expect!(first == (end as u64, hash_bytes(Algorithm::Sha256, &bytes)), "{} other bytes arrived", first.0);
        expect!(first == second, "{} other bytes came back", second.0);
        expect!(self.read(&archived, end, 0, end).await? == bytes, "the archive has other bytes");
        let (mut listed, mut is_listed) = (Box::pin(self.store.list()), false);
        while let Some(found) = listed.next().await {
            is_listed |= found?.key == archived;
        }
        expect!(is_listed, "what is in the archive is not listed");
        let taken = self.store.copy(&back, &archived, Algorithm::Sha256).await;
        expect!(matches!(taken, Err(Error::Exists { .. })), "a place is used twice: {taken:?}");
        self.store.quarantine(&archived).await?;
        expect!(self.store.exists(&archived).await?.is_none(), "what is quarantined is still in its place");
        self.store.release(&archived).await?;
        self.store.delete(&[archived.clone(), back]).await?;
        expect!(self.store.exists(&archived).await?.is_none(), "what was deleted in the archive is there");
        Ok(())
    }

    async fn bytes_come_back(&self) -> Checked {
        let bytes = pattern(LARGE + 17);
        let key = self.publish(0, &bytes).await?;

        let length = self.store.exists(&key).await?;
        expect!(length == Some(bytes.len() as u64), "its length is {length:?}, not {}", bytes.len());
        let end = bytes.len();
        for (from, to) in
            [(0, end), (0, 1), (end - 1, end), (5, 5), (200_000, 2_500_000), (end - 3, end + 9), (end, end + 1)]
        {
            let read = self.read(&key, end, from, to).await?;
            expect!(read == bytes[from..to.min(end)], "bytes {from} to {to} are others");
        }
        let (length, hash) = self.store.hash(&key, Whereabouts::Served, Algorithm::Sha512, |_| {}).await?;
        expect!(length == end as u64, "{length} bytes were hashed, not {end}");
        expect!(hash == hash_bytes(Algorithm::Sha512, &bytes), "the hash is another");
        let empty = self.publish(1, &Bytes::new()).await?;
        expect!(self.read(&empty, 0, 0, 1).await?.is_empty(), "an empty blob has bytes");
        self.store.delete(&[key, empty]).await?;
        Ok(())
    }

    async fn appends_add_up(&self) -> Checked {
        let bytes = pattern(LARGE);
        let mut upload = self.store.begin(&self.id(0), Algorithm::Sha256).await?;
        for part in [0..10, 10..70_000, 70_000..70_000, 70_000..LARGE] {
            let expected = part.len() as u64;
            let (grown, appended) = upload.append(pieces(&bytes.slice(part.clone())), expected).await;
            expect!(appended? == expected, "not all of {expected} bytes were taken");
            expect!(grown.offset() == part.end as u64, "the offset is {} after {}", grown.offset(), part.end);
            expect!(grown.hash() == sha256(&bytes[..part.end]), "the hash of {} bytes is another", part.end);
            upload = grown;
        }
        let id = upload.suspend();
        let resumed = self.store.resume(&id, Algorithm::Sha256).await?;
        expect!(resumed.offset() == LARGE as u64, "resumed it has {} bytes, not {LARGE}", resumed.offset());
        expect!(resumed.hash() == sha256(&bytes), "resumed its hash is another");
        let (resumed, appended) = resumed.append(pieces(&Bytes::from_static(b"end")), 3).await;
        appended?;
        expect!(resumed.hash() == sha256(&[&bytes[..], b"end"].concat()), "resumed it goes on elsewhere");
        Ok(resumed.abort().await?)
    }

    async fn long_bodies_leave_nothing(&self) -> Checked {
        let bytes = pattern(LARGE);
        let upload = self.store.begin(&self.id(0), Algorithm::Sha256).await?;
        let (upload, first) = upload.append(pieces(&bytes.slice(..100)), 100).await;
        first?;
        let (upload, second) = upload.append(pieces(&bytes), LARGE as u64 - 1).await;
        expect!(matches!(second, Err(AppendError::TooLong)), "it was answered {second:?}");
        expect!(upload.offset() == 100, "it has {} bytes", upload.offset());
        let (upload, third) = upload.append(pieces(&bytes.slice(100..200)), 100).await;
        third?;
        let key = self.key(0);
        upload.publish(&key).await?;
        expect!(self.read(&key, 200, 0, 200).await? == bytes[..200], "other bytes were published");
        Ok(self.store.delete(&[key]).await?)
    }

    async fn short_bodies_leave_nothing(&self) -> Checked {
        let bytes = pattern(LARGE);
        let upload = self.store.begin(&self.id(0), Algorithm::Sha256).await?;
        let (upload, first) = upload.append_exactly(pieces(&bytes.slice(..100)), 100).await;
        first?;
        let (upload, second) = upload.append_exactly(pieces(&bytes.slice(100..)), LARGE as u64).await;
        expect!(matches!(second, Err(AppendError::TooShort)), "it was answered {second:?}");
        expect!(upload.offset() == 100, "it has {} bytes", upload.offset());
        let (upload, third) = upload.append_exactly(pieces(&bytes.slice(100..)), LARGE as u64 - 100).await;
        third?;
        expect!(upload.hash() == sha256(&bytes), "the hash is another");
        Ok(upload.abort().await?)
    }

    async fn broken_bodies_go_on(&self) -> Checked {
        let bytes = pattern(LARGE);
        let upload = self.store.begin(&self.id(0), Algorithm::Sha256).await?;
        let broken = pieces(&bytes.slice(..LARGE - 5)).chain(stream::iter([Err("the line went dead")]));
        let (upload, appended) = upload.append(broken, LARGE as u64).await;
        expect!(matches!(appended, Err(AppendError::Body(_))), "it was answered {appended:?}");
        expect!(upload.offset() == LARGE as u64 - 5, "it has {} bytes", upload.offset());
        let (upload, rest) = upload.append(pieces(&bytes.slice(LARGE - 5..)), 5).await;
        rest?;
        expect!(upload.hash() == sha256(&bytes), "the hash is another");
        Ok(upload.abort().await?)
    }

    async fn hashes_can_change(&self) -> Checked {
        let bytes = pattern(LARGE);
        let upload = self.store.begin(&self.id(0), Algorithm::Sha256).await?;
        let (upload, appended) = upload.append(pieces(&bytes.slice(..LARGE - 1)), LARGE as u64).await;
        appended?;
        let upload = upload.rehash(Algorithm::Sha512).await?;
        let (upload, appended) = upload.append(pieces(&bytes.slice(LARGE - 1..)), 1).await;
        appended?;
        expect!(upload.hash() == hash_bytes(Algorithm::Sha512, &bytes), "the hash is another");
        Ok(upload.abort().await?)
    }

    async fn places_are_used_once(&self) -> Checked {
        let key = self.publish(0, &Bytes::from_static(b"first")).await?;
        let upload = self.store.begin(&self.id(1), Algorithm::Sha256).await?;
        let again = self.store.begin(&self.id(1), Algorithm::Sha256).await;
        expect!(matches!(again, Err(Error::Exists { .. })), "an upload was begun twice: {again:?}");
        let (upload, appended) = upload.append(pieces(&Bytes::from_static(b"other")), 5).await;
        appended?;
        let published = upload.publish(&key).await;
        expect!(matches!(published, Err(Error::Exists { .. })), "it was answered {published:?}");
        expect!(self.read(&key, 5, 0, 5).await? == b"first", "the first bytes are gone");
        self.store.discard(&self.id(1)).await?;
        Ok(self.store.delete(&[key]).await?)
    }

    async fn absence_is_told(&self) -> Checked {
        let key = self.key(0);
        expect!(self.store.exists(&key).await?.is_none(), "what is not there exists");
        let opened = self.store.open(&key, 0).await;
        expect!(matches!(opened, Err(Error::Missing { .. })), "what is not there is opened: {opened:?}");
        let hashed = self.store.hash(&key, Whereabouts::Served, Algorithm::Sha256, |_| {}).await;
        expect!(matches!(hashed, Err(Error::Missing { .. })), "what is not there is hashed: {hashed:?}");
        let resumed = self.store.resume(&self.id(0), Algorithm::Sha256).await;
        expect!(matches!(resumed, Err(Error::Missing { .. })), "what is not there is resumed: {resumed:?}");
        let moved = self.store.quarantine(&key).await;
        expect!(matches!(moved, Err(Error::Missing { .. })), "what is not there is moved: {moved:?}");
        let released = self.store.release(&key).await;
        expect!(matches!(released, Err(Error::Missing { .. })), "what is not there is released: {released:?}");
        self.publish(0, &Bytes::from_static(b"12345")).await?;
        let opened = self.store.open(&key, 6).await;
        let is_told = matches!(opened, Err(Error::Length { expected: 6, found: 5, .. }));
        expect!(is_told, "5 bytes are opened as 6: {opened:?}");
        let upload = self.store.begin(&self.id(1), Algorithm::Sha256).await?;
        self.store.discard(&self.id(1)).await?;
        let published = upload.publish(&self.key(1)).await;
        expect!(matches!(published, Err(Error::Missing { .. })), "a discarded upload is published: {published:?}");
        Ok(self.store.delete(&[key]).await?)
    }

    async fn lists_are_whole(&self) -> Checked {
        let mut expected = Vec::new();
        for place in 0..3 {
            expected.push((self.publish(place, &pattern(place as usize)).await?, u64::from(place)));
        }
        let upload = self.store.begin(&self.id(3), Algorithm::Sha256).await?;
        let (upload, appended) = upload.append(pieces(&pattern(77)), 77).await;
        appended?;
        let mut found = Vec::new();
        let mut list = std::pin::pin!(self.store.list());
        while let Some(blob) = list.next().await {
            let blob = blob?;
            if blob.key.as_str().contains(&self.name) {
                found.push((blob.key, blob.length));
            }
        }
        expect!(found == expected, "listed are {found:?} of {expected:?}");
        let uploads = self.store.uploads().await?;
        let mine: Vec<u64> = uploads.iter().filter(|it| it.id == self.id(3)).map(|it| it.bytes).collect();
        expect!(mine == [77], "an upload of 77 bytes is listed as {mine:?}");
        let done = uploads.iter().any(|it| it.id == self.id(0));
        expect!(!done, "an upload that was published is listed still");
        upload.abort().await?;
        let keys: Vec<Key> = expected.into_iter().map(|(key, _)| key).collect();
        Ok(self.store.delete(&keys).await?)
    }

    async fn deleting_lasts(&self) -> Checked {
        let bytes = pattern(LARGE);
        let key = self.publish(0, &bytes).await?;
        let body = self.store.open(&key, LARGE as u64).await?.body(0..LARGE as u64);
        self.store.delete(&[key.clone(), self.key(1)]).await?;
        self.store.delete(std::slice::from_ref(&key)).await?;
        expect!(self.store.exists(&key).await?.is_none(), "it exists still");
        let read: Vec<_> = body.collect().await;
        let read = read.into_iter().collect::<Result<Vec<Bytes>, _>>()?.concat();
        expect!(read == bytes, "who was reading it did not get the rest");
        Ok(())
    }
}

/// Bytes in which no two stretches are alike.
fn pattern(length: usize) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A body in pieces of all sizes.
fn pieces(bytes: &Bytes) -> impl Stream<Item = Result<Bytes, &'static str>> + Send + Unpin + use<> {
    let (bytes, mut at, mut turn) = (bytes.clone(), 0, 0);
    stream::iter(std::iter::from_fn(move || {
        turn += 1;
        let piece = bytes.slice(at..bytes.len().min(at + [1, 70_000, 9, 0, 1_400_000, 30_000][turn % 6]));
        at += piece.len();
        (!piece.is_empty() || at < bytes.len()).then_some(Ok(piece))
    }))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    hash_bytes(Algorithm::Sha256, bytes)
}
