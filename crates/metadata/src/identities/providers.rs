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
    /// Its keys, where they were uploaded: a JWK set.
    pub key_set: Option<String>,
    /// Certificates in PEM that are believed in place of the machine's.
    pub authorities: Option<String>,
    /// Whether each of its tokens is taken once.
    pub is_single_use: bool,
}

static FIND: Query = query(
    "SELECT arn, url, client_ids, thumbprints, tags, created_at, key_set, authorities, is_single_use FROM oidc_provider
     WHERE account = $1 AND arn = $2",
);
static ALL: Query = query(
    "SELECT arn, url, client_ids, thumbprints, tags, created_at, key_set, authorities, is_single_use FROM oidc_provider
     WHERE account = $1 ORDER BY arn",
);
static PUT: Change = change(
    "INSERT INTO oidc_provider(account, arn, url, client_ids, thumbprints, tags, created_at, key_set, authorities,
         is_single_use)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (account, arn) DO UPDATE SET client_ids = excluded.client_ids, thumbprints = excluded.thumbprints,
         tags = excluded.tags, key_set = excluded.key_set, authorities = excluded.authorities,
         is_single_use = excluded.is_single_use",
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
        key_set: row.opt_text(6)?.map(Into::into),
        authorities: row.opt_text(7)?.map(Into::into),
        is_single_use: row.bool(8)?,
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
    let values = values![
        account,
        &p.arn,
        &p.url,
        &p.client_ids,
        &p.thumbprints,
        &p.tags,
        p.created_at,
        p.key_set.clone(),
        p.authorities.clone(),
        p.is_single_use
    ];
    tx.write(&PUT, values)
}

/// Removes a provider.
pub fn delete(tx: &mut Tx, account: AccountId, arn: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![account, arn])
}
