//! How often images were pulled and pushed, by whom and from where: statements on `traffic_day`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;
use serde_json::json;

/// What happened to an image on a day, by one principal from one network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficDay {
    /// The number of its repository.
    pub repository: i64,
    /// Days since 1970, of UTC.
    pub day: i64,
    /// Which image; empty where images are not told apart.
    pub digest: String,
    /// The principal as the audit names it; empty where principals are not told apart.
    pub actor: String,
    /// As CIDR writes it; empty where there is none, or networks are not told apart.
    pub network: String,
    /// How often.
    pub count: TrafficCount,
}

/// How often something was pulled and pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficCount {
    /// Traffic that count.
    pub pulls: u64,
    /// Traffic of principals whose pulls do not count.
    pub uncounted_pulls: u64,
    /// Pushes.
    pub pushes: u64,
    /// When it was last pulled or pushed.
    pub last_at: Option<Timestamp>,
}

impl TrafficCount {
    /// Adds what happened besides.
    pub fn add(&mut self, more: TrafficCount) {
        self.pulls += more.pulls;
        self.uncounted_pulls += more.uncounted_pulls;
        self.pushes += more.pushes;
        self.last_at = self.last_at.max(more.last_at);
    }
}

/// What is told apart in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficColumn {
    /// Repositories.
    Repository,
    /// Images of each repository.
    Image,
    /// Principals.
    Principal,
    /// Networks.
    Network,
    /// Days.
    Day,
}

/// What happened in a repository to what a column tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSum {
    /// The number of the repository.
    pub repository: i64,
    /// What the column says: a digest, a principal, a network, the number of a day; empty of repositories.
    pub key: String,
    /// How often.
    pub count: TrafficCount,
}

static COUNT: Change = change(
    "INSERT INTO traffic_day(repository, day, digest, actor, network, pulls, uncounted_pulls, pushes, last_at)
     SELECT CAST(j.value ->> 0 AS BIGINT), CAST(j.value ->> 1 AS BIGINT), j.value ->> 2, j.value ->> 3, j.value ->> 4,
         CAST(j.value ->> 5 AS BIGINT), CAST(j.value ->> 6 AS BIGINT), CAST(j.value ->> 7 AS BIGINT),
         CAST(j.value ->> 8 AS BIGINT)
     FROM json_each($1) AS j WHERE true
     ON CONFLICT (repository, day, digest, actor, network) DO UPDATE SET
         pulls = traffic_day.pulls + excluded.pulls,
         uncounted_pulls = traffic_day.uncounted_pulls + excluded.uncounted_pulls,
         pushes = traffic_day.pushes + excluded.pushes,
         last_at = CASE WHEN excluded.last_at > traffic_day.last_at THEN excluded.last_at ELSE traffic_day.last_at END",
);
static BY_REPOSITORY: Query = query(
    "SELECT repository, '', CAST(sum(pulls) AS BIGINT), CAST(sum(uncounted_pulls) AS BIGINT),
         CAST(sum(pushes) AS BIGINT), max(last_at)
     FROM traffic_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
         AND ($4 = '' OR digest = $4) AND ($5 = '' OR actor = $5)
     GROUP BY repository LIMIT $3",
);
static BY_IMAGE: Query = query(
    "SELECT repository, digest, CAST(sum(pulls) AS BIGINT), CAST(sum(uncounted_pulls) AS BIGINT),
         CAST(sum(pushes) AS BIGINT), max(last_at)
     FROM traffic_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
         AND ($4 = '' OR digest = $4) AND ($5 = '' OR actor = $5)
     GROUP BY repository, digest LIMIT $3",
);
static BY_PRINCIPAL: Query = query(
    "SELECT repository, actor, CAST(sum(pulls) AS BIGINT), CAST(sum(uncounted_pulls) AS BIGINT),
         CAST(sum(pushes) AS BIGINT), max(last_at)
     FROM traffic_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
         AND ($4 = '' OR digest = $4) AND ($5 = '' OR actor = $5)
     GROUP BY repository, actor LIMIT $3",
);
static BY_NETWORK: Query = query(
    "SELECT repository, network, CAST(sum(pulls) AS BIGINT), CAST(sum(uncounted_pulls) AS BIGINT),
         CAST(sum(pushes) AS BIGINT), max(last_at)
     FROM traffic_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
         AND ($4 = '' OR digest = $4) AND ($5 = '' OR actor = $5)
     GROUP BY repository, network LIMIT $3",
);
static BY_DAY: Query = query(
    "SELECT repository, CAST(day AS TEXT), CAST(sum(pulls) AS BIGINT), CAST(sum(uncounted_pulls) AS BIGINT),
         CAST(sum(pushes) AS BIGINT), max(last_at)
     FROM traffic_day
     WHERE repository IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) AND day >= $2
         AND ($4 = '' OR digest = $4) AND ($5 = '' OR actor = $5)
     GROUP BY repository, day LIMIT $3",
);
static ROWS: Query = query("SELECT count(*) FROM traffic_day");
static FORGET: Change = change(
    "DELETE FROM traffic_day WHERE (repository, day, digest, actor, network) IN (
         SELECT repository, day, digest, actor, network FROM traffic_day WHERE day < $1 LIMIT $2)
     RETURNING repository",
);

/// Adds to what is known of each of these days. No two may be of the same image, principal, network and day.
pub fn count(tx: &mut Tx, days: &[TrafficDay]) -> Result<(), Fault> {
    let row = |day: &TrafficDay| {
        let TrafficCount { pulls, uncounted_pulls, pushes, last_at } = day.count;
        let last_at = last_at.map_or(0, Timestamp::millis);
        let TrafficDay { repository, day, digest, actor, network, count: _ } = day;
        json!([repository, day, digest, actor, network, pulls, uncounted_pulls, pushes, last_at])
    };
    let rows: Vec<_> = days.iter().map(row).collect();
    tx.write(&COUNT, values![serde_json::Value::Array(rows).to_string()])
}

/// Of what alone something is asked; what is empty is not asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficOf<'a> {
    /// A digest.
    pub digest: &'a str,
    /// A principal, as the audit names it.
    pub actor: &'a str,
}

/// Returns what happened in these repositories from a day on, up to `count` rows: one for each repository and what the column tells
/// apart. What was written down without a digest or a principal is not of any.
pub fn sum(
    rows: &mut Reader,
    by: TrafficColumn,
    repositories: &[i64],
    of: TrafficOf<'_>,
    from: i64,
    count: usize,
) -> Result<Vec<TrafficSum>, Fault> {
    let query = match by {
        TrafficColumn::Repository => &BY_REPOSITORY,
        TrafficColumn::Image => &BY_IMAGE,
        TrafficColumn::Principal => &BY_PRINCIPAL,
        TrafficColumn::Network => &BY_NETWORK,
        TrafficColumn::Day => &BY_DAY,
    };
    let read = |mut row: Row| {
        let count = TrafficCount {
            pulls: row.count(2)?,
            uncounted_pulls: row.count(3)?,
            pushes: row.count(4)?,
            last_at: row.opt_time(5)?,
        };
        Ok(TrafficSum { repository: row.int(0)?, key: row.take_text(1)?, count })
    };
    rows.all(query, values![column(repositories), from, count, of.digest, of.actor])?.into_iter().map(read).collect()
}

/// Returns how many rows there are. It looks at each: for those who ask seldom.
pub fn rows(rows: &mut Reader) -> Result<u64, Fault> {
    rows.one(&ROWS, values![])?.map_or(Ok(0), |row| row.count(0))
}

/// Forgets up to `count` rows of the days before one; returns of how many it did.
pub fn forget(tx: &mut Tx, before: i64, count: usize) -> Result<usize, Fault> {
    Ok(tx.returning_all(&FORGET, values![before, count])?.len())
}
