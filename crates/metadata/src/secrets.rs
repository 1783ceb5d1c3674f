//! Every statement on the secrets of an account and their versions.

use crate::{Change, Query, Reader, Row, Tx, access_revision, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A secret as it is stored, without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// The six characters that its ARN ends in.
    pub suffix: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// The ARN of the key that new values are encrypted under; none where nobody named one.
    pub kms_key: Option<String>,
    /// Who may do what with it: the text as it was written.
    pub policy: Option<String>,
    /// When that was written.
    pub policy_at: Timestamp,
    /// Its tags: a JSON object.
    pub tags: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it was last changed.
    pub changed_at: Timestamp,
    /// When somebody wanted it deleted; none where nobody does.
    pub deleted_at: Option<Timestamp>,
    /// When it is erased.
    pub erased_at: Option<Timestamp>,
}

/// A version of a secret's value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// Its id.
    pub id: String,
    /// Its stages: a JSON list.
    pub stages: String,
    /// The data key that the value is encrypted under, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The ARN of the key that this is wrapped under.
    pub key_arn: String,
    /// The value, encrypted.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
}

static FIND: Query = query(
    "SELECT name, suffix, description, kms_key, policy, policy_at, tags, created_at, changed_at, deleted_at, erased_at
     FROM secret WHERE account = $1 AND name = $2",
);
static LIST: Query = query(
    "SELECT name, suffix, description, kms_key, policy, policy_at, tags, created_at, changed_at, deleted_at, erased_at
     FROM secret WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3",
);
static ALL: Query = query(
    "SELECT name, suffix, description, kms_key, policy, policy_at, tags, created_at, changed_at, deleted_at, erased_at
     FROM secret WHERE account = $1",
);
static COUNT: Query = query("SELECT count(*) FROM secret WHERE account = $1");
static PUT: Change = change(
    "INSERT INTO secret(account, name, suffix, description, kms_key, policy, policy_at, tags, created_at, changed_at,
         deleted_at, erased_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (account, name) DO UPDATE SET description = excluded.description, kms_key = excluded.kms_key,
         policy = excluded.policy, policy_at = excluded.policy_at, tags = excluded.tags,
         changed_at = excluded.changed_at, deleted_at = excluded.deleted_at, erased_at = excluded.erased_at",
);
static ERASE: Change = change("DELETE FROM secret WHERE account = $1 AND name = $2");
static DUE: Query = query("SELECT account, name FROM secret WHERE erased_at <= $1 ORDER BY erased_at LIMIT $2");

static VERSIONS: Query = query(
    "SELECT id, stages, wrapped_key, key_arn, sealed, created_at FROM secret_version
     WHERE account = $1 AND name = $2 ORDER BY created_at, id",
);
static PUT_VERSION: Change = change(
    "INSERT INTO secret_version(account, name, id, stages, wrapped_key, key_arn, sealed, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (account, name, id) DO UPDATE SET stages = excluded.stages, wrapped_key = excluded.wrapped_key,
         key_arn = excluded.key_arn, sealed = excluded.sealed",
);
static REMOVE_VERSION: Change = change("DELETE FROM secret_version WHERE account = $1 AND name = $2 AND id = $3");
static ERASE_VERSIONS: Change = change("DELETE FROM secret_version WHERE account = $1 AND name = $2");

fn secret(row: Row) -> Result<SecretRow, Fault> {
    Ok(SecretRow {
        name: row.text(0)?.into(),
        suffix: row.text(1)?.into(),
        description: row.text(2)?.into(),
        kms_key: row.opt_text(3)?.map(str::to_string),
        policy: row.opt_text(4)?.map(str::to_string),
        policy_at: row.time(5)?,
        tags: row.text(6)?.into(),
        created_at: row.time(7)?,
        changed_at: row.time(8)?,
        deleted_at: row.opt_time(9)?,
        erased_at: row.opt_time(10)?,
    })
}

fn version(row: Row) -> Result<VersionRow, Fault> {
    Ok(VersionRow {
        id: row.text(0)?.into(),
        stages: row.text(1)?.into(),
        wrapped_key: row.bytes(2)?.to_vec(),
        key_arn: row.text(3)?.into(),
        sealed: row.bytes(4)?.to_vec(),
        created_at: row.time(5)?,
    })
}

/// Looks a secret up by its name.
pub fn find(rows: &mut Reader, account: AccountId, name: &str) -> Result<Option<SecretRow>, Fault> {
    rows.one(&FIND, values![account, name])?.map(secret).transpose()
}

/// Returns up to `count` secrets whose names come after `after`, by their names.
pub fn list(rows: &mut Reader, account: AccountId, after: &str, count: usize) -> Result<Vec<SecretRow>, Fault> {
    rows.all(&LIST, values![account, after, count])?.into_iter().map(secret).collect()
}

/// Returns all secrets of an account: what decisions about access know of them.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<SecretRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(secret).collect()
}

/// Returns how many secrets an account has.
pub fn count(rows: &mut Reader, account: AccountId) -> Result<u64, Fault> {
    rows.one(&COUNT, values![account])?.map_or(Ok(0), |row| row.count(0))
}

/// Writes a secret, new or as it is now. Its name, its suffix and its creation stay as they were first written.
pub fn put(tx: &mut Tx, account: AccountId, secret: &SecretRow) -> Result<(), Fault> {
    let values = values![
        account,
        &secret.name,
        &secret.suffix,
        &secret.description,
        secret.kms_key.as_deref(),
        secret.policy.as_deref(),
        secret.policy_at,
        &secret.tags,
        secret.created_at,
        secret.changed_at,
        secret.deleted_at,
        secret.erased_at,
    ];
    access_revision::raise(tx, account)?;
    tx.write(&PUT, values)
}

/// Removes a secret with all its values.
pub fn erase(tx: &mut Tx, account: AccountId, name: &str) -> Result<(), Fault> {
    access_revision::raise(tx, account)?;
    tx.write(&ERASE_VERSIONS, values![account, name])?;
    tx.write(&ERASE, values![account, name])
}

/// Returns up to `count` secrets of any account that are to be erased by `now`, the longest due first.
pub fn due(rows: &mut Reader, now: Timestamp, count: usize) -> Result<Vec<(AccountId, String)>, Fault> {
    let due = |row: Row| Ok((row.text(0)?.parse().map_err(Fault::internal)?, row.text(1)?.into()));
    rows.all(&DUE, values![now, count])?.into_iter().map(due).collect()
}

/// Returns the versions of a secret's value, the oldest first.
pub fn versions(rows: &mut Reader, account: AccountId, name: &str) -> Result<Vec<VersionRow>, Fault> {
    rows.all(&VERSIONS, values![account, name])?.into_iter().map(version).collect()
}

/// Writes a version, new or as it is now. Its creation stays as it was first written.
pub fn put_version(tx: &mut Tx, account: AccountId, name: &str, version: &VersionRow) -> Result<(), Fault> {
    let VersionRow { id, stages, wrapped_key, key_arn, sealed, created_at } = version;
    let (wrapped_key, sealed) = (wrapped_key.as_slice(), sealed.as_slice());
    tx.write(&PUT_VERSION, values![account, name, id, stages, wrapped_key, key_arn, sealed, *created_at])
}

/// Removes a version.
pub fn remove_version(tx: &mut Tx, account: AccountId, name: &str, id: &str) -> Result<(), Fault> {
    tx.write(&REMOVE_VERSION, values![account, name, id])
}
