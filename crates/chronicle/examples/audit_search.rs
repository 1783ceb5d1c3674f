//! How long searches of a large audit take, and what trimming it costs others:
//! `cargo run --release -p gantry-chronicle --example audit_search -- [RECORDS] [postgres://…]`.
//!
//! Fills a database with 10 million records of a year (500 repositories, 200 people, 20,000 digests, few of which have most) and
//! asks for pages of 100 by each thing that can be asked for, and by pairs; prints the median and the slowest of 50 each. Then it
//! trims a tenth, beside small durable changes.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "an experiment that stops where it fails")]

use gantry_audit::{Columns, GENESIS, Outcome, Signed, SigningKey, commit, key, number, print_hash, writer_of};
use gantry_chronicle::{Audit, Question, Settings, search};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Locks, Metadata, Reader, Trail, Tx,
    audit::{self, PersonRow, Place, WriterRow},
    leases,
};
use gantry_words::{AccountId, Cx, Period, Region, Secret, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

const PER_ACT: u64 = 5_000;
const PER_PAGE: usize = 100;
const ROUNDS: u64 = 50;
const DAYS: u64 = 365;
const ACCOUNT: AccountId = AccountId::DEFAULT;

/// Number of somebody, of whom the first do most.
fn few_of(drawn: u64, count: u64) -> u64 {
    let part = (drawn % 10_000) as f64 / 10_000.0;
    (part.powi(3) * count as f64) as u64
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
}

fn name(number: u64) -> String {
    format!("arn:aws:iam::000000000000:user/u{number}")
}

fn token(number: u64) -> String {
    commit(&[7; 16], &format!("{ACCOUNT}:user/u{number}"))
}

fn repository(number: u64) -> String {
    format!("team/app-{number}")
}

fn digest(repository: u64, number: u64) -> String {
    format!("sha256:{:064x}", repository * 40 + number)
}

struct Fill {
    writer: i64,
    first: u64,
    count: u64,
    all: u64,
    began: Timestamp,
}

impl Fill {
    fn write(&self, tx: &mut Tx, seq: u64) -> Result<(), Fault> {
        let (drawn, again) = (mix(seq), mix(seq ^ 0x5555_5555));
        let (mut by, at) = (few_of(drawn, 200), few_of(again, 500));
        // Two who have much, and nothing with each other.
        if (by, at) == (1, 1) {
            by = 2;
        }
        let digest = digest(at, few_of(drawn / 10_000, 40));
        let action = match again / 10_000 % 100 {
            0 | 1 => "ecr:PutImage",
            2 => "ecr:BatchDeleteImage",
            _ => "ecr:BatchGetImage",
        };
        let outcome = match drawn / 1_000_000 % 1000 {
            0 => Outcome::Failed,
            1..20 => Outcome::Refused,
            _ => Outcome::Success,
        };
        let millis = self.began.millis() + (seq * DAYS * 24 * 3600 / self.all * 1000) as i64;
        let (stored, repository) = (format!("arn:aws:iam::000000000000:user/{}", token(by)), repository(at));
        let columns = Columns {
            at: millis,
            account: number(ACCOUNT),
            principal: key(ACCOUNT, &stored),
            repository: key(ACCOUNT, &repository),
            digest: key(ACCOUNT, &digest),
            action: key(ACCOUNT, action),
            outcome: outcome.number(),
        };
        let bytes = format!(
            r#"{{"recipientAccountId":"{ACCOUNT}","requestParameters":{{"repositoryName":"{repository}"}},"additionalEventData":{{"gantry":{{"principal":"{stored}","digest":"{digest}","action":"{action}","filling":"{drawn:0>200}"}}}}}}"#
        );
        audit::insert_record(tx, self.writer, seq, &columns, &GENESIS, &bytes)
    }
}

impl Act for Fill {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "example.fill";
    const TRAIL: Trail = Trail::Housekeeping;
    const LOCKS: Locks = Locks::Unlocked("nobody else is there");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        (self.first..self.first + self.count).try_for_each(|seq| self.write(tx, seq))
    }
}

/// Writes down who everybody is, where the chain ends, and a checkpoint behind a tenth of it.
struct Frame {
    writer: WriterRow,
    checkpoint: (u64, Timestamp),
}

impl Act for Frame {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "example.frame";
    const TRAIL: Trail = Trail::Housekeeping;
    const LOCKS: Locks = Locks::Unlocked("nobody else is there");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        for number in 0..200 {
            let value = format!("{ACCOUNT}:user/u{number}");
            let salt = hex::encode([7; 16]);
            let row = PersonRow { token: token(number), owner: String::new(), value, salt, named_at: tx.now() };
            audit::insert_person(tx, &row)?;
        }
        let (seq, at) = self.checkpoint;
        let signed = Signed { bytes: "{}".into(), signature: String::new() };
        audit::insert_checkpoint(tx, self.writer.writer, seq, at, &signed)?;
        audit::put_writer(tx, &self.writer)
    }
}

struct Ground {
    metadata: Metadata,
    env: Env,
}

impl Ground {
    fn cx(&self) -> Cx {
        Cx {
            actor: "example".into(),
            account: ACCOUNT,
            operation: "example",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    async fn fill(&self, signing: &SigningKey, all: u64) -> Timestamp {
        let (writer, began) = (writer_of(&signing.public()), self.env.now().minus(days(DAYS)));
        let started = Instant::now();
        for first in (1..=all).step_by(PER_ACT as usize) {
            let fill = Fill { writer, first, count: PER_ACT.min(all + 1 - first), all, began };
            self.metadata.perform(&self.cx(), fill).await.unwrap();
        }
        println!("{all} records written in {:.0} s", started.elapsed().as_secs_f64());
        let row = WriterRow {
            writer,
            public_key: print_hash(&signing.public()),
            seq: all,
            hash: GENESIS,
            root: 0,
            batch: 0,
            checkpoint_seq: all / 10,
            checkpoint_at: began.plus(days(DAYS / 10)),
            checkpoint_hash: GENESIS,
        };
        let checkpoint = (row.checkpoint_seq, row.checkpoint_at);
        self.metadata.perform(&self.cx(), Frame { writer: row, checkpoint }).await.unwrap();
        began
    }

    async fn ask(&self, what: &str, question: &dyn Fn(u64) -> Question, before: Option<Place>) {
        let (mut times, mut looks, mut found) = (vec![], 0, 0);
        for round in 0..ROUNDS {
            let (question, mut before, mut left) = (question(round), before, PER_PAGE);
            // Where much must be looked at, a page comes in parts: what counts is how long each takes.
            while left > 0 && looks < 50 * (round + 1) {
                let began = Instant::now();
                let page = search(&self.metadata, ACCOUNT, &question, before, left).await.unwrap();
                times.push(began.elapsed());
                (found, left, looks) = (found + page.items.len(), left - page.items.len(), looks + 1);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
        }
        let (median, slowest) = median_and_last(&mut times);
        let (found, looks) = (found as u64 / ROUNDS, looks as f64 / ROUNDS as f64);
        println!("{what}: median {median:.2} ms, slowest {slowest:.2} ms; {found} records in {looks:.1} looks");
    }

    /// Small durable changes, as fast as four clients make them, until `is_over`.
    async fn change(self: Arc<Self>, is_over: Arc<AtomicBool>) -> Vec<Duration> {
        let clients = (0..4_u64).map(|client| {
            let (ground, is_over) = (self.clone(), is_over.clone());
            tokio::spawn(async move {
                let mut times = vec![];
                while !is_over.load(Relaxed) {
                    let began = Instant::now();
                    let (holder, until) = (format!("client-{client}"), ground.env.now().plus(Duration::from_secs(60)));
                    ground.metadata.perform(&ground.cx(), Renew { name: holder, until }).await.unwrap();
                    times.push(began.elapsed());
                }
                times
            })
        });
        let mut all = vec![];
        for client in clients.collect::<Vec<_>>() {
            all.extend(client.await.unwrap());
        }
        all
    }
}

/// A small change: somebody holds something for a while longer.
struct Renew {
    name: String,
    until: Timestamp,
}

impl Act for Renew {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "example.renew";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&self.name)
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        leases::take(tx, &self.name, "example", self.until)
    }
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

fn median_and_last(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let millis = |at: usize| times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    (millis(times.len() / 2), millis(times.len().saturating_sub(1)))
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let all: u64 = arguments.next().map_or(10_000_000, |text| text.parse().unwrap());
    let mut settings = gantry_metadata::Settings::default();
    if let Some(url) = arguments.next() {
        settings.url = Secret::new(url);
    }
    let (folder, env) = (tempfile::tempdir_in(".").unwrap(), Env::real());
    let metadata = Metadata::open(&settings, folder.path(), env.clone()).unwrap();
    let ground = Arc::new(Ground { metadata, env });
    let signing = SigningKey::from_seed(&[3; 32]);
    let began = ground.fill(&signing, all).await;
    ask_all(&ground, began).await;
    trim(ground, signing).await;
}

async fn ask_all(ground: &Ground, began: Timestamp) {
    let middle = Place { at: began.plus(days(DAYS / 2)).millis(), writer: i64::MAX, seq: i64::MAX };
    let any = Question::default;
    let by = |who: u64| Question { principal: Some(name(who)), ..any() };
    let of = |at: u64| Question { repository: Some(repository(at)), ..any() };
    let one = |at: u64, which: u64| Question { digest: Some(digest(at, which)), ..any() };
    let refused = Some(Outcome::Refused);
    let put = Some("ecr:PutImage".to_string());
    let questions: &[(&str, &dyn Fn(u64) -> Question)] = &[
        ("time", &|_| any()),
        ("a day, a month ago", &|_| Question {
            from: Some(began.plus(days(335))),
            until: Some(began.plus(days(336))),
            ..any()
        }),
        ("principal", &|round| by(round * 4)),
        ("nobody", &|round| by(1_000 + round)),
        ("repository", &|round| of(round * 10)),
        ("digest", &|round| one(round * 10, round % 40)),
        ("outcome, refused", &|_| Question { outcome: refused, ..any() }),
        ("outcome, failed", &|_| Question { outcome: Some(Outcome::Failed), ..any() }),
        ("outcome, success", &|_| Question { outcome: Some(Outcome::Success), ..any() }),
        ("action", &|_| Question { action: put.clone(), ..any() }),
        ("an action that nobody asked for", &|_| Question { action: Some("ecr:CreateRepository".into()), ..any() }),
        ("principal and repository", &|round| Question { repository: Some(repository(round * 10)), ..by(round * 4) }),
        ("principal and repository, never together", &|_| Question { repository: Some(repository(1)), ..by(1) }),
        ("principal and outcome", &|round| Question { outcome: refused, ..by(round * 4) }),
        ("repository and outcome", &|round| Question { outcome: refused, ..of(round * 10) }),
        ("digest and outcome", &|round| Question { outcome: refused, ..one(round * 10, round % 40) }),
        ("digest and principal", &|round| Question { principal: Some(name(round * 4)), ..one(round * 10, round % 40) }),
        ("digest and principal, never together", &|_| Question { principal: Some(name(1)), ..one(1, 0) }),
        ("digest and repository", &|round| Question {
            repository: Some(repository(round * 10)),
            ..one(round * 10, round % 40)
        }),
        ("principal and action", &|round| Question { action: put.clone(), ..by(round * 4) }),
        ("repository and action", &|round| Question { action: put.clone(), ..of(round * 10) }),
        ("action and outcome", &|_| Question { action: put.clone(), outcome: refused, ..any() }),
        ("principal, repository, outcome", &|round| Question {
            repository: Some(repository(round * 10)),
            outcome: refused,
            ..by(round * 4)
        }),
    ];
    for (what, question) in questions {
        ground.ask(what, question, None).await;
        ground.ask(&format!("{what}, half a year back"), question, Some(middle)).await;
    }
}

async fn trim(ground: Arc<Ground>, signing: SigningKey) {
    let keep = Period::hours((DAYS - DAYS / 10 - 1) * 24);
    let settings = Settings { keep, ..Settings::default() };
    let place = (ACCOUNT, Region::default());
    let audit = Audit::new(ground.metadata.clone(), ground.env.clone(), signing, place, settings, None);
    let during = async |what: &str, work: std::pin::Pin<Box<dyn Future<Output = u64>>>| {
        let is_over = Arc::new(AtomicBool::new(false));
        let changes = tokio::spawn(ground.clone().change(is_over.clone()));
        let began = Instant::now();
        let removed = work.await;
        let took = began.elapsed().as_secs_f64();
        is_over.store(true, Relaxed);
        let mut times = changes.await.unwrap();
        let (median, slowest) = median_and_last(&mut times);
        let late = times[times.len() * 99 / 100].as_secs_f64() * 1000.0;
        let rate = times.len() as f64 / took;
        println!(
            "{what}: {removed} records in {took:.1} s; {rate:.0} changes a second, median {median:.2} ms, 99 of 100 within {late:.2} ms, slowest {slowest:.2} ms"
        );
    };
    let pause = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        0
    };
    during("changes alone", Box::pin(pause)).await;
    let trimmed = async move { audit.trim().await.unwrap() };
    during("changes beside trimming", Box::pin(trimmed)).await;
}
