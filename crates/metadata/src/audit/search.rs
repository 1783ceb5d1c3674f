use crate::{Query, Reader, Row, query, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// What is asked of the audit. Names are [keys](gantry_audit::key); 0 is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// The [number](gantry_audit::number) of the account.
    pub account: i64,
    /// Who acted.
    pub principal: i64,
    /// In which repository.
    pub repository: i64,
    /// On what.
    pub digest: i64,
    /// What was asked for.
    pub action: i64,
    /// What came of it; -1 is any.
    pub outcome: i64,
    /// Not before this moment, in milliseconds.
    pub from: i64,
}

/// Where a record stands in the order of searches: by time, then by writer and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The writer.
    pub writer: i64,
    /// The place in its chain.
    pub seq: i64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub place: Place,
    /// The record's bytes.
    pub bytes: String,
}

/// One text for each index; what is no part of the index is compared as expressions, so that no other one is chosen.
macro_rules! searching {
    ($by:literal) => {
        concat!(
            "SELECT f.at, f.writer, f.seq, b.bytes FROM (SELECT at, writer, seq FROM audit_record WHERE ",
            $by,
            " AND (at, writer, seq) < ($2, $3, $4) AND at >= $5
               AND (CAST($6 AS BIGINT) = 0 OR principal + 0 = $6) AND (CAST($7 AS BIGINT) = 0 OR repository + 0 = $7)
               AND (CAST($8 AS BIGINT) = 0 OR action = $8) AND (CAST($9 AS BIGINT) < 0 OR outcome = $9)
             ORDER BY at DESC, writer DESC, seq DESC LIMIT $10) AS f
             JOIN audit_bytes AS b ON b.writer = f.writer AND b.seq = f.seq
             ORDER BY f.at DESC, f.writer DESC, f.seq DESC"
        )
    };
}

static BY_TIME: Query = query(searching!("account = $1"));
static BY_PRINCIPAL: Query = query(searching!("principal = $1"));
static BY_REPOSITORY: Query = query(searching!("repository = $1 AND repository <> 0"));
static BY_DIGEST: Query = query(searching!("digest = $1 AND digest <> 0"));

static DONE_BY: Query =
    query("SELECT DISTINCT action FROM audit_record WHERE principal = $1 AND at >= $2 AND outcome = 0");

/// Returns the [keys](gantry_audit::key) of what a principal, a key too, has done since a moment. Reads its rows since then.
pub fn done_by(rows: &mut Reader, principal: i64, from: Timestamp) -> Result<Vec<i64>, Fault> {
    rows.all(&DONE_BY, values![principal, from.millis()])?.iter().map(|row| row.int(0)).collect()
}

static COUNTING: Query = query(
    "SELECT at, writer, id, body FROM audit_open
     WHERE (at, writer, id) < ($1, $2, $3) AND at >= $4 AND account = $5
       AND (CAST($6 AS BIGINT) = 0 OR principal = $6) AND (CAST($7 AS BIGINT) = 0 OR repository = $7)
       AND (CAST($8 AS BIGINT) = 0 OR digest = $8) AND (CAST($9 AS BIGINT) = 0 OR action = $9)
       AND (CAST($10 AS BIGINT) < 0 OR outcome = $10)
     ORDER BY at DESC, writer DESC, id DESC LIMIT $11",
);

/// Returns up to `count` records that still count, before a place and the newest first; their number stands for the place in
/// a chain that they do not have yet.
pub fn counting(rows: &mut Reader, search: &Search, before: Place, count: usize) -> Result<Vec<Found>, Fault> {
    let Search { account, principal, repository, digest, action, outcome, from } = *search;
    let Place { at, writer, seq } = before;
    let values = values![at, writer, seq, from, account, principal, repository, digest, action, outcome, count];
    rows.all(&COUNTING, values)?.into_iter().map(found).collect()
}

fn found(row: Row) -> Result<Found, Fault> {
    let place = Place { at: row.int(0)?, writer: row.int(1)?, seq: row.int(2)? };
    Ok(Found { place, bytes: row.text(3)?.into() })
}

/// Returns up to `count` records before a place, the newest first.
pub fn search(rows: &mut Reader, search: &Search, before: Place, count: usize) -> Result<Vec<Found>, Fault> {
    let Search { account, principal, repository, digest, action, outcome, from } = *search;
    let (query, by) = match (digest, repository, principal) {
        (0, 0, 0) => (&BY_TIME, account),
        (0, 0, principal) => (&BY_PRINCIPAL, principal),
        (0, repository, _) => (&BY_REPOSITORY, repository),
        (digest, _, _) => (&BY_DIGEST, digest),
    };
    let Place { at, writer, seq } = before;
    let values = values![by, at, writer, seq, from, principal, repository, action, outcome, count];
    rows.all(query, values)?.into_iter().map(found).collect()
}
