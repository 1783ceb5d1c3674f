//! Every statement on `lifecycle_run`: when the lifecycle policies of repositories ran last. And what a run asks of images.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::{Region, Timestamp};

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// When it began.
    pub began_at: Timestamp,
    /// What became of it, as JSON.
    pub body: String,
}

/// A repository with a lifecycle policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledRow {
    /// The repository's number.
    pub repository: i64,
    /// Its account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// When its policy was first written.
    pub policy_since: Timestamp,
    /// The last run.
    pub last: Option<RunRow>,
}

static FIND: Query = query("SELECT began_at, body FROM lifecycle_run WHERE repository = $1");
static SCHEDULED: Query = query(
    "SELECT r.id, r.account, r.name, d.created_at, l.began_at, l.body
     FROM document AS d JOIN repository AS r ON r.id = d.repository
     LEFT JOIN lifecycle_run AS l ON l.repository = d.repository
     WHERE d.kind = 'lifecycle-policy' AND d.repository > $1 AND r.region = $2 ORDER BY d.repository LIMIT $3",
);
/// Usually an image is pushed before what refers to it.
static ADOPTED: Query = query(
    "SELECT count(*) FROM manifest AS s
     JOIN manifest AS r ON r.repository = s.repository AND r.subject = s.digest AND r.state = 'live'
     WHERE s.repository = $1 AND s.state = 'live' AND s.pushed_at >= $2 AND r.pushed_at < s.pushed_at",
);
static REFERRING: Query = query(
    "SELECT count(*) FROM manifest
     WHERE repository = $1 AND state = 'live' AND subject IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static PUT: Change = change(
    "INSERT INTO lifecycle_run(repository, began_at, body) VALUES ($1, $2, $3)
     ON CONFLICT (repository) DO UPDATE SET began_at = excluded.began_at, body = excluded.body",
);

/// Returns the last run of a repository's policy.
pub fn find(rows: &mut Reader, repository: i64) -> Result<Option<RunRow>, Fault> {
    let run = rows.one(&FIND, values![repository])?;
    run.map(|row| Ok(RunRow { began_at: row.time(0)?, body: row.text(1)?.into() })).transpose()
}

/// Returns up to `count` repositories of all accounts that have a policy, after the number `after`.
pub fn scheduled(rows: &mut Reader, region: &Region, after: i64, count: usize) -> Result<Vec<ScheduledRow>, Fault> {
    let found = rows.all(&SCHEDULED, values![after, region, count])?;
    let scheduled = |row: &Row| {
        let last = match (row.opt_time(4)?, row.opt_text(5)?) {
            (Some(began_at), Some(body)) => Some(RunRow { began_at, body: body.into() }),
            _ => None,
        };
        Ok(ScheduledRow {
            repository: row.int(0)?,
            account: row.text(1)?.into(),
            name: row.text(2)?.into(),
            policy_since: row.time(3)?,
            last,
        })
    };
    found.iter().map(scheduled).collect()
}

/// Writes the last run of a repository's policy down.
pub fn put(tx: &mut Tx, repository: i64, run: &RunRow) -> Result<(), Fault> {
    tx.write(&PUT, values![repository, run.began_at, &run.body])
}

/// Returns how many manifests refer to one that was pushed since, and after them.
pub fn adopted(rows: &mut Reader, repository: i64, since: Timestamp) -> Result<i64, Fault> {
    rows.one(&ADOPTED, values![repository, since])?.map_or(Ok(0), |row| row.int(0))
}

/// Returns how many live manifests refer to these.
pub fn referring<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<i64, Fault> {
    rows.one(&REFERRING, values![repository, column(digests)])?.map_or(Ok(0), |row| row.int(0))
}
