//! Measures durable acts and reads per second on both engines, closed loop, two workers.
//!
//! `cargo run --release -p gantry-metadata --features testing --example acts -- [sqlite|background|postgres]…`
//! The act is a manifest push: 3 questions, 5 writes, an event and an audit row, on 100 repositories of 1000 manifests.

use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Change, Checkpoint, Event, Metadata, Query, Reader, Settings, Tx, change, query, suite::postgres::Database,
    values,
};
use gantry_words::{AccountId, Cx, Timestamp};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

const SCHEMA: &str = "
CREATE TABLE bench_repository(id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, immutable BIGINT NOT NULL);
CREATE TABLE bench_link(repository BIGINT, digest TEXT, size BIGINT NOT NULL, PRIMARY KEY(repository, digest));
CREATE TABLE bench_manifest(repository BIGINT, digest TEXT, media_type TEXT NOT NULL, body BYTEA NOT NULL,
    pushed_at BIGINT NOT NULL, PRIMARY KEY(repository, digest));
CREATE TABLE bench_edge(repository BIGINT, parent TEXT, child TEXT, kind TEXT NOT NULL, size BIGINT NOT NULL,
    PRIMARY KEY(repository, parent, child));
CREATE TABLE bench_tag(repository BIGINT, name TEXT, digest TEXT NOT NULL, revision BIGINT NOT NULL,
    moved_at BIGINT NOT NULL, PRIMARY KEY(repository, name));
CREATE TABLE bench_history(id BIGINT PRIMARY KEY, repository BIGINT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL,
    at BIGINT NOT NULL);";
const REPOSITORIES: i64 = 100;
const MANIFESTS: i64 = 1000;
const LAYERS: usize = 6;
const TURN: Duration = Duration::from_millis(2500);

static REPOSITORY: Query = query("SELECT immutable FROM bench_repository WHERE id = $1");
static TAG: Query = query("SELECT digest, revision FROM bench_tag WHERE repository = $1 AND name = $2");
static LINKS: Query = query(
    "SELECT count(*) FROM json_each($2) AS j JOIN bench_link AS l ON l.repository = $1 AND l.digest = j.value ->> 0",
);
static MANIFEST: Query = query("SELECT media_type, body FROM bench_manifest WHERE repository = $1 AND digest = $2");
static PUT_REPOSITORY: Change = change("INSERT INTO bench_repository(id, name, immutable) VALUES ($1, $2, 0)");
static PUT_LINK: Change = change("INSERT INTO bench_link(repository, digest, size) VALUES ($1, $2, 1)");
static PUT_MANIFEST: Change = change(
    "INSERT INTO bench_manifest(repository, digest, media_type, body, pushed_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT DO NOTHING",
);
static PUT_EDGES: Change = change(
    "INSERT INTO bench_edge(repository, parent, child, kind, size) \
     SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), j.value ->> 0, 'layer', 1 FROM json_each($3) AS j WHERE true \
     ON CONFLICT DO NOTHING",
);
static PUT_TAG: Change = change(
    "INSERT INTO bench_tag(repository, name, digest, revision, moved_at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (repository, name) DO UPDATE SET digest = excluded.digest, revision = excluded.revision, \
     moved_at = excluded.moved_at",
);
static PUT_HISTORY: Change =
    change("INSERT INTO bench_history(id, repository, tag, digest, at) VALUES ($1, $2, $3, $4, $5)");

struct Push {
    repository: i64,
    tag: String,
    digest: String,
    layers: String,
}

impl Act for Push {
    type Seen = (i64, i64);
    type Plan = i64;
    type Answer = i64;
    const NAME: &'static str = "PutImage";

    fn gather(&self, rows: &mut Reader) -> Result<(i64, i64), Fault> {
        rows.lock(&format!("tag {}:{}", self.repository, self.tag))?;
        rows.one(&REPOSITORY, values![self.repository])?;
        let tag = rows.one(&TAG, values![self.repository, &self.tag])?;
        let held = rows.one(&LINKS, values![self.repository, &self.layers])?;
        Ok((tag.map_or(Ok(0), |row| row.int(1))?, held.map_or(Ok(0), |row| row.int(0))?))
    }
    fn decide(&self, (revision, held): (i64, i64), _: Timestamp) -> Result<i64, Fault> {
        if held == LAYERS as i64 { Ok(revision + 1) } else { Err(Fault::internal("layers are missing")) }
    }
    fn apply(&self, tx: &mut Tx, revision: i64) -> Result<i64, Fault> {
        let now = tx.now();
        let body = vec![b'x'; 900];
        tx.write(&PUT_MANIFEST, values![self.repository, &self.digest, "application/json", body, now])?;
        tx.write(&PUT_EDGES, values![self.repository, &self.digest, &self.layers])?;
        tx.write(&PUT_TAG, values![self.repository, &self.tag, &self.digest, revision, now])?;
        let id = tx.fresh_id();
        tx.write(&PUT_HISTORY, values![id, self.repository, &self.tag, &self.digest, now])?;
        tx.event(Event {
            kind: "image.pushed",
            repository: Some(self.repository),
            body: serde_json::json!({ "tag": self.tag, "digest": self.digest }),
        })?;
        Ok(revision)
    }
}

struct Load(i64);

impl Act for Load {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "Load";

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, _: (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, _: ()) -> Result<(), Fault> {
        let repository = self.0;
        tx.write(&PUT_REPOSITORY, values![repository, format!("team/app-{repository}")])?;
        for number in 0..LAYERS {
            tx.write(&PUT_LINK, values![repository, digest(number as i64)])?;
        }
        for number in 0..MANIFESTS {
            let (name, digest) = (format!("v{number}"), digest(number));
            tx.write(&PUT_MANIFEST, values![repository, &digest, "application/json", vec![b'x'; 900], 0])?;
            tx.write(&PUT_TAG, values![repository, name, digest, 1, 0])?;
        }
        Ok(())
    }
}

fn digest(number: i64) -> String {
    format!("sha256:{number:064x}")
}

fn cx(env: &Env) -> Cx {
    Cx {
        actor: "arn:aws:iam::000000000000:user/bench".into(),
        account: AccountId::DEFAULT,
        operation: "PutImage",
        request_id: env.request_id(),
        now: env.now(),
        source: Some([127, 0, 0, 1].into()),
    }
}

/// Runs `once` in `clients` tasks for a while, and prints how often and how long.
async fn measure<F: Future<Output = ()> + Send>(
    what: &str,
    clients: usize,
    env: &Env,
    once: impl Fn(i64) -> F + Clone + Send + 'static,
) {
    let end = env.elapsed() + TURN;
    let number = Arc::new(AtomicI64::new(0));
    let mut tasks = vec![];
    for _ in 0..clients {
        let (env, once, number) = (env.clone(), once.clone(), number.clone());
        tasks.push(tokio::spawn(async move {
            let mut took = vec![];
            while env.elapsed() < end {
                let begun = env.elapsed();
                once(number.fetch_add(1, Relaxed)).await;
                took.push(env.elapsed() - begun);
            }
            took
        }));
    }
    let mut took = vec![];
    for task in tasks {
        took.extend(task.await.expect("a client does not panic"));
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let rate = took.len() as f64 / TURN.as_secs_f64();
    println!("{what:>28} {clients:>3} clients: {rate:>8.0}/s   p50 {:>7.3} ms   p99 {:>7.3} ms", at(0.5), at(0.99));
}

async fn measure_all(name: &str, metadata: Metadata, env: Env) {
    for repository in 0..REPOSITORIES {
        metadata.perform(&cx(&env), Load(repository)).await.expect("the load is well");
    }
    let layers: Vec<[String; 1]> = (0..LAYERS).map(|number| [digest(number as i64)]).collect();
    let layers = serde_json::to_string(&layers).expect("texts are JSON");
    for clients in [1, 8, 64] {
        let (metadata, env_of, layers) = (metadata.clone(), env.clone(), layers.clone());
        let base = i64::from(u32::from_le_bytes(env.random())) << 20;
        let push = move |number: i64| {
            let (metadata, env, layers) = (metadata.clone(), env_of.clone(), layers.clone());
            let tag = format!("v{}", number * 7919 % MANIFESTS);
            let act = Push { repository: number % REPOSITORIES, tag, digest: digest(base + number), layers };
            async move {
                metadata.perform(&cx(&env), act).await.expect("a push is well");
            }
        };
        measure(&format!("{name} acts"), clients, &env, push).await;
    }
    for clients in [1, 2, 8, 64] {
        let metadata = metadata.clone();
        let pull = move |number: i64| {
            let metadata = metadata.clone();
            let (repository, tag) = (number % REPOSITORIES, format!("v{}", number * 7919 % MANIFESTS));
            async move {
                let look = move |rows: &mut Reader| {
                    let mut tag = rows.one(&TAG, values![repository, tag])?.ok_or_else(|| Fault::internal("no tag"))?;
                    rows.one(&MANIFEST, values![repository, tag.take_text(0)?])
                };
                assert!(metadata.read(look).await.expect("a pull is well").is_some());
                tokio::task::yield_now().await;
            }
        };
        measure(&format!("{name} reads of two"), clients, &env, pull).await;
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.is_empty() {
        wanted = ["sqlite", "background", "postgres"].map(String::from).to_vec();
    }
    for name in wanted {
        let env = Env::real();
        if name == "postgres" {
            let database = Database::durable("-c shared_buffers=256MB");
            let metadata = Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("it opens");
            database.run(SCHEMA);
            measure_all(&name, metadata, env).await;
            continue;
        }
        let folder = tempfile::tempdir_in(".").expect("a folder can be made here");
        let checkpoint = if name == "background" { Checkpoint::Background } else { Checkpoint::Inline };
        let settings = Settings { checkpoint, ..Settings::default() };
        let metadata = Metadata::open(&settings, folder.path(), env.clone()).expect("it opens");
        let other = rusqlite::Connection::open(folder.path().join("metadata.db")).expect("it opens");
        other.execute_batch(SCHEMA).expect("the schema is well");
        drop(other);
        measure_all(&name, metadata, env).await;
    }
}
