use super::*;
use crate::{
    Advisories, WorkerProgram,
    attach::digest_of,
    worker::{LayerWorkers, printed_frames, read_packed},
};
use bytes::Bytes;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_registry::{NewRepository, Registry, Repository, Settings, WorkerSettings};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A repository whose layers are read by a script of the shell, once it is let.
struct Site {
    scans: Scans,
    registry: Registry,
    repository: Repository,
    folder: TempDir,
}

fn cx() -> Cx {
    Cx {
        actor: "arn:aws:iam::000000000000:user/ann".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: Env::real().now(),
        source: None,
    }
}

impl Site {
    async fn new(count_max: u32) -> Site {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx(), new).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = WorkerSettings { count_max, ..WorkerSettings::default() };
        let workers = LayerWorkers::new(script(folder.path()), settings, env.clone());
        let scans = Scans::open(metadata, registry.clone(), env, Advisories::of(Path::new("/nonexistent")));
        Site { scans: scans.with_workers(workers), registry, repository, folder }
    }

    /// An image of these layers, whose scan is asked for.
    async fn image(&self, name: &str, layers: &[&str]) -> String {
        let store = async |kind: &str, text: &str| {
            self.scans.store(&cx(), &self.repository, kind, Bytes::from(text.to_string())).await.unwrap()
        };
        let config = store(media_type::OCI_CONFIG, &json!({"author": name}).to_string()).await;
        let mut described: Vec<Value> = Vec::new();
        for layer in layers {
            described.push(store("application/vnd.oci.image.layer.v1.tar", layer).await);
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": described,
        });
        let body = Bytes::from(manifest.to_string());
        let digest = digest_of(&body);
        let to = Reference::Digest(digest.clone());
        self.registry.images.put_image(&cx(), &self.repository, &to, vec![], None, body).await.unwrap();
        self.scans.ask(&cx(), &self.repository, digest.as_str()).await.unwrap();
        digest.to_string()
    }

    async fn state(&self, digest: &str) -> ScanState {
        let (id, wanted) = (self.repository.id, digest.to_string());
        self.scans.metadata.read(move |rows| scans::find(rows, id, &wanted)).await.unwrap().unwrap().state
    }

    /// Waits until so many layers are being read, or were.
    async fn reads(&self, count: usize) {
        while self.count_reads() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until all scans have been begun.
    async fn all_begun(&self) {
        let now = Env::real().now();
        while !self.scans.metadata.read(move |rows| scans::due(rows, now, 1)).await.unwrap().is_empty() {}
    }

    fn count_reads(&self) -> usize {
        fs::read_to_string(self.folder.path().join("reads")).unwrap_or_default().lines().count()
    }

    fn let_read(&self) {
        fs::write(self.folder.path().join("go"), "").unwrap();
    }
}

/// A worker that notes each layer it is given in `reads`, waits for `go`, and then finds nothing in it.
fn script(folder: &Path) -> WorkerProgram {
    let empty_archive = [0; 1024];
    let layer = read_packed(&mut &empty_archive[..]).unwrap();
    let (greeting, answer) = printed_frames(&layer);
    let folder = folder.display();
    let text = format!(
        "{greeting}; while [ \"$(head -c 5 | wc -c)\" -eq 5 ]; do echo layer >>{folder}/reads
         until [ -e {folder}/go ]; do sleep 0.01; done; {answer}; done"
    );
    WorkerProgram { path: "/bin/sh".into(), arguments: vec!["-c".into(), text.into()] }
}

/// Waits for something while a round goes on that cannot end before.
async fn while_under_way(round: impl Future<Output = Result<usize, Fault>>, wait: impl Future<Output = ()>) {
    match select(pin!(round), pin!(wait)).await {
        Either::Left((ended, _)) => panic!("{ended:?} too early"),
        Either::Right(_) => {}
    }
}

#[tokio::test]
async fn a_push_is_heard_of_before_it_is_time_to_look_again() {
    let site = Site::new(1).await;
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
    let (to, body) = (Reference::Tag("v1".parse().unwrap()), Bytes::from(index.to_string()));

    site.registry.images.put_image(&cx(), &site.repository, &to, vec![], None, body).await.unwrap();

    assert!(Env::real().within(Duration::from_secs(60), site.scans.news()).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_scanned_side_by_side_and_a_layer_that_they_share_is_read_once() {
    let site = Site::new(2).await;
    let (first, second) = (site.image("first", &["base", "one"]).await, site.image("second", &["base"]).await);
    let (ground, begun) = (cx(), async {
        site.reads(1).await;
        site.all_begun().await;
    });
    let mut round = pin!(site.scans.round(&ground));

    while_under_way(round.as_mut(), begun).await;
    site.let_read();
    let count = round.await.unwrap();

    assert_eq!((count, site.count_reads()), (2, 2), "the base, and the first image's own");
    assert_eq!([site.state(&first).await, site.state(&second).await], [ScanState::Complete; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_scanned_at_once_than_there_are_workers() {
    let site = Site::new(2).await;
    for name in ["first", "second", "third"] {
        site.image(name, &[name]).await;
    }
    let ground = cx();
    let mut round = pin!(site.scans.round(&ground));

    while_under_way(round.as_mut(), site.reads(2)).await;
    let now = Env::real().now();
    let due = site.scans.metadata.read(move |rows| scans::due(rows, now, 9)).await.unwrap();
    site.let_read();

    assert_eq!((due.len(), round.await.unwrap()), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_that_ended_with_their_server_are_begun_again_and_complete() {
    let site = Site::new(2).await;
    let images = [site.image("first", &["base"]).await, site.image("second", &["other"]).await];
    let ground = cx();
    {
        let round = pin!(site.scans.round(&ground));
        while_under_way(round, site.reads(2)).await;
    }
    assert_eq!(site.state(&images[0]).await, ScanState::Pending);

    site.scans.begin(&ground).await.unwrap();
    site.let_read();
    let count = site.scans.round(&ground).await.unwrap();

    assert_eq!(count, 2);
    assert_eq!([site.state(&images[0]).await, site.state(&images[1]).await], [ScanState::Complete; 2]);
}
