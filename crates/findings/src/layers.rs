//! Layers that are being read: scans that run side by side read a layer which they share once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};
use tokio::sync::OnceCell;

/// Layers that scans need at this moment, by digest.
#[derive(Default)]
pub(crate) struct LayersUnderWay(Mutex<HashMap<String, Weak<SharedLayer>>>);

/// A layer, for as long as a scan needs it that has not ended.
pub(crate) struct SharedLayer {
    digest: String,
    /// What it holds, packed, or why no worker can read it.
    read: OnceCell<Result<Vec<u8>, String>>,
    /// By what it is known not to have a file, as it is kept, once somebody has unpacked it.
    path_filter: OnceLock<Option<Vec<u8>>>,
}

impl LayersUnderWay {
    /// Returns the layer that others may be reading. Who has it, and finds then that the database does not know the layer, may read it.
    pub(crate) fn get(&self, digest: &str) -> Arc<SharedLayer> {
        let mut layers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layer) = layers.get(digest).and_then(Weak::upgrade) {
            return layer;
        }
        layers.retain(|_, layer| layer.strong_count() > 0);
        let layer =
            Arc::new(SharedLayer { digest: digest.into(), read: OnceCell::new(), path_filter: OnceLock::new() });
        layers.insert(digest.into(), Arc::downgrade(&layer));
        layer
    }
}

impl SharedLayer {
    /// Its digest.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// What it holds, packed; `None` where it was not read, or cannot be.
    pub(crate) fn packed(&self) -> Option<&[u8]> {
        self.read.get()?.as_ref().ok().map(Vec::as_slice)
    }

    /// Notes by what it is known not to have a file.
    pub(crate) fn note_path_filter(&self, path_filter: Option<Vec<u8>>) {
        // Whoever unpacks it makes the same.
        let _ = self.path_filter.set(path_filter);
    }

    /// By what it is known not to have a file.
    pub(crate) fn path_filter(&self) -> Option<&[u8]> {
        self.path_filter.get()?.as_deref()
    }

    /// Whether another scan has read it.
    pub(crate) fn is_read(&self) -> bool {
        self.read.initialized()
    }

    /// Returns what reading it came to, waiting for who reads it already. What fails with `E` is not shared: the next one who wants it
    /// tries by itself.
    pub(crate) async fn read_once<E>(
        &self,
        read: impl Future<Output = Result<Result<Vec<u8>, String>, E>>,
    ) -> Result<&Result<Vec<u8>, String>, E> {
        self.read.get_or_try_init(|| read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join;

    #[tokio::test]
    async fn a_layer_that_two_want_at_once_is_read_by_one_and_known_to_both() {
        let layers = LayersUnderWay::default();
        let (first, second) = (layers.get("sha256:aa"), layers.get("sha256:aa"));
        let read = async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(Ok(b"packages".to_vec()))
        };

        let (one, other) = join(first.read_once(read), second.read_once(async { panic!("read twice") })).await;

        assert_eq!(one, Ok(&Ok(b"packages".to_vec())));
        assert_eq!(other, one);
        assert_eq!(second.packed(), Some(&b"packages"[..]));
    }

    #[tokio::test]
    async fn who_could_not_open_it_leaves_it_to_the_next() {
        let layers = LayersUnderWay::default();
        let (first, second) = (layers.get("sha256:aa"), layers.get("sha256:aa"));

        let failed = first.read_once(async { Err("not in this repository") }).await;
        let read = second.read_once(async { Ok::<_, &str>(Ok(vec![1])) }).await;

        assert_eq!((failed, read), (Err("not in this repository"), Ok(&Ok(vec![1]))));
    }

    #[test]
    fn nothing_is_kept_of_a_layer_that_nobody_needs_any_more() {
        let layers = LayersUnderWay::default();

        drop(layers.get("sha256:aa"));
        let _other = layers.get("sha256:bb");

        assert_eq!(layers.0.lock().unwrap().len(), 1);
    }
}
