//! What the audit costs: `cargo run --release -p gantry-chronicle --example cost`.
//!
//! Prints what it takes to note a pull that is counted already and one that is new, and how many durable changes a second
//! stand with the audit and without it: eight tasks, each change with an event, on SQLite, in turns of three seconds.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "an experiment that stops where it fails")]

use gantry_audit::{Entry, Kind, Outcome, SigningKey};
use gantry_chronicle::{Audit, Settings};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Act, Event, Metadata, Reader, Tx, leases};
use gantry_words::{AccountId, Cx, Region, RequestId, Timestamp};
use serde_json::json;
use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const TURN: Duration = Duration::from_secs(3);
const TASKS: usize = 8;

struct Push(u64);

impl Act for Push {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "example.push";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock("example")
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        leases::take(tx, &format!("example-{}", self.0 % 1000), "somebody", tx.now())?;
        let body = json!({"name": "team/app", "digest": format!("sha256:{:064x}", self.0), "tags": ["v1"]});
        tx.event(Event { kind: "image.pushed", repository: None, body })
    }
}

fn entry(kind: Kind, digest: &str, now: Timestamp, request_id: RequestId) -> Entry<'_> {
    Entry {
        kind,
        at: now,
        account: AccountId::DEFAULT,
        owner: AccountId::DEFAULT,
        principal: "arn:aws:iam::000000000000:root",
        is_session: false,
        role_session: None,
        source: Some([10, 0, 0, 7].into()),
        user_agent: "docker/28.3.2 go/go1.24.5 kernel/6.1.0 os/linux arch/amd64",
        action: "ecr:BatchGetImage",
        operation: "GetManifest",
        repository: "team/app",
        digest,
        tag: "v1",
        outcome: Outcome::Success,
        error_code: "",
        error_message: "",
        statement: "",
        request_id,
    }
}

fn note_pulls(audit: &Audit, env: &Env) {
    let digest = format!("sha256:{:064x}", 7);
    let (count, began) = (1_000_000_u32, Instant::now());
    let (now, request) = (env.now(), env.request_id());
    audit.note(&entry(Kind::Pull, &digest, now.minus(Duration::from_millis(1)), request)).unwrap();
    for _ in 0..count {
        audit.note(black_box(&entry(Kind::Pull, &digest, now, request))).unwrap();
    }
    println!("a pull that is counted already: {} ns", (began.elapsed() / count).as_nanos());
    let digests: Vec<String> = (0..20_000).map(|number| format!("sha256:{number:064x}")).collect();
    let began = Instant::now();
    for digest in &digests {
        audit.note(black_box(&entry(Kind::Pull, digest, now, request))).unwrap();
    }
    println!("a pull that is new: {} ns", (began.elapsed() / digests.len() as u32).as_nanos());
}

/// Returns how many changes a second stood.
async fn push(metadata: &Metadata, env: &Env, audit: Option<&Audit>) -> f64 {
    let (pushed, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (metadata, env, audit, pushed) = (metadata.clone(), env.clone(), audit.cloned(), pushed.clone());
            tokio::spawn(async move {
                while began.elapsed() < TURN {
                    let (now, request_id) = (env.now(), env.request_id());
                    let cx = Cx {
                        actor: "arn:aws:iam::000000000000:root".into(),
                        account: AccountId::DEFAULT,
                        operation: "PutManifest",
                        request_id,
                        now,
                        source: None,
                    };
                    metadata.perform(&cx, Push(pushed.fetch_add(1, Relaxed))).await.unwrap();
                    if let Some(audit) = &audit {
                        audit.note(&entry(Kind::Change, "sha256:aa", now, request_id)).unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    pushed.load(Relaxed) as f64 / began.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let (folder, env) = (tempfile::tempdir_in(".").unwrap(), Env::real());
    let metadata = Metadata::open(&gantry_metadata::Settings::default(), folder.path(), env.clone()).unwrap();
    let place = (AccountId::DEFAULT, Region::default());
    let key = SigningKey::from_seed(&env.random());
    let audit = Audit::new(metadata.clone(), env.clone(), key, place, Settings::default(), None);
    note_pulls(&audit, &env);
    audit.end().await.unwrap();
    for round in 1..=3 {
        let without = push(&metadata, &env, None).await;
        // What the turn without left in the change trail is taken before the next turn is measured.
        audit.end().await.unwrap();
        let running = tokio::spawn({
            let audit = audit.clone();
            async move { audit.run().await }
        });
        let with = push(&metadata, &env, Some(&audit)).await;
        running.abort();
        println!("round {round}: {without:.0} changes/s without the audit, {with:.0} with it");
        audit.end().await.unwrap();
    }
    let figures = audit.figures();
    println!("{} records chained, {} lost", figures.records, figures.lost);
}
