//! Every statement on personal tokens.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A personal token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalTokenRow {
    /// Its id.
    pub id: String,
    /// The unique id of its user; of somebody from outside, who he is to his provider.
    pub user_id: String,
    /// What its user calls it.
    pub name: String,
    /// Its SHA-256, in hex.
    pub hash: String,
    /// The policy that it is narrowed to.
    pub policy: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was last used, as far as that is noted.
    pub used_at: Option<Timestamp>,
    /// Of somebody from outside: who he is, as JSON.
    pub person: Option<String>,
}

static FIND: Query = query(
    "SELECT id, user_id, name, hash, policy, created_at, expires_at, used_at, person FROM personal_token
     WHERE id = $1 AND account = $2",
);
static LIST: Query = query(
    "SELECT id, user_id, name, hash, policy, created_at, expires_at, used_at, person FROM personal_token
     WHERE account = $1 AND user_id = $2 ORDER BY id",
);
static ALL: Query = query(
    "SELECT id, user_id, name, hash, policy, created_at, expires_at, used_at, person FROM personal_token
     WHERE account = $1 ORDER BY id",
);
static INSERT: Change = change(
    "INSERT INTO personal_token(id, account, user_id, name, hash, policy, created_at, expires_at, person)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
static DELETE: Change = change("DELETE FROM personal_token WHERE id = $1 AND account = $2");
static DELETE_OF: Change = change("DELETE FROM personal_token WHERE account = $1 AND user_id = $2");
static NOTE_USE: Change = change(
    "UPDATE personal_token SET used_at = $3 WHERE id = $1 AND account = $2 AND (used_at IS NULL OR used_at < $3)",
);

fn row(row: Row) -> Result<PersonalTokenRow, Fault> {
    Ok(PersonalTokenRow {
        id: row.text(0)?.into(),
        user_id: row.text(1)?.into(),
        name: row.text(2)?.into(),
        hash: row.text(3)?.into(),
        policy: row.opt_text(4)?.map(Into::into),
        created_at: row.time(5)?,
        expires_at: row.time(6)?,
        used_at: row.opt_time(7)?,
        person: row.opt_text(8)?.map(Into::into),
    })
}

/// Looks a token up.
pub fn find(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<PersonalTokenRow>, Fault> {
    rows.one(&FIND, values![id, account])?.map(row).transpose()
}

/// Returns the tokens of a user, or of somebody from outside, the oldest first. There are few.
pub fn list(rows: &mut Reader, account: AccountId, user: &str) -> Result<Vec<PersonalTokenRow>, Fault> {
    rows.all(&LIST, values![account, user])?.into_iter().map(row).collect()
}

/// Returns all tokens of an account.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<PersonalTokenRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(row).collect()
}

/// Writes a new token.
pub fn insert(tx: &mut Tx, account: AccountId, token: &PersonalTokenRow) -> Result<(), Fault> {
    let t = token;
    let policy = t.policy.as_deref();
    let times = (t.created_at, t.expires_at);
    let values = values![&t.id, account, &t.user_id, &t.name, &t.hash, policy, times.0, times.1, t.person.as_deref()];
    tx.write(&INSERT, values)
}

/// Removes a token.
pub fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![id, account])
}

/// Removes all tokens of a user.
pub fn delete_of(tx: &mut Tx, account: AccountId, user: &str) -> Result<(), Fault> {
    tx.write(&DELETE_OF, values![account, user])
}

/// Notes that a token was used; an earlier use than the one noted changes nothing.
pub fn note_use(tx: &mut Tx, account: AccountId, id: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&NOTE_USE, values![id, account, at])
}
