//! The number that tells whether anything changed that decisions about access know (policies, identities, tags of resources), and
//! in which accounts.
//!
//! It stands in the database, so that others who serve from it see that they have to read again; the process that changed
//! something knows it at once, from [`Metadata::access_epoch`](crate::Metadata::access_epoch).

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::AccountId;

const NAME: &str = "access-revision";

static FIND: Query = query("SELECT CAST(value AS BIGINT) FROM setting WHERE name = $1");
static RAISE: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ($1, '1', $2)
     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT),
         changed_at = excluded.changed_at",
);
static NOTE: Change = change(
    "INSERT INTO access_change(account, revision)
     SELECT $1, CAST(value AS BIGINT) FROM setting WHERE name = $2
     ON CONFLICT (account) DO UPDATE SET revision = excluded.revision",
);
static NOTE_REPOSITORY: Change = change(
    "INSERT INTO access_change(account, revision)
     SELECT r.account, CAST(s.value AS BIGINT) FROM repository r, setting s WHERE r.id = $1 AND s.name = $2
     ON CONFLICT (account) DO UPDATE SET revision = excluded.revision",
);
static CHANGED: Query = query("SELECT account FROM access_change WHERE revision > $1 ORDER BY account");

/// Returns the number; it only grows.
pub fn find(rows: &mut Reader) -> Result<i64, Fault> {
    rows.one(&FIND, values![NAME])?.map_or(Ok(0), |row| row.int(0))
}

/// Returns the accounts in which something changed since the number was `revision`.
pub fn changed_since(rows: &mut Reader, revision: i64) -> Result<Vec<AccountId>, Fault> {
    let account = |row: crate::Row| row.text(0)?.parse().map_err(Fault::internal);
    rows.all(&CHANGED, values![revision])?.into_iter().map(account).collect()
}

/// Raises it, as part of an act that changes something in an account: once it stands, everybody reads again what decisions know
/// of that account.
pub fn raise(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    raise_number(tx)?;
    tx.write(&NOTE, values![account, NAME])
}

/// The same for the account of a repository, which is still there.
pub fn raise_at_repository(tx: &mut Tx, repository: i64) -> Result<(), Fault> {
    raise_number(tx)?;
    tx.write(&NOTE_REPOSITORY, values![repository, NAME])
}

// Its row is locked until the commit, so the numbers are in the order of the commits: who reads one misses no account of it.
fn raise_number(tx: &mut Tx) -> Result<(), Fault> {
    tx.changes_access = true;
    let now = tx.now();
    tx.write(&RAISE, values![NAME, now])
}
