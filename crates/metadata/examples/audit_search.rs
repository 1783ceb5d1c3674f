//! How long searches of a large audit take: `cargo run --release -p gantry-metadata --example audit_search -- [RECORDS] [postgres://…]`.
//!
//! Fills a database with 10 million records (500 repositories, 200 principals, 20,000 digests, a year) and asks for pages of
//! 100, the newest first, by time, principal, repository and digest, and for pages deep within; prints the median and the
//! slowest of 50 each.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "an experiment that stops where it fails")]

use gantry_audit::{Columns, GENESIS, key, number};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Locks, Metadata, Reader, Settings, Trail, Tx,
    audit::{self, Place, Search},
};
use gantry_words::{AccountId, Cx, Secret, Timestamp};
use std::time::{Duration, Instant};

const PER_ACT: u64 = 5_000;
const PER_PAGE: usize = 100;
const ROUNDS: u64 = 50;
const YEAR_MILLIS: u64 = 365 * 24 * 3600 * 1000;
const ACCOUNT: AccountId = AccountId::DEFAULT;

struct Fill {
    first: u64,
    count: u64,
    all: u64,
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
        for seq in self.first..self.first + self.count {
            let drawn = mix(seq);
            let columns = Columns {
                at: (seq * YEAR_MILLIS / self.all) as i64,
                account: number(ACCOUNT),
                principal: principal(drawn % 200),
                repository: repository(drawn % 500),
                digest: digest(drawn % 20_000),
                action: key(ACCOUNT, "ecr:BatchGetImage"),
                outcome: i64::from(drawn.is_multiple_of(100)),
            };
            let bytes = format!("{{\"record\":{seq},\"filling\":\"{drawn:0>300}\"}}");
            audit::insert_record(tx, 1, seq, &columns, &GENESIS, &bytes)?;
        }
        Ok(())
    }
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20
}

fn principal(number: u64) -> i64 {
    key(ACCOUNT, &format!("arn:aws:iam::000000000000:user/{number}"))
}

fn repository(number: u64) -> i64 {
    key(ACCOUNT, &format!("team/app-{number}"))
}

fn digest(number: u64) -> i64 {
    key(ACCOUNT, &format!("sha256:{number:064x}"))
}

fn any() -> Search {
    Search { account: number(ACCOUNT), principal: 0, repository: 0, digest: 0, action: 0, outcome: -1, from: i64::MIN }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let all: u64 = arguments.next().map_or(10_000_000, |text| text.parse().unwrap());
    let mut settings = Settings::default();
    if let Some(url) = arguments.next() {
        settings.url = Secret::new(url);
    }
    let (folder, env) = (tempfile::tempdir_in(".").unwrap(), Env::real());
    let metadata = Metadata::open(&settings, folder.path(), env.clone()).unwrap();
    let cx = Cx {
        actor: "example".into(),
        account: ACCOUNT,
        operation: "example",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let began = Instant::now();
    for first in (1..=all).step_by(PER_ACT as usize) {
        let fill = Fill { first, count: PER_ACT.min(all + 1 - first), all };
        metadata.perform(&cx, fill).await.unwrap();
    }
    println!("{all} records written in {:.0} s", began.elapsed().as_secs_f64());
    let end = Place { at: i64::MAX, writer: i64::MAX, seq: i64::MAX };
    let middle = Place { at: (YEAR_MILLIS / 2) as i64, ..end };
    type Asked = fn(u64) -> Search;
    let questions: [(&str, Asked); 7] = [
        ("time", |_| any()),
        ("principal", |round| Search { principal: principal(round % 200), ..any() }),
        ("repository", |round| Search { repository: repository(round * 7 % 500), ..any() }),
        ("digest", |round| Search { digest: digest(round * 331 % 20_000), ..any() }),
        ("repository, refused", |round| Search { repository: repository(round * 100 % 500), outcome: 1, ..any() }),
        ("repository and principal", |round| Search {
            repository: repository(round % 500),
            principal: principal(round % 200),
            ..any()
        }),
        ("nobody", |round| Search { principal: principal(1_000 + round), ..any() }),
    ];
    for (what, question) in questions {
        for (where_, before) in [("the newest", end), ("half a year back", middle)] {
            ask(&metadata, what, where_, question, before).await;
        }
    }
}

async fn ask(metadata: &Metadata, what: &str, where_: &str, question: fn(u64) -> Search, before: Place) {
    let (mut times, mut found) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let search = question(round);
        let began = Instant::now();
        let page = metadata.read_long(move |rows| audit::search(rows, &search, before, PER_PAGE)).await.unwrap();
        times.push(began.elapsed());
        found += page.len();
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let (median, slowest) = (millis(times[times.len() / 2]), millis(times[times.len() - 1]));
    println!("{what}, {where_}: median {median:.2} ms, slowest {slowest:.2} ms, {} a page", found as u64 / ROUNDS);
}
