//! Every statement on passwords of users.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A password as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProfileRow {
    /// The unique id of its user.
    pub user_id: String,
    /// What tells it from the password before.
    pub id: String,
    /// Its hash.
    pub hash: String,
    /// Whether it is only good for choosing another.
    pub must_change: bool,
    /// When the user first had one.
    pub created_at: Timestamp,
}

static FIND: Query =
    query("SELECT user_id, id, hash, must_change, created_at FROM login_profile WHERE account = $1 AND user_id = $2");
static ALL: Query =
    query("SELECT user_id, id, hash, must_change, created_at FROM login_profile WHERE account = $1 ORDER BY user_id");
static PUT: Change = change(
    "INSERT INTO login_profile(account, user_id, id, hash, must_change, created_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (account, user_id) DO UPDATE SET id = excluded.id, hash = excluded.hash,
         must_change = excluded.must_change",
);
static DELETE: Change = change("DELETE FROM login_profile WHERE account = $1 AND user_id = $2");

fn row(row: Row) -> Result<LoginProfileRow, Fault> {
    Ok(LoginProfileRow {
        user_id: row.text(0)?.into(),
        id: row.text(1)?.into(),
        hash: row.text(2)?.into(),
        must_change: row.bool(3)?,
        created_at: row.time(4)?,
    })
}

/// Returns the password of a user.
pub fn find(rows: &mut Reader, account: AccountId, user: &str) -> Result<Option<LoginProfileRow>, Fault> {
    rows.one(&FIND, values![account, user])?.map(row).transpose()
}

/// Returns all passwords of an account.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<LoginProfileRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(row).collect()
}

/// Writes a password, the first of its user or in place of another.
pub fn put(tx: &mut Tx, account: AccountId, profile: &LoginProfileRow) -> Result<(), Fault> {
    let p = profile;
    tx.write(&PUT, values![account, &p.user_id, &p.id, &p.hash, p.must_change, p.created_at])
}

/// Takes the password from a user.
pub fn delete(tx: &mut Tx, account: AccountId, user: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![account, user])
}
