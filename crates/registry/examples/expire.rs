//! What a lifecycle run costs: `cargo run --release -p gantry-registry --example expire -- 1000000 10000`, how many images
//! there are, and how many of them expire; on SQLite, in the folder for temporary files.

use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Act, Metadata, Reader, Tx, manifests, repositories, tags};
use gantry_registry::{DocumentKind, Registry, Settings};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, Timestamp};
use std::time::Duration;

/// Images written in one act.
const BATCH: u64 = 5_000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number of images"));
    let (all, expiring) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(10_000));
    let env = Env::real();
    let folder = std::env::temp_dir().join(format!("gantry-expire-{}", std::process::id()));
    let metadata = Metadata::open(&Default::default(), &folder, env.clone()).expect("the database opens");
    let (store, _) = Store::memory(env.clone());
    let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
    let cx = Cx {
        actor: "example".into(),
        account: AccountId::DEFAULT,
        operation: "example",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let name = "team/app".parse().expect("a name");
    let repository = registry.repositories.create(&cx, &name).await.expect("a new repository");
    for from in (0..all).step_by(BATCH as usize) {
        let seed = Seed { repository: repository.id, numbers: from..all.min(from + BATCH) };
        metadata.perform(&cx, seed).await.expect("images are written");
    }
    let selection =
        format!(r#""tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": {}"#, all - expiring);
    let rule = format!(r#"{{"rulePriority": 1, "selection": {{{selection}}}, "action": {{"type": "expire"}}}}"#);
    let policy = format!(r#"{{"rules": [{rule}]}}"#);
    let kind = DocumentKind::LifecyclePolicy;
    registry.documents.put(&cx, Some(&repository), kind, "", policy).await.expect("a policy is written");

    let began = env.elapsed();
    registry.lifecycle.dry_run(&cx, &repository).await.expect("it decides");
    let decided = env.elapsed();
    let (run, _) = registry.lifecycle.run(&cx, &repository).await.expect("it runs");
    let ended = env.elapsed();

    let (read, whole) = (decided.saturating_sub(began), ended.saturating_sub(decided));
    println!("of {all} images {} expired and {} changed", run.expired, run.changed);
    println!(
        "to read and decide takes {read:.1?}, the whole run {whole:.1?}; between its acts it rests as long as they take"
    );
    drop((registry, metadata));
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
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
    const NAME: &'static str = "example.seed";

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
            };
            let at = now.minus(Duration::from_secs(number + 1));
            manifests::insert(tx, self.repository, &new, &[], at, "example")?;
            counts.images += 1;
            if is_tagged {
                tags::set(tx, self.repository, &format!("v{number}"), &digest, at, "example")?;
                counts.tags += 1;
            }
        }
        repositories::count(tx, self.repository, counts)
    }
}
