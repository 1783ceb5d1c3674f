//! Every statement on `setting`: what a site remembers of itself.

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

static FIND: Query = query("SELECT value FROM setting WHERE name = $1");
static PUT: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
);
static FORGET: Change = change("DELETE FROM setting WHERE name LIKE $1 AND name <> $2 AND changed_at < $3");

static NUMBER: Query = query("SELECT CAST(value AS BIGINT) FROM setting WHERE name = $1");
static RAISE: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, '1', $2)
     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT),
         changed_at = excluded.changed_at",
);

/// Returns the number under a name that is only ever raised; 0 before the first time.
pub fn number(rows: &mut Reader, name: &str) -> Result<i64, Fault> {
    rows.one(&NUMBER, values![name])?.map_or(Ok(0), |row| row.int(0))
}

/// Raises a number.
pub(crate) fn raise(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.write(&RAISE, values![name, now])
}

/// Returns what is remembered under a name.
pub fn find(rows: &mut Reader, name: &str) -> Result<Option<String>, Fault> {
    rows.one(&FIND, values![name])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Remembers a value under a name.
pub fn put(tx: &mut Tx, name: &str, value: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&PUT, values![name, value, at])
}

/// Forgets what is remembered under names that begin with `prefix`, but for the one of `kept`, where nobody has remembered it again since
/// `before`. In `prefix`, `_` and `%` stand for any characters, as in SQL's `LIKE`.
pub fn forget_before(tx: &mut Tx, prefix: &str, kept: &str, before: Timestamp) -> Result<(), Fault> {
    tx.write(&FORGET, values![format!("{prefix}%"), kept, before])
}
