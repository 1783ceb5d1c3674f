//! Every statement on `device_login`: terminals that wait for a person to let them in (RFC 8628).

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A terminal that waits, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLoginRow {
    /// The hash of what the terminal carries.
    pub device_hash: String,
    /// The hash of what the person types.
    pub user_hash: String,
    /// What the terminal calls itself.
    pub program: String,
    /// The address it asked from; empty for a Unix socket.
    pub source: String,
    /// `waiting`, `approved` or `refused`.
    pub state: String,
    /// When it asked.
    pub asked_at: Timestamp,
    /// When it is too late.
    pub ends_at: Timestamp,
    /// When it last asked what has come of it.
    pub polled_at: Timestamp,
    /// How long it has to wait between two such questions.
    pub interval_seconds: u64,
    /// Who approved it: a JSON object.
    pub approver: Option<String>,
}

static BY_DEVICE: Query = query(
    "SELECT device_hash, user_hash, program, source, state, asked_at, ends_at, polled_at, interval_seconds, approver
     FROM device_login WHERE device_hash = $1 AND account = $2",
);
static BY_USER: Query = query(
    "SELECT device_hash, user_hash, program, source, state, asked_at, ends_at, polled_at, interval_seconds, approver
     FROM device_login WHERE user_hash = $1 AND account = $2",
);
static LIST: Query = query(
    "SELECT device_hash, user_hash, program, source, state, asked_at, ends_at, polled_at, interval_seconds, approver
     FROM device_login WHERE account = $1 AND ends_at > $2 ORDER BY asked_at, device_hash LIMIT $3",
);
static BY_PREFIX: Query = query(
    "SELECT device_hash, user_hash, program, source, state, asked_at, ends_at, polled_at, interval_seconds, approver
     FROM device_login WHERE account = $1 AND device_hash >= $2 AND substr(device_hash, 1, length($2)) = $2 LIMIT 1",
);
static COUNT: Query = query("SELECT count(*) FROM device_login WHERE ends_at > $1");
static COUNT_OF_SOURCE: Query = query("SELECT count(*) FROM device_login WHERE source = $2 AND ends_at > $1");
static ADD: Change = change(
    "INSERT INTO device_login(device_hash, user_hash, account, program, source, state, asked_at, ends_at, polled_at,
         interval_seconds, approver)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)",
);
static ANSWER: Change = change("UPDATE device_login SET state = $2, approver = $3 WHERE device_hash = $1");
static POLLED: Change = change("UPDATE device_login SET polled_at = $2, interval_seconds = $3 WHERE device_hash = $1");
static DELETE: Change = change("DELETE FROM device_login WHERE device_hash = $1");
static FORGET: Change = change("DELETE FROM device_login WHERE ends_at <= $1");

fn row(row: Row) -> Result<DeviceLoginRow, Fault> {
    Ok(DeviceLoginRow {
        device_hash: row.text(0)?.into(),
        user_hash: row.text(1)?.into(),
        program: row.text(2)?.into(),
        source: row.text(3)?.into(),
        state: row.text(4)?.into(),
        asked_at: row.time(5)?,
        ends_at: row.time(6)?,
        polled_at: row.time(7)?,
        interval_seconds: row.count(8)?,
        approver: row.opt_text(9)?.map(String::from),
    })
}

/// Looks one up by the hash of what the terminal carries.
pub fn find(rows: &mut Reader, account: AccountId, device_hash: &str) -> Result<Option<DeviceLoginRow>, Fault> {
    rows.one(&BY_DEVICE, values![device_hash, account])?.map(row).transpose()
}

/// Looks one up by the hash of what a person has typed.
pub fn find_by_code(rows: &mut Reader, account: AccountId, user_hash: &str) -> Result<Option<DeviceLoginRow>, Fault> {
    rows.one(&BY_USER, values![user_hash, account])?.map(row).transpose()
}

/// Returns up to `count` whose time is not over, by when they asked.
pub fn list(rows: &mut Reader, account: AccountId, now: Timestamp, count: usize) -> Result<Vec<DeviceLoginRow>, Fault> {
    rows.all(&LIST, values![account, now, count])?.into_iter().map(row).collect()
}

/// Looks one up by how the hash of what the terminal carries begins.
pub fn find_by_prefix(rows: &mut Reader, account: AccountId, prefix: &str) -> Result<Option<DeviceLoginRow>, Fault> {
    rows.one(&BY_PREFIX, values![account, prefix])?.map(row).transpose()
}

/// Returns how many wait at `now`: all, and those of a source.
pub fn count(rows: &mut Reader, source: &str, now: Timestamp) -> Result<(u64, u64), Fault> {
    let all = rows.one(&COUNT, values![now])?.map_or(Ok(0), |row| row.count(0))?;
    let own = rows.one(&COUNT_OF_SOURCE, values![now, source])?.map_or(Ok(0), |row| row.count(0))?;
    Ok((all, own))
}

/// Adds one that waits.
pub fn add(tx: &mut Tx, account: AccountId, login: &DeviceLoginRow) -> Result<(), Fault> {
    let l = login;
    let who = values![&l.device_hash, &l.user_hash, account, &l.program, &l.source, &l.state];
    let interval = l.interval_seconds as i64;
    let values = who.into_iter().chain(values![l.asked_at, l.ends_at, l.polled_at, interval]).collect();
    tx.write(&ADD, values)
}

/// Writes down what a person has said.
pub fn answer(tx: &mut Tx, device_hash: &str, state: &str, approver: Option<&str>) -> Result<(), Fault> {
    tx.write(&ANSWER, values![device_hash, state, approver])
}

/// Notes that the terminal has asked.
pub fn polled(tx: &mut Tx, device_hash: &str, now: Timestamp, interval_seconds: u64) -> Result<(), Fault> {
    tx.write(&POLLED, values![device_hash, now, interval_seconds as i64])
}

/// Removes one.
pub fn delete(tx: &mut Tx, device_hash: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![device_hash])
}

/// Removes those whose time is over.
pub fn forget(tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
    tx.write(&FORGET, values![now])
}
