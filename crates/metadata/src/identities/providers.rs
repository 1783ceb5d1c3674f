//! Every statement on OIDC providers.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Timestamp};

/// An OIDC provider as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRow {
    /// Its ARN.
    pub arn: String,
    /// Its issuer, without `https://`.
    pub url: String,
    /// The audiences it may name: a JSON array.
    pub client_ids: String,
    /// Thumbprints of certificates: a JSON array.
    pub thumbprints: String,
    /// Its tags: a JSON object.
    pub tags: String,
    /// When it was created.
    pub created_at: Timestamp,
}

static FIND: Query = query(
    "SELECT arn, url, client_ids, thumbprints, tags, created_at FROM oidc_provider WHERE account = $1 AND arn = $2",
);
static ALL: Query = query(
    "SELECT arn, url, client_ids, thumbprints, tags, created_at FROM oidc_provider WHERE account = $1 ORDER BY arn",
);
static PUT: Change = change(
    "INSERT INTO oidc_provider(account, arn, url, client_ids, thumbprints, tags, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (account, arn) DO UPDATE SET client_ids = excluded.client_ids, thumbprints = excluded.thumbprints,
         tags = excluded.tags",
);
static DELETE: Change = change("DELETE FROM oidc_provider WHERE account = $1 AND arn = $2");

fn row(row: Row) -> Result<ProviderRow, Fault> {
    Ok(ProviderRow {
        arn: row.text(0)?.into(),
        url: row.text(1)?.into(),
        client_ids: row.text(2)?.into(),
        thumbprints: row.text(3)?.into(),
        tags: row.text(4)?.into(),
        created_at: row.time(5)?,
    })
}

/// Looks a provider up.
pub fn find(rows: &mut Reader, account: AccountId, arn: &str) -> Result<Option<ProviderRow>, Fault> {
    rows.one(&FIND, values![account, arn])?.map(row).transpose()
}

/// Returns the providers of an account. There are at most a hundred.
pub fn all(rows: &mut Reader, account: AccountId) -> Result<Vec<ProviderRow>, Fault> {
    rows.all(&ALL, values![account])?.into_iter().map(row).collect()
}

/// Writes a provider, new or as it is now.
pub fn put(tx: &mut Tx, account: AccountId, provider: &ProviderRow) -> Result<(), Fault> {
    let p = provider;
    let values = values![account, &p.arn, &p.url, &p.client_ids, &p.thumbprints, &p.tags, p.created_at];
    tx.write(&PUT, values)
}

/// Removes a provider.
pub fn delete(tx: &mut Tx, account: AccountId, arn: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![account, arn])
}
