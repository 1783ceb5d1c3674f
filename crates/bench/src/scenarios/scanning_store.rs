//! A store with 10,000 scanned images, written past the server: their layers are nowhere, only what was found in them.

use super::{
    scanning::import,
    scanning_matching::{Family, IMAGES, families, image},
};
use crate::{
    advisories,
    bench::Bench,
    client::Client,
    error::{BenchError, Outcome, While},
    http::Body,
    servers::{Running, Start, kind, start},
    stores,
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Metadata, Reader, Tx, manifests, repositories,
    scans::{self, ScanEnd, ScanState},
    tags,
};
use gantry_registry::{Registry, Settings};
use gantry_scan::{Advisory, ecosystems_revision};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const FOLDER: &str = "prepared/scanned-images-1";
const REPOSITORIES: usize = 100;
/// Images written in one act.
const BATCH: usize = 100;
/// As inventories are packed.
const LEVEL: i32 = 3;
/// For so long the index may take, after a start.
const INDEXED_WITHIN: Duration = Duration::from_secs(180);

/// What can be asked for in it.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    /// A package that many images have.
    pub(super) package: String,
    /// A repository.
    pub(super) repository: String,
    /// A tag in it.
    pub(super) tag: String,
}

/// Returns the data folder of the store, filling it where it is not there, or was filled for another schema.
///
/// # Errors
/// When it cannot be filled.
pub(super) fn prepare(bench: &Bench) -> Outcome<(PathBuf, Stored)> {
    let gantry = kind("gantry");
    let (folder, key) = (bench.folder(FOLDER), bench.store_key(gantry)?);
    let (data, mark) = (folder.join("data"), folder.join(format!("filled-{key}.json")));
    if let Some(stored) = fs::read_to_string(&mark).ok().and_then(|text| serde_json::from_str(&text).ok()) {
        return Ok((data, stored));
    }
    bench.say(&format!("writing {IMAGES} scanned images …"));
    stores::remove(&folder)?;
    fs::create_dir_all(&data).while_trying(format!("make {}", data.display()))?;
    let mut advisories: Vec<Advisory> = Vec::new();
    advisories::read(bench, &["Debian", "PyPI", "npm"], &mut |advisory| advisories.push(advisory))?;
    let families: Arc<[Family]> = families(&advisories).into();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let runtime = runtime.map_err(|error| BenchError::program("tokio", error))?;
    runtime.block_on(fill(&data, &families))?;
    drop(runtime);
    import(bench, &advisories::compile(bench)?, &data)?;
    let is_plain = |package: &&Family| package.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let package = families.iter().find(is_plain).map(|package| package.name.clone()).unwrap_or_default();
    let stored = Stored { package, repository: repository(0), tag: tag(0) };
    // Its index is made at each start; since when each flaw is known is written down at the first.
    let how = Start { data: &data, scratch: &folder, tls: None, eatmydata: None, is_large: true };
    let server = start(gantry, bench.program(gantry)?, how)?;
    await_index(bench, &server, &stored)?;
    server.settle()?;
    server.stop();
    let text = serde_json::to_string(&stored).expect("text can be written");
    fs::write(&mark, text).while_trying(format!("write {}", mark.display()))?;
    Ok((data, stored))
}

/// Waits until searches find what is in the store.
///
/// # Errors
/// When that takes three minutes.
pub(super) fn await_index(bench: &Bench, server: &Running, stored: &Stored) -> Outcome<()> {
    let (path, begun) = (format!("/api/v1/packages?name={}&limit=1", stored.package), Instant::now());
    let mut has_told = false;
    loop {
        let answer = Client::with_password(server)?.call("GET", &path, &[], Body::None, 200);
        let body = answer.map(|answer| answer.body).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        if document["packages"].as_array().is_some_and(|found| !found.is_empty()) {
            return Ok(());
        }
        if begun.elapsed() > INDEXED_WITHIN {
            return Err(server.wrong("GET", &path, document, "packages"));
        }
        if !has_told {
            bench.say("  the images are put into the index that searches look in …");
            has_told = true;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn repository(number: usize) -> String {
    format!("team{:02}/app", number % REPOSITORIES)
}

fn tag(number: usize) -> String {
    format!("v{number:05}")
}

async fn fill(data: &Path, families: &Arc<[Family]>) -> Outcome<()> {
    let env = Env::real();
    let metadata = Metadata::open(&Default::default(), data, env.clone())
        .map_err(|error| BenchError::program("the database", error))?;
    let (store, _) = Store::memory(env.clone());
    let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
    let cx = Cx {
        actor: "bench".into(),
        account: AccountId::DEFAULT,
        operation: "bench",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    for number in 0..REPOSITORIES {
        let name = repository(number).parse().expect("it is a name");
        let id = registry.repositories.create(&cx, &name).await.map_err(failed)?.id;
        let images: Vec<usize> = (number..IMAGES).step_by(REPOSITORIES).collect();
        for batch in images.chunks(BATCH) {
            let seed = Seed { repository: id, images: batch.to_vec(), families: families.clone() };
            metadata.perform(&cx, seed).await.map_err(failed)?;
        }
    }
    Ok(())
}

fn failed(fault: Fault) -> BenchError {
    BenchError::program("the registry", fault)
}

/// The act that writes images without blobs, with a tag each, as scanned.
struct Seed {
    repository: i64,
    images: Vec<usize>,
    families: Arc<[Family]>,
}

impl Act for Seed {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "bench.seed_scanned";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&format!("repository {}", self.repository))
    }

    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        let mut counts = repositories::Counts::default();
        for number in self.images.iter().copied() {
            let digest = format!("sha256:{:016x}{number:048x}", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let at = now.minus(Duration::from_secs(number as u64 + 1));
            let new = manifests::NewManifest {
                digest: &digest,
                kind: "image",
                media_type: "application/vnd.oci.image.manifest.v1+json",
                artifact_type: None,
                subject: None,
                bytes: 50_000_000,
                tag_count: 1,
                parent_count: 0,
                annotations: "{}",
                body: "{}".into(),
                pushed: at.into(),
                tagged: Some(at.into()),
            };
            manifests::insert(tx, self.repository, &new, &[], "bench")?;
            tags::set(tx, self.repository, &tag(number), &digest, at.into(), "bench")?;
            let json = serde_json::to_vec(&image(number, &self.families)).map_err(Fault::internal)?;
            let inventory = zstd::encode_all(json.as_slice(), LEVEL).map_err(Fault::internal)?;
            let (state, reason, revision) = (ScanState::Complete, String::new(), ecosystems_revision());
            scans::ask(tx, self.repository, &digest, at)?;
            scans::end(tx, self.repository, &digest, &ScanEnd { state, reason, revision, inventory }, at)?;
            counts.images += 1;
            counts.tags += 1;
        }
        repositories::count(tx, self.repository, counts)
    }
}
