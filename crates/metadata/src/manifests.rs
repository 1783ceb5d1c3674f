//! Every statement on `manifest` and `edge`.

use crate::{
    Change, Query, Reader, Row, Tx, change, holds::HoldRow, image_labels, query, search_index, value::column, values,
};
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_words::{Moment, Precision, Timestamp};
use serde_json::json;

/// What a listing shows of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRow {
    /// Digest of its body.
    pub digest: String,
    /// `image` or `index`.
    pub kind: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// The manifest it refers to.
    pub subject: Option<String>,
    /// Length of its body.
    pub size: i64,
    /// Bytes of what it names.
    pub bytes: i64,
    /// Tags that point to it.
    pub tag_count: i64,
    /// Living indexes that name it.
    pub parent_count: i64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// How well that is known.
    pub pushed_at_precision: Precision,
    /// Who pushed it.
    pub pushed_by: String,
    /// When it was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
    /// Who holds it, if anybody does.
    pub hold: Option<HoldRow>,
    /// `STANDARD`, `ARCHIVE`, or `ACTIVATING` on the way back.
    pub storage_class: String,
    /// When it went to the archive last.
    pub archived_at: Option<Timestamp>,
    /// When it came back from there last, or was asked to.
    pub activated_at: Option<Timestamp>,
}

impl ManifestRow {
    /// Whether it is in the archive.
    pub fn is_archived(&self) -> bool {
        self.storage_class == "ARCHIVE"
    }
}

/// What a list of referrers shows of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerRow {
    /// Digest of its body.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// Length of its body.
    pub size: i64,
    /// Its annotations as a JSON object: up to as long as its body.
    pub annotations: String,
    /// `STANDARD`, `ARCHIVE` or `ACTIVATING`.
    pub storage_class: String,
}

/// Which referrers of a manifest are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Referring<'a> {
    /// The digest they refer to.
    pub subject: &'a str,
    /// Only those of this artifact type.
    pub artifact_type: Option<&'a str>,
    /// Only those of this storage class, where it is not empty.
    pub storage_class: &'a str,
}

/// Which manifests a list shows, by their tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// With a tag or without.
    Any,
    /// With a tag.
    Yes,
    /// Without one.
    No,
}

/// A manifest that a repository holds, as an index that names it wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Digest of its body.
    pub digest: String,
    /// Length of its body.
    pub size: i64,
    /// Bytes of what it names.
    pub bytes: i64,
    /// Whether it can be pulled: it is not in the archive.
    pub is_active: bool,
}

/// Where a manifest stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it lives; else it is in the trash.
    pub is_live: bool,
    /// Whether it is in the archive.
    pub is_archived: bool,
    /// Whether it is on its way back from there.
    pub is_activating: bool,
}

/// A manifest as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyRow {
    /// Media type it was pushed with.
    pub media_type: String,
    /// The bytes, as pushed.
    pub body: Bytes,
}

/// A manifest to be written.
#[derive(Clone, Debug)]
pub struct NewManifest<'a> {
    /// Digest of its body.
    pub digest: &'a str,
    /// `image` or `index`.
    pub kind: &'a str,
    /// Media type it was pushed with.
    pub media_type: &'a str,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<&'a str>,
    /// The manifest it refers to.
    pub subject: Option<&'a str>,
    /// Bytes of what it names.
    pub bytes: i64,
    /// Tags that are set on it in the same commit.
    pub tag_count: i64,
    /// Living indexes that name it already.
    pub parent_count: i64,
    /// Its annotations as a JSON object.
    pub annotations: &'a str,
    /// The bytes, as pushed.
    pub body: Bytes,
    /// When it was pushed.
    pub pushed: Moment,
    /// When a tag was last set on it; `None` where it has none.
    pub tagged: Option<Moment>,
}

/// A line from a manifest to what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeRow {
    /// `config`, `layer`, `child` or `subject`.
    pub kind: String,
    /// Its place within its kind, from 0.
    pub position: i64,
    /// The digest named.
    pub child: String,
    /// The size given.
    pub size: i64,
    /// Whether it must be there.
    pub is_required: bool,
}

static FIND: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest WHERE repository = $1 AND digest = $2 AND state = 'live'",
);
static STANDING: Query = query("SELECT state, storage_class FROM manifest WHERE repository = $1 AND digest = $2");
static BODY: Query = query(
    "SELECT media_type, body FROM manifest WHERE repository = $1 AND digest = $2 AND state = 'live' AND storage_class = 'STANDARD'",
);
static STORED_BODY: Query = query("SELECT media_type, body FROM manifest WHERE repository = $1 AND digest = $2");
static HELD: Query = query(
    "SELECT digest, size, bytes, storage_class FROM manifest
     WHERE repository = $1 AND state = 'live' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static AMONG: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest
     WHERE repository = $1 AND state = 'live' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static LIST: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest WHERE repository = $1 AND state = 'live' AND pushed_at <= $2
     AND (pushed_at < $2 OR digest > $3) AND ($5 = '' OR storage_class = $5) ORDER BY pushed_at DESC, digest LIMIT $4",
);
static LIST_TAGGED: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest WHERE repository = $1 AND state = 'live' AND tag_count > 0 AND pushed_at <= $2
     AND (pushed_at < $2 OR digest > $3) AND ($5 = '' OR storage_class = $5) ORDER BY pushed_at DESC, digest LIMIT $4",
);
static LIST_UNTAGGED: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest WHERE repository = $1 AND state = 'live' AND tag_count = 0 AND pushed_at <= $2
     AND (pushed_at < $2 OR digest > $3) AND ($5 = '' OR storage_class = $5) ORDER BY pushed_at DESC, digest LIMIT $4",
);
/// The largest child of each index: as large as the index is for whoever pulls it.
static LARGEST_CHILDREN: Query = query(
    "SELECT e.parent, max(m.bytes) FROM edge AS e
     JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.child AND m.state = 'live'
     WHERE e.repository = $1 AND e.kind = 'child' AND e.parent IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
     GROUP BY e.parent ORDER BY e.parent",
);
static EACH: Query = query(
    "SELECT digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count, pushed_at, pushed_by,
         last_pulled_at, held_at, held_by, hold_reason, storage_class, archived_at, activated_at, pushed_at_precision
     FROM manifest WHERE repository = $1 AND digest > $2 ORDER BY digest LIMIT $3",
);
static REFERRERS: Query = query(
    "SELECT digest, media_type, artifact_type, size, annotations, storage_class
     FROM manifest WHERE repository = $1 AND subject = $2 AND digest > $3 AND state = 'live' AND ($5 = '' OR storage_class = $5)
     ORDER BY digest LIMIT $4",
);
static REFERRERS_OF_TYPE: Query = query(
    "SELECT digest, media_type, artifact_type, size, annotations, storage_class
     FROM manifest WHERE repository = $1 AND subject = $2 AND digest > $3 AND state = 'live' AND ($5 = '' OR storage_class = $5)
         AND artifact_type = $6
     ORDER BY digest LIMIT $4",
);
static REFERRER_SIZES: Query = query(
    "SELECT octet_length(annotations)
     FROM manifest WHERE repository = $1 AND subject = $2 AND digest > $3 AND state = 'live' AND ($5 = '' OR storage_class = $5)
     ORDER BY digest LIMIT $4",
);
static REFERRER_SIZES_OF_TYPE: Query = query(
    "SELECT octet_length(annotations)
     FROM manifest WHERE repository = $1 AND subject = $2 AND digest > $3 AND state = 'live' AND ($5 = '' OR storage_class = $5)
         AND artifact_type = $6
     ORDER BY digest LIMIT $4",
);
static PARENTS: Query = query(
    "SELECT e.parent FROM edge AS e JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.parent
     WHERE e.repository = $1 AND e.child = $2 AND e.kind = 'child' AND m.state = 'live' AND m.storage_class <> 'ARCHIVE'
     ORDER BY e.parent LIMIT $3",
);
static PARENTS_OF: Query = query(
    "SELECT e.child, e.parent FROM edge AS e JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.parent
     WHERE e.repository = $1 AND e.kind = 'child' AND m.state = 'live' AND m.storage_class <> 'ARCHIVE'
         AND e.child IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY e.child, e.parent",
);
static NAMING: Query = query(
    "SELECT count(DISTINCT e.parent), count(DISTINCT CASE WHEN m.storage_class = 'ARCHIVE' THEN e.parent END)
     FROM edge AS e LEFT JOIN manifest AS m ON m.repository = e.repository AND m.digest = e.parent
     WHERE e.repository = $1 AND e.child = $2 AND e.required = 0 AND e.kind IN ('config', 'layer')",
);
static NAMED_OPTIONALLY: Query = query(
    "SELECT DISTINCT child FROM edge WHERE repository = $1 AND required = 0 AND kind IN ('config', 'layer')
         AND child IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY child",
);
static EDGES: Query = query(
    "SELECT kind, position, child, size, required FROM edge WHERE repository = $1 AND parent = $2 ORDER BY kind, position",
);
static INSERT: Change = change(
    "INSERT INTO manifest(repository, digest, kind, media_type, artifact_type, subject, size, bytes, tag_count, parent_count,
         state, trashed_at, hold, storage_class, pushed_at, pushed_at_precision, pushed_by, tagged_at, tagged_at_precision,
         last_pulled_at, last_pulled_at_precision, revision, annotations, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
         'live', NULL, 0, 'STANDARD', $11, $17, $12, $13, $14, NULL, 'unknown', 1, $15, $16)",
);
static INSERT_EDGES: Change = change(
    "INSERT INTO edge(repository, parent, kind, position, child, size, required)
     SELECT CAST($1 AS BIGINT), $2, j.value ->> 0, CAST(j.value ->> 1 AS BIGINT), j.value ->> 2, CAST(j.value ->> 3 AS BIGINT),
         CAST(j.value ->> 4 AS BIGINT)
     FROM json_each($3) AS j WHERE true",
);
static COUNT_TAGS: Change = change(
    "UPDATE manifest SET tag_count = tag_count + $3, revision = revision + 1 WHERE repository = $1 AND digest = $2",
);
static TAGGED: Change = change(
    "UPDATE manifest SET tag_count = tag_count + $3, tagged_at = $4, tagged_at_precision = $5, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static COUNT_PARENTS: Change = change(
    "UPDATE manifest SET parent_count = parent_count + $3, revision = revision + 1
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static SET_COUNTS: Change =
    change("UPDATE manifest SET tag_count = $3, parent_count = $4 WHERE repository = $1 AND digest = $2");
static PULLED: Change = change(
    "UPDATE manifest SET last_pulled_at = $3, last_pulled_at_precision = 'exact'
     WHERE repository = $1 AND digest = $2 AND (last_pulled_at IS NULL OR last_pulled_at < $3)",
);
static DELETE: Change = change("DELETE FROM manifest WHERE repository = $1 AND digest = $2");
static DELETE_EDGES: Change = change("DELETE FROM edge WHERE repository = $1 AND parent = $2");

fn row(row: Row) -> Result<ManifestRow, Fault> {
    Ok(ManifestRow {
        digest: row.text(0)?.into(),
        kind: row.text(1)?.into(),
        media_type: row.text(2)?.into(),
        artifact_type: row.opt_text(3)?.map(str::to_string),
        subject: row.opt_text(4)?.map(str::to_string),
        size: row.int(5)?,
        bytes: row.int(6)?,
        tag_count: row.int(7)?,
        parent_count: row.int(8)?,
        pushed_at: row.time(9)?,
        pushed_by: row.text(10)?.into(),
        last_pulled_at: row.opt_time(11)?,
        hold: HoldRow::read(&row, 12)?,
        storage_class: row.text(15)?.into(),
        archived_at: row.opt_time(16)?,
        activated_at: row.opt_time(17)?,
        pushed_at_precision: Precision::of(row.text(18)?),
    })
}

/// Looks a manifest up.
pub fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<ManifestRow>, Fault> {
    rows.one(&FIND, values![repository, digest])?.map(row).transpose()
}

/// Returns the state and the storage class of a manifest.
pub fn standing(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<Standing>, Fault> {
    let Some(row) = rows.one(&STANDING, values![repository, digest])? else { return Ok(None) };
    let storage_class = row.text(1)?;
    Ok(Some(Standing {
        is_live: row.text(0)? == "live",
        is_archived: storage_class == "ARCHIVE",
        is_activating: storage_class == "ACTIVATING",
    }))
}

/// Returns what is served of a manifest; nothing of one in the archive.
pub fn body(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<BodyRow>, Fault> {
    let Some(mut row) = rows.one(&BODY, values![repository, digest])? else { return Ok(None) };
    Ok(Some(BodyRow { media_type: row.text(0)?.into(), body: row.take_bytes(1)? }))
}

/// Returns the bytes of a manifest in any state: for repair.
pub fn stored_body(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<BodyRow>, Fault> {
    let Some(mut row) = rows.one(&STORED_BODY, values![repository, digest])? else { return Ok(None) };
    Ok(Some(BodyRow { media_type: row.text(0)?.into(), body: row.take_bytes(1)? }))
}

/// Returns those of `digests` that the repository holds.
pub fn held<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<HeldRow>, Fault> {
    let found = rows.all(&HELD, values![repository, column(digests)])?;
    let held = |row: &Row| {
        Ok(HeldRow {
            digest: row.text(0)?.into(),
            size: row.int(1)?,
            bytes: row.int(2)?,
            is_active: row.text(3)? == "STANDARD",
        })
    };
    found.iter().map(held).collect()
}

/// Returns the live manifests among `digests`, in any order.
pub fn among<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<ManifestRow>, Fault> {
    rows.all(&AMONG, values![repository, column(digests)])?.into_iter().map(row).collect()
}

/// Returns up to `count` live manifests of a storage class, or of any where that is empty, which were pushed before `before`
/// (or then, with a greater digest), newest first.
pub fn list(
    rows: &mut Reader,
    repository: i64,
    tagged: Tagged,
    storage_class: &str,
    before: Timestamp,
    after: &str,
    count: usize,
) -> Result<Vec<ManifestRow>, Fault> {
    let statement = match tagged {
        Tagged::Any => &LIST,
        Tagged::Yes => &LIST_TAGGED,
        Tagged::No => &LIST_UNTAGGED,
    };
    rows.all(statement, values![repository, before, after, count as i64, storage_class])?.into_iter().map(row).collect()
}

/// Returns, for each of these indexes that holds any manifest, the bytes of the largest.
pub fn largest_children<'a>(
    rows: &mut Reader,
    repository: i64,
    indexes: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, i64)>, Fault> {
    let found = rows.all(&LARGEST_CHILDREN, values![repository, column(indexes)])?;
    found.iter().map(|row| Ok((row.text(0)?.to_string(), row.int(1)?))).collect()
}

/// Returns up to `count` manifests after the digest `after`, in any state: for repair, which walks.
pub fn each(rows: &mut Reader, repository: i64, after: &str, count: usize) -> Result<Vec<ManifestRow>, Fault> {
    rows.all(&EACH, values![repository, after, count as i64])?.into_iter().map(row).collect()
}

/// Returns how many bytes of annotations each of up to `count` referrers has: those, in the order, of [`referrers`].
pub fn referrer_sizes(
    rows: &mut Reader,
    repository: i64,
    referring: Referring<'_>,
    after: &str,
    count: usize,
) -> Result<Vec<u64>, Fault> {
    let Referring { subject, artifact_type, storage_class } = referring;
    let found = match artifact_type {
        None => rows.all(&REFERRER_SIZES, values![repository, subject, after, count as i64, storage_class])?,
        Some(kind) => {
            rows.all(&REFERRER_SIZES_OF_TYPE, values![repository, subject, after, count as i64, storage_class, kind])?
        }
    };
    found.iter().map(|row| row.count(0)).collect()
}

/// Returns up to `count` referrers after the digest `after`.
pub fn referrers(
    rows: &mut Reader,
    repository: i64,
    referring: Referring<'_>,
    after: &str,
    count: usize,
) -> Result<Vec<ReferrerRow>, Fault> {
    let Referring { subject, artifact_type, storage_class } = referring;
    let found = match artifact_type {
        None => rows.all(&REFERRERS, values![repository, subject, after, count as i64, storage_class])?,
        Some(kind) => {
            rows.all(&REFERRERS_OF_TYPE, values![repository, subject, after, count as i64, storage_class, kind])?
        }
    };
    let referrer = |row: &Row| {
        Ok(ReferrerRow {
            digest: row.text(0)?.into(),
            media_type: row.text(1)?.into(),
            artifact_type: row.opt_text(2)?.map(str::to_string),
            size: row.int(3)?,
            annotations: row.text(4)?.into(),
            storage_class: row.text(5)?.into(),
        })
    };
    found.iter().map(referrer).collect()
}

/// Returns up to `count` living indexes that name a manifest.
pub fn parents(rows: &mut Reader, repository: i64, child: &str, count: usize) -> Result<Vec<String>, Fault> {
    let found = rows.all(&PARENTS, values![repository, child, count as i64])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns, for each of these manifests, the living indexes that name it: pairs of it and an index.
pub fn parents_of<'a>(
    rows: &mut Reader,
    repository: i64,
    children: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, String)>, Fault> {
    let found = rows.all(&PARENTS_OF, values![repository, column(children)])?;
    found.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string()))).collect()
}

/// How many manifests name a blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// All of them.
    pub manifests: i64,
    /// Those in the archive.
    pub archived: i64,
}

/// Returns how many manifests name a blob that the repository does not hold: those for which it may be missing.
pub fn naming(rows: &mut Reader, repository: i64, blob: &str) -> Result<Naming, Fault> {
    let Some(row) = rows.one(&NAMING, values![repository, blob])? else { return Ok(Naming::default()) };
    Ok(Naming { manifests: row.int(0)?, archived: row.int(1)? })
}

/// Returns those of these blobs that a manifest names for which they may be missing.
pub fn named_optionally<'a>(
    rows: &mut Reader,
    repository: i64,
    blobs: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&NAMED_OPTIONALLY, values![repository, column(blobs)])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns what a manifest names, by kind and position.
pub fn edges(rows: &mut Reader, repository: i64, parent: &str) -> Result<Vec<EdgeRow>, Fault> {
    let edge = |row: &Row| {
        Ok(EdgeRow {
            kind: row.text(0)?.into(),
            position: row.int(1)?,
            child: row.text(2)?.into(),
            size: row.int(3)?,
            is_required: row.int(4)? != 0,
        })
    };
    rows.all(&EDGES, values![repository, parent])?.iter().map(edge).collect()
}

/// Writes a manifest, without its tags, and its edges.
pub fn insert(tx: &mut Tx, repository: i64, new: &NewManifest<'_>, edges: &[EdgeRow], by: &str) -> Result<(), Fault> {
    let size = new.body.len() as i64;
    let tagged_at = new.tagged.map(|tagged| tagged.at);
    let precision = new.tagged.map_or(Precision::Unknown, |tagged| tagged.precision);
    tx.write(
        &INSERT,
        values![
            repository,
            new.digest,
            new.kind,
            new.media_type,
            new.artifact_type,
            new.subject,
            size,
            new.bytes,
            new.tag_count,
            new.parent_count,
            new.pushed.at,
            by,
            tagged_at,
            precision.as_str(),
            new.annotations,
            new.body.clone(),
            new.pushed.precision.as_str()
        ],
    )?;
    if edges.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = edges
        .iter()
        .map(|edge| json!([edge.kind, edge.position, edge.child, edge.size, i64::from(edge.is_required)]))
        .collect();
    tx.write(&INSERT_EDGES, values![repository, new.digest, serde_json::Value::Array(list).to_string()])
}

/// Adds to the tags of a manifest, without a new tag.
pub fn count_tags(tx: &mut Tx, repository: i64, digest: &str, tags: i64) -> Result<(), Fault> {
    tx.write(&COUNT_TAGS, values![repository, digest, tags])
}

/// Notes that a tag was set on a manifest; `tags` is 1 where it is a new one for it.
pub fn tagged(tx: &mut Tx, repository: i64, digest: &str, tags: i64, tagged: Moment) -> Result<(), Fault> {
    search_index::tagged(tx, repository, digest, tagged.at)?;
    tx.write(&TAGGED, values![repository, digest, tags, tagged.at, tagged.precision.as_str()])
}

/// Adds to the parents of manifests.
pub fn count_parents<'a>(
    tx: &mut Tx,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    parents: i64,
) -> Result<(), Fault> {
    tx.write(&COUNT_PARENTS, values![repository, column(digests), parents])
}

/// Sets the maintained counts: for repair.
pub fn set_counts(tx: &mut Tx, repository: i64, digest: &str, tags: i64, parents: i64) -> Result<(), Fault> {
    tx.write(&SET_COUNTS, values![repository, digest, tags, parents])
}

/// Notes the last pull of a manifest, where it is later than the one noted.
pub fn pulled(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    search_index::pulled(tx, repository, digest, at)?;
    tx.write(&PULLED, values![repository, digest, at])
}

/// Removes a manifest, its edges, its labels, and what was read of its configuration.
pub fn delete(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    search_index::forget(tx, repository, digest)?;
    image_labels::forget(tx, repository, digest)?;
    tx.write(&DELETE_EDGES, values![repository, digest])?;
    tx.write(&DELETE, values![repository, digest])
}
