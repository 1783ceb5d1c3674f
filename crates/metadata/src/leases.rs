//! Every statement on `lease`: what only one replica does at a time.

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

static FIND: Query = query("SELECT holder, until FROM lease WHERE name = $1");
static TAKE: Change = change(
    "INSERT INTO lease(name, holder, until) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until",
);

/// Returns who holds a lease, and until when.
pub fn find(rows: &mut Reader, name: &str) -> Result<Option<(String, Timestamp)>, Fault> {
    rows.one(&FIND, values![name])?.map(|row| Ok((row.text(0)?.to_string(), row.time(1)?))).transpose()
}

/// Gives a lease to `holder`.
pub fn take(tx: &mut Tx, name: &str, holder: &str, until: Timestamp) -> Result<(), Fault> {
    tx.write(&TAKE, values![name, holder, until])
}
