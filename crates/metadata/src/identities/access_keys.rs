//! Every statement on access keys.

use super::number;
use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// An access key as it is stored. Its secrets are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyRow {
    /// Its id.
    pub id: String,
    /// The unique id of its user.
    pub user_id: String,
    /// Its secret, sealed.
    pub secret: String,
    /// The secret before it, sealed.
    pub previous: Option<String>,
    /// Until when that is good.
    pub previous_until: Option<Timestamp>,
    /// Whether it may be used.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, as far as that is noted.
    pub used_at: Option<Timestamp>,
    /// For which service.
    pub used_service: Option<String>,
    /// In which region.
    pub used_region: Option<String>,
}

static FIND: Query = query(
    "SELECT id, user_id, secret, previous, previous_until, is_active, created_at, used_at, used_service, used_region
     FROM access_key WHERE id = $1 AND account = $2",
);
static LIST: Query = query(
    "SELECT id, user_id, secret, previous, previous_until, is_active, created_at, used_at, used_service, used_region
     FROM access_key WHERE account = $1 AND user_id = $2 ORDER BY id",
);
static ALL: Query = query(
    "SELECT id, user_id, secret, previous, previous_until, is_active, created_at, used_at, used_service, used_region
     FROM access_key WHERE account = $1 ORDER BY user_id, id",
);
static OWNER: Query = query(
    "SELECT i.name FROM access_key k JOIN identity i ON i.account = k.account AND i.id = k.user_id
     WHERE k.id = $1 AND k.account = $2",
);
static COUNT: Query = query("SELECT count(*) FROM access_key WHERE account = $1");
static PUT: Change = change(
    "INSERT INTO access_key(id, account, user_id, secret, previous, previous_until, is_active, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, previous = excluded.previous,
         previous_until = excluded.previous_until, is_active = excluded.is_active",
);
static DELETE: Change = change("DELETE FROM access_key WHERE id = $1 AND account = $2");
static NOTE_USE: Change = change(
    "UPDATE access_key SET used_at = $3, used_service = $4, used_region = $5
     WHERE id = $1 AND account = $2 AND (used_at IS NULL OR used_at < $3)",
);

fn row(row: Row) -> Result<AccessKeyRow, Fault> {
    Ok(AccessKeyRow {
        id: row.text(0)?.into(),
        user_id: row.text(1)?.into(),
        secret: row.text(2)?.into(),
        previous: row.opt_text(3)?.map(Into::into),
        previous_until: row.opt_time(4)?,
        is_active: row.bool(5)?,
        created_at: row.time(6)?,
        used_at: row.opt_time(7)?,
        used_service: row.opt_text(8)?.map(Into::into),
        used_region: row.opt_text(9)?.map(Into::into),
    })
}

/// Looks an access key up.
pub fn find(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<AccessKeyRow>, Fault> {
    rows.one(&FIND, values![id, account])?.map(row).transpose()
}

/// Returns the access keys of a user. There are few.
pub fn list(rows: &mut Reader, account: AccountId, user: &str) -> Result<Vec<AccessKeyRow>, Fault> {
    rows.all(&LIST, values![account, user])?.into_iter().map(row).collect()
}

/// Returns all access keys of an account.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<AccessKeyRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(row).collect()
}

/// Returns the name of the user of an access key.
pub fn owner(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<String>, Fault> {
    rows.one(&OWNER, values![id, account])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Returns how many access keys there are.
pub fn count(rows: &mut Reader, account: AccountId) -> Result<u64, Fault> {
    number(rows.one(&COUNT, values![account])?)
}

/// Writes an access key, new or as it is now; of one that is there, secrets and status.
pub fn put(tx: &mut Tx, account: AccountId, key: &AccessKeyRow) -> Result<(), Fault> {
    let values = values![
        &key.id,
        account,
        &key.user_id,
        &key.secret,
        key.previous.as_deref(),
        key.previous_until,
        key.is_active,
        key.created_at,
    ];
    tx.write(&PUT, values)
}

/// Removes an access key.
pub fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![id, account])
}

/// Notes that an access key was used; an earlier use than the one noted changes nothing.
pub fn note_use(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    at: Timestamp,
    service: &str,
    region: &str,
) -> Result<(), Fault> {
    tx.write(&NOTE_USE, values![id, account, at, service, region])
}
