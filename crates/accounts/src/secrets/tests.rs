//! Secrets as a whole, on SQLite and PostgreSQL alike.

use super::*;
use crate::{
    KeyChange, KeyTags, NewKey,
    keyring::tests::{DAY, Ground, kind},
};
use gantry_fault::FaultKind;
use gantry_metadata::{Act, secrets, secrets::VersionRow};
use gantry_words::{Secret, Timestamp};

const CANARY: &str = "canary-4d1f-of-a-secret";

fn room(ground: &Ground) -> Secrets {
    Secrets::new(ground.metadata.clone(), ground.env.clone(), Region::default(), ground.keyring.clone())
}

fn text(value: &str) -> SecretValue {
    SecretValue::Text(Secret::new(value.into()))
}

/// The id of a version.
fn token(number: u8) -> String {
    format!("0000000000000000000000000000000{number}")
}

fn new(name: &str, value: &str) -> NewSecret {
    NewSecret { name: name.into(), token: token(1), value: Some(text(value)), ..NewSecret::default() }
}

fn version(number: u8, value: &str) -> NewVersion {
    NewVersion { token: token(number), value: text(value), stages: vec![] }
}

async fn value(secrets: &Secrets, ground: &Ground, wanted: VersionName) -> Result<String, Fault> {
    match secrets.value(&ground.cx(), "app", &wanted).await?.value {
        SecretValue::Text(text) => Ok(text.reveal().clone()),
        SecretValue::Bytes(_) => panic!("a text was written"),
    }
}

fn at(stage: &str) -> VersionName {
    VersionName { id: None, stage: Some(stage.into()) }
}

#[tokio::test]
async fn what_was_current_can_still_be_read_as_what_was_before() {
    for ground in Ground::both().await {
        let (secrets, cx) = (room(&ground), ground.cx());

        let made = secrets.create(&cx, new("app", "one")).await.unwrap();
        secrets.put_value(&cx, &made.arn, version(2, "two")).await.unwrap();

        assert!(made.arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:app-"), "{}", made.arn);
        assert_eq!(made.arn.len(), "arn:aws:secretsmanager:us-east-1:000000000000:secret:app-123456".len());
        assert_eq!(value(&secrets, &ground, VersionName::default()).await.unwrap(), "two");
        assert_eq!(value(&secrets, &ground, at(PREVIOUS)).await.unwrap(), "one");
        let first = VersionName { id: Some(token(1)), stage: None };
        assert_eq!(value(&secrets, &ground, first).await.unwrap(), "one");
        assert_eq!(kind(value(&secrets, &ground, at(PENDING)).await), FaultKind::SecretNotFound);
        let other = VersionName { id: Some(token(1)), stage: Some(CURRENT.into()) };
        assert_eq!(kind(value(&secrets, &ground, other).await), FaultKind::InvalidParameter);
    }
}

#[tokio::test]
async fn the_same_request_sent_again_changes_nothing() {
    for ground in Ground::both().await {
        let (secrets, cx) = (room(&ground), ground.cx());
        let made = secrets.create(&cx, new("app", "one")).await.unwrap();
        secrets.put_value(&cx, "app", version(2, "two")).await.unwrap();
        secrets.put_value(&cx, "app", version(3, "three")).await.unwrap();

        let again = secrets.create(&cx, new("app", "one")).await.unwrap();
        let written = secrets.put_value(&cx, "app", version(2, "two")).await.unwrap();

        assert_eq!(again.arn, made.arn);
        assert_eq!(written.version.stages, [PREVIOUS]);
        assert_eq!(value(&secrets, &ground, VersionName::default()).await.unwrap(), "three");
        assert_eq!(kind(secrets.create(&cx, new("app", "other")).await), FaultKind::SecretExists);
        assert_eq!(kind(secrets.put_value(&cx, "app", version(2, "other")).await), FaultKind::SecretExists);
    }
}

#[tokio::test]
async fn a_secret_is_found_by_its_name_and_both_forms_of_its_arn() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    let made = secrets.create(&cx, new("ecr-pullthroughcache/hub", "one")).await.unwrap();
    let (short, suffix) = made.arn.rsplit_once('-').unwrap();

    for id in ["ecr-pullthroughcache/hub", &made.arn, short] {
        assert_eq!(secrets.load(&cx, id).await.unwrap().arn, made.arn, "{id}");
    }
    let other = format!("{short}-{}", if suffix == "AAAAAA" { "BBBBBB" } else { "AAAAAA" });
    for id in ["ecr-pullthroughcache/hu", &other] {
        assert_eq!(kind(secrets.load(&cx, id).await), FaultKind::SecretNotFound, "{id}");
    }
}

#[tokio::test]
async fn a_deleted_secret_tells_nothing_and_comes_back_until_it_is_erased() {
    for ground in Ground::both().await {
        let (secrets, cx) = (room(&ground), ground.cx());
        secrets.create(&cx, new("app", "one")).await.unwrap();

        let deleted = secrets.change(&cx, "app", SecretChange::Delete(Some(7))).await.unwrap();
        assert_eq!(deleted.erased_at, Some(ground.cx().now.plus(DAY * 7)));
        assert_eq!(kind(value(&secrets, &ground, VersionName::default()).await), FaultKind::SecretInvalidRequest);
        assert_eq!(kind(secrets.create(&cx, new("app", "one")).await), FaultKind::SecretInvalidRequest);
        secrets.change(&cx, "app", SecretChange::Restore).await.unwrap();
        assert_eq!(value(&secrets, &ground, VersionName::default()).await.unwrap(), "one");

        secrets.change(&cx, "app", SecretChange::Delete(Some(7))).await.unwrap();
        ground.pass(DAY * 6);
        assert_eq!(secrets.sweep(&ground.cx()).await.unwrap().erased, 0);
        ground.pass(DAY);
        assert_eq!(secrets.sweep(&ground.cx()).await.unwrap().erased, 1);
        assert_eq!(kind(secrets.load(&cx, "app").await), FaultKind::SecretNotFound);
        let count = ground.ask("SELECT CAST(count(*) AS TEXT) FROM secret_version".into()).await;
        assert_eq!(count, ["0"]);
        let early = secrets.change(&cx, "app", SecretChange::Delete(Some(6))).await;
        assert_eq!(kind(early), FaultKind::InvalidParameter);
    }
}

#[tokio::test]
async fn a_secret_that_is_deleted_without_a_wait_is_gone_and_its_name_free() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    let first = secrets.create(&cx, new("app", "one")).await.unwrap();

    secrets.change(&cx, "app", SecretChange::Delete(None)).await.unwrap();
    let second = secrets.create(&cx, new("app", "two")).await.unwrap();

    assert_ne!(first.arn, second.arn);
    assert_eq!(kind(secrets.load(&cx, &first.arn).await), FaultKind::SecretNotFound);
}

#[tokio::test]
async fn a_key_that_is_off_makes_its_secrets_unreadable_and_no_others() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    let key = ground.keyring.create(&cx, NewKey::default()).await.unwrap();
    let under_key = NewSecret { kms_key: Some(key.id.clone()), ..new("app", "one") };
    assert_eq!(secrets.create(&cx, under_key).await.unwrap().kms_key, Some(key.arn.clone()));
    secrets.create(&cx, new("other", "two")).await.unwrap();

    ground.keyring.change(&cx, &key.id, KeyChange::Disable).await.unwrap();

    assert_eq!(kind(value(&secrets, &ground, VersionName::default()).await), FaultKind::SecretDecryptionFailed);
    assert_eq!(kind(secrets.put_value(&cx, "app", version(2, "three")).await), FaultKind::SecretEncryptionFailed);
    assert!(secrets.value(&cx, "other", &VersionName::default()).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_gets_another_key_needs_the_old_one_no_longer() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    let key = ground.keyring.create(&cx, NewKey::default()).await.unwrap();
    secrets.create(&cx, NewSecret { kms_key: Some(key.id.clone()), ..new("app", "one") }).await.unwrap();
    secrets.put_value(&cx, "app", version(2, "two")).await.unwrap();

    let own = SecretChange::SetKey("alias/aws/secretsmanager".into());
    assert_eq!(secrets.change(&cx, "app", own).await.unwrap().kms_key, None);
    ground.keyring.change(&cx, &key.id, KeyChange::Disable).await.unwrap();

    assert_eq!(value(&secrets, &ground, VersionName::default()).await.unwrap(), "two");
    assert_eq!(value(&secrets, &ground, at(PREVIOUS)).await.unwrap(), "one");
}

#[tokio::test]
async fn a_stage_moves_only_from_where_it_is() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    secrets.create(&cx, new("app", "one")).await.unwrap();
    let pending = NewVersion { stages: vec![PENDING.into()], ..version(2, "two") };
    secrets.put_value(&cx, "app", pending).await.unwrap();
    let moved = |stage: &str, from: Option<u8>, to: Option<u8>| {
        let change = SecretChange::MoveStage { stage: stage.into(), from: from.map(token), to: to.map(token) };
        secrets.change(&cx, "app", change)
    };

    assert_eq!(kind(moved(CURRENT, None, Some(2)).await), FaultKind::InvalidParameter);
    assert_eq!(kind(moved(CURRENT, Some(1), None).await), FaultKind::InvalidParameter);
    assert_eq!(kind(moved(CURRENT, Some(1), Some(9)).await), FaultKind::SecretNotFound);
    moved(CURRENT, Some(1), Some(2)).await.unwrap();
    let secret = moved(PENDING, Some(2), None).await.unwrap();

    let stages: Vec<_> = secret.versions.into_iter().map(|version| version.stages).collect();
    assert_eq!(stages, [vec![PREVIOUS.to_string()], vec![CURRENT.to_string()]]);
    assert_eq!(value(&secrets, &ground, VersionName::default()).await.unwrap(), "two");
}

#[tokio::test]
async fn tags_policy_and_description_change() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    secrets.create(&cx, new("app", "one")).await.unwrap();
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "secretsmanager:*", "Resource": "*"}}"#;

    for change in [
        SecretChange::Tag(KeyTags::parse([("a", "1"), ("b", "2")]).unwrap()),
        SecretChange::Untag(vec!["a".into()]),
        SecretChange::SetPolicy(Some(policy.into())),
        SecretChange::Describe("what it is for".into()),
    ] {
        secrets.change(&cx, "app", change).await.unwrap();
    }

    let secret = secrets.load(&cx, "app").await.unwrap();
    assert_eq!(secret.tags.iter().collect::<Vec<_>>(), [("b", "2")]);
    assert_eq!((secret.policy.as_deref(), &*secret.description), (Some(policy), "what it is for"));
    let none = secrets.change(&cx, "app", SecretChange::SetPolicy(Some("{}".into()))).await;
    assert_eq!(kind(none), FaultKind::MalformedPolicyDocument);
}

#[tokio::test]
async fn secrets_come_in_pages_of_those_that_are_wanted() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    for name in ["a/1", "b/1", "a/2", "a/3"] {
        secrets.create(&cx, new(name, "one")).await.unwrap();
    }
    let names =
        |page: &gantry_words::Page<KeptSecret>| page.items.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let of_a = |secret: &KeptSecret| secret.name.starts_with("a/");

    let first = secrets.list(&cx, "", 2, of_a).await.unwrap();
    let rest = secrets.list(&cx, "a/2", 2, of_a).await.unwrap();

    assert_eq!((names(&first), first.has_more), (vec!["a/1".to_string(), "a/2".into()], true));
    assert_eq!((names(&rest), rest.has_more), (vec!["a/3".to_string()], false));
}

#[tokio::test]
async fn a_dump_of_the_database_tells_no_value() {
    for ground in Ground::both().await {
        let (secrets, cx) = (room(&ground), ground.cx());
        let described = NewSecret { description: "what-is-not-secret".into(), ..new("app", CANARY) };
        secrets.create(&cx, described).await.unwrap();
        secrets.put_value(&cx, "app", version(2, &format!("{CANARY}-2"))).await.unwrap();

        let dump = ground.dump().await;

        let holds = |text: &str| {
            let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            [text, &hexadecimal].iter().any(|text| dump.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        assert!(holds("what-is-not-secret"), "the dump is one");
        assert!(!holds(CANARY));
    }
}

/// Puts the value of one secret at the place of another's.
struct SwapValues;

impl Act for SwapValues {
    type Seen = Vec<VersionRow>;
    type Plan = VersionRow;
    type Answer = ();
    const NAME: &'static str = "test.swap_values";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, AccountId::DEFAULT)?;
        secrets::versions(rows, AccountId::DEFAULT, "other")
    }
    fn decide(&self, mut seen: Self::Seen, _: Timestamp) -> Result<VersionRow, Fault> {
        Ok(seen.remove(0))
    }
    fn apply(&self, tx: &mut Tx, plan: VersionRow) -> Result<(), Fault> {
        secrets::put_version(tx, AccountId::DEFAULT, "app", &plan)
    }
}

#[tokio::test]
async fn values_that_are_swapped_in_the_database_do_not_open() {
    let ground = Ground::new(None).await;
    let (secrets, cx) = (room(&ground), ground.cx());
    secrets.create(&cx, new("app", "one")).await.unwrap();
    secrets.create(&cx, new("other", "two")).await.unwrap();

    ground.metadata.perform(&cx, SwapValues).await.unwrap();

    assert!(value(&secrets, &ground, VersionName::default()).await.is_err());
}
