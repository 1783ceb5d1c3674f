//! Every statement on accounts besides the site's own.

use crate::{Change, Query, Reader, Row, Tx, access_revision, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// An account as it is stored. The secret of its root user is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Its id.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// `active` or `suspended`.
    pub state: String,
    /// The access key of its root user.
    pub root_key_id: String,
    /// The secret of that, sealed.
    pub root_secret: String,
    /// When that was made.
    pub root_key_made_at: Timestamp,
    /// When the account was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

static ALL: Query = query(
    "SELECT id, name, state, root_key_id, root_secret, root_key_made_at, created_at, created_by FROM account ORDER BY id",
);
static FIND: Query = query(
    "SELECT id, name, state, root_key_id, root_secret, root_key_made_at, created_at, created_by FROM account WHERE id = $1",
);
static PUT: Change = change(
    "INSERT INTO account(id, name, state, root_key_id, root_secret, root_key_made_at, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, root_key_id = excluded.root_key_id,
         root_secret = excluded.root_secret, root_key_made_at = excluded.root_key_made_at",
);
static DELETE: Change = change("DELETE FROM account WHERE id = $1");

/// What an account must not hold any more before it is deleted, with the words for it.
static HELD: Query = query(
    "SELECT 'repositories' WHERE EXISTS (SELECT 1 FROM repository WHERE account = $1)
     UNION ALL SELECT 'images in the trash' WHERE EXISTS (SELECT 1 FROM trash WHERE account = $1)
     UNION ALL SELECT 'users, groups or roles' WHERE EXISTS (SELECT 1 FROM identity WHERE account = $1)
     UNION ALL SELECT 'policies' WHERE EXISTS (SELECT 1 FROM managed_policy WHERE account = $1)
     UNION ALL SELECT 'OIDC providers' WHERE EXISTS (SELECT 1 FROM oidc_provider WHERE account = $1)
     UNION ALL SELECT 'secrets' WHERE EXISTS (SELECT 1 FROM secret WHERE account = $1)
     UNION ALL SELECT 'keys' WHERE EXISTS (SELECT 1 FROM kms_key WHERE account = $1 AND manager <> 'AWS')",
);
static OF_REPOSITORY: Query = query(
    "SELECT account FROM repository WHERE id = $1 UNION ALL SELECT account FROM trash WHERE repository = $1 LIMIT 1",
);
static DELETE_DOCUMENTS: Change = change("DELETE FROM document WHERE account = $1");
static DELETE_ALIAS: Change = change("DELETE FROM account_alias WHERE account = $1");
/// Those that were made for it: nobody can delete them, and nothing lies under them any more.
static DELETE_MATERIAL: Change = change("DELETE FROM kms_material WHERE account = $1");
static DELETE_KEY_ALIASES: Change = change("DELETE FROM kms_alias WHERE account = $1");
static DELETE_KEYS: Change = change("DELETE FROM kms_key WHERE account = $1");
static DELETE_INVENTORY: Change = change("DELETE FROM inventory_image WHERE account = $1");
static DELETE_INVENTORY_SOURCES: Change = change("DELETE FROM inventory_source WHERE account = $1");
/// Without repositories they count nothing.
static DELETE_QUOTAS: Change = change("DELETE FROM quota WHERE account = $1");

fn row(row: Row) -> Result<AccountRow, Fault> {
    Ok(AccountRow {
        id: row.text(0)?.parse().map_err(Fault::internal)?,
        name: row.text(1)?.into(),
        state: row.text(2)?.into(),
        root_key_id: row.text(3)?.into(),
        root_secret: row.text(4)?.into(),
        root_key_made_at: row.time(5)?,
        created_at: row.time(6)?,
        created_by: row.text(7)?.into(),
    })
}

/// Returns all of them, by id. There are few.
pub fn all(rows: &mut Reader) -> Result<Vec<AccountRow>, Fault> {
    rows.all(&ALL, values![])?.into_iter().map(row).collect()
}

/// Looks one up.
pub fn find(rows: &mut Reader, id: AccountId) -> Result<Option<AccountRow>, Fault> {
    rows.one(&FIND, values![id])?.map(row).transpose()
}

/// Returns the words for what an account holds; nothing where it is empty.
pub fn held(rows: &mut Reader, id: AccountId) -> Result<Vec<String>, Fault> {
    rows.all(&HELD, values![id])?.into_iter().map(|row| Ok(row.text(0)?.to_string())).collect()
}

/// Returns whose a repository is, or was that has images in the trash.
pub fn of_repository(rows: &mut Reader, repository: i64) -> Result<Option<AccountId>, Fault> {
    let found = rows.one(&OF_REPOSITORY, values![repository])?;
    found.map(|row| row.text(0)?.parse().map_err(Fault::internal)).transpose()
}

/// Writes an account, as part of an act.
pub fn put(tx: &mut Tx, account: &AccountRow) -> Result<(), Fault> {
    let AccountRow { id, name, state, root_key_id, root_secret, root_key_made_at, created_at, created_by } = account;
    access_revision::raise(tx, *id)?;
    let values = values![*id, name, state, root_key_id, root_secret, *root_key_made_at, *created_at, created_by];
    tx.write(&PUT, values)
}

/// Removes an account with its settings, as part of an act that has seen that it holds nothing.
pub fn delete(tx: &mut Tx, id: AccountId) -> Result<(), Fault> {
    access_revision::raise(tx, id)?;
    for change in [&DELETE, &DELETE_DOCUMENTS, &DELETE_ALIAS, &DELETE_INVENTORY, &DELETE_INVENTORY_SOURCES] {
        tx.write(change, values![id])?;
    }
    for change in [&DELETE_MATERIAL, &DELETE_KEY_ALIASES, &DELETE_KEYS, &DELETE_QUOTAS] {
        tx.write(change, values![id])?;
    }
    Ok(())
}
