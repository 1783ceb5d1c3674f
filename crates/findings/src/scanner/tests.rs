use super::*;
use crate::{
    Advisories, ScanStatus, WorkerProgram,
    attach::digest_of,
    worker::{LayerWorkers, printed_frames, read_packed},
};
use bytes::Bytes;
use futures_util::future::join;
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_registry::{
    DocumentKind, NewRepository, Registry, Repository, RepositoryRules, ScanFilter, ScanFrequency, ScanKind, ScanRule,
    ScanningConfiguration, Settings, WorkerSettings,
};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

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
        Site::with(count_max, RepositoryRules::default()).await
    }

    /// One whose images are scanned when they are pushed.
    async fn scanning_on_push(count_max: u32) -> Site {
        Site::with(count_max, RepositoryRules { scans_on_push: true, ..RepositoryRules::default() }).await
    }

    async fn with(count_max: u32, rules: RepositoryRules) -> Site {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository { rules, ..NewRepository::plain(&"team/app".parse().unwrap()) };
        let repository = registry.repositories.create_with(&cx(), new).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = WorkerSettings { count_max, ..WorkerSettings::default() };
        let workers = LayerWorkers::new(script(folder.path()), settings, env.clone());
        let scans = Scans::open(metadata, registry.clone(), env, Advisories::of(Path::new("/nonexistent")));
        Site { scans: scans.with_workers(workers), registry, repository, folder }
    }

    async fn store(&self, kind: &str, text: &str) -> Value {
        self.scans.store(&cx(), &self.repository, kind, Bytes::from(text.to_string())).await.unwrap()
    }

    /// An image of these layers, whose scan is asked for.
    async fn image(&self, name: &str, layers: &[&str]) -> String {
        let digest = self.push(name, layers).await;
        self.scans.ask(&cx(), &self.repository, &digest).await.unwrap();
        digest
    }

    /// An image of these layers.
    async fn push(&self, name: &str, layers: &[&str]) -> String {
        let config = self.store(media_type::OCI_CONFIG, &json!({"author": name}).to_string()).await;
        let mut described: Vec<Value> = Vec::new();
        for layer in layers {
            described.push(self.store(LAYER, layer).await);
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": described,
        });
        let body = Bytes::from(manifest.to_string());
        let digest = digest_of(&body);
        let to = Reference::Digest(digest.clone());
        self.registry.images.put_image(&cx(), &self.repository, &to, vec![], None, body).await.unwrap();
        digest.to_string()
    }

    async fn scan_continuously(&self) {
        let filters = vec![ScanFilter { filter: "*".into(), filter_type: "WILDCARD".into() }];
        let rule = ScanRule { scan_frequency: ScanFrequency::ContinuousScan, repository_filters: filters };
        let configuration = ScanningConfiguration { scan_type: ScanKind::Enhanced, rules: vec![rule] };
        let text = serde_json::to_string(&configuration).unwrap();
        let documents = &self.registry.documents;
        documents.put(&cx(), None, DocumentKind::ScanningConfiguration, "", text).await.unwrap();
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

/// What begins as an archive does.
fn archive() -> String {
    format!("{:257}ustar{:250}", "", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_is_read_before_its_image_comes_and_not_again_for_its_scan() {
    let site = Site::scanning_on_push(1).await;
    site.let_read();
    site.store(LAYER, &archive()).await;

    let read_ahead = site.scans.read_arrivals(&cx()).await;
    let image = site.push("app", &[&archive()]).await;
    let scanned = site.scans.round(&cx()).await.unwrap();

    assert_eq!((read_ahead, scanned, site.count_reads()), (1, 1, 1));
    assert_eq!(site.state(&image).await, ScanState::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_waits_for_its_layer_where_that_is_being_read_ahead() {
    let site = Site::scanning_on_push(2).await;
    let image = site.push("app", &[&archive()]).await;
    let ground = cx();
    let mut both = pin!(join(site.scans.read_arrivals(&ground), site.scans.round(&ground)));

    match select(both.as_mut(), pin!(site.reads(1))).await {
        Either::Left((ended, _)) => panic!("{ended:?} too early"),
        Either::Right(_) => site.let_read(),
    }
    both.await.1.unwrap();

    assert_eq!((site.state(&image).await, site.count_reads()), (ScanState::Complete, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_layer_or_is_not_to_be_scanned_is_not_read_ahead() {
    let (scanning, other) = (Site::scanning_on_push(1).await, Site::new(1).await);
    scanning.store(LAYER, "{}").await;
    other.store(LAYER, &archive()).await;

    let counts = [scanning.scans.read_arrivals(&cx()).await, other.scans.read_arrivals(&cx()).await];

    assert_eq!((counts, scanning.count_reads(), other.count_reads()), ([0, 0], 0, 0));
}

#[tokio::test]
async fn the_scan_of_what_was_pushed_to_be_scanned_is_known_to_come_at_once() {
    let (scanning, other) = (Site::scanning_on_push(1).await, Site::new(1).await);
    let pushed = scanning.push("app", &[&archive()]).await;
    let unscanned = other.push("app", &[&archive()]).await;
    let status = async |site: &Site, digest: &str| {
        site.scans.find_or_foresee(&cx(), &site.repository, digest).await.unwrap().map(|scan| scan.status)
    };

    assert_eq!(status(&scanning, &pushed).await, Some(ScanStatus::Pending));
    assert_eq!(status(&other, &unscanned).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_before_a_rule_of_continuous_scanning_is_scanned_after_it_and_once() {
    let site = Site::new(1).await;
    site.let_read();
    let image = site.push("app", &[&archive()]).await;
    // Nothing is done about it, but its push was seen.
    let before = (site.scans.round(&cx()).await.unwrap(), site.scans.step_through_stored(&cx()).await.unwrap());
    site.scan_continuously().await;

    let asked = site.scans.step_through_stored(&cx()).await.unwrap();
    let scanned = site.scans.round(&cx()).await.unwrap();
    let again = site.scans.step_through_stored(&cx()).await.unwrap();

    assert_eq!((before, asked, scanned, again), ((0, 0), 1, 1, 0));
    assert_eq!(site.state(&image).await, ScanState::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_read_again_still_holds_what_it_held() {
    let site = Site::new(1).await;
    site.let_read();
    let image = site.image("app", &[&archive()]).await;
    site.scans.round(&cx()).await.unwrap();
    let (id, wanted) = (site.repository.id, image.clone());
    let inventory = move |rows: &mut Reader| scans::inventory(rows, id, &wanted);
    let held = site.scans.metadata.read(inventory.clone()).await.unwrap();

    let Ended { end, layers, .. } = Ended::of(Err(NotRead::failed("a layer is not here"))).unwrap();
    let (repository, digest, at) = (id, image.clone(), Env::real().now());
    let failed = EndScan { repository, digest, end, layers, at, event: None };
    site.scans.metadata.perform(&cx(), failed).await.unwrap();

    assert_eq!(site.state(&image).await, ScanState::Failed);
    assert!(held.is_some());
    assert_eq!(site.scans.metadata.read(inventory).await.unwrap(), held);
}
