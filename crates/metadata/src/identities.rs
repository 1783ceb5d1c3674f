//! Every statement on users, groups and roles, and who is in which group; below, those on what belongs to them.

pub mod access_keys;
pub mod login_profiles;
pub mod personal_tokens;
pub mod policies;
pub mod providers;
pub mod sessions;

use crate::{Change, Query, Reader, Row, Tx, access_revision, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A user, group or role as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// Its unique id.
    pub id: String,
    /// `user`, `group` or `role`.
    pub kind: String,
    /// Its name as written.
    pub name: String,
    /// Its path, with slashes at both ends.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// The ARN of the policy that bounds it.
    pub boundary: Option<String>,
    /// Its tags: a JSON object.
    pub tags: String,
    /// Of a role: the policy that says who may become it.
    pub trust: Option<String>,
    /// Of a role: the unique ids that the ARNs in that policy had when it was written, as JSON.
    pub trust_bindings: Option<String>,
    /// Of a role: the longest session, in seconds.
    pub session_seconds_max: i64,
    /// Whether a user is a robot.
    pub is_robot: bool,
    /// When a robot ends.
    pub expires_at: Option<Timestamp>,
    /// From where a robot may come: a JSON array.
    pub networks: String,
    /// When it was created.
    pub created_at: Timestamp,
}

static FIND: Query = query(
    "SELECT id, kind, name, path, description, boundary, tags, trust, trust_bindings, session_seconds_max, is_robot,
         expires_at, networks, created_at FROM identity WHERE account = $1 AND kind = $2 AND name_key = $3",
);
static BY_ID: Query = query(
    "SELECT id, kind, name, path, description, boundary, tags, trust, trust_bindings, session_seconds_max, is_robot,
         expires_at, networks, created_at FROM identity WHERE account = $1 AND id = $2",
);
static ANYWHERE: Query = query("SELECT account FROM identity WHERE id = $1 ORDER BY account LIMIT 1");
static LIST: Query = query(
    "SELECT id, kind, name, path, description, boundary, tags, trust, trust_bindings, session_seconds_max, is_robot,
         expires_at, networks, created_at FROM identity
     WHERE account = $1 AND kind = $2 AND name_key > $3 AND substr(path, 1, length($4)) = $4 ORDER BY name_key LIMIT $5",
);
static ALL: Query = query(
    "SELECT id, kind, name, path, description, boundary, tags, trust, trust_bindings, session_seconds_max, is_robot,
         expires_at, networks, created_at FROM identity WHERE account = $1 ORDER BY id",
);
static COUNT: Query = query("SELECT count(*) FROM identity WHERE account = $1 AND kind = $2");
static BOUNDED: Query = query("SELECT count(*) FROM identity WHERE account = $1 AND boundary = $2");
static PUT: Change = change(
    "INSERT INTO identity(account, id, kind, name, name_key, path, description, boundary, tags, trust, trust_bindings,
         session_seconds_max, is_robot, expires_at, networks, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     ON CONFLICT (account, id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, path = excluded.path,
         description = excluded.description, boundary = excluded.boundary, tags = excluded.tags, trust = excluded.trust,
         trust_bindings = excluded.trust_bindings, session_seconds_max = excluded.session_seconds_max,
         expires_at = excluded.expires_at, networks = excluded.networks",
);
static DELETE: Change = change("DELETE FROM identity WHERE account = $1 AND id = $2");

static MEMBERS: Query = query(
    "SELECT i.id, i.kind, i.name, i.path, i.description, i.boundary, i.tags, i.trust, i.trust_bindings,
         i.session_seconds_max, i.is_robot, i.expires_at, i.networks, i.created_at
     FROM membership m JOIN identity i ON i.account = m.account AND i.id = m.user_id
     WHERE m.account = $1 AND m.group_id = $2 AND i.name_key > $3 ORDER BY i.name_key LIMIT $4",
);
static GROUPS: Query = query(
    "SELECT i.id, i.kind, i.name, i.path, i.description, i.boundary, i.tags, i.trust, i.trust_bindings,
         i.session_seconds_max, i.is_robot, i.expires_at, i.networks, i.created_at
     FROM membership m JOIN identity i ON i.account = m.account AND i.id = m.group_id
     WHERE m.account = $1 AND m.user_id = $2 AND i.name_key > $3 ORDER BY i.name_key LIMIT $4",
);
static MEMBERSHIPS: Query =
    query("SELECT user_id, group_id FROM membership WHERE account = $1 ORDER BY user_id, group_id");
static JOIN: Change =
    change("INSERT INTO membership(account, group_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
static LEAVE: Change = change("DELETE FROM membership WHERE account = $1 AND group_id = $2 AND user_id = $3");

static REVISION: Query = query("SELECT revision FROM identity_revision WHERE account = $1");
static RAISE: Change = change(
    "INSERT INTO identity_revision(account, revision) VALUES ($1, 1)
     ON CONFLICT (account) DO UPDATE SET revision = identity_revision.revision + 1",
);

static ALIAS: Query = query("SELECT alias FROM account_alias WHERE account = $1");
static ALIASED: Query = query("SELECT account FROM account_alias WHERE alias = $1");
static SET_ALIAS: Change = change(
    "INSERT INTO account_alias(account, alias) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET alias = excluded.alias",
);
static REMOVE_ALIAS: Change = change("DELETE FROM account_alias WHERE account = $1");

fn row(row: Row) -> Result<IdentityRow, Fault> {
    Ok(IdentityRow {
        id: row.text(0)?.into(),
        kind: row.text(1)?.into(),
        name: row.text(2)?.into(),
        path: row.text(3)?.into(),
        description: row.text(4)?.into(),
        boundary: row.opt_text(5)?.map(Into::into),
        tags: row.text(6)?.into(),
        trust: row.opt_text(7)?.map(Into::into),
        trust_bindings: row.opt_text(8)?.map(Into::into),
        session_seconds_max: row.int(9)?,
        is_robot: row.bool(10)?,
        expires_at: row.opt_time(11)?,
        networks: row.text(12)?.into(),
        created_at: row.time(13)?,
    })
}

fn number(found: Option<Row>) -> Result<u64, Fault> {
    found.map_or(Ok(0), |row| row.count(0))
}

/// Looks a user, group or role up by its name, in any case.
pub fn find(rows: &mut Reader, account: AccountId, kind: &str, name: &str) -> Result<Option<IdentityRow>, Fault> {
    rows.one(&FIND, values![account, kind, name.to_ascii_lowercase()])?.map(row).transpose()
}

/// Looks a user, group or role up by its unique id.
pub fn by_id(rows: &mut Reader, account: AccountId, id: &str) -> Result<Option<IdentityRow>, Fault> {
    rows.one(&BY_ID, values![account, id])?.map(row).transpose()
}

/// Returns the account that a user, group or role is of, by its unique id.
pub fn account_of(rows: &mut Reader, id: &str) -> Result<Option<AccountId>, Fault> {
    let found = rows.one(&ANYWHERE, values![id])?;
    found.map(|row| row.text(0)?.parse().map_err(Fault::internal)).transpose()
}

/// Returns up to `count` of a kind whose path begins with `path` and whose name comes after `after`, by their names in lower
/// case.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    kind: &str,
    path: &str,
    after: &str,
    count: usize,
) -> Result<Vec<IdentityRow>, Fault> {
    let values = values![account, kind, after.to_ascii_lowercase(), path, count];
    rows.all(&LIST, values)?.into_iter().map(row).collect()
}

/// Returns all users, groups and roles of an account: for the snapshot that decisions are made of.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<IdentityRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(row).collect()
}

/// Returns how many of a kind there are.
pub fn count(rows: &mut Reader, account: AccountId, kind: &str) -> Result<u64, Fault> {
    number(rows.one(&COUNT, values![account, kind])?)
}

/// Returns how many users and roles a policy bounds.
pub fn count_bounded(rows: &mut Reader, account: AccountId, policy: &str) -> Result<u64, Fault> {
    number(rows.one(&BOUNDED, values![account, policy])?)
}

/// Writes a user, group or role, new or as it is now. Kind, id and creation stay as they were first written.
pub fn put(tx: &mut Tx, account: AccountId, identity: &IdentityRow) -> Result<(), Fault> {
    let i = identity;
    let values = values![
        account,
        &i.id,
        &i.kind,
        &i.name,
        i.name.to_ascii_lowercase(),
        &i.path,
        &i.description,
        i.boundary.as_deref(),
        &i.tags,
        i.trust.as_deref(),
        i.trust_bindings.as_deref(),
        i.session_seconds_max,
        i.is_robot,
        i.expires_at,
        &i.networks,
        i.created_at,
    ];
    tx.write(&PUT, values)
}

/// Removes a user, group or role that nothing belongs to any more.
pub fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![account, id])
}

/// Returns up to `count` users of a group, by their names in lower case.
pub fn members(
    rows: &mut Reader,
    account: AccountId,
    group: &str,
    after: &str,
    count: usize,
) -> Result<Vec<IdentityRow>, Fault> {
    let values = values![account, group, after.to_ascii_lowercase(), count];
    rows.all(&MEMBERS, values)?.into_iter().map(row).collect()
}

/// Returns up to `count` groups that a user is in, by their names in lower case.
pub fn groups(
    rows: &mut Reader,
    account: AccountId,
    user: &str,
    after: &str,
    count: usize,
) -> Result<Vec<IdentityRow>, Fault> {
    let values = values![account, user, after.to_ascii_lowercase(), count];
    rows.all(&GROUPS, values)?.into_iter().map(row).collect()
}

/// Returns who is in which group, by unique ids: users first, groups second.
pub fn memberships(rows: &mut Reader, account: AccountId) -> Result<Vec<(String, String)>, Fault> {
    let pair = |row: &Row| Ok((row.text(0)?.into(), row.text(1)?.into()));
    rows.all(&MEMBERSHIPS, values![account])?.iter().map(pair).collect()
}

/// Puts a user into a group.
pub fn join(tx: &mut Tx, account: AccountId, group: &str, user: &str) -> Result<(), Fault> {
    tx.write(&JOIN, values![account, group, user])
}

/// Takes a user out of a group.
pub fn leave(tx: &mut Tx, account: AccountId, group: &str, user: &str) -> Result<(), Fault> {
    tx.write(&LEAVE, values![account, group, user])
}

/// Returns how often something changed that may change a decision about an account.
pub fn revision(rows: &mut Reader, account: AccountId) -> Result<u64, Fault> {
    number(rows.one(&REVISION, values![account])?)
}

/// Says that something changed that may change a decision about an account.
pub fn raise_revision(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    access_revision::raise(tx, account)?;
    tx.write(&RAISE, values![account])
}

/// Returns the name of an account beside its number.
pub fn alias(rows: &mut Reader, account: AccountId) -> Result<Option<String>, Fault> {
    rows.one(&ALIAS, values![account])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Returns the account of an alias.
pub fn aliased(rows: &mut Reader, alias: &str) -> Result<Option<String>, Fault> {
    rows.one(&ALIASED, values![alias])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Names an account.
pub fn set_alias(tx: &mut Tx, account: AccountId, alias: &str) -> Result<(), Fault> {
    tx.write(&SET_ALIAS, values![account, alias])
}

/// Takes the name from an account.
pub fn remove_alias(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    tx.write(&REMOVE_ALIAS, values![account])
}
