use crate::{documents::DocumentKind, ports::Ports, repositories::Repository};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, documents, manifests, usage};
use gantry_oci::Digest;
use gantry_words::{AccountId, Cx, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Pulls that wait to be written down; what is pulled beyond is written down with its next pull.
const WAITING_MAX: usize = 100_000;
/// Images whose pulls are written down in one transaction.
const BATCH: usize = 500;
/// As many exclusions as are looked at; a registry has no more.
const EXCLUSIONS_MAX: usize = 1_000;

/// The room for who pulled what when: counted in memory, and written down now and then, so that a pull writes nothing.
///
/// After a crash the pulls of the last minute are not known; they show in no decision about an image that is shorter
/// than a day.
#[derive(Clone)]
pub struct Pulls {
    ports: Arc<Ports>,
    waiting: Arc<Mutex<HashMap<Pulled, Timestamp>>>,
}

/// An image, and who pulled it: some people's pulls do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pulled {
    /// Whose registry it is in.
    account: AccountId,
    repository: i64,
    digest: Digest,
    by: Arc<str>,
}

impl Pulls {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Pulls { ports, waiting: Arc::default() }
    }

    /// Notes that an image was pulled.
    pub fn note(&self, cx: &Cx, repository: &Repository, digest: &Digest) {
        let pulled =
            Pulled { account: cx.account, repository: repository.id, digest: digest.clone(), by: cx.actor.clone() };
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&pulled) {
            waiting.insert(pulled, cx.now);
        }
    }

    /// Writes down what was noted; returns how many images that were.
    ///
    /// # Errors
    /// The metadata cannot be read or written; what was not written down waits for the next time.
    pub async fn write_down(&self, cx: &Cx) -> Result<usize, Fault> {
        let noted = std::mem::take(&mut *self.waiting());
        if noted.is_empty() {
            return Ok(0);
        }
        let written = self.write(cx, &noted).await;
        if written.is_err() {
            let mut waiting = self.waiting();
            for (pulled, at) in noted {
                waiting.entry(pulled).or_insert(at);
            }
        }
        written
    }

    async fn write(&self, cx: &Cx, noted: &HashMap<Pulled, Timestamp>) -> Result<usize, Fault> {
        let mut excluded: HashMap<AccountId, BTreeSet<String>> = HashMap::new();
        for account in noted.keys().map(|pulled| pulled.account).collect::<BTreeSet<_>>() {
            let shelf = DocumentKind::PullTimeExclusion.shelf(account, &self.ports.region, 0);
            let look = move |rows: &mut Reader| documents::list(rows, &shelf, "", EXCLUSIONS_MAX);
            let found = self.ports.metadata.read_long(look).await?;
            excluded.insert(account, found.into_iter().map(|document| document.name).collect());
        }
        let counts = |pulled: &Pulled| !excluded.get(&pulled.account).is_some_and(|names| names.contains(&*pulled.by));
        let mut last: HashMap<(i64, &Digest), Timestamp> = HashMap::new();
        for (pulled, at) in noted.iter().filter(|(pulled, _)| counts(pulled)) {
            let known = last.entry((pulled.repository, &pulled.digest)).or_insert(*at);
            *known = (*known).max(*at);
        }
        let mut repositories: BTreeMap<i64, Timestamp> = BTreeMap::new();
        for ((id, _), at) in &last {
            let known = repositories.entry(*id).or_insert(*at);
            *known = (*known).max(*at);
        }
        let images: Vec<_> = last.into_iter().map(|((id, digest), at)| (id, digest.to_string(), at)).collect();
        for batch in images.chunks(BATCH) {
            self.ports.metadata.perform(cx, WritePulls { images: batch.to_vec(), repositories: vec![] }).await?;
        }
        let repositories: Vec<_> = repositories.into_iter().collect();
        for batch in repositories.chunks(BATCH) {
            self.ports.metadata.perform(cx, WritePulls { images: vec![], repositories: batch.to_vec() }).await?;
        }
        Ok(images.len())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Pulled, Timestamp>> {
        // A map that is whole between any two steps.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The act that writes down when images, and repositories, were last pulled. What is gone is passed over.
struct WritePulls {
    images: Vec<(i64, String, Timestamp)>,
    /// In the order of their numbers, as all lock them who change several.
    repositories: Vec<(i64, Timestamp)>,
}

impl Act for WritePulls {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.write_pulls";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        for (repository, digest, at) in &self.images {
            manifests::pulled(tx, *repository, digest, *at)?;
        }
        self.repositories.iter().try_for_each(|(repository, at)| usage::pulled(tx, *repository, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewRepository, Registry, Settings};
    use bytes::Bytes;
    use gantry_env::Env;
    use gantry_metadata::Metadata;
    use gantry_oci::{Reference, media_type};
    use gantry_store::Store;
    use gantry_words::Region;
    use serde_json::json;

    struct Ground {
        registry: Registry,
        repository: Repository,
        digest: Digest,
    }

    fn cx(actor: &str, millis: i64) -> Cx {
        Cx {
            actor: actor.into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: Env::real().request_id(),
            now: Timestamp::from_millis(millis),
            source: None,
        }
    }

    impl Ground {
        async fn new() -> Ground {
            let env = Env::real();
            let metadata = Metadata::alone(env.clone()).unwrap();
            let (store, _) = Store::memory(env.clone());
            let registry = Registry::open(metadata, store, env, Region::default(), Settings::default());
            let new = NewRepository::plain(&"team/app".parse().unwrap());
            let repository = registry.repositories.create_with(&cx("root", 0), new).await.unwrap();
            let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
            let (tag, body) = (Reference::Tag("v1".parse().unwrap()), Bytes::from(index.to_string()));
            let put = registry.images.put_image(&cx("root", 0), &repository, &tag, vec![], None, body).await.unwrap();
            Ground { registry, repository, digest: put.digest }
        }

        fn pull(&self, actor: &str, millis: i64) {
            self.registry.pulls.note(&cx(actor, millis), &self.repository, &self.digest);
        }

        async fn last_pulled_at(&self) -> Option<i64> {
            let reference = Reference::Digest(self.digest.clone());
            let image = self.registry.images.describe(&self.repository, &reference).await.unwrap();
            image.last_pulled_at.map(Timestamp::millis)
        }
    }

    #[tokio::test]
    async fn the_last_of_many_pulls_is_written_down_once() {
        let ground = Ground::new().await;
        for (actor, millis) in [("a", 7_000), ("b", 9_000), ("a", 8_000)] {
            ground.pull(actor, millis);
        }

        assert_eq!(ground.last_pulled_at().await, None);
        assert_eq!(ground.registry.pulls.write_down(&cx("gantry", 0)).await.unwrap(), 1);

        assert_eq!(ground.last_pulled_at().await, Some(9_000));
        assert_eq!(ground.registry.pulls.write_down(&cx("gantry", 0)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn pulls_of_those_who_are_left_out_do_not_count() {
        let ground = Ground::new().await;
        let documents = &ground.registry.documents;
        documents.put(&cx("root", 0), None, DocumentKind::PullTimeExclusion, "scanner", "{}".into()).await.unwrap();
        ground.pull("node", 7_000);
        ground.pull("scanner", 9_000);

        ground.registry.pulls.write_down(&cx("gantry", 0)).await.unwrap();

        assert_eq!(ground.last_pulled_at().await, Some(7_000));
    }

    #[tokio::test]
    async fn an_earlier_pull_does_not_hide_a_later_one() {
        let ground = Ground::new().await;
        for millis in [9_000, 7_000] {
            ground.pull("node", millis);
            ground.registry.pulls.write_down(&cx("gantry", 0)).await.unwrap();
        }

        assert_eq!(ground.last_pulled_at().await, Some(9_000));
    }
}
