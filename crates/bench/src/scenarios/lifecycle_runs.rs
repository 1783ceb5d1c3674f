use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    error::{BenchError, Outcome},
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    stores,
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Act, Metadata, Reader, Tx, manifests, repositories, tags};
use gantry_registry::{DocumentKind, Registry, Repository, Settings};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, Timestamp};
use std::{cell::Cell as Counter, collections::BTreeMap, path::Path, time::Duration};

pub(super) const SCENARIO: Scenario = Scenario { about: "A lifecycle policy that expires 10,000 images", cells, run };

/// In a repository of so many images.
const LARGE: u64 = 1_000_000;
const SMALL_COUNT: u64 = 100_000;
const SMALL: &str = "gantry of 100,000";
const EXPIRING: u64 = 10_000;
/// Images written in one act.
const BATCH: u64 = 5_000;

fn cells() -> Vec<Cell> {
    let time = Goal::new(Figure::Seconds, Against::One(SMALL), Bound::AtMost(1.5), Bound::AtMost(1.1));
    vec![Cell {
        name: "lifecycle_run".into(),
        title: "removing 10,000 of 1,000,000 images, without what reading them all takes".into(),
        contenders: vec!["gantry", SMALL],
        goals: vec![time],
    }]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let runtime = &runtime.map_err(|error| BenchError::program("tokio", error))?;
    let folder = bench.options.work.join("lifecycle-runs");
    // What a run has left that was interrupted.
    stores::remove(&folder)?;
    let open = |name: &str, count| runtime.block_on(Ground::fill(&folder.join(name), count));
    let (large, small) = (open("large", LARGE)?, open("small", SMALL_COUNT)?);
    let (large, small) = (&large, &small);
    for cell in cells {
        let turns: Vec<(&'static str, Turn<'_>)> = vec![
            ("gantry", Box::new(move || runtime.block_on(large.expire()))),
            (SMALL, Box::new(move || runtime.block_on(small.expire()))),
        ];
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    stores::remove(&folder)
}

/// A repository with a policy.
struct Ground {
    registry: Registry,
    repository: Repository,
    env: Env,
    /// How many images it has.
    count: Counter<u64>,
}

impl Ground {
    async fn fill(folder: &Path, count: u64) -> Outcome<Ground> {
        let env = Env::real();
        let metadata = Metadata::open(&Default::default(), folder, env.clone())
            .map_err(|error| BenchError::program("the database", error))?;
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let (cx, name) = (cx(&env), "team/app".parse().expect("it is a name"));
        let repository = registry.repositories.create(&cx, &name).await.map_err(failed)?;
        for from in (0..count).step_by(BATCH as usize) {
            let seed = Seed { repository: repository.id, numbers: from..count.min(from + BATCH) };
            metadata.perform(&cx, seed).await.map_err(failed)?;
        }
        Ok(Ground { registry, repository, env, count: Counter::new(count) })
    }

    /// Has the oldest images expire. Returns how long the acts took that removed them, and the rests between them: a run
    /// rests as long as its acts take.
    async fn expire(&self) -> Outcome<Sample> {
        let (cx, of, stay) = (cx(&self.env), Some(&self.repository), self.count.get() - EXPIRING);
        let selection = format!(r#""tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": {stay}"#);
        let rule = format!(r#"{{"rulePriority": 1, "selection": {{{selection}}}, "action": {{"type": "expire"}}}}"#);
        let policy = format!(r#"{{"rules": [{rule}]}}"#);
        self.registry.documents.put(&cx, of, DocumentKind::LifecyclePolicy, "", policy).await.map_err(failed)?;
        let began = self.env.elapsed();
        self.registry.lifecycle.dry_run(&cx, &self.repository).await.map_err(failed)?;
        let decided = self.env.elapsed();
        let (run, _) = self.registry.lifecycle.run(&cx, &self.repository).await.map_err(failed)?;
        let whole = self.env.elapsed().saturating_sub(decided);
        if run.expired != EXPIRING {
            return Err(BenchError::program("the lifecycle run", format!("{} images expired", run.expired)));
        }
        self.count.set(stay);
        let acts = whole.saturating_sub(decided.saturating_sub(began));
        Ok(Sample::from([(Figure::Seconds, acts.as_secs_f64())]))
    }
}

fn cx(env: &Env) -> Cx {
    Cx {
        actor: "bench".into(),
        account: AccountId::DEFAULT,
        operation: "bench",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    }
}

fn failed(fault: Fault) -> BenchError {
    BenchError::program("the registry", fault)
}

/// The act that writes images without blobs, every other one with a tag, an image a second.
struct Seed {
    repository: i64,
    numbers: std::ops::Range<u64>,
}

impl Act for Seed {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "bench.seed";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&format!("repository {}", self.repository))
    }

    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        let mut counts = repositories::Counts::default();
        for number in self.numbers.clone() {
            let digest = format!("sha256:{:016x}{number:048x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let is_tagged = number.is_multiple_of(2);
            let at = now.minus(Duration::from_secs(number + 1));
            let new = manifests::NewManifest {
                digest: &digest,
                kind: "image",
                media_type: "application/vnd.oci.image.manifest.v1+json",
                artifact_type: None,
                subject: None,
                bytes: 50_000_000,
                tag_count: is_tagged.into(),
                parent_count: 0,
                annotations: "{}",
                body: "{}".into(),
                pushed: at.into(),
                tagged: is_tagged.then(|| at.into()),
            };
            manifests::insert(tx, self.repository, &new, &[], "bench")?;
            counts.images += 1;
            if is_tagged {
                tags::set(tx, self.repository, &format!("v{number}"), &digest, at.into(), "bench")?;
                counts.tags += 1;
            }
        }
        repositories::count(tx, self.repository, counts)
    }
}
