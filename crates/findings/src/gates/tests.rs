use super::*;
use crate::Advisories;
use bytes::Bytes;
use gantry_env::Env;
use gantry_fault::FaultKind;
use gantry_metadata::Metadata;
use gantry_oci::{Reference, media_type};
use gantry_registry::{NewRepository, Registry, Settings};
use gantry_scan::{GatePolicy, GateScope, Severity};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

struct Ground {
    gates: Gates,
    repository: Repository,
    image: ImageFound,
    /// What the room has asked the database and written to it.
    asked: Arc<AtomicU64>,
}

fn cx(millis: i64) -> Cx {
    Cx {
        actor: "arn:aws:iam::000000000000:user/node".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: Env::real().request_id(),
        now: Timestamp::from_millis(millis),
        source: None,
    }
}

fn scope(text: &str) -> GateScope {
    text.parse().unwrap()
}

fn policy() -> GatePolicy {
    GatePolicy { severity: Some(Severity::High), ..GatePolicy::default() }
}

impl Ground {
    /// A repository with an index in it, through a room that is alone with the database.
    async fn new() -> Ground {
        let env = Env::real();
        let metadata = Metadata::alone(env.clone()).unwrap();
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let new = NewRepository::plain(&"team/app".parse().unwrap());
        let repository = registry.repositories.create_with(&cx(0), new).await.unwrap();
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": []});
        let (tag, body) = (Reference::Tag("v1".parse().unwrap()), Bytes::from(index.to_string()));
        registry.images.put_image(&cx(0), &repository, &tag, vec![], None, body).await.unwrap();
        let image = registry.images.load(&cx(0), &repository, &tag).await.unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let counter = asked.clone();
        let counting = metadata.door(
            false,
            Box::new(move |_| {
                counter.fetch_add(1, Relaxed);
                None
            }),
        );
        let advisories = Advisories::of(Path::new("/nonexistent"));
        let gates = Gates::open(Scans::open(counting, registry, env, advisories));
        Ground { gates, repository, image, asked }
    }

    async fn judge(&self, millis: i64) -> GateAnswer {
        self.gates.judge(&cx(millis), &self.repository, &self.image).await.unwrap()
    }

    /// How often the database is asked for one more pull.
    async fn asked_by_a_pull(&self) -> u64 {
        let before = self.asked.load(Relaxed);
        assert_eq!(self.judge(1).await, GateAnswer::Passes);
        self.asked.load(Relaxed) - before
    }
}

#[tokio::test]
async fn a_pull_asks_the_database_nothing_where_no_policy_governs() {
    let ground = Ground::new().await;
    assert_eq!(ground.asked_by_a_pull().await, 0);

    ground.gates.put_policy(&cx(0), &scope("other/*"), &policy()).await.unwrap();

    assert_eq!(ground.asked_by_a_pull().await, 0);
}

#[tokio::test]
async fn what_was_decided_is_in_memory_until_the_rules_are_others() {
    let ground = Ground::new().await;
    ground.gates.put_policy(&cx(0), &scope("team/*"), &policy()).await.unwrap();

    let first = ground.asked_by_a_pull().await;
    let second = ground.asked_by_a_pull().await;
    ground.gates.put_policy(&cx(0), &scope("team/app"), &policy()).await.unwrap();
    let third = ground.asked_by_a_pull().await;

    assert!(first > 0 && third > 0, "{first} {third}");
    assert_eq!(second, 0);
}

#[tokio::test]
async fn an_override_lets_everything_through_with_a_warning_until_it_ends() {
    let ground = Ground::new().await;
    ground.gates.put_policy(&cx(0), &scope("*"), &policy()).await.unwrap();

    let hour = Duration::from_secs(60 * 60);
    ground.gates.open_for(&cx(0), scope("team/app"), "outage 7".into(), hour).await.unwrap();

    let GateAnswer::Warned(said) = ground.judge(1).await else { panic!("it warns") };
    assert!(said.contains("user/node has overridden it (outage 7)"), "{said}");
    assert_eq!(ground.judge(60 * 60 * 1000).await, GateAnswer::Passes);
}

#[tokio::test]
async fn rules_that_another_server_wrote_hold_after_the_next_round() {
    let ground = Ground::new().await;
    let other = Gates::open(Scans::open(
        ground.gates.scans.metadata.clone(),
        ground.gates.scans.registry.clone(),
        Env::real(),
        Advisories::of(Path::new("/nonexistent")),
    ));
    other.put_policy(&cx(0), &scope("*"), &policy()).await.unwrap();
    assert!(ground.gates.scans.rules.now().is_empty());

    let looked_at = ground.gates.round(&cx(0)).await.unwrap();
    let again = ground.gates.round(&cx(0)).await.unwrap();

    assert!(!ground.gates.scans.rules.now().is_empty());
    assert_eq!((looked_at, again), (1, 0), "all images are looked at once after a change");
}

#[tokio::test]
async fn what_cannot_be_a_rule_or_is_not_there_is_refused() {
    let ground = Ground::new().await;
    let gates = &ground.gates;

    let nothing = gates.put_policy(&cx(0), &scope("*"), &GatePolicy::default()).await.unwrap_err();
    let missing = gates.remove_policy(&cx(0), &scope("*")).await.unwrap_err();
    let unknown = gates.approve_exception(&cx(0), "e1").await.unwrap_err();

    assert_eq!(
        [nothing.kind, missing.kind, unknown.kind],
        [FaultKind::InvalidParameter, FaultKind::NoSuchEntity, FaultKind::NoSuchEntity,]
    );
}
