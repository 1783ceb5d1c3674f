//! Every statement that looks images up for a query: on `manifest` and `tag`, along the indexes that there are.

use crate::{Query, Reader, Row, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// What a query is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRow {
    /// Digest of its body.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// Bytes of what it names.
    pub bytes: i64,
    /// Tags that point to it.
    pub tag_count: i64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
    /// When a tag was last set on it.
    pub tagged_at: Option<Timestamp>,
    /// When it was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
    /// Whether somebody holds it.
    pub is_held: bool,
    /// `STANDARD`, `ARCHIVE` or `ACTIVATING`.
    pub storage_class: String,
    /// Its annotations as a JSON object, where they were asked for and have at most 64 KiB.
    pub annotations: Option<String>,
}

/// The images that were pushed between two times, both among it; of those pushed at the time where reading begins, only those whose
/// digest comes after `after`.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The first time, in milliseconds.
    pub from: i64,
    /// The last time, in milliseconds.
    pub to: i64,
    /// A digest, or nothing.
    pub after: &'a str,
}

static NEWEST: Query = query(
    "SELECT digest, media_type, artifact_type, bytes, tag_count, pushed_at, pushed_by, tagged_at, last_pulled_at, hold,
         storage_class, CASE WHEN CAST($6 AS BIGINT) = 1 AND octet_length(annotations) <= 65536 THEN annotations END
     FROM manifest WHERE repository = $1 AND state = 'live' AND pushed_at >= $2 AND pushed_at <= $3
         AND (pushed_at < $3 OR digest > $4)
     ORDER BY pushed_at DESC, digest LIMIT $5",
);
static OLDEST: Query = query(
    "SELECT digest, media_type, artifact_type, bytes, tag_count, pushed_at, pushed_by, tagged_at, last_pulled_at, hold,
         storage_class, CASE WHEN CAST($6 AS BIGINT) = 1 AND octet_length(annotations) <= 65536 THEN annotations END
     FROM manifest WHERE repository = $1 AND state = 'live' AND pushed_at >= $2 AND pushed_at <= $3
         AND (pushed_at > $2 OR digest > $4)
     ORDER BY pushed_at, digest LIMIT $5",
);
static AMONG: Query = query(
    "SELECT digest, media_type, artifact_type, bytes, tag_count, pushed_at, pushed_by, tagged_at, last_pulled_at, hold,
         storage_class, CASE WHEN CAST($3 AS BIGINT) = 1 AND octet_length(annotations) <= 65536 THEN annotations END
     FROM manifest
     WHERE repository = $1 AND state = 'live' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY digest",
);
static DIGESTS: Query = query(
    "SELECT digest FROM manifest WHERE repository = $1 AND digest >= $2 AND digest < $3 AND state = 'live'
     ORDER BY digest LIMIT $4",
);
static TAGGED: Query =
    query("SELECT digest FROM tag WHERE repository = $1 AND name >= $2 AND name < $3 ORDER BY name LIMIT $4");
static ANNOTATIONS: Query =
    query("SELECT annotations FROM manifest WHERE repository = $1 AND digest = $2 AND state = 'live'");
static TAGS_AFTER: Query =
    query("SELECT name FROM tag WHERE repository = $1 AND digest = $2 AND name > $3 ORDER BY name LIMIT $4");

fn row(row: Row) -> Result<SearchRow, Fault> {
    Ok(SearchRow {
        digest: row.text(0)?.into(),
        media_type: row.text(1)?.into(),
        artifact_type: row.opt_text(2)?.map(str::to_string),
        bytes: row.int(3)?,
        tag_count: row.int(4)?,
        pushed_at: row.time(5)?,
        pushed_by: row.text(6)?.into(),
        tagged_at: row.opt_time(7)?,
        last_pulled_at: row.opt_time(8)?,
        is_held: row.bool(9)?,
        storage_class: row.text(10)?.into(),
        annotations: row.opt_text(11)?.map(str::to_string),
    })
}

/// Returns up to `count` images of a stretch of time, the newest first.
pub fn newest(
    rows: &mut Reader,
    repository: i64,
    stretch: Stretch<'_>,
    count: usize,
    has_annotations: bool,
) -> Result<Vec<SearchRow>, Fault> {
    let Stretch { from, to, after } = stretch;
    rows.all(&NEWEST, values![repository, from, to, after, count, has_annotations])?.into_iter().map(row).collect()
}

/// Returns up to `count` images of a stretch of time, the oldest first.
pub fn oldest(
    rows: &mut Reader,
    repository: i64,
    stretch: Stretch<'_>,
    count: usize,
    has_annotations: bool,
) -> Result<Vec<SearchRow>, Fault> {
    let Stretch { from, to, after } = stretch;
    rows.all(&OLDEST, values![repository, from, to, after, count, has_annotations])?.into_iter().map(row).collect()
}

/// Returns the images among `digests`.
pub fn among<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    has_annotations: bool,
) -> Result<Vec<SearchRow>, Fault> {
    rows.all(&AMONG, values![repository, column(digests), has_annotations])?.into_iter().map(row).collect()
}

/// Returns up to `count` digests of images that begin so.
pub fn digests(rows: &mut Reader, repository: i64, prefix: &str, count: usize) -> Result<Vec<String>, Fault> {
    texts(rows, &DIGESTS, repository, prefix, count)
}

/// Returns what up to `count` tags point to whose names begin so: a digest once for each of its tags.
pub fn tagged(rows: &mut Reader, repository: i64, prefix: &str, count: usize) -> Result<Vec<String>, Fault> {
    texts(rows, &TAGGED, repository, prefix, count)
}

fn texts(
    rows: &mut Reader,
    statement: &'static Query,
    repository: i64,
    prefix: &str,
    count: usize,
) -> Result<Vec<String>, Fault> {
    // No digest and no tag has a character that comes after this one.
    let end = format!("{prefix}~");
    rows.all(statement, values![repository, prefix, end, count])?.into_iter().map(|mut row| row.take_text(0)).collect()
}

/// Returns the annotations of an image as a JSON object, however long they are: up to as long as its body.
pub fn annotations(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<String>, Fault> {
    rows.one(&ANNOTATIONS, values![repository, digest])?.map(|mut row| row.take_text(0)).transpose()
}

/// Returns up to `count` tags of an image after `after`, in the order of their bytes.
pub fn tags_after(
    rows: &mut Reader,
    repository: i64,
    digest: &str,
    after: &str,
    count: usize,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&TAGS_AFTER, values![repository, digest, after, count])?;
    found.into_iter().map(|mut row| row.take_text(0)).collect()
}
