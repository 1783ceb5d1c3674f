//! The feed of events: statements on the numbers by which they are told (`event.handled`, `event_feed`).

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_env::Ids;
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};
use serde_json::json;

/// Who numbers events, or removes some, holds this.
pub const LOCK: &str = "event feed";

static LAST: Query = query("SELECT last FROM event_feed WHERE account = $1");
static ID_OF: Query = query("SELECT id FROM event WHERE account = $1 AND handled = $2 LIMIT 1");
static FIRST_SINCE: Query =
    query("SELECT handled FROM event WHERE account = $1 AND handled > 0 AND id >= $2 ORDER BY handled LIMIT 1");
static AFTER: Query = query(
    "SELECT e.handled, e.id, e.at, e.kind, e.repository, r.name, e.body
     FROM event AS e LEFT JOIN repository AS r ON r.id = e.repository
     WHERE e.account = $1 AND e.handled > $2 ORDER BY e.handled LIMIT $3",
);
static WAITING: Query = query("SELECT id FROM event WHERE account = $1 AND handled = 0 ORDER BY id LIMIT $2");
static WAITING_UNTIL: Query = query(
    "SELECT account, count(*) FROM (SELECT account, handled FROM event WHERE id <= $1 ORDER BY id LIMIT $2) AS oldest
     WHERE handled = 0 GROUP BY account ORDER BY account",
);
static NUMBER: Change = change(
    "UPDATE event SET handled = CAST(j.value ->> 1 AS BIGINT) FROM json_each($1) AS j
     WHERE event.id = CAST(j.value ->> 0 AS BIGINT)",
);
static PUT_LAST: Change = change(
    "INSERT INTO event_feed(account, last) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET last = excluded.last",
);
static SKIP: Change = change(
    "INSERT INTO event_feed(account, last) VALUES ($1, $2)
     ON CONFLICT (account) DO UPDATE SET last = event_feed.last + excluded.last",
);

/// An event as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Its number in the feed of its account, from 1 on.
    pub number: i64,
    /// Its id.
    pub id: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// The repository it happened in.
    pub repository: Option<i64>,
    /// What that is called; `None` where it is gone.
    pub repository_name: Option<String>,
    /// What there is to know about it, as JSON.
    pub body: String,
}

/// Returns the last number that was given in the feed of an account; 0 where none was.
pub fn last(rows: &mut Reader, account: AccountId) -> Result<i64, Fault> {
    rows.one(&LAST, values![account])?.map_or(Ok(0), |row| row.int(0))
}

/// Returns the id of the event with a number; `None` where it is gone, and for 0, which no event has in the feed.
pub fn id_of(rows: &mut Reader, account: AccountId, number: i64) -> Result<Option<i64>, Fault> {
    // All that wait for a number have 0 in the table.
    if number <= 0 {
        return Ok(None);
    }
    rows.one(&ID_OF, values![account, number])?.map(|row| row.int(0)).transpose()
}

/// Returns the number of the first event in the feed that did not happen before `since`. It looks at all of them: for those who ask
/// seldom.
pub fn first_since(rows: &mut Reader, account: AccountId, since: Timestamp) -> Result<Option<i64>, Fault> {
    rows.one(&FIRST_SINCE, values![account, Ids::first_at(since)])?.map(|row| row.int(0)).transpose()
}

/// Returns up to `count` events of the feed of an account after a number, in its order.
pub fn after(rows: &mut Reader, account: AccountId, number: i64, count: usize) -> Result<Vec<FeedRow>, Fault> {
    let read = |mut row: Row| {
        Ok(FeedRow {
            number: row.int(0)?,
            id: row.int(1)?,
            at: row.time(2)?,
            kind: row.take_text(3)?,
            repository: row.opt_int(4)?,
            repository_name: row.take_opt_text(5)?,
            body: row.take_text(6)?,
        })
    };
    rows.all(&AFTER, values![account, number, count])?.into_iter().map(read).collect()
}

/// Returns the ids of up to `count` events of an account that have no number yet, in their order.
pub fn waiting(rows: &mut Reader, account: AccountId, count: usize) -> Result<Vec<i64>, Fault> {
    rows.all(&WAITING, values![account, count])?.iter().map(|row| row.int(0)).collect()
}

/// Returns how many of the oldest events, up to an id and a count, have no number yet, by account.
pub fn waiting_until(rows: &mut Reader, id: i64, count: usize) -> Result<Vec<(String, i64)>, Fault> {
    let read = |mut row: Row| Ok((row.take_text(0)?, row.int(1)?));
    rows.all(&WAITING_UNTIL, values![id, count])?.into_iter().map(read).collect()
}

/// Gives events of an account the numbers that come after `last`, in the order of `ids`. Takes [`LOCK`].
pub fn number(tx: &mut Tx, account: AccountId, last: i64, ids: &[i64]) -> Result<(), Fault> {
    let numbers = ids.iter().zip(last + 1..).map(|(id, number)| json!([id, number]));
    tx.write(&NUMBER, values![serde_json::Value::Array(numbers.collect()).to_string()])?;
    let last = last.saturating_add_unsigned(ids.len() as u64);
    tx.write(&PUT_LAST, values![account, last])
}

/// Leaves out as many numbers as events are removed that had none: so that who follows sees that some are missing. Takes [`LOCK`].
pub fn skip(tx: &mut Tx, account: &str, count: i64) -> Result<(), Fault> {
    tx.write(&SKIP, values![account, count])
}
