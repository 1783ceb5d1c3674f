//! Every statement on what only grows, `event` and `audit`, but for the two that write it (`act.rs`).
//!
//! Their ids begin with the time ([`gantry_env::Ids`]), so the oldest rows are the first: no index is needed to find them.

use crate::{Change, Metadata, Query, Reader, Row, Tx, change, query, values};
use gantry_env::Ids;
use gantry_fault::Fault;
use gantry_words::Timestamp;
use std::time::Duration;

/// For how long an event of another replica may not be there yet though a younger one is.
const COMMIT_MAX: Duration = Duration::from_secs(30);

static OLD_EVENTS: Query = query("SELECT id FROM event WHERE id < $1 ORDER BY id LIMIT $2");
static OLD_AUDIT: Query = query("SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2");
static OF_IMAGES: Query = query(
    "SELECT id, repository, kind, body FROM event
     WHERE id > $1 AND (kind IN ('image.pushed', 'image.removed', 'image.restored', 'image.archived', 'image.activated')
         OR kind IN ('tag.moved', 'tag.removed') AND body LIKE '%.att\"%')
     ORDER BY id LIMIT $2",
);
static LAST_EVENT: Query = query("SELECT id FROM event ORDER BY id DESC LIMIT 1");
static FORGET_EVENTS: Change = change("DELETE FROM event WHERE id <= $1");
static FORGET_AUDIT: Change = change("DELETE FROM audit WHERE id <= $1");

/// What only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The outbox.
    Event,
    /// The change trail.
    Audit,
}

/// The oldest rows of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// How many.
    pub count: u64,
    /// The number of the youngest of them.
    pub last: i64,
}

/// Finds up to `count` rows that are older than `before`, the oldest first; `None` where there are none.
pub fn oldest(rows: &mut Reader, table: Table, before: Timestamp, count: usize) -> Result<Option<Oldest>, Fault> {
    let old = match table {
        Table::Event => &OLD_EVENTS,
        Table::Audit => &OLD_AUDIT,
    };
    let found = rows.all(old, values![Ids::first_at(before), count as i64])?;
    found.last().map(|last| Ok(Oldest { count: found.len() as u64, last: last.int(0)? })).transpose()
}

/// What happened to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageEventRow {
    /// The number of the event.
    pub id: i64,
    /// The repository.
    pub repository: i64,
    /// `image.pushed`, `image.removed`, `image.restored`, `image.archived` or `image.activated`; `tag.moved` or `tag.removed` of a tag under
    /// which cosign puts attestations (`sha256-….att`).
    pub kind: String,
    /// What there is to know about it, as JSON.
    pub body: String,
}

/// Returns up to `count` events after a number that tell of images which came or went.
pub fn of_images(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<ImageEventRow>, Fault> {
    let found = rows.all(&OF_IMAGES, values![after, count])?;
    let event = |row: &Row| {
        let (kind, body) = (row.text(2)?.into(), row.text(3)?.into());
        Ok(ImageEventRow { id: row.int(0)?, repository: row.int(1)?, kind, body })
    };
    found.iter().map(event).collect()
}

/// Returns the number of the last event; 0 where there is none.
pub fn last_event(rows: &mut Reader) -> Result<i64, Fault> {
    rows.one(&LAST_EVENT, values![])?.map_or(Ok(0), |row| row.int(0))
}

/// Returns up to which event all are there that will be, of those up to `last`.
pub fn settled(metadata: &Metadata, last: i64, now: Timestamp) -> i64 {
    match metadata.owns_alone() {
        true => last,
        false => last.min(Ids::first_at(now.minus(COMMIT_MAX))),
    }
}

/// Removes the rows of a trail up to the number `last`.
pub fn forget(tx: &mut Tx, table: Table, last: i64) -> Result<(), Fault> {
    match table {
        Table::Event => tx.write(&FORGET_EVENTS, values![last]),
        Table::Audit => tx.write(&FORGET_AUDIT, values![last]),
    }
}
