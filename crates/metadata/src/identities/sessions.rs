//! Every statement on the sessions of roles: since when they are good, and which tokens of providers were taken for them.

use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

static REVOKED: Query = query("SELECT role_id, revoked_before FROM session_revocation WHERE account = $1");
static FIND: Query = query("SELECT revoked_before FROM session_revocation WHERE account = $1 AND role_id = $2");
static REVOKE: Change = change(
    "INSERT INTO session_revocation(account, role_id, revoked_before) VALUES ($1, $2, $3)
     ON CONFLICT (account, role_id) DO UPDATE SET revoked_before = excluded.revoked_before",
);
static TAKEN: Query = query("SELECT 1 FROM identity_token WHERE account = $1 AND provider = $2 AND hash = $3");
static TAKE: Change = change("INSERT INTO identity_token(account, provider, hash, expires_at) VALUES ($1, $2, $3, $4)");
static FORGET: Change = change("DELETE FROM identity_token WHERE expires_at <= $1");

/// Returns whose sessions of an account were revoked, and before when: roles by their unique ids, people as who revokes them has
/// named them.
pub fn revoked(rows: &mut Reader, account: AccountId) -> Result<Vec<(String, Timestamp)>, Fault> {
    rows.all(&REVOKED, values![account])?.iter().map(|row| Ok((row.text(0)?.into(), row.time(1)?))).collect()
}

/// Returns before when the sessions of a role were revoked.
pub fn find_revoked(rows: &mut Reader, account: AccountId, role_id: &str) -> Result<Option<Timestamp>, Fault> {
    rows.one(&FIND, values![account, role_id])?.map(|row| row.time(0)).transpose()
}

/// Revokes the sessions of a role that began before a moment.
pub fn revoke(tx: &mut Tx, account: AccountId, role_id: &str, before: Timestamp) -> Result<(), Fault> {
    tx.write(&REVOKE, values![account, role_id, before])
}

/// Whether a token of a provider was taken already, by its hash.
pub fn is_taken(rows: &mut Reader, account: AccountId, provider: &str, hash: &str) -> Result<bool, Fault> {
    Ok(rows.one(&TAKEN, values![account, provider, hash])?.is_some())
}

/// Notes that a token was taken, until it ends; forgets those that have ended.
pub fn take(tx: &mut Tx, account: AccountId, provider: &str, hash: &str, until: Timestamp) -> Result<(), Fault> {
    let now = tx.now();
    tx.write(&FORGET, values![now])?;
    tx.write(&TAKE, values![account, provider, hash, until])
}
