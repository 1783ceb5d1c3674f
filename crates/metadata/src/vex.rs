//! Every statement on `vex_document`: statements that a flaw does not matter, as they were uploaded.

use crate::{Change, Query, Reader, Row, Tx, change, gates, query, values};
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};

/// A document, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexRow {
    /// Its number.
    pub id: i64,
    /// Of which repositories it speaks; empty for all.
    pub prefix: String,
    /// What it is called.
    pub name: String,
    /// How many statements it has.
    pub statements: i64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// By whom.
    pub uploaded_by: String,
}

static LIST: Query = query(
    "SELECT id, prefix, name, statements, uploaded_at, uploaded_by FROM vex_document
     WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4",
);
static COUNT: Query = query("SELECT count(*) FROM vex_document WHERE account = $1 AND region = $2");
static OF_REPOSITORY: Query = query(
    "SELECT v.id FROM repository AS r JOIN vex_document AS v ON v.account = r.account AND v.region = r.region
     WHERE r.id = $1 AND (v.prefix = '' OR v.prefix = r.name
         OR substr(r.name, 1, length(v.prefix) + 1) = v.prefix || '/')
     ORDER BY v.id",
);
static BODY: Query = query("SELECT body FROM vex_document WHERE id = $1");
static PUT: Change = change(
    "INSERT INTO vex_document(id, account, region, prefix, name, statements, uploaded_at, uploaded_by, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
static REMOVE: Change = change("DELETE FROM vex_document WHERE account = $1 AND region = $2 AND id = $3 RETURNING id");

/// Returns up to `count` documents of a registry after a number, in the order of their upload.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    after: i64,
    count: usize,
) -> Result<Vec<VexRow>, Fault> {
    let document = |row: &Row| {
        Ok(VexRow {
            id: row.int(0)?,
            prefix: row.text(1)?.into(),
            name: row.text(2)?.into(),
            statements: row.int(3)?,
            uploaded_at: row.time(4)?,
            uploaded_by: row.text(5)?.into(),
        })
    };
    rows.all(&LIST, values![account, region, after, count])?.iter().map(document).collect()
}

/// Returns how many documents a registry has.
pub fn count(rows: &mut Reader, account: AccountId, region: &Region) -> Result<u64, Fault> {
    rows.one(&COUNT, values![account, region])?.map_or(Ok(0), |row| row.count(0))
}

/// Returns the numbers of the documents that speak of a repository, the oldest first.
pub fn of_repository(rows: &mut Reader, repository: i64) -> Result<Vec<i64>, Fault> {
    rows.all(&OF_REPOSITORY, values![repository])?.iter().map(|row| row.int(0)).collect()
}

/// Returns a document, packed.
pub fn body(rows: &mut Reader, id: i64) -> Result<Option<Bytes>, Fault> {
    rows.one(&BODY, values![id])?.map(|mut row| row.take_bytes(0)).transpose()
}

/// Keeps a document. What scan policies say of images is decided anew.
pub fn put(tx: &mut Tx, account: AccountId, region: &Region, row: &VexRow, body: &[u8]) -> Result<(), Fault> {
    let VexRow { id, prefix, name, statements, uploaded_at, uploaded_by } = row;
    let values = values![*id, account, region, prefix, name, *statements, *uploaded_at, uploaded_by, body];
    tx.write(&PUT, values)?;
    gates::raise_rules(tx)
}

/// Removes a document, likewise; says whether it was there.
pub fn remove(tx: &mut Tx, account: AccountId, region: &Region, id: i64) -> Result<bool, Fault> {
    let was_there = tx.returning(&REMOVE, values![account, region, id])?.is_some();
    gates::raise_rules(tx)?;
    Ok(was_there)
}
