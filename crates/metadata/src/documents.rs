//! Every statement on `document`.

use crate::{Change, Query, Reader, Row, Tx, access_revision, change, gates, query, scans, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};

/// Where a document stands: the registry of an account, or one of its repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The repository's number; 0 for the registry as a whole.
    pub repository: i64,
    /// What kind of document it is.
    pub kind: &'static str,
}

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its name; empty where there is only one of its kind.
    pub name: String,
    /// The text, as it came.
    pub body: String,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub changed_at: Timestamp,
    /// Raised with each writing.
    pub revision: i64,
}

static FIND: Query = query(
    "SELECT name, body, created_at, changed_at, revision FROM document
     WHERE account = $1 AND region = $2 AND repository = $3 AND kind = $4 AND name = $5",
);
static LIST: Query = query(
    "SELECT name, body, created_at, changed_at, revision FROM document
     WHERE account = $1 AND region = $2 AND repository = $3 AND kind = $4 AND name > $5 ORDER BY name LIMIT $6",
);
static COUNT: Query =
    query("SELECT count(*) FROM document WHERE account = $1 AND region = $2 AND repository = $3 AND kind = $4");
static PUT: Change = change(
    "INSERT INTO document(account, region, repository, kind, name, body, created_at, changed_at, changed_by, revision)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, 1)
     ON CONFLICT (account, region, repository, kind, name) DO UPDATE SET body = excluded.body,
         changed_at = excluded.changed_at, changed_by = excluded.changed_by, revision = document.revision + 1",
);
static REMOVE: Change =
    change("DELETE FROM document WHERE account = $1 AND region = $2 AND repository = $3 AND kind = $4 AND name = $5");

static ACCESS: Query = query(
    "SELECT r.name, d.kind, d.name, d.body, d.changed_at
     FROM document AS d LEFT JOIN repository AS r ON r.id = d.repository
     WHERE d.account = $1 AND d.region = $2
         AND d.kind IN ('account-policy', 'registry-policy', 'repository-policy', 'resource-tags')
     ORDER BY d.name",
);

/// What images must be like to be pulled, by the scope.
pub const GATE_POLICY: &str = "gate-policy";
/// What does not count there, by its id.
pub const GATE_EXCEPTION: &str = "gate-exception";
/// That gates are open for a while, by its id.
pub const GATE_OVERRIDE: &str = "gate-override";
/// What is denied to a whole account, by the name of the policy.
pub const ACCOUNT_POLICY: &str = "account-policy";
/// The policy of a registry.
pub const REGISTRY_POLICY: &str = "registry-policy";
/// The policy of a repository.
pub const REPOSITORY_POLICY: &str = "repository-policy";
/// The tags of a repository, as a JSON object.
pub const RESOURCE_TAGS: &str = "resource-tags";
/// Which images are scanned, and when.
pub const SCANNING_CONFIGURATION: &str = "scanning-configuration";
/// The kinds that decisions about access know: [`access_documents`] returns them.
const ACCESS_KINDS: [&str; 4] = [ACCOUNT_POLICY, REGISTRY_POLICY, REPOSITORY_POLICY, RESOURCE_TAGS];

/// A document that decisions about access know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDocument {
    /// The repository it stands at; none where it stands at the registry.
    pub repository: Option<String>,
    /// `account-policy`, `registry-policy`, `repository-policy` or `resource-tags`.
    pub kind: String,
    /// Its name; empty where there is only one of its kind.
    pub name: String,
    /// The text, as it came.
    pub body: String,
    /// When it was last written.
    pub changed_at: Timestamp,
}

fn row(row: Row) -> Result<DocumentRow, Fault> {
    Ok(DocumentRow {
        name: row.text(0)?.into(),
        body: row.text(1)?.into(),
        created_at: row.time(2)?,
        changed_at: row.time(3)?,
        revision: row.int(4)?,
    })
}

/// Looks a document up.
pub fn find(rows: &mut Reader, shelf: &Shelf, name: &str) -> Result<Option<DocumentRow>, Fault> {
    let Shelf { account, region, repository, kind } = shelf;
    rows.one(&FIND, values![account, region, *repository, *kind, name])?.map(row).transpose()
}

/// Returns up to `count` documents whose name comes after `after`, in the order of their bytes.
pub fn list(rows: &mut Reader, shelf: &Shelf, after: &str, count: usize) -> Result<Vec<DocumentRow>, Fault> {
    let Shelf { account, region, repository, kind } = shelf;
    rows.all(&LIST, values![account, region, *repository, *kind, after, count])?.into_iter().map(row).collect()
}

/// Returns all documents of a registry that decisions about access know.
pub fn access_documents(rows: &mut Reader, account: AccountId, region: &Region) -> Result<Vec<AccessDocument>, Fault> {
    let document = |row: Row| {
        let repository = row.opt_text(0)?.map(str::to_string);
        Ok(AccessDocument {
            repository,
            kind: row.text(1)?.into(),
            name: row.text(2)?.into(),
            body: row.text(3)?.into(),
            changed_at: row.time(4)?,
        })
    };
    rows.all(&ACCESS, values![account, region])?.into_iter().map(document).collect()
}

/// Returns how many documents stand on a shelf.
pub fn count(rows: &mut Reader, shelf: &Shelf) -> Result<u64, Fault> {
    let Shelf { account, region, repository, kind } = shelf;
    let found = rows.one(&COUNT, values![account, region, *repository, *kind])?;
    found.map_or(Ok(0), |row| row.count(0))
}

/// Writes a document.
pub fn put(tx: &mut Tx, shelf: &Shelf, name: &str, body: &str, at: Timestamp, by: &str) -> Result<(), Fault> {
    let Shelf { account, region, repository, kind } = shelf;
    if ACCESS_KINDS.contains(kind) {
        access_revision::raise(tx, *account)?;
    }
    if gates::is_rule(kind) {
        gates::raise_rules(tx)?;
    }
    if *kind == SCANNING_CONFIGURATION {
        scans::raise_configurations(tx)?;
    }
    tx.write(&PUT, values![account, region, *repository, *kind, name, body, at, by])
}

/// Removes a document.
pub fn remove(tx: &mut Tx, shelf: &Shelf, name: &str) -> Result<(), Fault> {
    let Shelf { account, region, repository, kind } = shelf;
    if ACCESS_KINDS.contains(kind) {
        access_revision::raise(tx, *account)?;
    }
    if gates::is_rule(kind) {
        gates::raise_rules(tx)?;
    }
    if *kind == SCANNING_CONFIGURATION {
        scans::raise_configurations(tx)?;
    }
    tx.write(&REMOVE, values![account, region, *repository, *kind, name])
}
