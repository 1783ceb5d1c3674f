//! Every statement on `repository`.

use crate::{
    Change, Query, Reader, Row, Tx, access_revision, change, image_labels, query, quotas, search_index, value::column,
    values,
};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, RepositoryName, Timestamp};

/// A repository as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRow {
    /// Its number, in every row that belongs to it.
    pub id: i64,
    /// Its name within account and region.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// Live manifests, children and referrers included.
    pub image_count: i64,
    /// Tags.
    pub tag_count: i64,
    /// Sum of the sizes of its linked blobs.
    pub blob_bytes: i64,
    /// Settings as JSON.
    pub settings: String,
    /// Quotas that it is under.
    pub quota_count: i64,
}

const COLUMNS: usize = 9;
static FIND: Query = query(
    "SELECT id, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, quota_count
     FROM repository WHERE account = $1 AND region = $2 AND name = $3",
);
static BY_ID: Query = query(
    "SELECT id, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, quota_count
     FROM repository WHERE id = $1",
);
static LIST: Query = query(
    "SELECT id, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, quota_count
     FROM repository WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4",
);
static AMONG: Query = query(
    "SELECT id, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, quota_count
     FROM repository WHERE account = $1 AND region = $2 AND id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($3) AS j)
     ORDER BY name",
);
static NAMES: Query =
    query("SELECT name FROM repository WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4");
static COUNTS: Query = query(
    "SELECT account, name, image_count, blob_bytes, unique_bytes FROM repository WHERE region = $1 ORDER BY account, name LIMIT $2",
);
static LOSSES: Query = query("SELECT losses FROM repository WHERE id = $1");
static EACH: Query = query("SELECT id, name FROM repository WHERE id > $1 ORDER BY id LIMIT $2");
static BEFORE: Query = query("SELECT id FROM repository WHERE region = $1 AND id < $2 ORDER BY id DESC LIMIT 1");
static INSERT: Change = change(
    "INSERT INTO repository(id, account, region, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, revision)
     VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, 1)",
);
static COUNT: Change = change(
    "UPDATE repository SET image_count = image_count + $2, tag_count = tag_count + $3, blob_bytes = blob_bytes + $4,
         losses = losses + $5, unique_bytes = unique_bytes + $6 WHERE id = $1",
);
static SET_COUNTS: Change = change(
    "UPDATE repository SET image_count = $2, tag_count = $3, blob_bytes = $4, losses = losses + $5 WHERE id = $1",
);
static DELETE: Change = change("DELETE FROM repository WHERE id = $1");
static DELETE_TAGS: Change = change("DELETE FROM tag WHERE repository = $1");
static DELETE_EDGES: Change = change("DELETE FROM edge WHERE repository = $1");
static SET_SETTINGS: Change = change("UPDATE repository SET settings = $2, revision = revision + 1 WHERE id = $1");
static DELETE_LIFECYCLE_RUN: Change = change("DELETE FROM lifecycle_run WHERE repository = $1");
static DELETE_DOCUMENTS: Change = change("DELETE FROM document WHERE repository = $1");
static DELETE_QUARANTINED: Change = change("DELETE FROM quarantined_tag WHERE repository = $1");
static DELETE_MANIFESTS: Change = change("DELETE FROM manifest WHERE repository = $1");

/// What changes in a repository's maintained counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Live manifests.
    pub images: i64,
    /// Tags.
    pub tags: i64,
    /// Bytes of linked blobs.
    pub blob_bytes: i64,
    /// Of those, the bytes that no other repository links.
    pub unique_bytes: i64,
    /// Images that may have lost their place among those that a lifecycle rule counts: each that was removed, lost a tag,
    /// or became the child of an index.
    pub losses: i64,
}

fn row(row: Row) -> Result<RepositoryRow, Fault> {
    debug_assert_eq!(row.len(), COLUMNS);
    Ok(RepositoryRow {
        id: row.int(0)?,
        name: row.text(1)?.into(),
        created_at: row.time(2)?,
        created_by: row.text(3)?.into(),
        image_count: row.int(4)?,
        tag_count: row.int(5)?,
        blob_bytes: row.int(6)?,
        settings: row.text(7)?.into(),
        quota_count: row.int(8)?,
    })
}

/// Looks a repository up by its name.
pub fn find(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    name: &RepositoryName,
) -> Result<Option<RepositoryRow>, Fault> {
    rows.one(&FIND, values![account.as_str(), region.as_str(), name.as_str()])?.map(row).transpose()
}

/// Looks a repository up by its number.
pub fn by_id(rows: &mut Reader, id: i64) -> Result<Option<RepositoryRow>, Fault> {
    rows.one(&BY_ID, values![id])?.map(row).transpose()
}

/// Returns the number of the repository that was made last before the one with a number, of any account.
pub fn before(rows: &mut Reader, region: &Region, id: i64) -> Result<Option<i64>, Fault> {
    rows.one(&BEFORE, values![region.as_str(), id])?.map(|row| row.int(0)).transpose()
}

/// Returns up to `count` repositories whose name comes after `after`, in the order of their bytes.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    after: &str,
    count: usize,
) -> Result<Vec<RepositoryRow>, Fault> {
    rows.all(&LIST, values![account.as_str(), region.as_str(), after, count as i64])?.into_iter().map(row).collect()
}

/// Returns those of these repositories that are of an account and a region, in the order of their bytes.
pub fn among(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<RepositoryRow>, Fault> {
    rows.all(&AMONG, values![account.as_str(), region.as_str(), column(ids)])?.into_iter().map(row).collect()
}

/// Returns up to `count` repository names after `after`, in the order of their bytes.
pub fn names(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    after: &str,
    count: usize,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&NAMES, values![account.as_str(), region.as_str(), after, count as i64])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// What is in a repository, as it is maintained with every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryCounts {
    /// Its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Live manifests, children and referrers included.
    pub images: i64,
    /// Sum of the sizes of its linked blobs.
    pub blob_bytes: i64,
    /// Of those, the bytes that no other repository links.
    pub unique_bytes: i64,
}

/// Returns the counts of up to `count` repositories, in the order of the bytes of their accounts and names.
pub fn counts(rows: &mut Reader, region: &Region, count: usize) -> Result<Vec<RepositoryCounts>, Fault> {
    let counts = |row: &Row| {
        let (account, name) = (row.text(0)?.into(), row.text(1)?.into());
        Ok(RepositoryCounts { account, name, images: row.int(2)?, blob_bytes: row.int(3)?, unique_bytes: row.int(4)? })
    };
    rows.all(&COUNTS, values![region.as_str(), count as i64])?.iter().map(counts).collect()
}

/// Returns up to `count` repositories of all accounts after the number `after`: for repair, which walks.
pub fn each(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<(i64, String)>, Fault> {
    rows.all(&EACH, values![after, count as i64])?
        .iter()
        .map(|row| Ok((row.int(0)?, row.text(1)?.to_string())))
        .collect()
}

/// Returns how often an image of a repository may have lost its place among those that a lifecycle rule counts; `None`
/// where there is no such repository.
pub fn losses(rows: &mut Reader, id: i64) -> Result<Option<i64>, Fault> {
    rows.one(&LOSSES, values![id])?.map(|row| row.int(0)).transpose()
}

/// A repository to be written.
#[derive(Clone, Debug)]
pub struct NewRepository<'a> {
    /// Its number.
    pub id: i64,
    /// Its account.
    pub account: AccountId,
    /// The region it is in.
    pub region: &'a Region,
    /// Its name.
    pub name: &'a RepositoryName,
    /// When it is created.
    pub created_at: Timestamp,
    /// Who creates it.
    pub created_by: &'a str,
    /// Settings as JSON.
    pub settings: &'a str,
}

/// Writes a new, empty repository.
pub fn insert(tx: &mut Tx, new: &NewRepository<'_>) -> Result<(), Fault> {
    let NewRepository { id, account, region, name, created_at, created_by, settings } = new;
    tx.write(
        &INSERT,
        values![*id, account.as_str(), region.as_str(), name.as_str(), *created_at, *created_by, *settings],
    )
}

/// Adds to the maintained counts, and to the images of the quotas that it is under; bytes of those are counted with the links that change.
pub fn count(tx: &mut Tx, id: i64, change: Counts) -> Result<(), Fault> {
    if change == Counts::default() {
        return Ok(());
    }
    tx.write(&COUNT, values![id, change.images, change.tags, change.blob_bytes, change.losses, change.unique_bytes])?;
    if change.images == 0 { Ok(()) } else { quotas::count_images(tx, id, change.images) }
}

/// Sets the maintained counts of images, tags and bytes, and adds to the losses: for repair.
pub fn set_counts(tx: &mut Tx, id: i64, counts: Counts) -> Result<(), Fault> {
    tx.write(&SET_COUNTS, values![id, counts.images, counts.tags, counts.blob_bytes, counts.losses])
}

/// Writes the settings of a repository.
pub fn set_settings(tx: &mut Tx, id: i64, settings: &str) -> Result<(), Fault> {
    tx.write(&SET_SETTINGS, values![id, settings])
}

/// Removes a repository with its tags, documents, manifests and edges. Links and uploads stay for the collection, which
/// finds them as candidates; tag history stays for good.
pub fn delete(tx: &mut Tx, id: i64) -> Result<(), Fault> {
    delete_but_trash(tx, id)?;
    search_index::forget_all(tx, id)?;
    image_labels::forget_all(tx, id)?;
    for statement in [&DELETE_EDGES, &DELETE_MANIFESTS] {
        tx.write(statement, values![id])?;
    }
    Ok(())
}

/// Removes a repository with its tags and documents, and leaves its manifests, which are in the trash, with their edges.
pub fn delete_but_trash(tx: &mut Tx, id: i64) -> Result<(), Fault> {
    // Its policy and tags go with it.
    access_revision::raise_at_repository(tx, id)?;
    quotas::leave(tx, id)?;
    for statement in [&DELETE_TAGS, &DELETE_QUARANTINED, &DELETE_DOCUMENTS, &DELETE_LIFECYCLE_RUN, &DELETE] {
        tx.write(statement, values![id])?;
    }
    Ok(())
}
