//! Every statement on `tag` and `tag_history`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::{Moment, Timestamp};
use serde_json::json;

/// A tag as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// The tag.
    pub name: String,
    /// The image it points to.
    pub digest: String,
    /// When it was set to that image.
    pub tagged_at: Timestamp,
    /// Who did.
    pub tagged_by: String,
    /// Raised with each move.
    pub revision: i64,
}

/// A move of a tag, as its history has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Its number: later moves have greater ones.
    pub id: i64,
    /// Where it has pointed since; `None` where it was removed.
    pub digest: Option<String>,
    /// Where it pointed before; `None` where it was new.
    pub previous: Option<String>,
    /// When it was moved.
    pub at: Timestamp,
    /// Who moved it.
    pub actor: String,
    /// The request that did.
    pub request_id: String,
}

/// One line of a tag's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The tag.
    pub name: &'a str,
    /// Where it points now; `None` where it was removed.
    pub digest: Option<&'a str>,
    /// Where it pointed before; `None` where it is new.
    pub previous: Option<&'a str>,
}

static FIND: Query =
    query("SELECT name, digest, tagged_at, tagged_by, revision FROM tag WHERE repository = $1 AND name = $2");
static DIGEST: Query = query("SELECT digest FROM tag WHERE repository = $1 AND name = $2");
static OF_IMAGE: Query = query("SELECT name FROM tag WHERE repository = $1 AND digest = $2 ORDER BY name LIMIT $3");
static OF_IMAGES: Query = query(
    "SELECT digest, name FROM tag
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY digest, name LIMIT $3",
);
static NAMES: Query = query("SELECT name FROM tag WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3");
static LIST: Query = query(
    "SELECT name, digest, tagged_at, tagged_by, revision FROM tag
     WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3",
);
static LIST_OF_CLASS: Query = query(
    "SELECT t.name, t.digest, t.tagged_at, t.tagged_by, t.revision
     FROM tag AS t JOIN manifest AS m ON m.repository = t.repository AND m.digest = t.digest
     WHERE t.repository = $1 AND t.name > $2 AND m.storage_class = $4 ORDER BY t.name LIMIT $3",
);
static SET: Change = change(
    "INSERT INTO tag(repository, name, digest, tagged_at, tagged_at_precision, tagged_by, revision)
     VALUES ($1, $2, $3, $4, $6, $5, 1)
     ON CONFLICT (repository, name) DO UPDATE SET digest = excluded.digest, tagged_at = excluded.tagged_at,
         tagged_at_precision = excluded.tagged_at_precision, tagged_by = excluded.tagged_by, revision = tag.revision + 1",
);
static REMOVE: Change = change("DELETE FROM tag WHERE repository = $1 AND name = $2");
static HISTORY: Change = change(
    "INSERT INTO tag_history(id, repository, name, digest, previous, at, at_precision, actor, request_id)
     VALUES ($1, $2, $3, $4, $5, $6, $9, $7, $8)",
);

static MOVES: Query = query(
    "SELECT id, digest, previous, at, actor, request_id FROM tag_history
     WHERE repository = $1 AND name = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
);
static POINTED_TO: Query =
    query("SELECT id FROM tag_history WHERE repository = $1 AND name = $2 AND digest = $3 LIMIT 1");
/// What an import wrote begins with its mark.
static POINTED_TO_HERE: Query = query(
    "SELECT id FROM tag_history
     WHERE repository = $1 AND name = $2 AND digest = $3 AND substr(actor, 1, 9) <> 'imported:' LIMIT 1",
);
static HISTORY_OF_REMOVED: Change = change(
    "INSERT INTO tag_history(id, repository, name, digest, previous, at, at_precision, actor, request_id)
     SELECT CAST(j.value ->> 0 AS BIGINT), CAST($1 AS BIGINT), j.value ->> 1, NULL, j.value ->> 2, CAST($3 AS BIGINT), 'exact', $4, $5
     FROM json_each($2) AS j WHERE true",
);

fn row(row: Row) -> Result<TagRow, Fault> {
    Ok(TagRow {
        name: row.text(0)?.into(),
        digest: row.text(1)?.into(),
        tagged_at: row.time(2)?,
        tagged_by: row.text(3)?.into(),
        revision: row.int(4)?,
    })
}

/// Looks a tag up.
pub fn find(rows: &mut Reader, repository: i64, name: &str) -> Result<Option<TagRow>, Fault> {
    rows.one(&FIND, values![repository, name])?.map(row).transpose()
}

/// Returns up to `count` tags after `after` that point to images of a storage class, in the order of their bytes.
pub fn list_of_class(
    rows: &mut Reader,
    repository: i64,
    storage_class: &str,
    after: &str,
    count: usize,
) -> Result<Vec<TagRow>, Fault> {
    rows.all(&LIST_OF_CLASS, values![repository, after, count as i64, storage_class])?.into_iter().map(row).collect()
}

/// Returns the digest a tag points to.
pub fn digest(rows: &mut Reader, repository: i64, name: &str) -> Result<Option<String>, Fault> {
    rows.one(&DIGEST, values![repository, name])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Returns up to `count` tags of an image, in the order of their bytes.
pub fn of_image(rows: &mut Reader, repository: i64, digest: &str, count: usize) -> Result<Vec<String>, Fault> {
    let found = rows.all(&OF_IMAGE, values![repository, digest, count as i64])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns up to `count` tags of these images, each with its image, in the order of their bytes.
pub fn of_images<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Result<Vec<(String, String)>, Fault> {
    let found = rows.all(&OF_IMAGES, values![repository, column(digests), count])?;
    found.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string()))).collect()
}

/// Returns up to `count` tag names after `after`, in the order of their bytes.
pub fn names(rows: &mut Reader, repository: i64, after: &str, count: usize) -> Result<Vec<String>, Fault> {
    let found = rows.all(&NAMES, values![repository, after, count as i64])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns up to `count` tags after `after`, in the order of their bytes.
pub fn list(rows: &mut Reader, repository: i64, after: &str, count: usize) -> Result<Vec<TagRow>, Fault> {
    rows.all(&LIST, values![repository, after, count as i64])?.into_iter().map(row).collect()
}

/// Returns up to `count` moves of a tag, the last first, of those before the number `before`.
pub fn moves(
    rows: &mut Reader,
    repository: i64,
    name: &str,
    before: i64,
    count: usize,
) -> Result<Vec<HistoryRow>, Fault> {
    let moved = |row: &Row| {
        Ok(HistoryRow {
            id: row.int(0)?,
            digest: row.opt_text(1)?.map(str::to_string),
            previous: row.opt_text(2)?.map(str::to_string),
            at: row.time(3)?,
            actor: row.text(4)?.into(),
            request_id: row.text(5)?.into(),
        })
    };
    rows.all(&MOVES, values![repository, name, before, count as i64])?.iter().map(moved).collect()
}

/// Whether a tag has ever pointed to an image.
pub fn has_pointed_to(rows: &mut Reader, repository: i64, name: &str, digest: &str) -> Result<bool, Fault> {
    Ok(rows.one(&POINTED_TO, values![repository, name, digest])?.is_some())
}

/// Whether a tag has ever been pointed to an image here, and not only in another registry, of which an import told.
pub fn has_pointed_to_here(rows: &mut Reader, repository: i64, name: &str, digest: &str) -> Result<bool, Fault> {
    Ok(rows.one(&POINTED_TO_HERE, values![repository, name, digest])?.is_some())
}

/// Points a tag at an image.
pub fn set(tx: &mut Tx, repository: i64, name: &str, digest: &str, tagged: Moment, by: &str) -> Result<(), Fault> {
    tx.write(&SET, values![repository, name, digest, tagged.at, by, tagged.precision.as_str()])
}

/// Removes a tag.
pub fn remove(tx: &mut Tx, repository: i64, name: &str) -> Result<(), Fault> {
    tx.write(&REMOVE, values![repository, name])
}

/// Writes a line of history.
pub fn remember(
    tx: &mut Tx,
    repository: i64,
    moved: &Moved<'_>,
    when: Moment,
    actor: &str,
    request_id: &str,
) -> Result<(), Fault> {
    let (id, precision) = (tx.fresh_id(), when.precision.as_str());
    let values =
        values![id, repository, moved.name, moved.digest, moved.previous, when.at, actor, request_id, precision];
    tx.write(&HISTORY, values)
}

/// Writes a line of history for each of `removed`, tags with the images they pointed to.
pub fn remember_removed<'a>(
    tx: &mut Tx,
    repository: i64,
    removed: impl IntoIterator<Item = &'a TagRow>,
    at: Timestamp,
    actor: &str,
    request_id: &str,
) -> Result<(), Fault> {
    let lines: Vec<_> = removed.into_iter().map(|tag| json!([tx.fresh_id(), tag.name, tag.digest])).collect();
    let lines = serde_json::Value::Array(lines).to_string();
    tx.write(&HISTORY_OF_REMOVED, values![repository, lines, at, actor, request_id])
}
