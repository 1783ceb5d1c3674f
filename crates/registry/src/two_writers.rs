//! Two acts at once on PostgreSQL, where only their locks keep them apart: for each pair that could harm each other, what
//! is left must be as if one had come after the other.

use crate::{
    FsckOptions, PutImage, Registry, Repository, Settings,
    collection::TakeLinks,
    link::{LinkBlob, Linked, Source, TouchLink},
    remove::{RemoveBlob, RemoveImage, RemoveTag},
    repositories::CreateRepository,
    uploads::HoldUpload,
};
use bytes::Bytes;
use futures_util::{future::join, stream};
use gantry_env::Env;
use gantry_fault::FaultKind;
use gantry_metadata::{Metadata, suite::postgres::Database, suite::two_writers};
use gantry_oci::{Algorithm, Digest, Manifest, Reference, media_type};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region};
use serde_json::json;
use std::{convert::Infallible, path::Path, time::Duration};

/// A registry on a PostgreSQL of its own, with a repository.
struct Ground {
    registry: Registry,
    metadata: Metadata,
    env: Env,
    repository: Repository,
    _database: Database,
}

impl Ground {
    async fn new() -> Ground {
        let (env, database) = (Env::real(), Database::new());
        let metadata = Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("the database opens");
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let mut ground = Ground { registry, metadata, env, repository: nowhere(), _database: database };
        ground.repository = ground.create("team/app").await;
        ground
    }

    fn cx(&self) -> Cx {
        Cx {
            actor: "somebody".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    async fn create(&self, name: &str) -> Repository {
        let name = name.parse().expect("a name");
        self.registry.repositories.create(&self.cx(), &name).await.expect("a new repository")
    }

    /// Stores a blob that nothing names.
    async fn blob(&self, text: &str) -> Digest {
        let bytes = Bytes::from(text.to_string());
        let digest = digest_of(&bytes);
        let body = stream::iter([Ok::<_, Infallible>(bytes)]);
        self.registry.uploads.store(&self.cx(), &self.repository, &digest, body).await.expect("a blob is stored");
        digest
    }

    /// Stores an image without layers, whose config is a blob of its own.
    async fn image(&self, text: &str) -> Digest {
        let put = self.put(&image_of(&self.blob(text).await, text.len()), None);
        self.metadata.perform(&self.cx(), put).await.expect("an image is stored").digest
    }

    fn put(&self, document: &serde_json::Value, tag: Option<&str>) -> PutImage {
        let body = Bytes::from(document.to_string());
        PutImage {
            refuses_repeat: false,
            is_quarantined: false,
            dates: None,
            account: AccountId::DEFAULT,
            repository: self.repository.id,
            name: self.repository.name.clone(),
            digest: digest_of(&body),
            manifest: Manifest::parse(&body, None, &Default::default()).expect("a manifest"),
            body,
            tags: tag.iter().map(|tag| tag.parse().expect("a tag")).collect(),
            actor: "somebody".into(),
            request_id: self.env.request_id(),
        }
    }

    fn remove(&self, digest: &Digest) -> RemoveImage {
        RemoveImage {
            repository: self.repository.id,
            name: self.repository.name.clone(),
            digest: digest.clone(),
            is_kept: true,
            rule: None,
            actor: "somebody".into(),
            request_id: self.env.request_id(),
        }
    }

    fn take(&self, digest: &Digest) -> TakeLinks {
        TakeLinks { repository: self.repository.id, digests: vec![digest.to_string()], until: self.env.now() }
    }

    /// Opens an upload; returns the act by which a server takes hold of it.
    async fn upload(&self) -> impl Fn(&str) -> HoldUpload + use<> {
        let id = self.registry.uploads.open(&self.cx(), &self.repository, Algorithm::Sha256).await.expect("it opens");
        let (repository, actor, now) = (self.repository.id, self.cx().actor, self.env.now());
        move |holder| HoldUpload {
            id: id.clone(),
            repository,
            actor: actor.clone(),
            holder: holder.into(),
            now,
            until: now.plus(Duration::from_secs(20)),
        }
    }

    async fn is_held(&self, digest: &Digest) -> bool {
        let reference = Reference::Digest(digest.clone());
        self.registry.images.load(&self.cx(), &self.repository, &reference).await.is_ok()
    }

    async fn assert_sound(&self) {
        let options = FsckOptions { quick: false, repair: false, is_alone: true };
        let report = self.registry.fsck.run(&self.cx(), options, |_| {}).await.expect("it can be checked");
        assert_eq!(report.damage, 0, "{:#?}", report.findings);
    }
}

fn nowhere() -> Repository {
    Repository {
        id: 0,
        name: "nowhere".parse().expect("a name"),
        created_at: gantry_words::Timestamp::default(),
        created_by: "nobody".into(),
        image_count: 0,
        tag_count: 0,
        blob_bytes: 0,
        is_limited: false,
        rules: Default::default(),
    }
}

pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_hash(Algorithm::Sha256, &gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, bytes))
}

pub(crate) fn image_of(config: &Digest, size: usize) -> serde_json::Value {
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.as_str(), "size": size});
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": []})
}

pub(crate) fn index_of(child: &Digest, size: usize) -> serde_json::Value {
    let child = json!({"mediaType": media_type::OCI_MANIFEST, "digest": child.as_str(), "size": size});
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [child]})
}

#[tokio::test]
async fn two_that_forget_at_once_count_each_row_once() {
    let ground = Ground::new().await;
    for name in ["team/one", "team/two", "team/three"] {
        ground.create(name).await;
    }
    let in_a_month = Cx { now: ground.cx().now.plus(Duration::from_secs(31 * 24 * 3600)), ..ground.cx() };

    let retention = &ground.registry.retention;
    let (first, second) = join(retention.round(&in_a_month), retention.round(&in_a_month)).await;

    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.events + second.events, 4, "an event for each repository");
    assert_eq!(first.audit + second.audit, 0);
    assert_eq!(retention.round(&in_a_month).await.unwrap().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_and_the_collection_of_a_blob_it_names_do_not_both_happen() {
    let ground = Ground::new().await;
    let config = ground.blob("config").await;
    let put = ground.put(&image_of(&config, 6), Some("v1"));

    let (pushed, taken) = two_writers(&ground.metadata, &ground.cx(), put, ground.take(&config)).await;

    assert_eq!(pushed.is_ok(), taken.expect("the collection runs") == 0);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_and_the_removal_of_a_blob_it_names_do_not_both_happen() {
    let ground = Ground::new().await;
    let config = ground.blob("config").await;
    let put = ground.put(&image_of(&config, 6), Some("v1"));
    let (repository, name) = (ground.repository.id, ground.repository.name.clone());

    let removal = RemoveBlob { repository, name, digest: config };
    let (pushed, removed) = two_writers(&ground.metadata, &ground.cx(), put, removal).await;

    assert_ne!(pushed.is_ok(), removed.is_ok());
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_and_the_removal_of_its_child_do_not_both_happen() {
    let ground = Ground::new().await;
    let child = ground.image("child").await;
    let size = image_of(&digest_of(b"child"), 5).to_string().len();
    let index = ground.put(&index_of(&child, size), None);

    let (pushed, removed) = two_writers(&ground.metadata, &ground.cx(), index, ground.remove(&child)).await;

    assert_ne!(pushed.is_ok(), removed.is_ok());
    assert_eq!(ground.is_held(&child).await, pushed.is_ok());
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_and_the_collection_of_its_source_leave_no_link_without_bytes() {
    let ground = Ground::new().await;
    let (digest, other) = (ground.blob("layer").await, ground.create("team/other").await);
    let mount = LinkBlob {
        account: AccountId::DEFAULT,
        repository: other.id,
        name: other.name.clone(),
        digest: digest.clone(),
        size: 5,
        domain: String::new(),
        from: Source::Repository(ground.repository.id),
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    };

    let (mounted, taken) = two_writers(&ground.metadata, &ground.cx(), mount, ground.take(&digest)).await;
    ground
        .registry
        .collection
        .run(&ground.cx(), Duration::from_secs(3600), Duration::from_secs(3600), |_| {})
        .await
        .unwrap();

    let is_there = ground.registry.blobs.check(&ground.cx(), &other, &digest).await.is_ok();
    assert_eq!(taken.expect("the collection runs"), 1);
    assert_eq!(is_there, matches!(mounted, Ok(Linked::Done { .. })));
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_was_told_of_is_not_collected_at_that_moment() {
    let ground = Ground::new().await;
    let digest = ground.blob("layer").await;
    let take = ground.take(&digest);
    let touch = TouchLink { repository: ground.repository.id, digest: digest.clone(), grace: Duration::ZERO };

    let later = Cx { now: ground.env.now().plus(Duration::from_secs(1)), ..ground.cx() };
    let (told, taken) = two_writers(&ground.metadata, &later, touch, take).await;

    // Touched first, it is young; taken first, the client is told that it is not there.
    assert_ne!(told.expect("the touch runs"), taken.expect("the collection runs") == 1);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pushes_of_one_tag_count_it_once() {
    let ground = Ground::new().await;
    let (one, two) = (ground.blob("one").await, ground.blob("two").await);
    let (first, second) = (ground.put(&image_of(&one, 3), Some("v1")), ground.put(&image_of(&two, 3), Some("v1")));

    let (first, second) = two_writers(&ground.metadata, &ground.cx(), first, second).await;

    assert!(first.is_ok() && second.is_ok());
    let described = ground.registry.repositories.describe(&ground.cx(), &ground.repository.name).await.unwrap();
    assert_eq!((described.image_count, described.tag_count), (2, 1));
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_and_the_removal_of_its_tag_leave_right_counts() {
    let ground = Ground::new().await;
    let (one, two) = (ground.blob("one").await, ground.blob("two").await);
    ground.metadata.perform(&ground.cx(), ground.put(&image_of(&one, 3), Some("v1"))).await.unwrap();
    let removal = RemoveTag {
        repository: ground.repository.id,
        name: ground.repository.name.clone(),
        tag: "v1".parse().unwrap(),
        actor: "somebody".into(),
        request_id: ground.env.request_id(),
    };

    let put = ground.put(&image_of(&two, 3), Some("v1"));
    let (pushed, removed) = two_writers(&ground.metadata, &ground.cx(), put, removal).await;

    assert!(pushed.is_ok() && removed.is_ok());
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_uploads_of_one_blob_keep_one_copy() {
    let ground = Ground::new().await;
    let other = ground.create("team/other").await;
    let link = |repository: &Repository, id: i64| LinkBlob {
        account: AccountId::DEFAULT,
        repository: repository.id,
        name: repository.name.clone(),
        digest: digest_of(b"layer"),
        size: 5,
        domain: String::new(),
        from: Source::New { id, location: format!("sha256/aa/layer.{id}"), sealed: None },
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    };

    let (first, second) = (link(&ground.repository, 1), link(&other, 2));
    let (first, second) = two_writers(&ground.metadata, &ground.cx(), first, second).await;

    let used = |linked| matches!(linked, Ok(Linked::Done { is_new_copy_used: true }));
    assert_ne!(used(first), used(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_take_hold_of_one_upload_one_is_told() {
    let ground = Ground::new().await;
    let hold = ground.upload().await;

    let (first, second) = two_writers(&ground.metadata, &ground.cx(), hold("one"), hold("two")).await;

    assert_ne!(first.is_ok(), second.is_ok());
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(refused.kind, FaultKind::UploadBusy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_overtaken_makes_no_blob_of_the_upload() {
    let ground = Ground::new().await;
    let hold = ground.upload().await;
    let held = ground.metadata.perform(&ground.cx(), hold("one")).await.unwrap();
    let late = HoldUpload { now: ground.env.now().plus(Duration::from_secs(60)), ..hold("two") };
    ground.metadata.perform(&ground.cx(), late).await.unwrap();

    let link = LinkBlob {
        account: AccountId::DEFAULT,
        repository: ground.repository.id,
        name: ground.repository.name.clone(),
        digest: digest_of(b"layer"),
        size: 5,
        domain: String::new(),
        from: Source::New { id: 1, location: "sha256/aa/layer.1".into(), sealed: None },
        upload: Some(held.id),
        hold: Some(held.revision + 1),
        grace: Duration::ZERO,
    };
    let linked = ground.metadata.perform(&ground.cx(), link).await;

    assert_eq!(linked.unwrap_err().kind, FaultKind::UploadNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_and_a_layer_that_it_can_do_without_count_each_other() {
    let ground = Ground::new().await;
    let (config, layer) = (ground.blob("config").await, digest_of(b"layer"));
    let mut image = image_of(&config, 6);
    image["layers"] =
        json!([{"mediaType": media_type::OCI_LAYER_NONDISTRIBUTABLE, "digest": layer.as_str(), "size": 5}]);
    let link = LinkBlob {
        account: AccountId::DEFAULT,
        repository: ground.repository.id,
        name: ground.repository.name.clone(),
        digest: layer.clone(),
        size: 5,
        domain: String::new(),
        from: Source::New { id: 1, location: "sha256/aa/layer.1".into(), sealed: None },
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    };

    let put = ground.put(&image, None);
    let (pushed, linked) = two_writers(&ground.metadata, &ground.cx(), put, link).await;

    assert!(pushed.is_ok() && linked.is_ok());
    let (repository, wanted) = (ground.repository.id, layer.to_string());
    let row = ground.metadata.read(move |rows| gantry_metadata::blobs::link(rows, repository, &wanted)).await.unwrap();
    assert_eq!(row.map(|row| (row.manifest_count, row.candidate_since)), Some((1, None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_create_one_repository_one_is_told_that_it_exists() {
    let ground = Ground::new().await;
    let create = |id| CreateRepository {
        id,
        account: AccountId::DEFAULT,
        region: Region::default(),
        name: "team/new".parse().unwrap(),
        rules: Default::default(),
        documents: vec![],
        actor: "somebody".into(),
        now: ground.env.now(),
    };

    let (first, second) = two_writers(&ground.metadata, &ground.cx(), create(1), create(2)).await;

    assert_ne!(first.is_ok(), second.is_ok());
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(refused.kind, FaultKind::RepositoryExists);
}
