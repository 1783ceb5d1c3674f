//! Every statement on `finding_history` and `finding_day`: since when flaws are in repositories, and how many there were on a day.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A flaw in a package of a repository, in whichever version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlawPlaceRow {
    /// The repository's number.
    pub repository: i64,
    /// The flaw's id.
    pub flaw: String,
    /// The package's kind, in purl's word.
    pub kind: String,
    /// The package's name.
    pub package: String,
}

/// Since when it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// What, and where.
    pub place: FlawPlaceRow,
    /// How bad it is, in ECR's word; of one that is gone, how bad it was.
    pub severity: String,
    /// When it was first seen there.
    pub first_seen_at: Timestamp,
    /// From when on it is not there any more.
    pub gone_at: Option<Timestamp>,
}

/// Where a list of what is gone goes on: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneAfter {
    /// When that was gone.
    pub gone_at: Timestamp,
    /// What it is.
    pub place: FlawPlaceRow,
}

/// How many findings there are of each severity: critical, high, medium, low, informational, undefined.
pub type SeverityColumns = [u64; 6];

/// What was counted on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySum {
    /// Days since 1970, of UTC.
    pub day: i64,
    /// In how many repositories.
    pub repositories: u64,
    /// What their newest images had together.
    pub counts: SeverityColumns,
}

static OPEN_AFTER: Query = query(
    "SELECT repository, flaw, kind, package, severity, first_seen_at, gone_at FROM finding_history
     WHERE gone_at IS NULL AND (repository, flaw, kind, package) > ($1, $2, $3, $4)
     ORDER BY repository, flaw, kind, package LIMIT $5",
);
static OPEN_OF: Query = query(
    "SELECT repository, flaw, kind, package, severity, first_seen_at, gone_at FROM finding_history
     WHERE gone_at IS NULL AND repository = $1 ORDER BY flaw, kind, package",
);
static SEE: Change = change(
    "INSERT INTO finding_history(repository, flaw, kind, package, severity, first_seen_at)
     SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, CAST($2 AS BIGINT)
     FROM json_each($1) AS j WHERE true
     ON CONFLICT (repository, flaw, kind, package) DO UPDATE SET severity = excluded.severity, gone_at = NULL
         WHERE finding_history.gone_at IS NOT NULL OR finding_history.severity <> excluded.severity
     RETURNING repository, flaw, kind, package",
);
static END: Change = change(
    "UPDATE finding_history SET gone_at = $2, told = NULL
     WHERE gone_at IS NULL AND (repository, flaw, kind, package) IN (
         SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each($1) AS j)
     RETURNING repository, flaw, kind, package",
);
static TOLD: Query = query(
    "SELECT repository, flaw, kind, package, told FROM finding_history
     WHERE told IS NOT NULL AND (repository, flaw, kind, package) IN (
         SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each($1) AS j)
     ORDER BY repository, flaw, kind, package",
);
static FIRST_SEEN: Query = query(
    "SELECT repository, flaw, kind, package, first_seen_at FROM finding_history
     WHERE gone_at IS NULL AND (repository, flaw, kind, package) IN (
         SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3 FROM json_each($1) AS j)
     ORDER BY repository, flaw, kind, package",
);
static PUT_TOLD: Change = change(
    "UPDATE finding_history SET told = j.value ->> 4 FROM json_each($1) AS j
     WHERE finding_history.repository = CAST(j.value ->> 0 AS BIGINT) AND finding_history.flaw = j.value ->> 1
         AND finding_history.kind = j.value ->> 2 AND finding_history.package = j.value ->> 3",
);
static GONE: Query = query(
    "SELECT repository, flaw, kind, package, severity, first_seen_at, gone_at FROM finding_history
     WHERE gone_at IS NOT NULL
         AND (gone_at < $1 OR (gone_at = $1 AND (repository, flaw, kind, package) > ($2, $3, $4, $5)))
         AND repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($6) AS j)
         AND ($7 = '' OR flaw = $7)
     ORDER BY gone_at DESC, repository, flaw, kind, package LIMIT $8",
);
static PUT_DAY: Change = change(
    "INSERT INTO finding_day(repository, day, critical, high, medium, low, informational, undefined)
     SELECT CAST(j.value ->> 0 AS BIGINT), CAST($2 AS BIGINT), CAST(j.value ->> 1 AS BIGINT), CAST(j.value ->> 2 AS BIGINT),
         CAST(j.value ->> 3 AS BIGINT), CAST(j.value ->> 4 AS BIGINT), CAST(j.value ->> 5 AS BIGINT),
         CAST(j.value ->> 6 AS BIGINT)
     FROM json_each($1) AS j WHERE true
     ON CONFLICT (repository, day) DO UPDATE SET critical = excluded.critical, high = excluded.high,
         medium = excluded.medium, low = excluded.low, informational = excluded.informational,
         undefined = excluded.undefined",
);
static TREND: Query = query(
    "SELECT day, count(*), CAST(sum(critical) AS BIGINT), CAST(sum(high) AS BIGINT), CAST(sum(medium) AS BIGINT),
         CAST(sum(low) AS BIGINT), CAST(sum(informational) AS BIGINT), CAST(sum(undefined) AS BIGINT)
     FROM finding_day
     WHERE day >= $1 AND repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($2) AS j)
     GROUP BY day ORDER BY day",
);
static FORGET_HISTORY: Change = change(
    "DELETE FROM finding_history WHERE gone_at < $1
         OR NOT EXISTS (SELECT 1 FROM repository AS r WHERE r.id = finding_history.repository)",
);
static FORGET_DAYS: Change = change(
    "DELETE FROM finding_day WHERE day < $1
         OR NOT EXISTS (SELECT 1 FROM repository AS r WHERE r.id = finding_day.repository)",
);

fn place(row: &Row) -> Result<FlawPlaceRow, Fault> {
    Ok(FlawPlaceRow {
        repository: row.int(0)?,
        flaw: row.text(1)?.into(),
        kind: row.text(2)?.into(),
        package: row.text(3)?.into(),
    })
}

fn history_row(row: &Row) -> Result<HistoryRow, Fault> {
    Ok(HistoryRow {
        place: place(row)?,
        severity: row.text(4)?.into(),
        first_seen_at: row.time(5)?,
        gone_at: row.opt_time(6)?,
    })
}

/// Returns up to `count` flaws that are there, after a place.
pub fn open_after(rows: &mut Reader, after: &FlawPlaceRow, count: usize) -> Result<Vec<HistoryRow>, Fault> {
    let FlawPlaceRow { repository, flaw, kind, package } = after;
    rows.all(&OPEN_AFTER, values![*repository, flaw, kind, package, count])?.iter().map(history_row).collect()
}

/// Returns the flaws that are in a repository.
pub fn open_of(rows: &mut Reader, repository: i64) -> Result<Vec<HistoryRow>, Fault> {
    rows.all(&OPEN_OF, values![repository])?.iter().map(history_row).collect()
}

/// Writes down that flaws are there, each with its severity: from `at` on, or as long as it was written down before. None may
/// come twice. Returns those of which something else was written down before, or nothing.
pub fn see(
    tx: &mut Tx,
    flaws: &[(FlawPlaceRow, &'static str)],
    at: Timestamp,
) -> Result<BTreeSet<FlawPlaceRow>, Fault> {
    let rows = flaws.iter().map(|(place, severity)| {
        let FlawPlaceRow { repository, flaw, kind, package } = place;
        json!([repository, flaw, kind, package, severity])
    });
    tx.returning_all(&SEE, values![list(rows), at])?.iter().map(place).collect()
}

/// Writes down that flaws are gone; returns those that were there.
pub fn end(tx: &mut Tx, flaws: &[FlawPlaceRow], at: Timestamp) -> Result<BTreeSet<FlawPlaceRow>, Fault> {
    tx.returning_all(&END, values![places(flaws), at])?.iter().map(place).collect()
}

/// Returns what was kept of how these flaws were told, of those that are there.
pub fn told(rows: &mut Reader, flaws: &[FlawPlaceRow]) -> Result<BTreeMap<FlawPlaceRow, String>, Fault> {
    let read = |row: &Row| Ok((place(row)?, row.text(4)?.into()));
    rows.all(&TOLD, values![places(flaws)])?.iter().map(read).collect()
}

/// Returns since when these flaws are there, of those that are.
pub fn first_seen(rows: &mut Reader, flaws: &[FlawPlaceRow]) -> Result<BTreeMap<FlawPlaceRow, Timestamp>, Fault> {
    let read = |row: &Row| Ok((place(row)?, row.time(4)?));
    rows.all(&FIRST_SEEN, values![places(flaws)])?.iter().map(read).collect()
}

/// Keeps how flaws were told, until they are gone.
pub fn put_told(tx: &mut Tx, flaws: &[(&FlawPlaceRow, &str)]) -> Result<(), Fault> {
    let rows = flaws
        .iter()
        .map(|(FlawPlaceRow { repository, flaw, kind, package }, told)| json!([repository, flaw, kind, package, told]));
    tx.write(&PUT_TOLD, values![list(rows)])
}

/// Returns up to `count` flaws that are gone from these repositories, those first that went last; of one id where one is given.
pub fn gone(
    rows: &mut Reader,
    repositories: &[i64],
    id: Option<&str>,
    after: &GoneAfter,
    count: usize,
) -> Result<Vec<HistoryRow>, Fault> {
    let GoneAfter { gone_at, place: FlawPlaceRow { repository, flaw, kind, package } } = after;
    let (of, id) = (column(repositories), id.unwrap_or_default());
    let values = values![*gone_at, *repository, flaw, kind, package, of, id, count];
    rows.all(&GONE, values)?.iter().map(history_row).collect()
}

/// Writes down how many findings there are on a day, in place of what was written of it before. No repository may come twice.
pub fn put_day(tx: &mut Tx, day: i64, counts: &[(i64, SeverityColumns)]) -> Result<(), Fault> {
    let rows = counts.iter().map(|(repository, [critical, high, medium, low, informational, undefined])| {
        json!([repository, critical, high, medium, low, informational, undefined])
    });
    tx.write(&PUT_DAY, values![list(rows), day])
}

/// Returns what was counted in these repositories, from a day on, day by day.
pub fn trend(rows: &mut Reader, repositories: &[i64], from: i64) -> Result<Vec<DaySum>, Fault> {
    let sum = |row: &Row| {
        let mut counts = SeverityColumns::default();
        for (column, count) in (2..).zip(&mut counts) {
            *count = row.count(column)?;
        }
        Ok(DaySum { day: row.int(0)?, repositories: row.count(1)?, counts })
    };
    rows.all(&TREND, values![from, column(repositories)])?.iter().map(sum).collect()
}

/// Forgets what was gone before a time, what was counted before a day, and all of repositories that are no more.
pub fn forget(tx: &mut Tx, gone_before: Timestamp, day: i64) -> Result<(), Fault> {
    tx.write(&FORGET_HISTORY, values![gone_before])?;
    tx.write(&FORGET_DAYS, values![day])
}

fn places(flaws: &[FlawPlaceRow]) -> String {
    let row =
        |FlawPlaceRow { repository, flaw, kind, package }: &FlawPlaceRow| json!([repository, flaw, kind, package]);
    list(flaws.iter().map(row))
}

/// A list as the statements take it.
fn list(rows: impl Iterator<Item = serde_json::Value>) -> String {
    serde_json::Value::Array(rows.collect()).to_string()
}
