//! Every statement on managed policies with their versions, on what they are attached to, and on inline policies.

use super::number;
use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// A managed policy as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub id: String,
    /// Its name as written.
    pub name: String,
    /// Its path, with slashes at both ends.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Its tags: a JSON object.
    pub tags: String,
    /// The version that counts.
    pub default_version: i64,
    /// The highest number a version ever had.
    pub last_version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a version was last added, or another became the one that counts.
    pub changed_at: Timestamp,
    /// How many users, groups and roles have it; not written.
    pub attachment_count: u64,
}

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// Its number, from 1.
    pub number: i64,
    /// Its text.
    pub document: String,
    /// When it was written.
    pub created_at: Timestamp,
}

static FIND: Query = query(
    "SELECT arn, id, name, path, description, tags, default_version, last_version, created_at, changed_at,
         (SELECT count(*) FROM policy_attachment a WHERE a.account = p.account AND a.policy_arn = p.arn)
     FROM managed_policy p WHERE account = $1 AND arn = $2",
);
static FIND_NAMED: Query = query("SELECT arn FROM managed_policy WHERE account = $1 AND name_key = $2");
static LIST: Query = query(
    "SELECT arn, id, name, path, description, tags, default_version, last_version, created_at, changed_at,
         (SELECT count(*) FROM policy_attachment a WHERE a.account = p.account AND a.policy_arn = p.arn)
     FROM managed_policy p WHERE account = $1 AND name_key > $2 AND substr(path, 1, length($3)) = $3
         AND (CAST($4 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM policy_attachment a WHERE a.account = p.account AND a.policy_arn = p.arn))
     ORDER BY name_key LIMIT $5",
);
static COUNT: Query = query("SELECT count(*) FROM managed_policy WHERE account = $1");
static PUT: Change = change(
    "INSERT INTO managed_policy(account, arn, id, name, name_key, path, description, tags, default_version, last_version,
         created_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (account, arn) DO UPDATE SET tags = excluded.tags, default_version = excluded.default_version,
         last_version = excluded.last_version, changed_at = excluded.changed_at",
);
static DELETE: Change = change("DELETE FROM managed_policy WHERE account = $1 AND arn = $2");
static DELETE_VERSIONS: Change = change("DELETE FROM managed_policy_version WHERE account = $1 AND arn = $2");
static VERSIONS: Query = query(
    "SELECT number, document, created_at FROM managed_policy_version WHERE account = $1 AND arn = $2 ORDER BY number DESC",
);
static PUT_VERSION: Change = change(
    "INSERT INTO managed_policy_version(account, arn, number, document, created_at) VALUES ($1, $2, $3, $4, $5)",
);
static DELETE_VERSION: Change =
    change("DELETE FROM managed_policy_version WHERE account = $1 AND arn = $2 AND number = $3");
static DEFAULTS: Query = query(
    "SELECT p.arn, v.document FROM managed_policy p
     JOIN managed_policy_version v ON v.account = p.account AND v.arn = p.arn AND v.number = p.default_version
     WHERE p.account = $1 ORDER BY p.arn",
);

static ATTACHED: Query = query(
    "SELECT policy_arn FROM policy_attachment WHERE account = $1 AND identity_id = $2 AND policy_arn > $3
     ORDER BY policy_arn LIMIT $4",
);
static HOLDERS: Query = query(
    "SELECT i.id, i.kind, i.name, i.path FROM policy_attachment a
     JOIN identity i ON i.account = a.account AND i.id = a.identity_id
     WHERE a.account = $1 AND a.policy_arn = $2 AND i.id > $3 ORDER BY i.id LIMIT $4",
);
static ATTACHMENTS: Query =
    query("SELECT identity_id, policy_arn FROM policy_attachment WHERE account = $1 ORDER BY identity_id, policy_arn");
static ATTACHMENT_COUNT: Query = query("SELECT count(*) FROM policy_attachment WHERE account = $1 AND policy_arn = $2");
static ATTACH: Change = change(
    "INSERT INTO policy_attachment(account, identity_id, policy_arn) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);
static DETACH: Change =
    change("DELETE FROM policy_attachment WHERE account = $1 AND identity_id = $2 AND policy_arn = $3");

static INLINE: Query =
    query("SELECT name, document FROM inline_policy WHERE account = $1 AND identity_id = $2 ORDER BY name");
static INLINE_ALL: Query =
    query("SELECT identity_id, name, document FROM inline_policy WHERE account = $1 ORDER BY identity_id, name");
static PUT_INLINE: Change = change(
    "INSERT INTO inline_policy(account, identity_id, name, document) VALUES ($1, $2, $3, $4)
     ON CONFLICT (account, identity_id, name) DO UPDATE SET document = excluded.document",
);
static DELETE_INLINE: Change =
    change("DELETE FROM inline_policy WHERE account = $1 AND identity_id = $2 AND name = $3");

fn row(row: Row) -> Result<PolicyRow, Fault> {
    Ok(PolicyRow {
        arn: row.text(0)?.into(),
        id: row.text(1)?.into(),
        name: row.text(2)?.into(),
        path: row.text(3)?.into(),
        description: row.text(4)?.into(),
        tags: row.text(5)?.into(),
        default_version: row.int(6)?,
        last_version: row.int(7)?,
        created_at: row.time(8)?,
        changed_at: row.time(9)?,
        attachment_count: row.count(10)?,
    })
}

fn texts<const N: usize>(row: &Row) -> Result<[String; N], Fault> {
    let mut texts = std::array::from_fn(|_| String::new());
    for (index, text) in texts.iter_mut().enumerate() {
        *text = row.text(index)?.into();
    }
    Ok(texts)
}

/// Looks a managed policy up.
pub fn find(rows: &mut Reader, account: AccountId, arn: &str) -> Result<Option<PolicyRow>, Fault> {
    rows.one(&FIND, values![account, arn])?.map(row).transpose()
}

/// Returns the ARN of the policy of a name, in any case and with any path.
pub fn find_named(rows: &mut Reader, account: AccountId, name: &str) -> Result<Option<String>, Fault> {
    let found = rows.one(&FIND_NAMED, values![account, name.to_ascii_lowercase()])?;
    found.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Returns up to `count` policies whose path begins with `path` and whose name comes after `after`, by their names in lower
/// case; only those that somebody has, where `attached`.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    path: &str,
    attached: bool,
    after: &str,
    count: usize,
) -> Result<Vec<PolicyRow>, Fault> {
    let values = values![account, after.to_ascii_lowercase(), path, attached, count];
    rows.all(&LIST, values)?.into_iter().map(row).collect()
}

/// Returns how many policies there are.
pub fn count(rows: &mut Reader, account: AccountId) -> Result<u64, Fault> {
    number(rows.one(&COUNT, values![account])?)
}

/// Writes a policy, new or as it is now; of one that is there, tags, versions and the time of change.
pub fn put(tx: &mut Tx, account: AccountId, policy: &PolicyRow) -> Result<(), Fault> {
    let p = policy;
    let values = values![
        account,
        &p.arn,
        &p.id,
        &p.name,
        p.name.to_ascii_lowercase(),
        &p.path,
        &p.description,
        &p.tags,
        p.default_version,
        p.last_version,
        p.created_at,
        p.changed_at,
    ];
    tx.write(&PUT, values)
}

/// Removes a policy with its versions.
pub fn delete(tx: &mut Tx, account: AccountId, arn: &str) -> Result<(), Fault> {
    tx.write(&DELETE_VERSIONS, values![account, arn])?;
    tx.write(&DELETE, values![account, arn])
}

/// Returns the versions of a policy, the newest first. There are few.
pub fn versions(rows: &mut Reader, account: AccountId, arn: &str) -> Result<Vec<VersionRow>, Fault> {
    let version =
        |row: &Row| Ok(VersionRow { number: row.int(0)?, document: row.text(1)?.into(), created_at: row.time(2)? });
    rows.all(&VERSIONS, values![account, arn])?.iter().map(version).collect()
}

/// Writes a new version.
pub fn put_version(tx: &mut Tx, account: AccountId, arn: &str, version: &VersionRow) -> Result<(), Fault> {
    tx.write(&PUT_VERSION, values![account, arn, version.number, &version.document, version.created_at])
}

/// Removes a version.
pub fn delete_version(tx: &mut Tx, account: AccountId, arn: &str, number: i64) -> Result<(), Fault> {
    tx.write(&DELETE_VERSION, values![account, arn, number])
}

/// Returns the ARN of each policy of an account with the text that counts.
pub fn defaults(rows: &mut Reader, account: AccountId) -> Result<Vec<[String; 2]>, Fault> {
    rows.all(&DEFAULTS, values![account])?.iter().map(texts).collect()
}

/// Returns up to `count` ARNs after `after` of policies that a user, group or role has.
pub fn attached(
    rows: &mut Reader,
    account: AccountId,
    identity: &str,
    after: &str,
    count: usize,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&ATTACHED, values![account, identity, after, count])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns up to `count` of those that have a policy, after the unique id `after`: their unique id, kind, name and path.
pub fn holders(
    rows: &mut Reader,
    account: AccountId,
    policy: &str,
    after: &str,
    count: usize,
) -> Result<Vec<[String; 4]>, Fault> {
    rows.all(&HOLDERS, values![account, policy, after, count])?.iter().map(texts).collect()
}

/// Returns who has which policy: unique ids and ARNs.
pub fn attachments(rows: &mut Reader, account: AccountId) -> Result<Vec<[String; 2]>, Fault> {
    rows.all(&ATTACHMENTS, values![account])?.iter().map(texts).collect()
}

/// Returns how many have a policy.
pub fn count_attachments(rows: &mut Reader, account: AccountId, policy: &str) -> Result<u64, Fault> {
    number(rows.one(&ATTACHMENT_COUNT, values![account, policy])?)
}

/// Gives a policy to a user, group or role.
pub fn attach(tx: &mut Tx, account: AccountId, identity: &str, policy: &str) -> Result<(), Fault> {
    tx.write(&ATTACH, values![account, identity, policy])
}

/// Takes a policy from a user, group or role.
pub fn detach(tx: &mut Tx, account: AccountId, identity: &str, policy: &str) -> Result<(), Fault> {
    tx.write(&DETACH, values![account, identity, policy])
}

/// Returns the names and texts of the inline policies of a user, group or role, by name. All together they are small.
pub fn inline(rows: &mut Reader, account: AccountId, identity: &str) -> Result<Vec<[String; 2]>, Fault> {
    rows.all(&INLINE, values![account, identity])?.iter().map(texts).collect()
}

/// Returns all inline policies of an account: unique id, name and text.
pub fn all_inline(rows: &mut Reader, account: AccountId) -> Result<Vec<[String; 3]>, Fault> {
    rows.all(&INLINE_ALL, values![account])?.iter().map(texts).collect()
}

/// Writes an inline policy.
pub fn put_inline(tx: &mut Tx, account: AccountId, identity: &str, name: &str, document: &str) -> Result<(), Fault> {
    tx.write(&PUT_INLINE, values![account, identity, name, document])
}

/// Removes an inline policy.
pub fn delete_inline(tx: &mut Tx, account: AccountId, identity: &str, name: &str) -> Result<(), Fault> {
    tx.write(&DELETE_INLINE, values![account, identity, name])
}
