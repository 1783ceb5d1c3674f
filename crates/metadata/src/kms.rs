//! Every statement on the keys of the keyring, what they are made of, and their aliases.

use crate::{Change, Query, Reader, Row, Tx, access_revision, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id, a UUID.
    pub id: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// What it is: `SYMMETRIC_DEFAULT`.
    pub spec: String,
    /// What may be done with it: `ENCRYPT_DECRYPT`.
    pub usage: String,
    /// Whose it is: `CUSTOMER` or `AWS`.
    pub manager: String,
    /// `Enabled`, `Disabled` or `PendingDeletion`.
    pub state: String,
    /// When it is to be deleted.
    pub deletion_at: Option<Timestamp>,
    /// How many days pass from one rotation to the next.
    pub rotation_days: i64,
    /// When it rotates next; none while rotation is off.
    pub next_rotation_at: Option<Timestamp>,
    /// The newest version of its material.
    pub version: i64,
    /// Who may do what with it: the text as it was written.
    pub policy: String,
    /// When that was written.
    pub policy_at: Timestamp,
    /// Its tags: a JSON object.
    pub tags: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What decisions about access know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPolicyRow {
    /// The key's id.
    pub id: String,
    /// Who may do what with it: the text as it was written.
    pub policy: String,
    /// When that was written.
    pub policy_at: Timestamp,
    /// Its tags: a JSON object.
    pub tags: String,
}

/// A version of a key's material as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialRow {
    /// Its number, from 1.
    pub version: i64,
    /// The material, wrapped.
    pub wrapped: Vec<u8>,
    /// Whether somebody asked for it; it was time otherwise.
    pub is_on_demand: bool,
    /// When it was drawn.
    pub created_at: Timestamp,
}

/// A name of a key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRow {
    /// The name, with `alias/` before it.
    pub name: String,
    /// The key's id.
    pub key_id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last given to a key.
    pub changed_at: Timestamp,
}

static FIND: Query = query(
    "SELECT id, description, spec, usage, manager, state, deletion_at, rotation_days, next_rotation_at, version, policy,
         tags, created_at, policy_at FROM kms_key WHERE account = $1 AND id = $2",
);
static LIST: Query = query(
    "SELECT id, description, spec, usage, manager, state, deletion_at, rotation_days, next_rotation_at, version, policy,
         tags, created_at, policy_at FROM kms_key WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3",
);
static POLICIES: Query = query("SELECT id, policy, policy_at, tags FROM kms_key WHERE account = $1");
static COUNT: Query = query("SELECT count(*) FROM kms_key WHERE account = $1");
static PUT: Change = change(
    "INSERT INTO kms_key(account, id, description, spec, usage, manager, state, deletion_at, rotation_days,
         next_rotation_at, version, policy, tags, created_at, policy_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (account, id) DO UPDATE SET description = excluded.description, state = excluded.state,
         deletion_at = excluded.deletion_at, rotation_days = excluded.rotation_days,
         next_rotation_at = excluded.next_rotation_at, version = excluded.version, policy = excluded.policy,
         policy_at = excluded.policy_at, tags = excluded.tags",
);
static REMOVE: Change = change("DELETE FROM kms_key WHERE account = $1 AND id = $2");
static DUE_FOR_DELETION: Query =
    query("SELECT account, id FROM kms_key WHERE deletion_at <= $1 ORDER BY deletion_at LIMIT $2");
static DUE_FOR_ROTATION: Query = query(
    "SELECT account, id FROM kms_key WHERE next_rotation_at <= $1 AND state = 'Enabled' ORDER BY next_rotation_at LIMIT $2",
);

static MATERIAL: Query = query(
    "SELECT version, wrapped, is_on_demand, created_at FROM kms_material
     WHERE account = $1 AND key_id = $2 AND version = $3",
);
static MATERIALS: Query = query(
    "SELECT version, wrapped, is_on_demand, created_at FROM kms_material
     WHERE account = $1 AND key_id = $2 AND version > $3 ORDER BY version LIMIT $4",
);
static COUNT_ON_DEMAND: Query =
    query("SELECT count(*) FROM kms_material WHERE account = $1 AND key_id = $2 AND is_on_demand = 1");
static ADD_MATERIAL: Change = change(
    "INSERT INTO kms_material(account, key_id, version, wrapped, is_on_demand, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)",
);
static ERASE_MATERIAL: Change = change("DELETE FROM kms_material WHERE account = $1 AND key_id = $2");

static ALIAS: Query =
    query("SELECT name, key_id, created_at, changed_at FROM kms_alias WHERE account = $1 AND name = $2");
static ALIASES: Query = query(
    "SELECT name, key_id, created_at, changed_at FROM kms_alias WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3",
);
static ALL_ALIASES: Query = query("SELECT name, key_id FROM kms_alias WHERE account = $1");
static ALIASES_OF: Query = query(
    "SELECT name, key_id, created_at, changed_at FROM kms_alias
     WHERE account = $1 AND key_id = $2 AND name > $3 ORDER BY name LIMIT $4",
);
static COUNT_ALIASES: Query = query("SELECT count(*) FROM kms_alias WHERE account = $1 AND key_id = $2");
static PUT_ALIAS: Change = change(
    "INSERT INTO kms_alias(account, name, key_id, created_at, changed_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (account, name) DO UPDATE SET key_id = excluded.key_id, changed_at = excluded.changed_at",
);
static REMOVE_ALIAS: Change = change("DELETE FROM kms_alias WHERE account = $1 AND name = $2");
static REMOVE_ALIASES_OF: Change = change("DELETE FROM kms_alias WHERE account = $1 AND key_id = $2");

static CHECK_VALUE: Query = query("SELECT value FROM setting WHERE name = 'master-key-check'");
static WRAPPED_MASTER_KEY: Query = query("SELECT value FROM setting WHERE name = 'master-key-wrapped'");
static SET_WRAPPED_MASTER_KEY: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ('master-key-wrapped', $1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
);
static SET_CHECK_VALUE: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ('master-key-check', $1, $2)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
);

fn key(row: Row) -> Result<KeyRow, Fault> {
    Ok(KeyRow {
        id: row.text(0)?.into(),
        description: row.text(1)?.into(),
        spec: row.text(2)?.into(),
        usage: row.text(3)?.into(),
        manager: row.text(4)?.into(),
        state: row.text(5)?.into(),
        deletion_at: row.opt_time(6)?,
        rotation_days: row.int(7)?,
        next_rotation_at: row.opt_time(8)?,
        version: row.int(9)?,
        policy: row.text(10)?.into(),
        tags: row.text(11)?.into(),
        created_at: row.time(12)?,
        policy_at: row.time(13)?,
    })
}

fn material(row: Row) -> Result<MaterialRow, Fault> {
    Ok(MaterialRow {
        version: row.int(0)?,
        wrapped: row.bytes(1)?.to_vec(),
        is_on_demand: row.bool(2)?,
        created_at: row.time(3)?,
    })
}

fn alias_row(row: Row) -> Result<AliasRow, Fault> {
    Ok(AliasRow {
        name: row.text(0)?.into(),
        key_id: row.text(1)?.into(),
        created_at: row.time(2)?,
        changed_at: row.time(3)?,
    })
}

fn due(row: Row) -> Result<(AccountId, String), Fault> {
    Ok((row.text(0)?.parse().map_err(Fault::internal)?, row.text(1)?.into()))
}

fn number(found: Option<Row>) -> Result<u64, Fault> {
    found.map_or(Ok(0), |row| row.count(0))
}

/// Looks a key up by its id.
pub fn find(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<KeyRow>, Fault> {
    rows.one(&FIND, values![account, id])?.map(key).transpose()
}

/// Returns up to `count` keys whose ids come after `after`, by their ids.
pub fn list(rows: &mut Reader, account: AccountId, after: &str, count: usize) -> Result<Vec<KeyRow>, Fault> {
    rows.all(&LIST, values![account, after, count])?.into_iter().map(key).collect()
}

/// Returns how many keys an account has.
pub fn count(rows: &mut Reader, account: AccountId) -> Result<u64, Fault> {
    number(rows.one(&COUNT, values![account])?)
}

/// Returns what decisions about access know of the keys of an account.
pub fn policies(rows: &mut Reader, account: AccountId) -> Result<Vec<KeyPolicyRow>, Fault> {
    let policy = |row: Row| {
        Ok(KeyPolicyRow {
            id: row.text(0)?.into(),
            policy: row.text(1)?.into(),
            policy_at: row.time(2)?,
            tags: row.text(3)?.into(),
        })
    };
    rows.all(&POLICIES, values![account])?.into_iter().map(policy).collect()
}

/// Returns the names of all keys of an account, each with the key's id.
pub fn all_aliases(rows: &mut Reader, account: AccountId) -> Result<Vec<[String; 2]>, Fault> {
    let alias = |row: Row| Ok([row.text(0)?.into(), row.text(1)?.into()]);
    rows.all(&ALL_ALIASES, values![account])?.into_iter().map(alias).collect()
}

/// Writes a key, new or as it is now. What it is, whose it is and its creation stay as they were first written.
pub fn put(tx: &mut Tx, account: AccountId, key: &KeyRow) -> Result<(), Fault> {
    let values = values![
        account,
        &key.id,
        &key.description,
        &key.spec,
        &key.usage,
        &key.manager,
        &key.state,
        key.deletion_at,
        key.rotation_days,
        key.next_rotation_at,
        key.version,
        &key.policy,
        &key.tags,
        key.created_at,
        key.policy_at,
    ];
    access_revision::raise(tx, account)?;
    tx.write(&PUT, values)
}

/// Removes a key with all that it is made of and all its names.
pub fn erase(tx: &mut Tx, account: AccountId, id: &str) -> Result<(), Fault> {
    access_revision::raise(tx, account)?;
    tx.write(&ERASE_MATERIAL, values![account, id])?;
    tx.write(&REMOVE_ALIASES_OF, values![account, id])?;
    tx.write(&REMOVE, values![account, id])
}

/// Returns up to `count` keys of any account that are to be deleted by `now`, the longest due first.
pub fn due_for_deletion(rows: &mut Reader, now: Timestamp, count: usize) -> Result<Vec<(AccountId, String)>, Fault> {
    rows.all(&DUE_FOR_DELETION, values![now, count])?.into_iter().map(due).collect()
}

/// Returns up to `count` keys of any account that are to rotate by `now`, the longest due first.
pub fn due_for_rotation(rows: &mut Reader, now: Timestamp, count: usize) -> Result<Vec<(AccountId, String)>, Fault> {
    rows.all(&DUE_FOR_ROTATION, values![now, count])?.into_iter().map(due).collect()
}

/// Looks a version of a key's material up.
pub fn find_material(
    rows: &mut Reader,
    account: AccountId,
    key_id: &str,
    version: i64,
) -> Result<Option<MaterialRow>, Fault> {
    rows.one(&MATERIAL, values![account, key_id, version])?.map(material).transpose()
}

/// Returns up to `count` versions after `after`, the oldest first.
pub fn materials(
    rows: &mut Reader,
    account: AccountId,
    key_id: &str,
    after: i64,
    count: usize,
) -> Result<Vec<MaterialRow>, Fault> {
    rows.all(&MATERIALS, values![account, key_id, after, count])?.into_iter().map(material).collect()
}

/// Returns how many versions of a key somebody asked for.
pub fn count_on_demand(rows: &mut Reader, account: AccountId, key_id: &str) -> Result<u64, Fault> {
    number(rows.one(&COUNT_ON_DEMAND, values![account, key_id])?)
}

/// Writes a new version of a key's material.
pub fn add_material(tx: &mut Tx, account: AccountId, key_id: &str, material: &MaterialRow) -> Result<(), Fault> {
    let MaterialRow { version, wrapped, is_on_demand, created_at } = material;
    tx.write(&ADD_MATERIAL, values![account, key_id, *version, wrapped.as_slice(), *is_on_demand, *created_at])
}

/// Looks an alias up.
pub fn find_alias(rows: &mut Reader, account: AccountId, name: &str) -> Result<Option<AliasRow>, Fault> {
    rows.one(&ALIAS, values![account, name])?.map(alias_row).transpose()
}

/// Returns up to `count` aliases after the name `after`, of all keys or of one, by their names.
pub fn aliases(
    rows: &mut Reader,
    account: AccountId,
    key_id: Option<&str>,
    after: &str,
    count: usize,
) -> Result<Vec<AliasRow>, Fault> {
    let found = match key_id {
        Some(id) => rows.all(&ALIASES_OF, values![account, id, after, count])?,
        None => rows.all(&ALIASES, values![account, after, count])?,
    };
    found.into_iter().map(alias_row).collect()
}

/// Returns how many aliases a key has.
pub fn count_aliases(rows: &mut Reader, account: AccountId, key_id: &str) -> Result<u64, Fault> {
    number(rows.one(&COUNT_ALIASES, values![account, key_id])?)
}

/// Writes an alias. Its creation stays as it was first written.
pub fn put_alias(tx: &mut Tx, account: AccountId, alias: &AliasRow) -> Result<(), Fault> {
    let AliasRow { name, key_id, created_at, changed_at } = alias;
    access_revision::raise(tx, account)?;
    tx.write(&PUT_ALIAS, values![account, name, key_id, *created_at, *changed_at])
}

/// Removes an alias; the key stays.
pub fn remove_alias(tx: &mut Tx, account: AccountId, name: &str) -> Result<(), Fault> {
    access_revision::raise(tx, account)?;
    tx.write(&REMOVE_ALIAS, values![account, name])
}

/// Returns the value that tells which master key everything is wrapped under; none before anything was.
pub fn check_value(rows: &mut Reader) -> Result<Option<String>, Fault> {
    rows.one(&CHECK_VALUE, values![])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Writes that value.
pub fn set_check_value(tx: &mut Tx, value: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.write(&SET_CHECK_VALUE, values![value, now])
}

/// Returns the master key as a service outside wrapped it; none where it lies elsewhere.
pub fn wrapped_master_key(rows: &mut Reader) -> Result<Option<String>, Fault> {
    rows.one(&WRAPPED_MASTER_KEY, values![])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Writes it down.
pub fn set_wrapped_master_key(tx: &mut Tx, wrapped: &str) -> Result<(), Fault> {
    let now = tx.now();
    tx.write(&SET_WRAPPED_MASTER_KEY, values![wrapped, now])
}
