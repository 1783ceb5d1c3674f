use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use gantry_env::{BoxFuture, Clock, Env, Random};
use gantry_store::{Algorithm, Body, Key, Settings, Store, Upload, UploadId};
use gantry_words::{ByteCount, Timestamp};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};
use tempfile::TempDir;

/// A clock that stands until it is moved. Waiting lets others come first, and moves it on.
#[derive(Clone, Default)]
pub(crate) struct World {
    millis: Arc<AtomicU64>,
    drawn: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn new() -> Self {
        World::default()
    }

    pub(crate) fn env(&self) -> Env {
        Env::new(Arc::new(self.clone()), Arc::new(self.clone()))
    }

    pub(crate) fn pass(&self, duration: Duration) {
        self.millis.fetch_add(duration.as_millis() as u64, SeqCst);
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + self.millis.load(SeqCst) as i64)
    }
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.millis.load(SeqCst))
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pass(duration);
        let mut has_waited = false;
        Box::pin(poll_fn(move |cx| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

impl Random for World {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.drawn.fetch_add(1, SeqCst) as u8);
    }
}

pub(crate) fn settings(min_free: u64) -> Settings {
    Settings { min_free: ByteCount::bytes(min_free), ..Settings::default() }
}

/// A store in a new folder, without a reserve.
pub(crate) fn folder() -> (TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let store = open(&root);
    (root, store)
}

/// The store of a folder, as a process that starts opens it.
pub(crate) fn open(root: &TempDir) -> Store {
    Store::folder(root.path(), World::new().env(), &settings(0)).unwrap()
}

pub(crate) fn key(text: &str) -> Key {
    text.parse().unwrap()
}

pub(crate) fn id(text: &str) -> UploadId {
    text.parse().unwrap()
}

/// Bytes in which no two stretches are alike.
pub(crate) fn bytes(length: usize) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

/// A body that comes in pieces of `size` bytes.
pub(crate) fn body(bytes: &Bytes, size: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + Unpin + use<> {
    let pieces: Vec<_> =
        (0..bytes.len()).step_by(size).map(|at| Ok(bytes.slice(at..bytes.len().min(at + size)))).collect();
    stream::iter(pieces)
}

pub(crate) async fn begin(store: &Store, name: &str) -> Upload {
    store.begin(&id(name), Algorithm::Sha256).await.unwrap()
}

pub(crate) async fn append(upload: Upload, bytes: &Bytes) -> Upload {
    let (upload, appended) = upload.append(body(bytes, 20_000), bytes.len() as u64).await;
    assert_eq!(appended.unwrap(), bytes.len() as u64);
    upload
}

pub(crate) async fn publish(store: &Store, place: &str, bytes: &Bytes) -> Key {
    let key = key(place);
    let upload = append(begin(store, &place.replace(['/', '.'], "-")).await, bytes).await;
    assert_eq!(upload.publish(&key).await.unwrap(), bytes.len() as u64);
    key
}

pub(crate) async fn read(body: Body) -> std::io::Result<Vec<u8>> {
    let pieces: Vec<_> = body.collect().await;
    Ok(pieces.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// The keys that are listed, in their order.
pub(crate) async fn listed(store: &Store) -> Vec<String> {
    let found: Vec<_> = store.list().collect().await;
    found.into_iter().map(|blob| blob.unwrap().key.to_string()).collect()
}

/// Lets `work` go on until it waits for something.
pub(crate) async fn poll_once<F: Future>(work: &mut Pin<Box<F>>) {
    poll_fn(|cx| {
        let _ = work.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}
