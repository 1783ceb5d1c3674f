//! Hashing on a second thread while the first writes.
//!
//! A body that comes alone keeps one processor busy with its hash and its way into the page cache, one after the other, and
//! leaves the others idle. Where several come at once, that would only cost.

use crate::hash::Hasher;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use tokio::runtime::Handle;

/// Bytes that a thread beside this one hashes, as soon as there is one.
pub(super) struct Hashing {
    waiting: Waiting,
    hashed: mpsc::Receiver<Hasher>,
}

/// What nobody has begun with yet.
type Waiting = Arc<Mutex<Option<(Hasher, Vec<Bytes>)>>>;

impl Hashing {
    /// Begins to add `pieces` to a copy of `hasher`.
    pub(super) fn begin(hasher: &Hasher, pieces: &[Bytes]) -> Hashing {
        let waiting: Waiting = Arc::new(Mutex::new(Some((hasher.clone(), pieces.to_vec()))));
        let (tell, hashed) = mpsc::sync_channel(1);
        if let Ok(runtime) = Handle::try_current() {
            let waiting = waiting.clone();
            runtime.spawn_blocking(move || {
                if let Some((hasher, pieces)) = take(&waiting) {
                    // Whoever began it waits for it.
                    let _ = tell.send(add(hasher, &pieces));
                }
            });
        }
        Hashing { waiting, hashed }
    }

    /// Returns the hasher with the pieces added; does it here where no thread has begun with it, so that it never waits for one
    /// to be free. `None` where that thread died.
    pub(super) fn end(self) -> Option<Hasher> {
        match take(&self.waiting) {
            Some((hasher, pieces)) => Some(add(hasher, &pieces)),
            None => self.hashed.recv().ok(),
        }
    }
}

fn take(waiting: &Waiting) -> Option<(Hasher, Vec<Bytes>)> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn add(mut hasher: Hasher, pieces: &[Bytes]) -> Hasher {
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    fn pieces() -> Vec<Bytes> {
        vec![Bytes::from(vec![7; 100_000]), Bytes::new(), "end".into()]
    }

    fn hashed() -> Vec<u8> {
        add(Hasher::new(Algorithm::Sha256), &pieces()).value()
    }

    #[tokio::test]
    async fn a_thread_beside_this_one_hashes() {
        let hashing = Hashing::begin(&Hasher::new(Algorithm::Sha256), &pieces());
        while hashing.waiting.lock().unwrap().is_some() {
            tokio::task::yield_now().await;
        }

        assert_eq!(hashing.end().unwrap().value(), hashed());
    }

    #[test]
    fn where_there_is_no_thread_it_is_done_at_the_end() {
        let hashing = Hashing::begin(&Hasher::new(Algorithm::Sha256), &pieces());

        assert_eq!(hashing.end().unwrap().value(), hashed());
    }
}
