//! Every statement on `upload`.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// An open upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Its name in the store and in addresses.
    pub id: String,
    /// The repository it is for.
    pub repository: i64,
    /// The hash that is kept while bytes arrive.
    pub algorithm: String,
    /// Who opened it.
    pub opened_by: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// About when its last byte came: written at most once a minute.
    pub touched_at: Timestamp,
}

static FIND: Query =
    query("SELECT id, repository, algorithm, opened_by, opened_at, touched_at FROM upload WHERE id = $1");
static EXPIRED: Query = query(
    "SELECT id, repository, algorithm, opened_by, opened_at, touched_at FROM upload
     WHERE touched_at <= $1 AND id > $2 ORDER BY id LIMIT $3",
);
static EACH: Query = query(
    "SELECT id, repository, algorithm, opened_by, opened_at, touched_at FROM upload WHERE id > $1 ORDER BY id LIMIT $2",
);
static INSERT: Change = change(
    "INSERT INTO upload(id, repository, algorithm, opened_by, opened_at, touched_at) VALUES ($1, $2, $3, $4, $5, $5)",
);
static TOUCH: Change = change("UPDATE upload SET touched_at = $2 WHERE id = $1");
static DELETE: Change = change("DELETE FROM upload WHERE id = $1");

fn row(row: Row) -> Result<UploadRow, Fault> {
    Ok(UploadRow {
        id: row.text(0)?.into(),
        repository: row.int(1)?,
        algorithm: row.text(2)?.into(),
        opened_by: row.text(3)?.into(),
        opened_at: row.time(4)?,
        touched_at: row.time(5)?,
    })
}

/// Looks an upload up.
pub fn find(rows: &mut Reader, id: &str) -> Result<Option<UploadRow>, Fault> {
    rows.one(&FIND, values![id])?.map(row).transpose()
}

/// Returns up to `count` uploads after `after` that were last touched at `until` or before.
pub fn expired(rows: &mut Reader, until: Timestamp, after: &str, count: usize) -> Result<Vec<UploadRow>, Fault> {
    rows.all(&EXPIRED, values![until, after, count as i64])?.into_iter().map(row).collect()
}

/// Returns up to `count` uploads after `after`: for repair, which walks.
pub fn each(rows: &mut Reader, after: &str, count: usize) -> Result<Vec<UploadRow>, Fault> {
    rows.all(&EACH, values![after, count as i64])?.into_iter().map(row).collect()
}

/// Writes a new upload.
pub fn insert(tx: &mut Tx, id: &str, repository: i64, algorithm: &str, by: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&INSERT, values![id, repository, algorithm, by, at])
}

/// Notes that bytes came.
pub fn touch(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&TOUCH, values![id, at])
}

/// Removes an upload: it is finished, or given up.
pub fn delete(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![id])
}
