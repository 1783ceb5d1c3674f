mod trimming;

use crate::{Audit, OnOverflow, Question, Settings, verify};
use gantry_audit::{Entry, Finding, Full, Kind, Outcome, PublicKey, Signed, SigningKey};
use gantry_env::{BoxFuture, Clock, Env, Random};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Change, Event, Locks, Metadata, Query, Reader, Tx, change, leases, query, suite::postgres::Database, values,
};
use gantry_words::{AccountId, Cx, Period, Region, RequestId, Timestamp};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

/// The machine's clock, moved.
#[derive(Clone)]
struct Moved {
    real: Env,
    millis: Arc<AtomicI64>,
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Relaxed))
    }
    fn elapsed(&self) -> Duration {
        self.real.elapsed()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(duration)
    }
}

impl Random for Moved {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.real.random::<1>()[0]);
    }
}

pub(crate) struct World {
    clock: Moved,
    env: Env,
    pub(crate) metadata: Metadata,
    pub(crate) settings: Settings,
    pub(crate) anchors: Arc<Mutex<Vec<Signed>>>,
    _held: Held,
}

enum Held {
    Folder(#[expect(dead_code, reason = "held until the end")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "held until the end")] Database),
}

struct Anchors(Arc<Mutex<Vec<Signed>>>);

impl crate::Outlet for Anchors {
    fn records(&self, _: &[String]) {}
    fn checkpoint(&self, signed: &Signed) {
        self.0.lock().unwrap().push(signed.clone());
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

impl World {
    fn clock_and_env() -> (Moved, Env) {
        let clock = Moved { real: Env::real(), millis: Arc::new(AtomicI64::new(1_800_000_000_000)) };
        (clock.clone(), Env::new(Arc::new(clock.clone()), Arc::new(clock)))
    }

    pub(crate) fn on_sqlite() -> World {
        let ((clock, env), folder) = (World::clock_and_env(), tempfile::tempdir().unwrap());
        let metadata = Metadata::open(&gantry_metadata::Settings::default(), folder.path(), env.clone()).unwrap();
        let held = Held::Folder(folder);
        World { clock, env, metadata, settings: Settings::default(), anchors: Arc::default(), _held: held }
    }

    fn on_postgres() -> World {
        let ((clock, env), database) = (World::clock_and_env(), Database::new());
        let metadata = Metadata::open(&database.settings(), Path::new("."), env.clone()).unwrap();
        let held = Held::Database(database);
        World { clock, env, metadata, settings: Settings::default(), anchors: Arc::default(), _held: held }
    }

    /// The room, as it is after a start.
    pub(crate) fn audit(&self) -> Audit {
        let outlet = Box::new(Anchors(self.anchors.clone()));
        let place = (AccountId::DEFAULT, Region::default());
        Audit::new(self.metadata.clone(), self.env.clone(), key(), place, self.settings.clone(), Some(outlet))
    }

    pub(crate) fn env(&self) -> Env {
        self.env.clone()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.millis.fetch_add(seconds * 1000, Relaxed);
    }

    pub(crate) fn entry<'a>(&self, kind: Kind, digest: &'a str, request: u8) -> Entry<'a> {
        Entry {
            kind,
            at: self.env.now(),
            account: AccountId::DEFAULT,
            owner: AccountId::DEFAULT,
            principal: "arn:aws:iam::000000000000:root",
            is_session: false,
            role_session: None,
            source: Some([127, 0, 0, 1].into()),
            user_agent: "docker",
            action: "ecr:BatchGetImage",
            operation: "GetManifest",
            repository: "team/app",
            digest,
            tag: "v1",
            outcome: Outcome::Success,
            error_code: "",
            error_message: "",
            statement: "",
            request_id: RequestId::new([request; 16]),
        }
    }

    fn cx(&self, request: u8) -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:root".into(),
            account: AccountId::DEFAULT,
            operation: "PutManifest",
            request_id: RequestId::new([request; 16]),
            now: self.env.now(),
            source: None,
        }
    }

    /// What the chain holds, the oldest first.
    async fn records(&self, question: &Question) -> Vec<Value> {
        let found = crate::search(&self.metadata, AccountId::DEFAULT, question, None, 1000).await.unwrap();
        let records = found.items.iter().rev().map(|found| serde_json::from_str(&found.bytes).unwrap());
        records.filter(|record| own(record)["pending"].is_null()).collect()
    }

    pub(crate) async fn findings(&self, anchors: &[Signed]) -> Vec<Finding> {
        let known: [PublicKey; 1] = [key().public()];
        let found = verify(&self.metadata, &known, anchors, |_| ()).await.unwrap();
        found.into_iter().flat_map(|chain| chain.report.findings).collect()
    }

    async fn tamper(&self, change: &'static Change) {
        self.metadata.perform(&self.cx(99), Tamper(change)).await.unwrap();
    }
}

/// A change with an event, such as a push is.
struct Push(&'static str);

impl Act for Push {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.push";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock("test")
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        leases::take(tx, "test", "somebody", tx.now())?;
        tx.event(Event { kind: "image.pushed", repository: None, body: json!({"name": "team/app", "digest": self.0}) })
    }
}

/// What an intruder does to the tables.
struct Tamper(&'static Change);

impl Act for Tamper {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.tamper";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        tx.write(self.0, values![])
    }
}

fn own(record: &Value) -> &Value {
    &record["additionalEventData"]["gantry"]
}

/// Two pulls, a push and a refusal, after a minute.
async fn busy(world: &World) -> Audit {
    let audit = world.audit();
    for request in [1, 2] {
        audit.note(&world.entry(Kind::Pull, "sha256:aa", request)).unwrap();
    }
    world.metadata.perform(&world.cx(3), Push("sha256:bb")).await.unwrap();
    audit.note(&Entry { action: "ecr:PutImage", ..world.entry(Kind::Change, "", 3) }).unwrap();
    let refused = Entry { outcome: Outcome::Refused, error_code: "AccessDenied", ..world.entry(Kind::Refusal, "", 4) };
    audit.note(&refused).unwrap();
    world.pass(60);
    audit.flush(false).await.unwrap();
    audit
}

async fn what_happens_is_found_again(world: World) {
    let _audit = busy(&world).await;

    let pulls = world.records(&Question { digest: Some("sha256:aa".into()), ..Question::default() }).await;
    let pushes = world.records(&Question { action: Some("ecr:PutImage".into()), ..Question::default() }).await;
    let refusals = world.records(&Question { outcome: Some(Outcome::Refused), ..Question::default() }).await;
    let of_root = Question { principal: Some("arn:aws:iam::000000000000:root".into()), ..Question::default() };

    assert_eq!((pulls.len(), &own(&pulls[0])["count"]), (1, &json!(2)));
    assert_eq!(pushes.len(), 1, "the call and its row of the change trail are one record: {pushes:?}");
    assert_eq!(own(&pushes[0])["changes"][0]["act"], "test.push");
    assert_eq!(own(&pushes[0])["digest"], "sha256:bb", "the event knows what the call did not");
    assert_eq!(refusals[0]["errorCode"], "AccessDenied");
    assert_eq!(world.records(&of_root).await.len(), 3);
    assert_eq!(world.findings(&[]).await, []);
}

#[tokio::test]
async fn what_happens_is_found_again_on_sqlite() {
    what_happens_is_found_again(World::on_sqlite()).await;
}

#[tokio::test]
async fn what_happens_is_found_again_on_postgres() {
    what_happens_is_found_again(World::on_postgres()).await;
}

async fn tampering_is_named(world: World) {
    static EDIT: Change = change("UPDATE audit_bytes SET bytes = replace(bytes, 'docker', 'podman') WHERE seq = 2");
    static HIDE: Change = change("UPDATE audit_record SET principal = 5 WHERE seq = 3");
    static DELETE: Change = change("DELETE FROM audit_record WHERE seq = 1");
    let audit = busy(&world).await;
    audit.end().await.unwrap();

    world.tamper(&EDIT).await;
    let edited = world.findings(&[]).await;
    world.tamper(&HIDE).await;
    let hidden = world.findings(&[]).await;
    world.tamper(&DELETE).await;
    let deleted = world.findings(&[]).await;

    assert_eq!(edited, [Finding::Edited { seq: 2 }]);
    assert_eq!(hidden, [Finding::Edited { seq: 2 }, Finding::ColumnsDiffer { seq: 3 }]);
    assert!(deleted.contains(&Finding::Missing { first: 1, last: 1 }), "{deleted:?}");
}

#[tokio::test]
async fn tampering_is_named_on_sqlite() {
    tampering_is_named(World::on_sqlite()).await;
}

#[tokio::test]
async fn tampering_is_named_on_postgres() {
    tampering_is_named(World::on_postgres()).await;
}

#[tokio::test]
async fn a_chain_that_is_wiped_out_altogether_is_missed_by_its_anchors() {
    static RECORDS: Change = change("DELETE FROM audit_record");
    static CHECKPOINTS: Change = change("DELETE FROM audit_checkpoint");
    static WRITERS: Change = change("DELETE FROM audit_writer");
    let world = World::on_sqlite();
    busy(&world).await.end().await.unwrap();
    let anchors = world.anchors.lock().unwrap().clone();
    for change in [&RECORDS, &CHECKPOINTS, &WRITERS] {
        world.tamper(change).await;
    }

    let found = world.findings(&anchors).await;

    assert!(matches!(found[..], [Finding::RolledBack { last: 0, .. }]), "{found:?}");
    assert_eq!(world.findings(&[]).await, [], "without an anchor nothing tells");
}

#[tokio::test]
async fn what_was_counted_before_a_crash_is_chained_after_it() {
    let world = World::on_sqlite();
    let audit = world.audit();
    audit.note(&world.entry(Kind::Pull, "sha256:aa", 1)).unwrap();
    audit.flush(false).await.unwrap();
    audit.note(&world.entry(Kind::Pull, "sha256:aa", 2)).unwrap();
    audit.flush(false).await.unwrap();
    let before = world.records(&Question::default()).await.len();
    drop(audit);

    world.audit().flush(false).await.unwrap();

    let after = world.records(&Question::default()).await;
    assert_eq!((before, after.len(), &own(&after[0])["count"]), (0, 1, &json!(2)));
    world.audit().flush(false).await.unwrap();
    assert_eq!(world.records(&Question::default()).await.len(), 1, "it is chained once");
}

#[tokio::test]
async fn a_change_whose_call_was_lost_in_a_crash_is_chained_all_the_same() {
    let world = World::on_sqlite();
    world.metadata.perform(&world.cx(3), Push("sha256:bb")).await.unwrap();
    world.pass(5);

    world.audit().flush(false).await.unwrap();

    let records = world.records(&Question::default()).await;
    assert_eq!((records.len(), &own(&records[0])["digest"]), (1, &json!("sha256:bb")));
    assert_eq!(records[0]["requestID"], RequestId::new([3; 16]).to_string());
}

/// Runs the room as a server does.
fn run(audit: &Audit) -> tokio::task::JoinHandle<()> {
    let audit = audit.clone();
    tokio::spawn(async move { audit.run().await })
}

#[tokio::test]
async fn what_has_just_happened_is_found_at_once_and_once_only() {
    let world = World::on_sqlite();
    let audit = world.audit();
    let running = run(&audit);
    tokio::task::yield_now().await;
    let search = async |question: &Question| {
        let page = audit.search(AccountId::DEFAULT, question, None, 10).await.unwrap();
        page.items.iter().map(|found| serde_json::from_str(&found.bytes).unwrap()).collect::<Vec<Value>>()
    };
    for request in [1, 2] {
        audit.note(&world.entry(Kind::Pull, "sha256:aa", request)).unwrap();
    }

    let counting = search(&Question { digest: Some("sha256:aa".into()), ..Question::default() }).await;
    let other = search(&Question { digest: Some("sha256:bb".into()), ..Question::default() }).await;
    world.pass(60);
    let over = search(&Question::default()).await;

    let told = |record: &Value| (own(record)["count"].clone(), own(record)["pending"] == true);
    assert_eq!(counting.iter().map(told).collect::<Vec<_>>(), [(json!(2), true)]);
    assert!(counting[0]["eventID"].is_null() && other.is_empty(), "{counting:?} {other:?}");
    assert_eq!(over.iter().map(told).collect::<Vec<_>>(), [(json!(2), false)]);
    audit.stop();
    running.await.unwrap();
}

#[tokio::test]
async fn pages_hold_what_counts_and_what_is_chained_in_the_order_of_time() {
    let world = World::on_sqlite();
    let audit = world.audit();
    for request in 0..6 {
        world.pass(1);
        let kind = if request % 2 == 0 { Kind::Change } else { Kind::Pull };
        audit.note(&world.entry(kind, &format!("sha256:{request}"), request)).unwrap();
    }
    audit.flush(false).await.unwrap();

    let (mut before, mut digests) = (None, vec![]);
    loop {
        let page = audit.search(AccountId::DEFAULT, &Question::default(), before, 2).await.unwrap();
        before = page.next;
        digests.extend(page.items.iter().map(|found| {
            let record: Value = serde_json::from_str(&found.bytes).unwrap();
            own(&record)["digest"].as_str().unwrap().to_string()
        }));
        if before.is_none() {
            break;
        }
    }

    assert_eq!(digests, (0..6).rev().map(|request| format!("sha256:{request}")).collect::<Vec<_>>());
}

const ALICE: &str = "arn:aws:iam::000000000000:user/people/alice";

/// A pull and a change of Alice's, in the chain.
async fn alice(world: &World, audit: &Audit, request: u8) {
    let told = format!("User: {ALICE} is not authorized");
    let pull = world.entry(Kind::Pull, "sha256:aa", request);
    audit.note(&Entry { principal: ALICE, error_message: &told, ..pull }).unwrap();
    audit.note(&Entry { principal: ALICE, ..world.entry(Kind::Change, "sha256:bb", request + 1) }).unwrap();
    world.pass(60);
    audit.flush(false).await.unwrap();
}

fn by_alice() -> Question {
    Question { principal: Some(ALICE.into()), ..Question::default() }
}

async fn a_person_is_erased(mut world: World) {
    static NAMES: Query = query("SELECT bytes FROM audit_bytes ORDER BY seq");
    world.settings.checkpoint_every = Period::seconds(1);
    let audit = world.audit();
    alice(&world, &audit, 1).await;
    let bob = "arn:aws:sts::000000000000:assumed-role/deploy/bob@example.com";
    audit.note(&Entry { principal: bob, ..world.entry(Kind::Change, "sha256:cc", 9) }).unwrap();
    audit.flush(false).await.unwrap();
    let before = world.records(&by_alice()).await;
    let stored = async || {
        let rows = world.metadata.read(|rows| rows.all(&NAMES, values![])).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_string()).collect::<Vec<_>>().join("\n")
    };
    let stored_before = stored().await;

    let token = crate::erase(&world.metadata, &world.cx(20), AccountId::DEFAULT, ALICE).await.unwrap().unwrap();

    let at_once = world.findings(&[]).await;
    world.pass(5);
    audit.flush(false).await.unwrap();
    audit.end().await.unwrap();
    assert_eq!(before.len(), 2);
    assert!(before.iter().all(|record| own(record)["principal"] == ALICE && record["sourceIPAddress"] == "127.0.0.1"));
    for name in ["alice", "bob", "127.0.0.1"] {
        assert!(!stored_before.contains(name), "{name} in {stored_before}");
    }
    assert_eq!((at_once, world.findings(&[]).await), (vec![], vec![]));
    assert_eq!(world.records(&by_alice()).await.len(), 0);
    let all = world.records(&Question::default()).await;
    let text = all.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains("alice") && text.contains(&token) && text.contains(bob), "{text}");
    assert!(all.iter().any(|record| record["eventName"] == "audit.erase_person"), "{text}");
    assert_eq!(stored().await.lines().take(3).collect::<Vec<_>>().join("\n"), stored_before, "no record was changed");
    let again = crate::erase(&world.metadata, &world.cx(21), AccountId::DEFAULT, "alice").await.unwrap();
    assert_eq!(again, None);
    alice(&world, &audit, 30).await;
    assert_eq!(world.records(&by_alice()).await.len(), 2, "what she does afterwards is hers, under another token");
    assert_eq!(world.findings(&[]).await, []);
}

#[tokio::test]
async fn a_person_is_erased_on_sqlite() {
    a_person_is_erased(World::on_sqlite()).await;
}

#[tokio::test]
async fn a_person_is_erased_on_postgres() {
    a_person_is_erased(World::on_postgres()).await;
}

#[tokio::test]
async fn names_that_are_exchanged_or_taken_away_are_found_out() {
    static EXCHANGE: Change = change("UPDATE audit_person SET value = '000000000000:user/mallory' WHERE owner = ''");
    static TAKE_AWAY: Change = change("DELETE FROM audit_person");
    let world = World::on_sqlite();
    let audit = world.audit();
    alice(&world, &audit, 1).await;
    audit.end().await.unwrap();

    world.tamper(&EXCHANGE).await;
    let exchanged = world.findings(&[]).await;
    world.tamper(&TAKE_AWAY).await;
    let gone = world.findings(&[]).await;

    assert!(matches!(&exchanged[..], [Finding::Renamed { token }] if token.starts_with('~')), "{exchanged:?}");
    assert!(!gone.is_empty() && gone.iter().all(|finding| matches!(finding, Finding::Unnamed { .. })), "{gone:?}");
}

#[tokio::test]
async fn who_waits_hears_when_it_is_durable() {
    let world = World::on_sqlite();
    let audit = world.audit();
    let mut told = audit.note_durably(&world.entry(Kind::Refusal, "", 1)).unwrap();
    let before = told.try_recv().is_ok();

    audit.flush(false).await.unwrap();

    assert!(!before && told.try_recv().is_ok());
}

#[tokio::test]
async fn where_there_is_no_room_the_gap_is_a_record_or_the_request_is_refused() {
    let mut world = World::on_sqlite();
    world.settings.queue_max = 1;
    let audit = world.audit();
    for digest in ["sha256:aa", "sha256:bb", "sha256:cc"] {
        audit.note(&world.entry(Kind::Pull, digest, 1)).unwrap();
    }
    audit.flush(false).await.unwrap();
    world.settings.on_overflow = OnOverflow::Refuse;
    let strict = world.audit();
    strict.note(&world.entry(Kind::Pull, "sha256:aa", 1)).unwrap();

    assert_eq!(strict.note(&world.entry(Kind::Pull, "sha256:bb", 1)), Err(Full));
    let records = world.records(&Question::default()).await;
    assert_eq!((records.len(), &records[0]["eventName"]), (1, &json!("AuditGap")));
    assert_eq!(own(&records[0])["changes"][0]["body"]["count"], 2);
    assert_eq!(audit.figures().lost, 2);
}

#[tokio::test]
async fn single_records_are_not_counted_together() {
    let mut world = World::on_sqlite();
    world.settings.single_records = true;
    let audit = world.audit();
    for request in [1, 2] {
        audit.note(&world.entry(Kind::Pull, "sha256:aa", request)).unwrap();
    }

    audit.flush(false).await.unwrap();

    assert_eq!(world.records(&Question::default()).await.len(), 2);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let world = World::on_sqlite();
    let audit = world.audit();
    for request in 0..10 {
        world.pass(1);
        audit.note(&Entry { action: "ecr:PutImage", ..world.entry(Kind::Change, "", request) }).unwrap();
    }
    audit.flush(false).await.unwrap();

    let (mut before, mut seen) = (None, vec![]);
    loop {
        let page = audit.search(AccountId::DEFAULT, &Question::default(), before, 3).await.unwrap();
        before = page.next;
        seen.extend(page.items.iter().map(|found| found.place.seq));
        if before.is_none() {
            break;
        }
    }

    assert_eq!(seen, (1..=10).rev().collect::<Vec<i64>>());
}
