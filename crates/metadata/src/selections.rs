//! Every statement on `image_selection` and `image_selection_leftover`: images that are chosen by a query, to do one thing to them all.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};
use serde_json::json;

/// A list of images, without the list itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionRow {
    /// A random text that only its owner is told.
    pub id: String,
    /// The ARN of whoever asked for it.
    pub owner: String,
    /// The query.
    pub query: String,
    /// What is done to the images: JSON.
    pub action: String,
    /// How many images are in the list.
    pub image_count: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it is forgotten.
    pub ends_at: Timestamp,
    /// [`READY`], [`RUNNING`] or [`FINISHED`].
    pub state: String,
    /// When it last went on.
    pub touched_at: Timestamp,
    /// How many images have come to what.
    pub counts: SelectionCounts,
}

/// How many images of a list have come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectionCounts {
    /// It was done to them.
    pub done: u64,
    /// They are not as they were, and were left alone.
    pub changed: u64,
    /// It was refused.
    pub failed: u64,
}

/// An image that it was not done to, or not at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftoverRow {
    /// Where in the list it stands.
    pub place: u64,
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// `changed`, `failed` or `waiting`.
    pub outcome: String,
    /// The kind of the refusal.
    pub code: String,
    /// What it says.
    pub message: String,
}

/// The state of a list that nobody has run.
pub const READY: &str = "ready";
/// The state of one that is run just now.
pub const RUNNING: &str = "running";
/// The state of one that was run.
pub const FINISHED: &str = "finished";

static FIND: Query = query(
    "SELECT id, owner, query, action, image_count, made_at, ends_at, state, touched_at, done, changed, failed
     FROM image_selection WHERE id = $1 AND account = $2",
);
static IMAGES: Query = query("SELECT images FROM image_selection WHERE id = $1");
static READY_OF: Query = query(
    "SELECT id FROM image_selection WHERE account = $1 AND owner = $2 AND state = 'ready' ORDER BY made_at, id LIMIT $3",
);
static COUNT: Query = query("SELECT count(*) FROM image_selection WHERE ends_at > $1 AND state <> 'finished'");
static LEFTOVERS: Query = query(
    "SELECT place, repository, digest, outcome, code, message
     FROM image_selection_leftover WHERE selection = $1 ORDER BY place LIMIT $2",
);
static INSERT: Change = change(
    "INSERT INTO image_selection(id, account, owner, query, action, images, image_count, made_at, ends_at, state, touched_at,
         done, changed, failed)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0)",
);
static GO_ON: Change = change(
    "UPDATE image_selection SET state = $2, touched_at = $3, ends_at = $4, done = $5, changed = $6, failed = $7,
         images = CASE WHEN CAST($2 AS TEXT) = 'finished' THEN '' ELSE images END WHERE id = $1",
);
static ADD_LEFTOVERS: Change = change(
    "INSERT INTO image_selection_leftover(selection, place, repository, digest, outcome, code, message)
     SELECT CAST($1 AS TEXT), CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
     FROM json_each($2) AS j WHERE true ON CONFLICT (selection, place) DO NOTHING",
);
static DELETE: Change = change("DELETE FROM image_selection WHERE id = $1");
static FORGET_LEFTOVERS: Change = change(
    "DELETE FROM image_selection_leftover WHERE selection IN (SELECT id FROM image_selection WHERE ends_at <= $1)",
);
static FORGET: Change = change("DELETE FROM image_selection WHERE ends_at <= $1");

fn row(row: Row) -> Result<SelectionRow, Fault> {
    Ok(SelectionRow {
        id: row.text(0)?.into(),
        owner: row.text(1)?.into(),
        query: row.text(2)?.into(),
        action: row.text(3)?.into(),
        image_count: row.count(4)?,
        made_at: row.time(5)?,
        ends_at: row.time(6)?,
        state: row.text(7)?.into(),
        touched_at: row.time(8)?,
        counts: SelectionCounts { done: row.count(9)?, changed: row.count(10)?, failed: row.count(11)? },
    })
}

/// Looks a list up.
pub fn find(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<SelectionRow>, Fault> {
    rows.one(&FIND, values![id, account])?.map(row).transpose()
}

/// Returns the images of a list: JSON.
pub fn images(rows: &mut Reader, id: &str) -> Result<Option<String>, Fault> {
    rows.one(&IMAGES, values![id])?.map(|mut row| row.take_text(0)).transpose()
}

/// Returns up to `count` lists of an owner that nobody has run, the oldest first.
pub fn ready_of(rows: &mut Reader, account: AccountId, owner: &str, count: usize) -> Result<Vec<String>, Fault> {
    rows.all(&READY_OF, values![account, owner, count])?.into_iter().map(|mut row| row.take_text(0)).collect()
}

/// Returns how many lists there are, of all accounts, that are not finished and whose time is not over.
pub fn count(rows: &mut Reader, now: Timestamp) -> Result<u64, Fault> {
    rows.one(&COUNT, values![now])?.map_or(Ok(0), |row| row.count(0))
}

/// Returns up to `count` images of a list that it was not done to, or not at once, in their order.
pub fn leftovers(rows: &mut Reader, id: &str, count: usize) -> Result<Vec<LeftoverRow>, Fault> {
    let leftover = |row: &Row| {
        Ok(LeftoverRow {
            place: row.count(0)?,
            repository: row.text(1)?.into(),
            digest: row.text(2)?.into(),
            outcome: row.text(3)?.into(),
            code: row.text(4)?.into(),
            message: row.text(5)?.into(),
        })
    };
    rows.all(&LEFTOVERS, values![id, count])?.iter().map(leftover).collect()
}

/// Adds a list of `images` in JSON, of which nothing was done yet.
pub fn insert(tx: &mut Tx, account: AccountId, new: &SelectionRow, images: &str) -> Result<(), Fault> {
    tx.write(
        &INSERT,
        values![
            &new.id,
            account,
            &new.owner,
            &new.query,
            &new.action,
            images,
            new.image_count,
            new.made_at,
            new.ends_at,
            new.state.as_str(),
            new.touched_at
        ],
    )
}

/// Writes down how far a list is. A finished one loses its images.
pub fn go_on(
    tx: &mut Tx,
    id: &str,
    state: &str,
    at: Timestamp,
    ends_at: Timestamp,
    counts: SelectionCounts,
) -> Result<(), Fault> {
    let SelectionCounts { done, changed, failed } = counts;
    tx.write(&GO_ON, values![id, state, at, ends_at, done, changed, failed])
}

/// Adds images of a list that it was not done to, or not at once; those that were added before stay as they are.
pub fn add_leftovers(tx: &mut Tx, id: &str, leftovers: &[LeftoverRow]) -> Result<(), Fault> {
    if leftovers.is_empty() {
        return Ok(());
    }
    let rows = leftovers.iter().map(|row| {
        let LeftoverRow { place, repository, digest, outcome, code, message } = row;
        json!([place, repository, digest, outcome, code, message])
    });
    tx.write(&ADD_LEFTOVERS, values![id, serde_json::Value::Array(rows.collect()).to_string()])
}

/// Removes a list that nobody has run.
pub fn delete(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![id])
}

/// Removes lists whose time is over.
pub fn forget(tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
    tx.write(&FORGET_LEFTOVERS, values![now])?;
    tx.write(&FORGET, values![now])
}
