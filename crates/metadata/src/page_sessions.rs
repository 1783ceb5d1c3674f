//! Every statement on `page_session`: who is logged in at the pages.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSessionRow {
    /// The hash of what the browser carries.
    pub hash: String,
    /// The URL of the provider.
    pub issuer: String,
    /// What the provider calls him.
    pub subject: String,
    /// How he is shown.
    pub name: String,
    /// His groups: a JSON array.
    pub groups: String,
    /// When he logged in.
    pub opened_at: Timestamp,
    /// When it was last used, within minutes.
    pub used_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

static FIND: Query = query(
    "SELECT hash, issuer, subject, name, groups, opened_at, used_at, ends_at FROM page_session WHERE hash = $1 AND account = $2",
);
static LIST: Query = query(
    "SELECT hash, issuer, subject, name, groups, opened_at, used_at, ends_at FROM page_session
     WHERE account = $1 AND hash > $2 AND ends_at > $3 AND used_at > $4 ORDER BY hash LIMIT $5",
);
static BY_PREFIX: Query = query(
    "SELECT hash, issuer, subject, name, groups, opened_at, used_at, ends_at FROM page_session
     WHERE account = $1 AND hash >= $2 AND substr(hash, 1, length($2)) = $2 LIMIT 1",
);
static DELETE_PERSON: Change = change("DELETE FROM page_session WHERE account = $1 AND issuer = $2 AND subject = $3");
static ADD: Change = change(
    "INSERT INTO page_session(hash, account, issuer, subject, name, groups, opened_at, used_at, ends_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
static TOUCH: Change = change("UPDATE page_session SET used_at = $2 WHERE hash = $1 AND used_at < $2");
static DELETE: Change = change("DELETE FROM page_session WHERE hash = $1");
static FORGET: Change = change("DELETE FROM page_session WHERE ends_at <= $1");

fn row(row: Row) -> Result<PageSessionRow, Fault> {
    Ok(PageSessionRow {
        hash: row.text(0)?.into(),
        issuer: row.text(1)?.into(),
        subject: row.text(2)?.into(),
        name: row.text(3)?.into(),
        groups: row.text(4)?.into(),
        opened_at: row.time(5)?,
        used_at: row.time(6)?,
        ends_at: row.time(7)?,
    })
}

/// Looks a session up.
pub fn find(rows: &mut Reader, account: AccountId, hash: &str) -> Result<Option<PageSessionRow>, Fault> {
    rows.one(&FIND, values![hash, account])?.map(row).transpose()
}

/// Returns up to `count` that have not ended, were used after `used_after`, and whose hash comes after `after`, by their hashes.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    after: &str,
    now: Timestamp,
    used_after: Timestamp,
    count: usize,
) -> Result<Vec<PageSessionRow>, Fault> {
    rows.all(&LIST, values![account, after, now, used_after, count])?.into_iter().map(row).collect()
}

/// Looks one up by how its hash begins.
pub fn find_by_prefix(rows: &mut Reader, account: AccountId, prefix: &str) -> Result<Option<PageSessionRow>, Fault> {
    rows.one(&BY_PREFIX, values![account, prefix])?.map(row).transpose()
}

/// Removes all of a person.
pub fn delete_of(tx: &mut Tx, account: AccountId, issuer: &str, subject: &str) -> Result<(), Fault> {
    tx.write(&DELETE_PERSON, values![account, issuer, subject])
}

/// Adds one.
pub fn add(tx: &mut Tx, account: AccountId, session: &PageSessionRow) -> Result<(), Fault> {
    let s = session;
    let values =
        values![&s.hash, account, &s.issuer, &s.subject, &s.name, &s.groups, s.opened_at, s.used_at, s.ends_at];
    tx.write(&ADD, values)
}

/// Notes that one was used.
pub fn touch(tx: &mut Tx, hash: &str, now: Timestamp) -> Result<(), Fault> {
    tx.write(&TOUCH, values![hash, now])
}

/// Removes one.
pub fn delete(tx: &mut Tx, hash: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![hash])
}

/// Removes those that have ended.
pub fn forget(tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
    tx.write(&FORGET, values![now])
}
