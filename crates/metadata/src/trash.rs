//! Every statement on `trash` and `trash_tag`, and those that move a manifest there and back.

use crate::{Change, Query, Reader, Row, Tx, change, image_labels, query, search_index, value::column, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, RepositoryName, Timestamp};

/// An image in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashRow {
    /// The number of the repository it was in.
    pub repository: i64,
    /// The name that had.
    pub name: String,
    /// Digest of its body.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// Bytes of what it names.
    pub bytes: i64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When it was deleted.
    pub trashed_at: Timestamp,
    /// Who deleted it.
    pub trashed_by: String,
}

/// A place in a list of the trash: an image, and since when it has been there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashPlace {
    /// Since when.
    pub trashed_at: Timestamp,
    /// The number of the repository it was in.
    pub repository: i64,
    /// Its digest.
    pub digest: String,
}

/// Whose trash is looked at.
#[derive(Clone, Debug)]
pub struct TrashOf {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// Only what was in repositories of this name.
    pub name: Option<RepositoryName>,
}

static FIND: Query = query(
    "SELECT t.repository, t.name, t.digest, m.media_type, m.artifact_type, m.bytes, m.pushed_at, t.trashed_at, t.trashed_by
     FROM trash AS t JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest
     WHERE t.repository = $1 AND t.digest = $2",
);
static BY_DIGEST: Query = query(
    "SELECT trashed_at, repository, digest FROM trash
     WHERE account = $1 AND region = $2 AND name = $3 AND digest = $4 ORDER BY trashed_at DESC, repository DESC LIMIT 1",
);
static BY_TAG: Query = query(
    "SELECT t.trashed_at, t.repository, t.digest
     FROM trash AS t JOIN trash_tag AS g ON g.repository = t.repository AND g.digest = t.digest
     WHERE t.account = $1 AND t.region = $2 AND t.name = $3 AND g.name = $4
     ORDER BY t.trashed_at DESC, t.repository DESC, t.digest DESC LIMIT 1",
);
static LIST: Query = query(
    "SELECT t.repository, t.name, t.digest, m.media_type, m.artifact_type, m.bytes, m.pushed_at, t.trashed_at, t.trashed_by
     FROM trash AS t JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest
     WHERE t.account = $1 AND t.region = $2 AND (t.trashed_at, t.repository, t.digest) < ($3, $4, $5)
     ORDER BY t.trashed_at DESC, t.repository DESC, t.digest DESC LIMIT $6",
);
static LIST_OF_NAME: Query = query(
    "SELECT t.repository, t.name, t.digest, m.media_type, m.artifact_type, m.bytes, m.pushed_at, t.trashed_at, t.trashed_by
     FROM trash AS t JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest
     WHERE t.account = $1 AND t.region = $2 AND t.name = $7 AND (t.trashed_at, t.repository, t.digest) < ($3, $4, $5)
     ORDER BY t.trashed_at DESC, t.repository DESC, t.digest DESC LIMIT $6",
);
static DUE: Query = query(
    "SELECT trashed_at, repository, digest FROM trash
     WHERE trashed_at <= $1 AND (trashed_at, repository, digest) > ($2, $3, $4)
     ORDER BY trashed_at, repository, digest LIMIT $5",
);
static GONE_REPOSITORIES: Query = query(
    "SELECT DISTINCT t.repository, t.name FROM trash AS t LEFT JOIN repository AS r ON r.id = t.repository
     WHERE r.id IS NULL AND t.repository > $1 ORDER BY t.repository LIMIT $2",
);
static TAGS: Query = query("SELECT name FROM trash_tag WHERE repository = $1 AND digest = $2");
static AMONG: Query = query(
    "SELECT digest FROM manifest
     WHERE repository = $1 AND state = 'trash' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static PARENTS: Query = query(
    "SELECT DISTINCT e.parent FROM edge AS e JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.parent
     WHERE e.repository = $1 AND e.child = $2 AND e.kind = 'child' AND m.state = 'trash'",
);
static REFERRERS: Query = query(
    "SELECT digest FROM manifest WHERE repository = $1 AND subject = $2 AND state = 'trash' AND trashed_at >= $3",
);
static PUT: Change = change(
    "INSERT INTO trash(repository, digest, account, region, name, trashed_at, trashed_by)
     SELECT id, $2, account, region, name, CAST($3 AS BIGINT), $4 FROM repository WHERE id = $1",
);
static PUT_TAGS: Change = change(
    "INSERT INTO trash_tag(repository, digest, name)
     SELECT repository, digest, name FROM tag WHERE repository = $1 AND digest = $2",
);
static PUT_MANIFEST: Change = change(
    "UPDATE manifest SET state = 'trash', trashed_at = $3, tag_count = 0, parent_count = 0, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static PUT_ALL: Change = change(
    "INSERT INTO trash(repository, digest, account, region, name, trashed_at, trashed_by)
     SELECT m.repository, m.digest, r.account, r.region, r.name, CAST($2 AS BIGINT), $3
     FROM manifest AS m JOIN repository AS r ON r.id = m.repository WHERE m.repository = $1 AND m.state = 'live'",
);
static PUT_ALL_TAGS: Change = change(
    "INSERT INTO trash_tag(repository, digest, name) SELECT repository, digest, name FROM tag WHERE repository = $1",
);
static PUT_ALL_MANIFESTS: Change = change(
    "UPDATE manifest SET state = 'trash', trashed_at = $2, tag_count = 0, parent_count = 0, revision = revision + 1
     WHERE repository = $1 AND state = 'live'",
);
static REVIVE: Change = change(
    "UPDATE manifest SET state = 'live', trashed_at = NULL, tag_count = 0, parent_count = 0, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static FORGET: Change = change("DELETE FROM trash WHERE repository = $1 AND digest = $2");
static FORGET_TAGS: Change = change("DELETE FROM trash_tag WHERE repository = $1 AND digest = $2");
static FORGET_ALL: Change = change("DELETE FROM trash WHERE repository = $1");
static FORGET_ALL_TAGS: Change = change("DELETE FROM trash_tag WHERE repository = $1");
static COPY: Change = change(
    "INSERT INTO trash(repository, digest, account, region, name, trashed_at, trashed_by)
     SELECT CAST($2 AS BIGINT), digest, account, region, name, trashed_at, trashed_by FROM trash
     WHERE repository = $1 AND digest = $3",
);
static COPY_TAGS: Change = change(
    "INSERT INTO trash_tag(repository, digest, name)
     SELECT CAST($2 AS BIGINT), digest, name FROM trash_tag WHERE repository = $1 AND digest = $3
     ON CONFLICT (repository, digest, name) DO NOTHING",
);
static COPY_MANIFEST: Change = change(
    "INSERT INTO manifest(repository, digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count,
         state, trashed_at, hold, storage_class, pushed_at, pushed_at_precision, pushed_by, tagged_at, tagged_at_precision,
         last_pulled_at, last_pulled_at_precision, revision, annotations, body, archived_at, activated_at)
     SELECT CAST($2 AS BIGINT), digest, kind, media_type, artifact_type, subject, size, bytes, 0, 0,
         state, trashed_at, hold, storage_class, pushed_at, pushed_at_precision, pushed_by, tagged_at, tagged_at_precision,
         last_pulled_at, last_pulled_at_precision, revision, annotations, body, archived_at, activated_at
     FROM manifest WHERE repository = $1 AND digest = $3",
);
static COPY_EDGES: Change = change(
    "INSERT INTO edge(repository, parent, kind, position, child, size, required)
     SELECT CAST($2 AS BIGINT), parent, kind, position, child, size, required FROM edge
     WHERE repository = $1 AND parent = $3",
);

fn row(row: Row) -> Result<TrashRow, Fault> {
    Ok(TrashRow {
        repository: row.int(0)?,
        name: row.text(1)?.into(),
        digest: row.text(2)?.into(),
        media_type: row.text(3)?.into(),
        artifact_type: row.opt_text(4)?.map(str::to_string),
        bytes: row.int(5)?,
        pushed_at: row.time(6)?,
        trashed_at: row.time(7)?,
        trashed_by: row.text(8)?.into(),
    })
}

fn place(row: &Row) -> Result<TrashPlace, Fault> {
    Ok(TrashPlace { trashed_at: row.time(0)?, repository: row.int(1)?, digest: row.text(2)?.into() })
}

fn texts(rows: &[Row]) -> Result<Vec<String>, Fault> {
    rows.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

impl From<&TrashRow> for TrashPlace {
    fn from(row: &TrashRow) -> Self {
        TrashPlace { trashed_at: row.trashed_at, repository: row.repository, digest: row.digest.clone() }
    }
}

/// Looks an image up in the trash.
pub fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<TrashRow>, Fault> {
    rows.one(&FIND, values![repository, digest])?.map(row).transpose()
}

/// Returns the image of a digest that went last to the trash, of those from repositories of a name.
pub fn by_digest(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    name: &RepositoryName,
    digest: &str,
) -> Result<Option<TrashPlace>, Fault> {
    let values = values![account.as_str(), region.as_str(), name.as_str(), digest];
    rows.one(&BY_DIGEST, values)?.as_ref().map(place).transpose()
}

/// Returns the image that went last to the trash with a tag, of those from repositories of a name.
pub fn by_tag(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    name: &RepositoryName,
    tag: &str,
) -> Result<Option<TrashPlace>, Fault> {
    let values = values![account.as_str(), region.as_str(), name.as_str(), tag];
    rows.one(&BY_TAG, values)?.as_ref().map(place).transpose()
}

/// Returns up to `count` images in the trash, those before `before` in the order of the list: what was deleted last comes first.
pub fn list(
    rows: &mut Reader,
    of: &TrashOf,
    before: Option<&TrashPlace>,
    count: usize,
) -> Result<Vec<TrashRow>, Fault> {
    let (at, repository, digest) = before
        .map_or((i64::MAX, i64::MAX, ""), |place| (place.trashed_at.millis(), place.repository, place.digest.as_str()));
    let mut values = values![of.account.as_str(), of.region.as_str(), at, repository, digest, count as i64];
    let Some(name) = &of.name else { return rows.all(&LIST, values)?.into_iter().map(row).collect() };
    values.extend(values![name.as_str()]);
    rows.all(&LIST_OF_NAME, values)?.into_iter().map(row).collect()
}

/// Returns up to `count` images, of all accounts, that went to the trash at `until` or before; the first of them first,
/// those behind `after`.
pub fn due(
    rows: &mut Reader,
    until: Timestamp,
    after: Option<&TrashPlace>,
    count: usize,
) -> Result<Vec<TrashPlace>, Fault> {
    let (at, repository, digest) = after
        .map_or((i64::MIN, i64::MIN, ""), |place| (place.trashed_at.millis(), place.repository, place.digest.as_str()));
    rows.all(&DUE, values![until, at, repository, digest, count as i64])?.iter().map(place).collect()
}

/// Returns up to `count` deleted repositories after the number `after` that have images in the trash: number and name.
pub fn gone_repositories(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<(i64, String)>, Fault> {
    let found = rows.all(&GONE_REPOSITORIES, values![after, count as i64])?;
    found.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string()))).collect()
}

/// Returns the tags that an image lost when it went to the trash, in the order of their bytes.
pub fn tags(rows: &mut Reader, repository: i64, digest: &str) -> Result<Vec<String>, Fault> {
    let mut names = texts(&rows.all(&TAGS, values![repository, digest])?)?;
    names.sort_unstable();
    Ok(names)
}

/// Returns those of `digests` that are in the trash.
pub fn among<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, Fault> {
    texts(&rows.all(&AMONG, values![repository, column(digests)])?)
}

/// Returns the indexes in the trash that name a manifest.
pub fn parents(rows: &mut Reader, repository: i64, child: &str) -> Result<Vec<String>, Fault> {
    texts(&rows.all(&PARENTS, values![repository, child])?)
}

/// Returns what refers to `subject` and went to the trash at `since` or later.
pub fn referrers(rows: &mut Reader, repository: i64, subject: &str, since: Timestamp) -> Result<Vec<String>, Fault> {
    texts(&rows.all(&REFERRERS, values![repository, subject, since])?)
}

/// Moves a manifest to the trash, with the names of the tags that it still has; those go by another deed.
pub fn put(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp, by: &str) -> Result<(), Fault> {
    tx.write(&PUT, values![repository, digest, at, by])?;
    tx.write(&PUT_TAGS, values![repository, digest])?;
    tx.write(&PUT_MANIFEST, values![repository, digest, at])
}

/// Moves every living manifest of a repository to the trash, with the names of its tags; those go by another deed.
pub fn put_all(tx: &mut Tx, repository: i64, at: Timestamp, by: &str) -> Result<(), Fault> {
    tx.write(&PUT_ALL, values![repository, at, by])?;
    tx.write(&PUT_ALL_TAGS, values![repository])?;
    tx.write(&PUT_ALL_MANIFESTS, values![repository, at])
}

/// Takes a manifest out of the trash: it lives again, without tags and parents so far.
pub fn revive(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    forget(tx, repository, digest)?;
    tx.write(&REVIVE, values![repository, digest])
}

/// Forgets that an image is in the trash.
pub fn forget(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&FORGET, values![repository, digest])?;
    tx.write(&FORGET_TAGS, values![repository, digest])
}

/// Forgets what is in the trash of a repository.
pub fn forget_all(tx: &mut Tx, repository: i64) -> Result<(), Fault> {
    tx.write(&FORGET_ALL, values![repository])?;
    tx.write(&FORGET_ALL_TAGS, values![repository])
}

/// Writes an image in the trash of the repository `from` once more, with its edges, into the trash of the repository `to`.
pub fn copy(tx: &mut Tx, from: i64, to: i64, digest: &str) -> Result<(), Fault> {
    for statement in [&COPY_MANIFEST, &COPY_EDGES, &COPY] {
        tx.write(statement, values![from, to, digest])?;
    }
    search_index::copy(tx, from, to, digest)?;
    image_labels::copy(tx, from, to, digest)?;
    copy_tags(tx, from, to, digest)
}

/// Writes the tags that an image lost in the repository `from` besides those that it lost in `to`.
pub fn copy_tags(tx: &mut Tx, from: i64, to: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&COPY_TAGS, values![from, to, digest])
}
