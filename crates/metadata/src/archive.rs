//! Every statement that moves images to the archive and back: columns of `manifest` and `blob_link`, and `blob_move`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// Who needs the bytes of a blob at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Links that a manifest outside the archive names.
    pub named: i64,
    /// Links that nothing names: a push may be about to.
    pub unnamed: i64,
}

/// What a repository has in the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// Images.
    pub images: u64,
    /// Bytes of the blobs that only they name.
    pub bytes: u64,
}

static NEED: Query = query(
    "SELECT count(CASE WHEN l.manifest_count > l.archived_count THEN 1 END),
         count(CASE WHEN l.manifest_count = 0 THEN 1 END)
     FROM blob_link AS l JOIN blob_copy AS c ON c.id = l.copy WHERE l.digest = $1 AND c.encryption_key = $2",
);
static REPOSITORIES: Query = query("SELECT repository FROM blob_link WHERE digest = $1 ORDER BY repository");
static DUE: Query = query("SELECT digest FROM blob_move WHERE digest > $1 AND asked_at <= $3 ORDER BY digest LIMIT $2");
static ASKED_AT: Query = query("SELECT asked_at FROM blob_move WHERE digest = $1");
static READY: Query = query(
    "SELECT m.repository, m.digest FROM manifest AS m
     WHERE m.storage_class = 'ACTIVATING' AND NOT EXISTS (
         SELECT 1 FROM edge AS e JOIN blob_link AS l ON l.repository = e.repository AND l.digest = e.child
             JOIN blob_copy AS c ON c.id = l.copy
         WHERE e.repository = m.repository AND e.parent = m.digest AND e.kind IN ('config', 'layer')
             AND c.storage_class = 'ARCHIVE' AND c.state = 'present')
     AND NOT EXISTS (
         SELECT 1 FROM edge AS e JOIN manifest AS n ON n.repository = e.repository AND n.digest = e.child
         WHERE e.repository = m.repository AND e.parent = m.digest AND e.kind = 'child' AND n.state = 'live'
             AND n.storage_class = 'ACTIVATING')
     ORDER BY m.repository, m.digest LIMIT $1",
);
static HANGING: Query = query(
    "SELECT m.digest FROM manifest AS m
     WHERE m.repository = $1 AND m.digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) AND (
         EXISTS (SELECT 1 FROM manifest AS s WHERE s.repository = m.repository AND s.digest = m.subject
             AND s.state = 'live' AND s.storage_class = 'ARCHIVE')
         OR EXISTS (SELECT 1 FROM edge AS e JOIN manifest AS p ON p.repository = e.repository AND p.digest = e.parent
             WHERE e.repository = m.repository AND e.child = m.digest AND e.kind = 'child'
                 AND p.state = 'live' AND p.storage_class = 'ARCHIVE'))",
);
static ARCHIVED_IMAGES: Query =
    query("SELECT count(*) FROM manifest WHERE repository = $1 AND state = 'live' AND storage_class = 'ARCHIVE'");
static ARCHIVED_BYTES: Query = query(
    "SELECT CAST(COALESCE(sum(size), 0) AS BIGINT) FROM blob_link
     WHERE repository = $1 AND archived_count > 0 AND archived_count = manifest_count",
);
static ARCHIVE: Change = change(
    "UPDATE manifest SET storage_class = 'ARCHIVE', archived_at = $3, revision = revision + 1
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static ACTIVATE: Change = change(
    "UPDATE manifest SET storage_class = $4, activated_at = $3, revision = revision + 1
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static ASK: Change = change(
    "INSERT INTO blob_move(digest, asked_at)
     SELECT j.value ->> 0, CAST($2 AS BIGINT) FROM json_each($1) AS j WHERE true ON CONFLICT (digest) DO NOTHING",
);
static ASK_ARCHIVED: Change = change(
    "INSERT INTO blob_move(digest, asked_at)
     SELECT DISTINCT digest, CAST($2 AS BIGINT) FROM blob_link
     WHERE archived_count > 0 AND digest IN (SELECT j.value ->> 0 FROM json_each($1) AS j) ON CONFLICT (digest) DO NOTHING",
);
static ASK_NOW: Change = change(
    "INSERT INTO blob_move(digest, asked_at)
     SELECT j.value ->> 0, CAST($2 AS BIGINT) FROM json_each($1) AS j WHERE true
     ON CONFLICT (digest) DO UPDATE SET asked_at = excluded.asked_at",
);
static SETTLE: Change = change("DELETE FROM blob_move WHERE digest = $1");

/// Returns who needs the bytes of a blob in an encryption at hand, of all repositories.
pub fn need(rows: &mut Reader, digest: &str, domain: &str) -> Result<Need, Fault> {
    let found = rows.one(&NEED, values![digest, domain])?;
    found.map_or(Ok(Need::default()), |row| Ok(Need { named: row.int(0)?, unnamed: row.int(1)? }))
}

/// Returns the repositories that link a blob, by number.
pub fn repositories(rows: &mut Reader, digest: &str) -> Result<Vec<i64>, Fault> {
    rows.all(&REPOSITORIES, values![digest])?.iter().map(|row| row.int(0)).collect()
}

/// Returns up to `count` blobs after the digest `after` of which it has to be looked at a time where they belong.
pub fn due(rows: &mut Reader, at: Timestamp, after: &str, count: usize) -> Result<Vec<String>, Fault> {
    rows.all(&DUE, values![after, count as i64, at])?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns from when on it has to be looked where a blob belongs, if it has.
pub fn asked_at(rows: &mut Reader, digest: &str) -> Result<Option<Timestamp>, Fault> {
    rows.one(&ASKED_AT, values![digest])?.map(|row| row.time(0)).transpose()
}

/// Returns up to `count` images on their way back whose blobs are all at hand, and whose children are back: pairs of
/// repository and digest.
pub fn ready(rows: &mut Reader, count: usize) -> Result<Vec<(i64, String)>, Fault> {
    let pair = |row: &Row| Ok((row.int(0)?, row.text(1)?.to_string()));
    rows.all(&READY, values![count as i64])?.iter().map(pair).collect()
}

/// Returns those of these images that another image in the archive lists, or to which they refer.
pub fn hanging<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, Fault> {
    rows.all(&HANGING, values![repository, column(digests)])?
        .iter()
        .map(|row| row.text(0).map(str::to_string))
        .collect()
}

/// Returns what a repository has in the archive.
pub fn archived(rows: &mut Reader, repository: i64) -> Result<ArchiveCounts, Fault> {
    let images = rows.one(&ARCHIVED_IMAGES, values![repository])?.map_or(Ok(0), |row| row.count(0))?;
    let bytes = rows.one(&ARCHIVED_BYTES, values![repository])?.map_or(Ok(0), |row| row.count(0))?;
    Ok(ArchiveCounts { images, bytes })
}

/// Puts images into the archive.
pub fn put<'a>(
    tx: &mut Tx,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    at: Timestamp,
) -> Result<(), Fault> {
    tx.write(&ARCHIVE, values![repository, column(digests), at])
}

/// Takes images out of the archive: to where their bytes are on the way, or are already, where it `is_back`.
pub fn take<'a>(
    tx: &mut Tx,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    is_back: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    let class = if is_back { "STANDARD" } else { "ACTIVATING" };
    tx.write(&ACTIVATE, values![repository, column(digests), at, class])
}

/// Has it looked where these blobs belong, not before a time, whatever was asked for before.
pub fn ask_from<'a>(tx: &mut Tx, digests: impl IntoIterator<Item = &'a str>, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK_NOW, values![column(digests), at])
}

/// Has it looked where these blobs belong, from a time on; from another where that was asked for before.
pub fn ask<'a>(tx: &mut Tx, digests: impl IntoIterator<Item = &'a str>, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK, values![column(digests), at])
}

/// Has it looked where those of these blobs belong that an image in the archive names.
pub fn ask_archived<'a>(tx: &mut Tx, digests: impl IntoIterator<Item = &'a str>, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK_ARCHIVED, values![column(digests), at])
}

/// Notes that a blob is where it belongs.
pub fn settle(tx: &mut Tx, digest: &str) -> Result<(), Fault> {
    tx.write(&SETTLE, values![digest])
}
