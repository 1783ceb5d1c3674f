//! Searches of the audit find what a look at every record finds, whatever is asked, and none looks at too many.

use crate::{cx, on_postgres, on_sqlite};
use gantry_audit::{Columns, GENESIS};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Locks, Metadata, Reader, Settings, Tx,
    audit::{self, Place, Search},
    suite::postgres::Database,
};
use gantry_words::Timestamp;

const END: Place = Place { at: i64::MAX, writer: i64::MAX, seq: i64::MAX };
const ANYTHING: Search =
    Search { account: 1, principal: 0, repository: 0, digest: 0, action: 0, outcome: -1, from: i64::MIN };

struct Fill(Vec<Columns>);

impl Act for Fill {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.fill";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        (1..).zip(&self.0).try_for_each(|(seq, columns)| {
            audit::insert_record(tx, 1, seq, columns, &GENESIS, &format!("record {seq}"))
        })
    }
}

/// Records of two accounts, whose names have other keys each; what they say recurs with other periods, so that most pairs are there,
/// and some are not.
fn records() -> Vec<Columns> {
    let record = |number: i64| {
        let other = i64::from(number % 97 == 0);
        let key = |of: i64| of + 1_000 * other;
        Columns {
            at: 1_000 + number / 3,
            account: 1 + other,
            principal: key(10 + number % 5),
            repository: if number % 11 == 0 { 0 } else { key(20 + number % 7) },
            digest: if number % 13 == 0 { 0 } else { key(30 + number % 4) },
            action: key(40 + number % 3),
            outcome: match number % 29 {
                0 => 2,
                1..5 => 1,
                _ => 0,
            },
        }
    };
    (1..=2_500).map(record).collect()
}

/// Follows a search to its end, page by page.
async fn all(metadata: &Metadata, asked: Search, count: usize) -> Vec<String> {
    let (mut before, mut found) = (END, vec![]);
    loop {
        let looked = metadata.read(move |rows| audit::search(rows, &asked, before, count)).await.unwrap();
        let last = looked.found.last().map(|last| last.place);
        let is_full = looked.found.len() == count;
        found.extend(looked.found.into_iter().map(|found| found.bytes));
        match (looked.rest, last) {
            (Some(rest), _) => before = rest,
            (None, Some(last)) if is_full => before = last,
            _ => return found,
        }
    }
}

fn fits(asked: &Search, columns: &Columns) -> bool {
    let one = |wanted: i64, is: i64| wanted == 0 || wanted == is;
    columns.account == asked.account
        && one(asked.principal, columns.principal)
        && one(asked.repository, columns.repository)
        && one(asked.digest, columns.digest)
        && one(asked.action, columns.action)
        && (asked.outcome < 0 || asked.outcome == columns.outcome)
        && columns.at >= asked.from
}

async fn every_question_is_answered_as_by_looking_at_all(metadata: Metadata) {
    let records = records();
    metadata.perform(&cx(1), Fill(records.clone())).await.unwrap();

    for number in 0..2 * 2 * 2 * 2 * 4 {
        let bit = |place: usize| number >> place & 1 == 1;
        let asked = Search {
            principal: if bit(0) { 12 } else { 0 },
            repository: if bit(1) { 23 } else { 0 },
            digest: if bit(2) { 31 } else { 0 },
            action: if bit(3) { 41 } else { 0 },
            outcome: (number >> 4) - 1,
            from: if bit(0) { 1_400 } else { i64::MIN },
            ..ANYTHING
        };

        let found = all(&metadata, asked, 40).await;

        let places = (1..).zip(&records).filter(|(_, columns)| fits(&asked, columns));
        let mut wanted: Vec<String> = places.map(|(seq, _): (u64, _)| format!("record {seq}")).collect();
        wanted.reverse();
        assert_eq!(found, wanted, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_as_by_looking_at_all_on_sqlite() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    every_question_is_answered_as_by_looking_at_all(metadata).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_as_by_looking_at_all_on_postgres() {
    let database = Database::new();
    every_question_is_answered_as_by_looking_at_all(on_postgres(&database.settings())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_would_look_at_much_says_where_it_goes_on() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    let never_together = |number: i64| Columns {
        at: number,
        account: 1,
        principal: 10,
        repository: 0,
        digest: 30 + number % 2,
        action: 41 - number % 2,
        outcome: 0,
    };
    metadata.perform(&cx(1), Fill((1..=10_000).map(never_together).collect())).await.unwrap();
    let asked = Search { digest: 30, action: 40, ..ANYTHING };

    let looked = metadata.read_long(move |rows| audit::search(rows, &asked, END, 10)).await.unwrap();
    let rest = looked.rest.unwrap();

    assert_eq!((looked.found, all(&metadata, asked, 10).await.len()), (vec![], 0));
    assert!(rest.at > 5_000, "{rest:?}: of 5,000 rows that there are 2,048 were looked at");
}
