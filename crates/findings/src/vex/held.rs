//! Which documents speak of which repository, in memory: so a page of images does not ask the database once for each.

use crate::scans::Scans;
use gantry_fault::Fault;
use gantry_metadata::{Reader, gates, vex};
use gantry_words::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// For how long it is believed that nobody has changed a document: another server, or a request whose caller went away before
/// its end. What this server changes counts at once.
const BELIEVED: Duration = Duration::from_secs(1);

/// Up to so many repositories are looked up as quickly as one.
const FEW: usize = 50;

/// The numbers of documents, the oldest first.
pub(crate) type Documents = Arc<[i64]>;

/// What is remembered of which documents speak of which repository.
#[derive(Default)]
pub(crate) struct HeldDocuments(Mutex<Held>);

#[derive(Default)]
struct Held {
    /// Rises when a document was changed: what was being read meanwhile may lack it, and is not kept.
    epoch: u64,
    /// The number of the rules under which it was read; every change of a document raises it, on whichever server.
    rules: Option<i64>,
    looked_at: Timestamp,
    of: HashMap<i64, Documents>,
}

impl HeldDocuments {
    fn with<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets everything, after a document was changed.
    pub(crate) fn forget(&self) {
        self.with(|held| {
            held.epoch += 1;
            held.rules = None;
            held.of.clear();
        });
    }
}

impl Scans {
    /// Returns which documents speak of these repositories.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub(crate) async fn documents_of(&self, repositories: &[i64]) -> Result<HashMap<i64, Documents>, Fault> {
        self.look_for_other_documents().await?;
        let (epoch, mut found, missing) = self.documents.with(|held| {
            let (known, missing): (Vec<i64>, Vec<i64>) =
                repositories.iter().copied().partition(|repository| held.of.contains_key(repository));
            let known = known.into_iter().filter_map(|id| Some((id, held.of.get(&id)?.clone())));
            (held.epoch, known.collect::<HashMap<_, _>>(), missing)
        });
        if missing.is_empty() {
            return Ok(found);
        }
        let missing_count = missing.len();
        let look = move |rows: &mut Reader| {
            let one = |id: &i64| Ok((*id, Documents::from(vex::of_repository(rows, *id)?)));
            missing.iter().map(one).collect::<Result<Vec<_>, Fault>>()
        };
        let read = match missing_count {
            0..=FEW => self.metadata.read(look).await?,
            _ => self.metadata.read_long(look).await?,
        };
        self.documents.with(|held| {
            if held.epoch == epoch {
                held.of.extend(read.iter().cloned());
            }
        });
        found.extend(read);
        Ok(found)
    }

    /// Forgets what is remembered if a document was changed.
    async fn look_for_other_documents(&self) -> Result<(), Fault> {
        let now = self.env.now();
        let is_believed = self.documents.with(|held| held.rules.is_some() && now.since(held.looked_at) < BELIEVED);
        if is_believed {
            return Ok(());
        }
        let rules = self.metadata.read(gates::rules_number).await?;
        self.documents.with(|held| {
            if held.rules != Some(rules) {
                held.of.clear();
                held.epoch += 1;
            }
            (held.rules, held.looked_at) = (Some(rules), now);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Advisories, NewVex, Scans};
    use gantry_env::Env;
    use gantry_metadata::Metadata;
    use gantry_registry::{NewRepository, Registry, Settings};
    use gantry_store::Store;
    use gantry_words::{AccountId, Cx, Region, Timestamp};
    use std::{
        path::Path,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering::Relaxed},
        },
    };

    const DOCUMENT: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"ann","timestamp":"2026-11-20T00:00:00Z",
        "statements":[{"vulnerability":{"name":"CVE-2099-0001"},"products":[{"@id":"pkg:deb/debian/libssl3"}],
        "status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;

    fn cx() -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:user/ann".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: Env::real().request_id(),
            now: Timestamp::from_millis(0),
            source: None,
        }
    }

    #[tokio::test]
    async fn which_documents_speak_of_a_repository_is_asked_once_until_one_is_changed() {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let id = registry.repositories.create_with(&cx(), new).await.unwrap().id;
        let asked = Arc::new(AtomicU64::new(0));
        let counter = asked.clone();
        let counting = metadata.door(
            false,
            Box::new(move |_| {
                counter.fetch_add(1, Relaxed);
                None
            }),
        );
        let scans = Scans::open(counting, registry, env, Advisories::of(Path::new("/nonexistent")));
        assert!(scans.documents_of(&[id]).await.unwrap()[&id].is_empty());

        let before = asked.load(Relaxed);
        for _ in 0..100 {
            scans.documents_of(&[id]).await.unwrap();
        }
        let again = asked.load(Relaxed) - before;
        let new = NewVex { prefix: "team".into(), name: "a.json".into(), body: DOCUMENT.into() };
        let added = scans.add_vex(&cx(), new).await.unwrap().id;
        let after = scans.documents_of(&[id]).await.unwrap()[&id].clone();
        scans.remove_vex(&cx(), added).await.unwrap();

        assert!(again <= 3, "a second may have passed, or two, but a hundred questions were not asked: {again}");
        assert_eq!(*after, [added]);
        assert!(scans.documents_of(&[id]).await.unwrap()[&id].is_empty());
    }
}
