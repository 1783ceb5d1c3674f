use super::*;
use crate::WebhookSettings;
use gantry_metadata::audit::{PersonRow, people_after, put_delivered};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn old_records_go_up_to_a_checkpoint_and_the_chain_says_so() {
    let mut world = World::on_sqlite();
    world.settings.keep = Period::hours(24);
    let audit = busy(&world).await;
    world.pass(120);
    audit.note(&world.entry(Kind::Change, "", 5)).unwrap();
    audit.flush(false).await.unwrap();
    world.pass(2 * 24 * 3600);
    audit.note(&world.entry(Kind::Change, "", 6)).unwrap();
    audit.flush(false).await.unwrap();

    let removed = audit.trim().await.unwrap();
    let again = audit.trim().await.unwrap();

    assert!(removed >= 4, "{removed}");
    assert_eq!(again, 0);
    world.pass(5);
    audit.end().await.unwrap();
    let names: Vec<Value> =
        world.records(&Question::default()).await.iter().map(|it| it["eventName"].clone()).collect();
    assert!(names.contains(&json!("AuditTrimmed")), "{names:?}");
    assert_eq!(world.findings(&[]).await, []);
    let anchors = world.anchors.lock().unwrap().clone();
    assert_eq!(world.findings(&anchors).await, []);
}

/// Says that the webhook has the chain up to a record, and up to the checkpoint there.
struct Deliver(i64, u64);

impl Act for Deliver {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.deliver";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        put_delivered(tx, self.0, (self.1, self.1))
    }
}

/// A record a day, each behind a checkpoint, for so many days.
async fn days(world: &World, audit: &Audit, count: u8) {
    for request in 0..count {
        audit.note(&world.entry(Kind::Change, "sha256:aa", request)).unwrap();
        world.pass(5);
        audit.end().await.unwrap();
        world.pass(DAY - 5);
    }
}

/// The places of the records that are there.
async fn places(world: &World) -> Vec<u64> {
    let id = |record: &Value| record["eventID"].as_str().unwrap().replace('-', "");
    let all = world.records(&Question::default()).await;
    all.iter().map(|record| u64::from_str_radix(&id(record)[16..], 16).unwrap()).collect()
}

#[tokio::test]
async fn what_the_webhook_has_not_taken_stays_for_as_long_as_was_said() {
    let mut world = World::on_sqlite();
    let webhook = WebhookSettings {
        url: Some("https://siem.example.com/".into()),
        undelivered_keep: Period::hours(5 * 24),
        ..WebhookSettings::default()
    };
    world.settings = Settings { keep: Period::hours(2 * 24), webhook, ..Settings::default() };
    let audit = world.audit();
    days(&world, &audit, 6).await;
    world.metadata.perform(&world.cx(90), Deliver(audit.writer(), 2)).await.unwrap();

    let removed = audit.trim().await.unwrap();
    let held = audit.figures();
    let left = places(&world).await;
    world.pass(3 * DAY + 60);
    let removed_later = audit.trim().await.unwrap();
    let given_up = audit.figures();

    assert_eq!((removed, held.held, held.undelivered), (2, 2, 0));
    assert_eq!(left, [3, 4, 5, 6, 7], "with the record of the trimming");
    assert_eq!((removed_later, given_up.held, given_up.undelivered), (1, 3, 1));
    world.pass(5);
    audit.end().await.unwrap();
    assert_eq!(world.findings(&[]).await, []);
}

async fn people(world: &World) -> Vec<PersonRow> {
    world.metadata.read(|rows| people_after(rows, "", 100)).await.unwrap()
}

async fn names_go_with_the_last_record_that_holds_them(mut world: World) {
    world.settings.keep = Period::hours(24);
    let audit = world.audit();
    alice(&world, &audit, 1).await;
    let bob = "arn:aws:iam::000000000000:user/bob";
    audit.note(&Entry { principal: bob, ..world.entry(Kind::Change, "sha256:cc", 9) }).unwrap();
    audit.end().await.unwrap();
    let before = people(&world).await;
    world.pass(3 * DAY);
    alice(&world, &audit, 10).await;
    world.pass(5);
    audit.end().await.unwrap();

    let removed = audit.trim().await.unwrap();
    world.pass(5);
    audit.end().await.unwrap();

    let of = |rows: &[PersonRow]| {
        let mut values: Vec<_> = rows.iter().map(|row| row.value.clone()).collect();
        values.sort();
        values
    };
    let (alice, bob, from) = ("000000000000:user/alice", "000000000000:user/bob", "127.0.0.1");
    assert!(removed >= 3, "{removed}");
    assert_eq!(of(&before), [alice, bob, from, from]);
    assert_eq!(of(&people(&world).await), [alice, from], "whom records name keeps his name");
    assert_eq!(world.records(&by_alice()).await.len(), 2);
    assert_eq!(world.findings(&[]).await, []);
}

#[tokio::test]
async fn names_go_with_the_last_record_that_holds_them_on_sqlite() {
    names_go_with_the_last_record_that_holds_them(World::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_go_with_the_last_record_that_holds_them_on_postgres() {
    names_go_with_the_last_record_that_holds_them(World::on_postgres()).await;
}
