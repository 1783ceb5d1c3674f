//! What repositories use: statements on the counters of `repository` that only usage asks for, and on `usage_day`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};
use serde_json::json;

/// What a repository uses, as it is maintained with every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Live manifests, children and referrers included.
    pub images: u64,
    /// Tags.
    pub tags: u64,
    /// Sum of the sizes of its linked blobs.
    pub blob_bytes: u64,
    /// Of those, the bytes of blobs whose copy no other repository links.
    pub unique_bytes: u64,
    /// By how many bytes it grows in a day; `None` until two days are known.
    pub growth_bytes_per_day: Option<i64>,
    /// When one of its images was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
}

/// What all repositories use together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotal {
    /// Repositories.
    pub repositories: u64,
    /// Live manifests, children and referrers included.
    pub images: u64,
    /// Tags.
    pub tags: u64,
    /// Sum over the repositories of the bytes that each links.
    pub blob_bytes: u64,
    /// Of those, the bytes that are linked in one repository alone.
    pub unique_bytes: u64,
}

/// How many bytes there were on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageDay {
    /// Days since 1970, of UTC.
    pub day: i64,
    /// Bytes.
    pub bytes: i64,
}

/// A repository of which a sample is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledRow {
    /// Its number.
    pub repository: i64,
    /// Sum of the sizes of its linked blobs.
    pub bytes: i64,
    /// By how many bytes it grew in a day, as it was told last.
    pub growth_bytes_per_day: Option<i64>,
}

/// Whose samples those of the store are: no repository has this number.
pub const STORE: i64 = 0;

// A copy with one link is its repository's alone. CROSS JOIN has SQLite look at the copies first: one that many link is passed by
// without a look at its links, and those of a repository are not walked.
static COUNT_UNIQUE: Change = change(
    "UPDATE repository SET unique_bytes = unique_bytes + CAST($2 AS BIGINT) * (
         SELECT CAST(COALESCE(sum(l.size), 0) AS BIGINT)
         FROM blob_copy AS c CROSS JOIN blob_link AS l
         WHERE c.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND c.link_count = 1
             AND l.repository = repository.id AND l.digest = c.digest AND l.copy = c.id)
     WHERE id IN (
         SELECT l.repository FROM blob_copy AS c CROSS JOIN blob_link AS l
         WHERE c.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND c.link_count = 1
             AND l.digest = c.digest AND l.copy = c.id)",
);
static ADD_UNIQUE: Change = change("UPDATE repository SET unique_bytes = unique_bytes + $2 WHERE id = $1");
static SOLE_HOLDER: Query = query("SELECT repository FROM blob_link WHERE digest = $1 AND copy = $2 LIMIT 1");
static LIST: Query = query(
    "SELECT id, name, image_count, tag_count, blob_bytes, unique_bytes, growth_bytes_per_day, last_pulled_at
     FROM repository WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4 ORDER BY name LIMIT $5",
);
static SUM: Query = query(
    "SELECT count(*), CAST(COALESCE(sum(image_count), 0) AS BIGINT), CAST(COALESCE(sum(tag_count), 0) AS BIGINT),
         CAST(COALESCE(sum(blob_bytes), 0) AS BIGINT), CAST(COALESCE(sum(unique_bytes), 0) AS BIGINT),
         CAST(sum(growth_bytes_per_day) AS BIGINT), max(last_pulled_at)
     FROM repository WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4",
);
static TOTAL: Query = query(
    "SELECT count(*), CAST(COALESCE(sum(image_count), 0) AS BIGINT), CAST(COALESCE(sum(tag_count), 0) AS BIGINT),
         CAST(COALESCE(sum(blob_bytes), 0) AS BIGINT), CAST(COALESCE(sum(unique_bytes), 0) AS BIGINT)
     FROM repository WHERE region = $1",
);
static LAST_PUSHED: Query = query("SELECT max(pushed_at) FROM manifest WHERE repository = $1");
static PULLED: Change = change(
    "UPDATE repository SET last_pulled_at = $2 WHERE id = $1 AND (last_pulled_at IS NULL OR last_pulled_at < $2)",
);
static EACH: Query =
    query("SELECT id, blob_bytes, growth_bytes_per_day FROM repository WHERE id > $1 ORDER BY id LIMIT $2");
static DAYS: Query = query(
    "SELECT repository, day, bytes FROM usage_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
     ORDER BY repository, day",
);
static PUT_DAY: Change = change(
    "INSERT INTO usage_day(repository, day, bytes)
     SELECT CAST(j.value ->> 0 AS BIGINT), CAST($2 AS BIGINT), CAST(j.value ->> 1 AS BIGINT)
     FROM json_each($1) AS j WHERE true
     ON CONFLICT (repository, day) DO UPDATE SET bytes = excluded.bytes",
);
static SET_GROWTH: Change = change("UPDATE repository SET growth_bytes_per_day = $2 WHERE id = $1");
static FORGET_DAYS: Change = change(
    "DELETE FROM usage_day WHERE day < $1
         OR (repository <> 0 AND NOT EXISTS (SELECT 1 FROM repository AS r WHERE r.id = usage_day.repository))",
);

/// Adds to the unique bytes of all repositories what they link alone of these copies, `times` over: -1 before their links
/// change, 1 after.
pub fn count_unique(tx: &mut Tx, copies: impl IntoIterator<Item = i64>, times: i64) -> Result<(), Fault> {
    tx.write(&COUNT_UNIQUE, values![column(copies), times])
}

/// Adds to the unique bytes of a repository.
pub fn add_unique(tx: &mut Tx, repository: i64, bytes: i64) -> Result<(), Fault> {
    tx.write(&ADD_UNIQUE, values![repository, bytes])
}

/// Returns the repository that links a copy of a blob; any of them where there are several.
pub fn sole_holder(rows: &mut Reader, digest: &str, copy: i64) -> Result<Option<i64>, Fault> {
    rows.one(&SOLE_HOLDER, values![digest, copy])?.map(|row| row.int(0)).transpose()
}

/// Returns what up to `count` repositories use whose name is `first` or comes after it, and before `end`, in the order of their bytes.
pub fn list(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    (first, end): (&str, &str),
    count: usize,
) -> Result<Vec<UsageRow>, Fault> {
    let read = |mut row: Row| {
        Ok(UsageRow {
            id: row.int(0)?,
            name: row.take_text(1)?,
            images: row.count(2)?,
            tags: row.count(3)?,
            blob_bytes: row.count(4)?,
            unique_bytes: row.count(5)?,
            growth_bytes_per_day: row.opt_int(6)?,
            last_pulled_at: row.opt_time(7)?,
        })
    };
    rows.all(&LIST, values![account, region, first, end, count])?.into_iter().map(read).collect()
}

/// Returns what the repositories of an account use together whose names are `first` or come after it, and before `end`: their
/// total, their growth in bytes per day, where that of one is known, and their last pull.
pub fn sum(
    rows: &mut Reader,
    account: AccountId,
    region: &Region,
    (first, end): (&str, &str),
) -> Result<(UsageTotal, Option<i64>, Option<Timestamp>), Fault> {
    let Some(row) = rows.one(&SUM, values![account, region, first, end])? else { return Ok(Default::default()) };
    Ok((total_of(&row)?, row.opt_int(5)?, row.opt_time(6)?))
}

/// Returns what the repositories of all accounts use together. It looks at each: for those who ask seldom.
pub fn total(rows: &mut Reader, region: &Region) -> Result<UsageTotal, Fault> {
    rows.one(&TOTAL, values![region])?.map_or_else(|| Ok(UsageTotal::default()), |row| total_of(&row))
}

fn total_of(row: &Row) -> Result<UsageTotal, Fault> {
    Ok(UsageTotal {
        repositories: row.count(0)?,
        images: row.count(1)?,
        tags: row.count(2)?,
        blob_bytes: row.count(3)?,
        unique_bytes: row.count(4)?,
    })
}

/// Returns when the newest image of a repository was pushed, one in the trash too.
pub fn last_pushed_at(rows: &mut Reader, repository: i64) -> Result<Option<Timestamp>, Fault> {
    rows.one(&LAST_PUSHED, values![repository])?.map_or(Ok(None), |row| row.opt_time(0))
}

/// Writes down that an image of a repository was pulled, unless a later pull is known.
pub fn pulled(tx: &mut Tx, repository: i64, at: Timestamp) -> Result<(), Fault> {
    tx.write(&PULLED, values![repository, at])
}

/// Returns up to `count` repositories of all accounts after the number `after`, in the order of their numbers.
pub fn each(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<SampledRow>, Fault> {
    let read = |row: &Row| {
        Ok(SampledRow { repository: row.int(0)?, bytes: row.int(1)?, growth_bytes_per_day: row.opt_int(2)? })
    };
    rows.all(&EACH, values![after, count])?.iter().map(read).collect()
}

/// Returns the samples of these repositories from a day on, in the order of repositories and days.
pub fn days(rows: &mut Reader, repositories: &[i64], from: i64) -> Result<Vec<(i64, UsageDay)>, Fault> {
    let day = |row: &Row| Ok((row.int(0)?, UsageDay { day: row.int(1)?, bytes: row.int(2)? }));
    rows.all(&DAYS, values![column(repositories), from])?.iter().map(day).collect()
}

/// Writes down how many bytes there are on a day, in place of what was written of it before. No repository may come twice.
pub fn put_day(tx: &mut Tx, day: i64, bytes: &[(i64, i64)]) -> Result<(), Fault> {
    let rows = bytes.iter().map(|(repository, bytes)| json!([repository, bytes])).collect();
    tx.write(&PUT_DAY, values![serde_json::Value::Array(rows).to_string(), day])
}

/// Writes down by how much a repository grows in a day.
pub fn set_growth(tx: &mut Tx, repository: i64, bytes_per_day: Option<i64>) -> Result<(), Fault> {
    tx.write(&SET_GROWTH, values![repository, bytes_per_day])
}

/// Forgets the samples before a day, and those of repositories that are no more.
pub fn forget_days(tx: &mut Tx, before: i64) -> Result<(), Fault> {
    tx.write(&FORGET_DAYS, values![before])
}
