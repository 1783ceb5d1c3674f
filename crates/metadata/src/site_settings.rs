//! Every statement on `setting`: what a site remembers of itself.

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

static FIND: Query = query("SELECT value FROM setting WHERE name = $1");
static PUT: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
);

/// Returns what is remembered under a name.
pub fn find(rows: &mut Reader, name: &str) -> Result<Option<String>, Fault> {
    rows.one(&FIND, values![name])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Remembers a value under a name.
pub fn put(tx: &mut Tx, name: &str, value: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&PUT, values![name, value, at])
}
