use crate::{images::ImageFound, repositories::Repository};
use gantry_fault::Fault;
use gantry_oci::{Digest, Tag};
use gantry_words::{AccountId, RepositoryName};
use quick_cache::{Weighter, sync::Cache};
use std::{
    future::Future,
    hash::Hash,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// For how long a remembered place of a blob is used without a look whether another process has found a copy corrupt.
/// Whoever has found one can say after this time that no server goes on serving it.
pub(crate) const PLACES_BELIEVED: Duration = Duration::from_millis(200);

/// What is remembered between requests.
///
/// Only where one process owns the database: a change of ours is forgotten here after its commit and before its answer.
/// With several replicas nothing is remembered, since nobody tells us of the others' changes. A look-up goes through
/// [`remembered`], whose place holder falls when the key is forgotten meanwhile, so that an old answer is never kept.
pub(crate) struct Caches {
    pub(crate) repositories: Cache<(AccountId, RepositoryName), Repository>,
    pub(crate) tags: Cache<(i64, Tag), Digest>,
    pub(crate) manifests: Cache<(i64, Digest), ImageFound, ByBytes>,
    /// Only links that a manifest names: nothing but an act of this process can take those. Their bytes can be found
    /// corrupt by another one, though: see [`Caches::are_places_old`].
    pub(crate) links: Cache<(i64, Digest), Arc<Located>>,
    /// When it was last looked whether a copy was found corrupt, in milliseconds of the clock's elapsed time.
    places_looked_at: AtomicU64,
    /// What that look found.
    corruption: Mutex<Option<String>>,
}

/// A blob's place, as it is remembered.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) key: gantry_store::Key,
    pub(crate) size: u64,
    /// How it is encrypted; `None` where it is plain.
    pub(crate) sealed: Option<gantry_metadata::blobs::SealedRow>,
}

impl Located {
    /// Bytes on the disk.
    pub(crate) fn stored_size(&self) -> u64 {
        self.sealed.as_ref().map_or(self.size, |sealed| u64::try_from(sealed.stored_size).unwrap_or(0))
    }
}

#[derive(Clone)]
pub(crate) struct ByBytes;

impl Weighter<(i64, Digest), ImageFound> for ByBytes {
    fn weight(&self, _: &(i64, Digest), image: &ImageFound) -> u64 {
        image.body.len() as u64 + 512
    }
}

impl Caches {
    pub(crate) fn new(manifest_bytes: u64) -> Self {
        let manifests = usize::try_from(manifest_bytes / 1024).unwrap_or(usize::MAX).max(64);
        Caches {
            repositories: Cache::new(4_096),
            tags: Cache::new(manifests),
            manifests: Cache::with_weighter(manifests, manifest_bytes, ByBytes),
            links: Cache::new(manifests),
            places_looked_at: AtomicU64::new(0),
            corruption: Mutex::default(),
        }
    }

    /// Whether it must be looked, before a place is used, what was last found corrupt. `now` is the clock's elapsed time.
    pub(crate) fn are_places_old(&self, now: Duration) -> bool {
        millis(now).saturating_sub(self.places_looked_at.load(Relaxed)) >= millis(PLACES_BELIEVED)
    }

    /// Takes in what was `found` by a look that began at `now`; if it is news, every place is forgotten.
    pub(crate) fn look_at_places(&self, now: Duration, found: Option<String>) {
        let mut known = self.corruption.lock().expect("nothing panics while it holds the mark");
        if *known != found {
            self.links.clear();
            *known = found;
        }
        self.places_looked_at.fetch_max(millis(now), Relaxed);
    }

    /// Hits, misses and weight of each.
    pub(crate) fn figures(&self) -> Vec<(&'static str, (u64, u64, u64))> {
        vec![
            ("repositories", (self.repositories.hits(), self.repositories.misses(), self.repositories.weight())),
            ("tags", (self.tags.hits(), self.tags.misses(), self.tags.weight())),
            ("manifests", (self.manifests.hits(), self.manifests.misses(), self.manifests.weight())),
            ("links", (self.links.hits(), self.links.misses(), self.links.weight())),
        ]
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns what `cache` holds for `key`, else what `look` finds, which is kept from then on. Without a cache, `look` is
/// asked each time; where the cache answers, it is never polled.
pub(crate) async fn remembered<K: Clone + Eq + Hash, V: Clone, W: Weighter<K, V> + Clone>(
    cache: Option<&Cache<K, V, W>>,
    key: &K,
    look: impl Future<Output = Result<Option<V>, Fault>>,
) -> Result<Option<V>, Fault> {
    let Some(cache) = cache else { return look.await };
    match cache.get_value_or_guard_async(key).await {
        Ok(found) => Ok(Some(found)),
        Err(place) => {
            let found = look.await?;
            if let Some(value) = &found {
                // Forgotten meanwhile: the answer holds for this request, but is not kept.
                let _ = place.insert(value.clone());
            }
            Ok(found)
        }
    }
}
