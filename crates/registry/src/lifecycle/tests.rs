use super::*;
use crate::{
    InventoryReport, PutImage, Registry, ReportedImage, Settings,
    two_writers::{digest_of, image_of, index_of},
};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::{
    Metadata,
    suite::{postgres::Database, two_writers},
};
use gantry_oci::{Digest, Manifest, Reference, media_type};
use gantry_store::Store;
use gantry_words::{AccountId, Region};
use serde_json::{Value, json};
use std::{convert::Infallible, path::Path};

const DAY: Duration = Duration::from_secs(86_400);

/// A registry with a repository, on SQLite or on PostgreSQL.
struct Ground {
    registry: Registry,
    metadata: Metadata,
    env: Env,
    repository: Repository,
    _database: Option<Database>,
}

impl Ground {
    /// One on SQLite, and one on PostgreSQL.
    async fn both() -> [Ground; 2] {
        let (env, database) = (Env::real(), Database::new());
        let on_postgres =
            Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("the database opens");
        let on_sqlite = Metadata::alone(env.clone()).expect("SQLite works in memory");
        [Ground::on(on_sqlite, env.clone(), None).await, Ground::on(on_postgres, env, Some(database)).await]
    }

    async fn on(metadata: Metadata, env: Env, database: Option<Database>) -> Ground {
        let registry = open(&metadata, &env);
        let name = "team/app".parse().unwrap();
        let repository = registry.repositories.create(&cx(&env, 0), &name).await.unwrap();
        Ground { registry, metadata, env, repository, _database: database }
    }

    /// So many days ago.
    fn ago(&self, days: u32) -> Cx {
        cx(&self.env, days)
    }

    async fn put(&self, document: &Value, days_ago: u32, tags: &[&str]) -> Digest {
        let body = Bytes::from(document.to_string());
        let (digest, tags) = (digest_of(&body), tags.iter().map(|tag| tag.parse().unwrap()).collect());
        // A little longer, so that no age is exactly so many days.
        let cx = Cx { now: self.ago(days_ago).now.minus(Duration::from_secs(60)), ..self.ago(0) };
        let to = Reference::Digest(digest.clone());
        self.registry.images.put_image(&cx, &self.repository, &to, tags, None, body).await.expect("it is stored");
        digest
    }

    /// An image of its own, with one blob of the text.
    async fn document(&self, text: &str) -> Value {
        let bytes = Bytes::from(text.to_string());
        let (digest, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
        self.registry.uploads.store(&self.ago(0), &self.repository, &digest, body).await.expect("a blob is stored");
        image_of(&digest, text.len())
    }

    /// Pushes an image so many days ago, with its text as its tag.
    async fn image(&self, text: &str, days_ago: u32) -> Digest {
        let document = self.document(text).await;
        self.put(&document, days_ago, &[text]).await
    }

    /// Pushes images `v5` to `v1`, each as many days ago.
    async fn five(&self) -> Vec<Digest> {
        let mut digests = Vec::new();
        for days in (1..=5).rev() {
            digests.push(self.image(&format!("v{days}"), days).await);
        }
        digests
    }

    async fn policy(&self, days_ago: u32, rules: Value) {
        let (cx, text) = (self.ago(days_ago), json!({"rules": rules}).to_string());
        let of = Some(&self.repository);
        self.registry.documents.put(&cx, of, DocumentKind::LifecyclePolicy, "", text).await.expect("it is written");
    }

    async fn run(&self) -> (LifecycleRun, Vec<String>) {
        let (run, shown) = self.registry.lifecycle.run(&self.ago(0), &self.repository).await.expect("it runs");
        (run, shown.into_iter().flat_map(|image| image.tags).collect())
    }

    /// Decides, lets something happen, and acts.
    async fn run_while(&self, happening: impl AsyncFn(&Ground)) -> (LifecycleRun, Vec<String>) {
        let (cx, lifecycle) = (self.ago(0), &self.registry.lifecycle);
        let Ok(decided) = lifecycle.decide(&cx, &self.repository).await.unwrap() else { panic!("there is a policy") };
        happening(self).await;
        let (mut run, mut shown) = (LifecycleRun::begin(cx.now, "test"), vec![]);
        lifecycle.act(&cx, &self.repository, &decided, &mut run, &mut shown).await.unwrap();
        (run, shown.into_iter().flat_map(|image| image.tags).collect())
    }

    async fn remove(&self, reference: &str) {
        let reference = reference.parse().unwrap();
        self.registry.images.remove(&self.ago(0), &self.repository, &reference).await.expect("it is removed");
    }

    async fn hold(&self, digest: &Digest) {
        let reason = "a case".parse().unwrap();
        self.registry.images.hold(&self.ago(0), &self.repository, digest, reason).await.expect("it is held");
    }

    /// Says that a cluster runs an image.
    async fn report(&self, digest: &Digest) {
        let image = ReportedImage { repository: None, digest: digest.clone() };
        let report = InventoryReport::new(vec![image], InventoryReport::VALID_FOR).expect("it may be reported");
        self.registry.inventory.report(&self.ago(0), &"cluster".parse().unwrap(), report).await.expect("it is written");
    }

    async fn protect(&self, pattern: &str) {
        let pattern = Pattern::glob(pattern).unwrap();
        self.registry
            .repositories
            .protect_tags(&self.ago(0), &self.repository.name, pattern)
            .await
            .expect("it is kept");
    }

    async fn holds(&self, digest: &Digest) -> bool {
        self.registry.images.load(&self.ago(0), &self.repository, &Reference::Digest(digest.clone())).await.is_ok()
    }

    async fn trashed(&self) -> Vec<String> {
        let page = self.registry.trash.list(&self.ago(0), None, None, 100).await.unwrap();
        let mut tags: Vec<String> = page.items.into_iter().flat_map(|image| image.tags).collect();
        tags.sort();
        tags
    }
}

fn open(metadata: &Metadata, env: &Env) -> Registry {
    let (store, _) = Store::memory(env.clone());
    Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default())
}

fn cx(env: &Env, days_ago: u32) -> Cx {
    Cx {
        actor: "somebody".into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: env.now().minus(DAY * days_ago),
        source: None,
    }
}

fn newest(keep: u32) -> Value {
    let selection = json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep});
    json!([{"rulePriority": 3, "selection": selection, "action": {"type": "expire"}}])
}

fn older_than(days: u32) -> Value {
    let selection =
        json!({"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days});
    json!([{"rulePriority": 3, "selection": selection, "action": {"type": "expire"}}])
}

#[tokio::test]
async fn what_a_policy_expires_goes_to_the_trash_and_the_rest_stays() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(2)).await;

        let (run, expired) = ground.run().await;

        assert_eq!((run.images, run.expired, run.changed), (5, 3, 0), "{run:?}");
        assert_eq!(expired, ["v5", "v4", "v3"]);
        assert_eq!(ground.trashed().await, ["v3", "v4", "v5"]);
        assert!(ground.holds(&images[3]).await && ground.holds(&images[4]).await);
        assert!(!ground.holds(&images[2]).await);
    }
}

#[tokio::test]
async fn more_images_than_one_act_takes_go_in_one_run_and_none_too_many() {
    for ground in Ground::both().await {
        for number in 0..2 * BATCH + 7 {
            ground.image(&format!("v{number}"), 2).await;
        }
        ground.policy(1, newest(5)).await;

        let (run, _) = ground.run().await;

        assert_eq!((run.expired, run.changed), (2 * BATCH as u64 + 2, 0));
    }
}

#[tokio::test]
async fn a_policy_that_leaves_one_image_of_all_runs_and_carries_its_warning() {
    let ground = &Ground::both().await[0];
    ground.five().await;
    ground.policy(1, newest(1)).await;

    let (run, _) = ground.run().await;

    assert_eq!(run.expired, 4);
    assert!(run.warnings[0].contains("rule 3 expires every image"), "{:?}", run.warnings);
    let status = ground.registry.lifecycle.status(&ground.ago(0), &ground.repository).await.unwrap();
    assert_eq!(status.last.unwrap().warnings, run.warnings);
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(2)).await;

        let (cx, lifecycle) = (ground.ago(0), &ground.registry.lifecycle);
        let (run, shown) = lifecycle.dry_run(&cx, &ground.repository).await.unwrap();

        assert_eq!((run.expired, shown.len()), (3, 3));
        assert!(ground.holds(&images[0]).await);
        assert_eq!(lifecycle.status(&cx, &ground.repository).await.unwrap().last, None);
    }
}

#[tokio::test]
async fn images_that_are_on_hold_in_use_or_have_a_protected_tag_stay() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(1)).await;
        ground.hold(&images[0]).await;
        ground.report(&images[1]).await;
        ground.protect("v3").await;

        let (run, expired) = ground.run().await;

        assert_eq!((run.expired, run.protected, run.changed), (1, 3, 0), "{run:?}");
        assert_eq!(expired, ["v2"]);
    }
}

#[tokio::test]
async fn an_image_in_use_is_no_part_of_forecasts_and_its_explanation_says_who_runs_it() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(1)).await;
        ground.report(&images[0]).await;

        let cx = ground.ago(0);
        let explained = ground.registry.lifecycle.explain(&cx, &ground.repository, &images[0]).await.unwrap();

        assert_eq!((explained.action, explained.rule), (None, Some(3)));
        let begin = "it is in use, or rule 3 would expire it; cluster reported it at ";
        assert!(explained.sentence.starts_with(begin), "{}", explained.sentence);
        let foretold = ground.registry.lifecycle.forecast(&cx, &ground.repository, 1).await.unwrap();
        assert_eq!(foretold.images.len(), 3, "{foretold:?}");
    }
}

#[tokio::test]
async fn images_that_come_to_be_kept_between_decision_and_act_stay() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(1)).await;

        let (run, expired) = ground
            .run_while(async |ground| {
                ground.hold(&images[0]).await;
                ground.report(&images[1]).await;
                ground.protect("v3").await;
            })
            .await;

        assert_eq!(expired, ["v2"], "{run:?}");
    }
}

#[tokio::test]
async fn an_image_that_changes_between_decision_and_act_stays() {
    async fn retag(ground: &Ground) {
        let document = ground.document("v5").await;
        ground.put(&document, 0, &["stable"]).await;
    }
    async fn untag(ground: &Ground) {
        ground.image("new", 0).await;
        let document = ground.document("new").await;
        ground.put(&document, 0, &["v5"]).await;
    }
    async fn pull(ground: &Ground) {
        let digest = digest_of(ground.document("v5").await.to_string().as_bytes());
        ground.registry.traffic.pulled(&ground.ago(0), &ground.repository, &digest);
        ground.registry.traffic.write_down(&ground.ago(0)).await.unwrap();
    }
    async fn list(ground: &Ground) {
        let child = ground.document("v5").await.to_string();
        ground.put(&index_of(&digest_of(child.as_bytes()), child.len()), 0, &["index"]).await;
    }
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, older_than(5)).await;

        for (what, (run, expired)) in [
            ("retagged", ground.run_while(retag).await),
            ("untagged", ground.run_while(untag).await),
            ("pulled", ground.run_while(pull).await),
            ("listed", ground.run_while(list).await),
        ] {
            assert_eq!((run.changed, expired), (1, vec![]), "{what}");
        }
        assert!(ground.holds(&images[0]).await);
    }
}

#[tokio::test]
async fn an_image_that_comes_to_be_among_the_newest_while_a_policy_runs_stays() {
    async fn lose_two(ground: &Ground) {
        ground.remove("v1").await;
        let document = ground.document("v3").await;
        ground.put(&document, 0, &["v2"]).await;
    }
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, newest(1)).await;

        let (run, expired) = ground.run_while(lose_two).await;

        // One tag removed and one moved: two places. v2 lost its tag, v3 has another one.
        assert_eq!((run.expired, run.changed), (2, 2), "{expired:?}");
        assert_eq!(expired, ["v5", "v4"]);
        assert!(ground.holds(&images[2]).await && ground.holds(&images[3]).await);
    }
}

#[tokio::test]
async fn what_refers_to_an_image_that_comes_after_it_is_not_counted_any_more() {
    for ground in Ground::both().await {
        let subject = ground.document("subject").await;
        let digest = digest_of(subject.to_string().as_bytes());
        let old = ground.image("old", 3).await;
        let mut signature = ground.document("signature").await;
        signature["subject"] = json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest.as_str(), "size": 2});
        ground.put(&signature, 2, &["signature"]).await;
        ground.policy(1, newest(1)).await;

        let push = async |ground: &Ground| drop(ground.put(&ground.document("subject").await, 0, &[]).await);
        let (run, _) = ground.run_while(push).await;

        assert_eq!((run.expired, run.changed), (0, 1));
        assert!(ground.holds(&old).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_tagged_at_the_moment_it_expires_is_there_afterwards() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(1, older_than(5)).await;
        let (cx, lifecycle) = (ground.ago(0), &ground.registry.lifecycle);
        let Ok(decided) = lifecycle.decide(&cx, &ground.repository).await.unwrap() else { panic!("there is a policy") };
        let expiry = lifecycle.expiry(&cx, &ground.repository, &decided, 0, &decided.sentences).unwrap();
        let body = Bytes::from(ground.document("v5").await.to_string());
        let push = PutImage {
            account: cx.account,
            repository: ground.repository.id,
            name: ground.repository.name.clone(),
            digest: images[0].clone(),
            manifest: Manifest::parse(&body, None, &Default::default()).unwrap(),
            body,
            tags: vec!["stable".parse().unwrap()],
            refuses_repeat: false,
            is_quarantined: false,
            dates: None,
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };

        let (expired, pushed) = two_writers(&ground.metadata, &cx, expiry, push).await;

        assert_eq!(expired.unwrap().done.len() == 1, pushed.unwrap().is_new);
        assert!(ground.holds(&images[0]).await);
    }
}

#[tokio::test]
async fn under_a_policy_that_was_changed_meanwhile_nothing_more_goes() {
    for ground in Ground::both().await {
        ground.five().await;
        ground.policy(1, newest(1)).await;

        let (run, expired) = ground.run_while(async |ground| ground.policy(0, newest(4)).await).await;

        assert_eq!((run.outcome, expired), (LifecycleOutcome::Interrupted, vec![]));
    }
}

#[tokio::test]
async fn pulls_that_wait_in_memory_count() {
    let ground = &Ground::both().await[0];
    let images = ground.five().await;
    ground.registry.traffic.pulled(&ground.ago(0), &ground.repository, &images[0]);
    let selection = json!({"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 4});
    let archive = json!({"type": "transition", "targetStorageClass": "archive"});
    ground.policy(1, json!([{"rulePriority": 3, "selection": selection, "action": archive}])).await;

    let (run, _) = ground.run().await;

    assert_eq!((run.archived, run.expired), (1, 0), "v4 alone");
}

#[tokio::test]
async fn a_policy_that_the_settings_do_not_allow_is_skipped_and_the_run_says_why() {
    let ground = &Ground::both().await[0];
    let images = ground.five().await;
    let selection = json!({"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 3});
    ground.policy(1, json!([{"rulePriority": 3, "selection": selection, "action": {"type": "expire"}}])).await;

    let (run, _) = ground.run().await;

    assert_eq!(run.outcome, LifecycleOutcome::Skipped);
    assert!(run.reason.unwrap().contains("lifecycle.expire_since_pulled"));
    assert!(ground.holds(&images[0]).await);
}

#[tokio::test]
async fn a_repository_without_a_policy_is_told_how_to_write_one() {
    let ground = &Ground::both().await[0];

    let refused = ground.registry.lifecycle.run(&ground.ago(0), &ground.repository).await.unwrap_err();

    assert_eq!(refused.kind, FaultKind::LifecyclePolicyNotFound);
    assert!(refused.message.contains("put-lifecycle-policy --repository-name team/app"), "{}", refused.message);
}

#[tokio::test]
async fn a_policy_that_is_due_runs_once_also_after_a_restart_and_again_a_day_later() {
    for ground in Ground::both().await {
        ground.five().await;
        ground.policy(2, newest(2)).await;
        let other = ground.registry.repositories.create(&ground.ago(0), &"team/none".parse().unwrap()).await.unwrap();

        let first = ground.registry.lifecycle.round(&ground.ago(0), "one").await.unwrap();
        let again = ground.registry.lifecycle.round(&ground.ago(0), "one").await.unwrap();
        let restarted = open(&ground.metadata, &ground.env);
        let after_restart = restarted.lifecycle.round(&ground.ago(0), "one").await.unwrap();
        let tomorrow = Cx { now: ground.env.now().plus(DAY), ..ground.ago(0) };
        let next_day = restarted.lifecycle.round(&tomorrow, "one").await.unwrap();

        assert_eq!(first, LifecycleRound { runs: 1, expired: 3, archived: 0 });
        assert_eq!((again.runs, after_restart.runs, next_day.runs), (0, 0, 1));
        let status = restarted.lifecycle.status(&ground.ago(0), &ground.repository).await.unwrap();
        assert_eq!(status.last.map(|run| (run.expired, run.by)), Some((0, "somebody".into())));
        let of_other = restarted.lifecycle.status(&ground.ago(0), &other).await.unwrap();
        assert_eq!(of_other, LifecycleStatus::default());
    }
}

#[tokio::test]
async fn a_new_policy_does_not_run_at_once() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(0, newest(2)).await;

        let round = ground.registry.lifecycle.round(&ground.ago(0), "one").await.unwrap();

        assert_eq!(round.runs, 0);
        assert!(ground.holds(&images[0]).await);
    }
}

#[tokio::test]
async fn one_server_runs_policies_at_a_time() {
    for ground in Ground::both().await {
        ground.policy(2, newest(2)).await;
        let until = ground.env.now().plus(LEASE);
        let lease = TakeLease { name: "lifecycle", holder: "other".into(), until };
        ground.metadata.perform(&ground.ago(0), lease).await.unwrap();

        let round = ground.registry.lifecycle.round(&ground.ago(0), "one").await.unwrap();

        assert_eq!(round.runs, 0);
    }
}

#[tokio::test]
async fn it_is_explained_why_an_image_stays_and_when_it_goes() {
    for ground in Ground::both().await {
        let images = ground.five().await;
        ground.policy(2, older_than(7)).await;

        let explanation =
            ground.registry.lifecycle.explain(&ground.ago(0), &ground.repository, &images[0]).await.unwrap();

        assert_eq!((explanation.action, explanation.rule), (None, Some(3)));
        assert!(explanation.sentence.contains("not more than 7 days ago"), "{}", explanation.sentence);
        let goes = explanation.goes.expect("it goes in two days");
        assert!((ground.env.now()..=ground.env.now().plus(2 * DAY)).contains(&goes.at), "{goes:?}");
    }
}

#[tokio::test]
async fn what_goes_on_the_days_to_come_is_foretold_with_its_bytes() {
    for ground in Ground::both().await {
        ground.five().await;
        ground.policy(2, older_than(7)).await;

        let forecast = ground.registry.lifecycle.forecast(&ground.ago(0), &ground.repository, 30).await.unwrap();

        let counts: Vec<_> = forecast.runs.iter().map(|run| (run.expired, run.expired_bytes)).collect();
        assert_eq!(counts, [(1, 2); 5]);
        let tags: Vec<_> = forecast.images.iter().flat_map(|image| &image.tags).collect();
        assert_eq!(tags, ["v5", "v4", "v3", "v2", "v1"]);
    }
}
