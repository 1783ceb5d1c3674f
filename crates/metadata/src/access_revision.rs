//! The number that tells whether anything changed that decisions about access know: policies, identities, tags of resources.
//!
//! It stands in the database, so that others who serve from it see that they have to read again; the process that changed
//! something knows it at once, from [`Metadata::access_epoch`](crate::Metadata::access_epoch).

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;

const NAME: &str = "access-revision";

static FIND: Query = query("SELECT CAST(value AS BIGINT) FROM setting WHERE name = $1");
static RAISE: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, '1', $2)
     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT),
         changed_at = excluded.changed_at",
);

/// Returns the number; it only grows.
pub fn find(rows: &mut Reader) -> Result<i64, Fault> {
    rows.one(&FIND, values![NAME])?.map_or(Ok(0), |row| row.int(0))
}

/// Raises it, as part of an act: once it stands, everybody reads again what decisions know.
pub fn raise(tx: &mut Tx) -> Result<(), Fault> {
    tx.changes_access = true;
    let now = tx.now();
    tx.write(&RAISE, values![NAME, now])
}
