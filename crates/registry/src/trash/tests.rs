use super::{purge::PurgeImages, restore::RestoreImage};
use crate::{
    Change, DocumentKind, DocumentSeen, FsckOptions, ImageFound, Registry, Repository, RestoredImage, Settings,
    TrashSettings,
    remove::RemoveImage,
    two_writers::{digest_of, image_of, index_of},
};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Metadata,
    suite::{postgres::Database, two_writers},
};
use gantry_oci::{Digest, Reference, media_type};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Period, Region, Timestamp};
use serde_json::{Value, json};
use std::{collections::BTreeMap, convert::Infallible, path::Path, time::Duration};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A registry with a repository, on SQLite or on PostgreSQL.
pub(crate) struct Ground {
    pub(crate) registry: Registry,
    pub(crate) metadata: Metadata,
    env: Env,
    pub(crate) repository: Repository,
    _database: Option<Database>,
}

impl Ground {
    /// One on SQLite, and one on PostgreSQL.
    pub(crate) async fn both() -> [Ground; 2] {
        let (env, database) = (Env::real(), Database::new());
        let on_postgres =
            Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("the database opens");
        let on_sqlite = Metadata::alone(env.clone()).expect("SQLite works in memory");
        [
            Ground::on(on_sqlite, env.clone(), None, Period::hours(7 * 24)).await,
            Ground::on(on_postgres, env, Some(database), Period::hours(7 * 24)).await,
        ]
    }

    async fn on(metadata: Metadata, env: Env, database: Option<Database>, keep: Period) -> Ground {
        let (store, _) = Store::memory(env.clone());
        let settings = Settings { trash: TrashSettings { keep }, ..Settings::default() };
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), settings);
        let cx = cx_of(&env);
        let repository = registry.repositories.create(&cx, &"team/app".parse().unwrap()).await.unwrap();
        Ground { registry, metadata, env, repository, _database: database }
    }

    pub(crate) fn cx(&self) -> Cx {
        cx_of(&self.env)
    }

    /// So many days from now.
    pub(crate) fn in_days(&self, days: u32) -> Cx {
        let cx = self.cx();
        Cx { now: cx.now.plus(DAY * days), ..cx }
    }

    pub(crate) async fn blob(&self, text: &str) -> Digest {
        let bytes = Bytes::from(text.to_string());
        let (digest, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
        self.registry.uploads.store(&self.cx(), &self.repository, &digest, body).await.expect("a blob is stored");
        digest
    }

    pub(crate) async fn put(&self, document: &Value, tags: &[&str]) -> Digest {
        let body = Bytes::from(document.to_string());
        let (digest, tags) = (digest_of(&body), tags.iter().map(|tag| tag.parse().unwrap()).collect());
        let to = Reference::Digest(digest.clone());
        self.registry
            .images
            .put_image(&self.cx(), &self.repository, &to, tags, None, body)
            .await
            .expect("it is stored");
        digest
    }

    /// Pushes the manifest of the image of `text`, whose blob must be there.
    pub(crate) async fn put_again(&self, text: &str) -> Result<crate::PutImageAnswer, Fault> {
        let body = Bytes::from(image_of(&digest_of(text.as_bytes()), text.len()).to_string());
        let to = Reference::Digest(digest_of(&body));
        self.registry.images.put_image(&self.cx(), &self.repository, &to, vec![], None, body).await
    }

    /// Pushes an image whose config is a blob of its own.
    pub(crate) async fn image(&self, text: &str, tags: &[&str]) -> Digest {
        let config = self.blob(text).await;
        self.put(&image_of(&config, text.len()), tags).await
    }

    /// Pushes an index of the image of `text`.
    pub(crate) async fn index(&self, text: &str, tags: &[&str]) -> Digest {
        let child = image_of(&digest_of(text.as_bytes()), text.len()).to_string();
        self.put(&index_of(&digest_of(child.as_bytes()), child.len()), tags).await
    }

    /// The same with an annotation, so that it is another.
    pub(crate) async fn other_index(&self, text: &str, tags: &[&str]) -> Digest {
        let child = image_of(&digest_of(text.as_bytes()), text.len()).to_string();
        let mut document = index_of(&digest_of(child.as_bytes()), child.len());
        document["annotations"] = json!({"other": "yes"});
        self.put(&document, tags).await
    }

    pub(crate) async fn signature(&self, text: &str, of: &Digest) -> Digest {
        let config = self.blob(text).await;
        let mut document = image_of(&config, text.len());
        document["subject"] = json!({"mediaType": media_type::OCI_MANIFEST, "digest": of.as_str(), "size": 2});
        self.put(&document, &[]).await
    }

    /// The digests of its images that are in use at a moment.
    pub(crate) async fn used(&self, at: Timestamp) -> Vec<String> {
        let id = self.repository.id;
        self.metadata.read(move |rows| gantry_metadata::inventory::used(rows, id, at)).await.unwrap()
    }

    pub(crate) async fn load(&self, reference: &str) -> Result<ImageFound, Fault> {
        self.registry.images.load(&self.cx(), &self.repository, &reference.parse().unwrap()).await
    }

    pub(crate) async fn holds(&self, digest: &Digest) -> bool {
        self.load(digest.as_str()).await.is_ok()
    }

    pub(crate) async fn remove(&self, reference: impl Into<Reference>) {
        self.registry.images.remove(&self.cx(), &self.repository, &reference.into()).await.expect("it is removed");
    }

    pub(crate) async fn delete_repository(&self) {
        self.registry.repositories.delete(&self.cx(), &self.repository.name, true).await.expect("it is deleted");
    }

    pub(crate) async fn restore(&self, reference: &str) -> Result<Vec<RestoredImage>, Fault> {
        let (cx, reference) = (self.cx(), reference.parse().unwrap());
        self.registry.trash.restore(&cx, &self.repository.name, &reference, true).await
    }

    /// The act that takes an image out of the trash.
    fn restoration(&self, digest: &Digest) -> RestoreImage {
        RestoreImage {
            repository: self.repository.id,
            name: self.repository.name.clone(),
            digest: digest.to_string(),
            with_tags: true,
            actor: "somebody".into(),
            request_id: self.env.request_id(),
        }
    }

    pub(crate) async fn trashed(&self) -> Vec<String> {
        let page = self.registry.trash.list(&self.cx(), None, None, 100).await.unwrap();
        page.items.into_iter().map(|image| image.digest).collect()
    }

    /// Collects what nothing names, without grace, in so many days; answers how many blobs went.
    pub(crate) async fn collect(&self, days: u32) -> u64 {
        let collection = &self.registry.collection;
        collection.run(&self.in_days(days), Duration::ZERO, Duration::ZERO, |_| {}).await.unwrap().blobs
    }

    pub(crate) async fn assert_sound(&self) {
        let options = FsckOptions { quick: false, repair: false, is_alone: true };
        let report = self.registry.fsck.run(&self.cx(), options, |_| {}).await.expect("it can be checked");
        assert_eq!(report.damage, 0, "{:#?}", report.findings);
    }
}

fn cx_of(env: &Env) -> Cx {
    Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_image_answers_nobody_and_comes_back_with_its_tags() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1", "latest"]).await;

        ground.remove(image.clone()).await;
        let in_trash = (ground.holds(&image).await, ground.load("v1").await.is_ok(), ground.trashed().await);
        let restored = ground.restore("v1").await.unwrap();

        assert_eq!(in_trash, (false, false, vec![image.to_string()]));
        assert_eq!(
            (restored[0].digest.as_str(), restored[0].tags.as_slice()),
            (image.as_str(), &["latest".into(), "v1".into()][..])
        );
        assert_eq!(ground.load("latest").await.unwrap().digest, image);
        assert!(ground.trashed().await.is_empty());
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_points_elsewhere_by_now_stays_there_and_is_named() {
    for ground in Ground::both().await {
        let old = ground.image("old", &["v1", "stable"]).await;
        ground.remove(old.clone()).await;
        let new = ground.image("new", &["v1"]).await;

        let restored = ground.restore(old.as_str()).await.unwrap();

        assert_eq!(restored[0].tags, ["stable"]);
        assert_eq!(restored[0].taken, BTreeMap::from([("v1".to_string(), new.to_string())]));
        assert_eq!(ground.load("v1").await.unwrap().digest, new);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_it_again_takes_an_image_out_of_the_trash() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.remove(image.clone()).await;

        let again = ground.put(&image_of(&digest_of(b"config"), 6), &["v2"]).await;

        assert_eq!(again, image);
        assert!(ground.holds(&image).await && ground.trashed().await.is_empty());
        assert_eq!(ground.restore("v1").await.unwrap_err().kind, FaultKind::ImageNotFound);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blobs_stay_for_as_long_as_the_image_is_in_the_trash_and_go_after_it() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.remove(image).await;

        let kept = (ground.registry.trash.round(&ground.in_days(6)).await.unwrap().images, ground.collect(6).await);
        ground.assert_sound().await;
        let gone = (ground.registry.trash.round(&ground.in_days(8)).await.unwrap().images, ground.collect(9).await);

        assert_eq!((kept, gone), ((0, 0), (1, 1)));
        assert_eq!(ground.restore("v1").await.unwrap_err().kind, FaultKind::ImageNotFound);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_comes_back_with_its_children_and_what_went_with_it_but_not_with_what_went_before() {
    for ground in Ground::both().await {
        let child = ground.image("child", &["child"]).await;
        let index = ground.index("child", &["v1"]).await;
        let (withdrawn, kept) = (ground.signature("one", &index).await, ground.signature("two", &index).await);
        let cx = ground.cx();
        let before = Cx { now: cx.now.minus(DAY), ..cx };
        ground.registry.images.remove(&before, &ground.repository, &withdrawn.clone().into()).await.unwrap();
        ground.remove(index.clone()).await;
        ground.remove(child.clone()).await;
        ground.remove(kept.clone()).await;

        let restored = ground.restore("v1").await.unwrap();

        let mut expected = vec![index.to_string(), child.to_string(), kept.to_string()];
        let mut found: Vec<_> = restored.into_iter().map(|image| image.digest).collect();
        assert_eq!(found[0], index.as_str(), "the one that was asked for comes first");
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(ground.trashed().await, [withdrawn.to_string()]);
        assert_eq!(ground.load("child").await.unwrap().digest, child);
        let refused = ground.registry.images.remove(&ground.cx(), &ground.repository, &child.into()).await.unwrap_err();
        assert_eq!(refused.kind, FaultKind::ImageReferenced, "the index counts again as its parent");
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_not_destroyed_before_its_index() {
    for ground in Ground::both().await {
        let child = ground.image("child", &[]).await;
        let index = ground.index("child", &[]).await;
        ground.remove(index).await;
        ground.remove(child.clone()).await;
        let (cx, name) = (ground.cx(), &ground.repository.name);

        let alone = ground.registry.trash.purge(&cx, name, &child.clone().into()).await.unwrap_err();
        ground.assert_sound().await;
        let emptied = ground.registry.trash.empty(&ground.in_days(1), Some(name)).await.unwrap();

        assert_eq!(alone.kind, FaultKind::ImageReferenced);
        assert_eq!((emptied.images, ground.trashed().await), (2, vec![]));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_with_its_repository_comes_back_into_one_of_the_same_name() {
    for mut ground in Ground::both().await {
        let (child, other) = (ground.image("child", &["child"]).await, ground.image("other", &[]).await);
        let index = ground.index("child", &["v1"]).await;
        ground.delete_repository().await;
        ground.assert_sound().await;
        assert_eq!(ground.collect(1).await, 0, "the blobs stay");

        let homeless = ground.restore("v1").await.unwrap_err();
        ground.repository = ground.registry.repositories.create(&ground.cx(), &ground.repository.name).await.unwrap();
        let restored = ground.restore("v1").await.unwrap();

        assert_eq!(homeless.kind, FaultKind::RepositoryNotFound);
        assert!(homeless.message.contains("gantry repo create team/app"), "{}", homeless.message);
        assert_eq!(restored.len(), 2);
        assert_eq!(
            (ground.load("v1").await.unwrap().digest, ground.load("child").await.unwrap().digest),
            (index, child)
        );
        assert_eq!(ground.trashed().await, [other.to_string()]);
        ground.assert_sound().await;
        ground.registry.trash.empty(&ground.in_days(1), None).await.unwrap();
        assert_eq!(ground.collect(2).await, 1, "only what the other image named");
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_leaves_a_deleted_repository_alone_stays_there_for_its_index_too() {
    for mut ground in Ground::both().await {
        let child = ground.image("child", &["child"]).await;
        let index = ground.index("child", &["v1"]).await;
        ground.delete_repository().await;
        ground.repository = ground.registry.repositories.create(&ground.cx(), &ground.repository.name).await.unwrap();

        ground.restore("child").await.unwrap();
        ground.assert_sound().await;
        ground.remove(child.clone()).await;
        let restored = ground.restore(index.as_str()).await.unwrap();

        assert_eq!(restored.len(), 2);
        assert!(ground.holds(&child).await && ground.holds(&index).await && ground.trashed().await.is_empty());
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_wrote_about_a_repository_goes_with_it_also_when_its_images_go_to_the_trash() {
    for ground in Ground::both().await {
        let documents = &ground.registry.documents;
        let write = Box::new(|_: &DocumentSeen| Ok(Change::Write("{}".into())));
        let kind = DocumentKind::LifecyclePolicy;
        documents.change(&ground.cx(), Some(&ground.repository), kind, "", write).await.unwrap();
        ground.image("image", &["v1"]).await;

        ground.delete_repository().await;

        assert!(!ground.trashed().await.is_empty());
        let found = documents.find(&ground.cx(), Some(&ground.repository), kind, "").await.unwrap();
        assert!(found.is_none(), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_time_an_image_is_deleted_at_once() {
    let env = Env::real();
    let metadata = Metadata::alone(env.clone()).expect("SQLite works in memory");
    let ground = Ground::on(metadata, env, None, Period::seconds(0)).await;
    let image = ground.image("config", &["v1"]).await;

    ground.remove(image).await;

    assert!(ground.trashed().await.is_empty());
    assert_eq!(ground.collect(1).await, 1);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restoration_and_the_end_of_its_time_do_not_both_happen() {
    let [_, ground] = Ground::both().await;
    let image = ground.image("config", &["v1"]).await;
    ground.remove(image.clone()).await;
    let (cx, repository) = (ground.cx(), ground.repository.id);

    let purge = PurgeImages { repository, digests: vec![image.to_string()], until: cx.now, must_all_go: false };
    let (restored, purged) = two_writers(&ground.metadata, &cx, ground.restoration(&image), purge).await;

    assert_eq!(restored.is_ok(), purged.expect("it runs").images == 0);
    assert_eq!(ground.holds(&image).await, restored.is_ok());
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_comes_back_beside_the_removal_of_its_child_has_it() {
    let [_, ground] = Ground::both().await;
    let child = ground.image("child", &[]).await;
    let index = ground.index("child", &["v1"]).await;
    ground.remove(index.clone()).await;

    let removal = RemoveImage {
        repository: ground.repository.id,
        name: ground.repository.name.clone(),
        digest: child.clone(),
        is_kept: false,
        rule: None,
        actor: "somebody".into(),
        request_id: ground.env.request_id(),
    };
    let restoration = ground.restoration(&index);
    let (restored, _) = two_writers(&ground.metadata, &ground.cx(), restoration, removal).await;

    assert!(restored.is_ok(), "{restored:?}");
    assert!(ground.holds(&index).await && ground.holds(&child).await);
    ground.assert_sound().await;
}
