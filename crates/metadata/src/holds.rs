//! Every statement that holds and releases an image: columns of `manifest`.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// Who holds an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Since when.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, in his words.
    pub reason: String,
}

static FIND: Query = query(
    "SELECT held_at, held_by, hold_reason FROM manifest
     WHERE repository = $1 AND digest = $2 AND state = 'live' AND hold = 1",
);
static FIRST: Query = query(
    "SELECT held_at, held_by, hold_reason, digest FROM manifest
     WHERE repository = $1 AND hold = 1 ORDER BY digest LIMIT 1",
);
static SET: Change = change(
    "UPDATE manifest SET hold = 1, held_at = $3, held_by = $4, hold_reason = $5, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static LIFT: Change = change(
    "UPDATE manifest SET hold = 0, held_at = NULL, held_by = NULL, hold_reason = NULL, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);

impl HoldRow {
    /// Reads it from three columns of a row, the first of them at `first`; none where the image is not held.
    pub(crate) fn read(row: &Row, first: usize) -> Result<Option<HoldRow>, Fault> {
        let Some(at) = row.opt_time(first)? else { return Ok(None) };
        let text = |column| row.opt_text(column).map(|text| text.unwrap_or_default().to_string());
        Ok(Some(HoldRow { at, by: text(first + 1)?, reason: text(first + 2)? }))
    }
}

/// Returns who holds a living image.
pub fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<HoldRow>, Fault> {
    rows.one(&FIND, values![repository, digest])?.map_or(Ok(None), |row| HoldRow::read(&row, 0))
}

/// Returns one of the images of a repository that are held, by its digest.
pub fn first(rows: &mut Reader, repository: i64) -> Result<Option<(String, HoldRow)>, Fault> {
    let Some(row) = rows.one(&FIRST, values![repository])? else { return Ok(None) };
    let digest = row.text(3)?.to_string();
    Ok(HoldRow::read(&row, 0)?.map(|hold| (digest, hold)))
}

/// Holds an image, whoever held it before.
pub fn set(tx: &mut Tx, repository: i64, digest: &str, hold: &HoldRow) -> Result<(), Fault> {
    tx.write(&SET, values![repository, digest, hold.at, &hold.by, &hold.reason])
}

/// Holds an image no longer.
pub fn lift(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&LIFT, values![repository, digest])
}
