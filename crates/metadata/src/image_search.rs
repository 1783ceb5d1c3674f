//! Every statement that looks images up for a query: on `manifest` and `tag`, along the indexes that there are, and along the order of
//! all images.

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
/// digest lies behind `after`: is greater going up, and less going down.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// The first time, in milliseconds.
    pub from: i64,
    /// The last time, in milliseconds.
    pub to: i64,
    /// A digest; `""` and [`DIGEST_LAST`] lie before and behind all of them.
    pub after: &'a str,
}

/// What comes after every digest.
pub const DIGEST_LAST: &str = "~";

/// What all images can be read in the order of. What never happened counts as [`NEVER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When they were pushed.
    Pushed,
    /// When a tag was last set on them.
    Tagged,
    /// When they were last pulled.
    Pulled,
    /// Bytes of what they name.
    Size,
}

/// As what time it counts that something never happened: before all that did.
pub const NEVER: i64 = -1;

/// Which way a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the least on.
    Up,
    /// From the greatest on.
    Down,
}

/// A place in the order of a [`SortKey`]: an image, by its key, its digest and the number of its repository.
#[derive(Clone, Copy, Debug)]
pub struct SortPlace<'a> {
    /// The key.
    pub key: i64,
    /// The digest.
    pub digest: &'a str,
    /// The repository.
    pub repository: i64,
}

static NEWEST: Query = query(
    "SELECT digest, media_type, artifact_type, bytes, tag_count, pushed_at, pushed_by, tagged_at, last_pulled_at, hold,
         storage_class, CASE WHEN CAST($6 AS BIGINT) = 1 AND octet_length(annotations) <= 65536 THEN annotations END
     FROM manifest WHERE repository = $1 AND state = 'live' AND pushed_at >= $2 AND pushed_at <= $3
         AND (pushed_at < $3 OR digest < $4)
     ORDER BY pushed_at DESC, digest DESC LIMIT $5",
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
macro_rules! select_along {
    ($key:literal) => {
        concat!(
            "SELECT m.digest, m.media_type, m.artifact_type, m.bytes, m.tag_count, m.pushed_at, m.pushed_by, m.tagged_at,
                 m.last_pulled_at, m.hold, m.storage_class,
                 CASE WHEN CAST($1 AS BIGINT) = 1 AND octet_length(m.annotations) <= 65536 THEN m.annotations END,
                 o.repository, m.state, o.",
            $key,
            " FROM image_order AS o CROSS JOIN manifest AS m
             WHERE m.repository = o.repository AND m.digest = o.digest AND o.",
            $key
        )
    };
}

/// The four questions along the index of a key: going up, the rest of those with the same key and then those with greater ones; and
/// going down. Those in the trash are among them, so that no more are looked at than there are rows.
macro_rules! along {
    ($key:literal) => {
        [
            [
                query(concat!(
                    select_along!($key),
                    " = $3 AND (o.digest, o.repository) > ($4, $5) ORDER BY o.",
                    $key,
                    ", o.digest, o.repository LIMIT $2"
                )),
                query(concat!(
                    select_along!($key),
                    " > $3 AND o.",
                    $key,
                    " <= $4 ORDER BY o.",
                    $key,
                    ", o.digest, o.repository LIMIT $2"
                )),
            ],
            [
                query(concat!(
                    select_along!($key),
                    " = $3 AND (o.digest, o.repository) < ($4, $5) ORDER BY o.",
                    $key,
                    " DESC, o.digest DESC, o.repository DESC LIMIT $2"
                )),
                query(concat!(
                    select_along!($key),
                    " < $3 AND o.",
                    $key,
                    " >= $4 ORDER BY o.",
                    $key,
                    " DESC, o.digest DESC, o.repository DESC LIMIT $2"
                )),
            ],
        ]
    };
}

static ALONG_PUSHED: [[Query; 2]; 2] = along!("pushed_at");
static ALONG_TAGGED: [[Query; 2]; 2] = along!("tagged_at");
static ALONG_PULLED: [[Query; 2]; 2] = along!("pulled_at");
static ALONG_SIZE: [[Query; 2]; 2] = along!("bytes");

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

/// An image in the order of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlongRow {
    /// The number of its repository.
    pub repository: i64,
    /// As what it is sorted: what it was some moments ago, where it has just changed.
    pub key: i64,
    /// Whether it lives; else it is in the trash.
    pub is_live: bool,
    /// What a query is held against.
    pub image: SearchRow,
}

/// Returns up to `count` images of all repositories in the order of a key: those behind `after`, up to the key `until`, itself included.
pub fn along(
    rows: &mut Reader,
    (key, way): (SortKey, Way),
    after: SortPlace<'_>,
    until: i64,
    count: usize,
    has_annotations: bool,
) -> Result<Vec<AlongRow>, Fault> {
    let statements = match key {
        SortKey::Pushed => &ALONG_PUSHED,
        SortKey::Tagged => &ALONG_TAGGED,
        SortKey::Pulled => &ALONG_PULLED,
        SortKey::Size => &ALONG_SIZE,
    };
    let [same, beyond] = match way {
        Way::Up => &statements[0],
        Way::Down => &statements[1],
    };
    let SortPlace { key, digest, repository } = after;
    let mut found = rows.all(same, values![has_annotations, count, key, digest, repository])?;
    if found.len() < count {
        let left = count - found.len();
        found.append(&mut rows.all(beyond, values![has_annotations, left, key, until])?);
    }
    let read = |found: Row| {
        let (repository, is_live, key) = (found.int(12)?, found.text(13)? == "live", found.int(14)?);
        Ok(AlongRow { repository, key, is_live, image: row(found)? })
    };
    found.into_iter().map(read).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, Value};
    use gantry_env::Env;

    /// How SQLite goes about a question.
    async fn way_of(metadata: &Metadata, statement: &'static Query, values: Vec<Value>) -> String {
        let explain: &'static Query =
            Box::leak(Box::new(query(format!("EXPLAIN QUERY PLAN {}", statement.0.sql).leak())));
        let told = metadata.read(move |rows| rows.all(explain, values)).await.unwrap();
        told.iter().map(|row| row.text(3).unwrap().to_string()).collect::<Vec<_>>().join("; ")
    }

    #[tokio::test]
    async fn each_order_is_read_along_its_index_and_nothing_is_sorted() {
        let metadata = Metadata::alone(Env::real()).unwrap();
        for (statements, index) in [
            (&ALONG_PUSHED, "image_order_pushed"),
            (&ALONG_TAGGED, "image_order_tagged"),
            (&ALONG_PULLED, "image_order_pulled"),
            (&ALONG_SIZE, "image_order_bytes"),
        ] {
            for [same, beyond] in statements {
                for (statement, values) in [(same, values![0, 9, 5, "sha256:a", 7]), (beyond, values![0, 9, 5, 7])] {
                    let way = way_of(&metadata, statement, values).await;

                    assert!(
                        way.starts_with(&format!("SEARCH o USING COVERING INDEX {index} ("))
                            || way.starts_with(&format!("SEARCH o USING INDEX {index} (")),
                        "{way}"
                    );
                    assert!(!way.contains("TEMP B-TREE"), "{way}");
                }
            }
        }
        let way = way_of(&metadata, &NEWEST, values![1, 2, 3, "~", 9, 0]).await;
        assert!(way.contains("USING INDEX manifest_pushed (") && !way.contains("TEMP B-TREE"), "{way}");
    }
}
