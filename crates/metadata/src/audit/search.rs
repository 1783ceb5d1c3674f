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

/// What one look has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The records that fit, the newest first.
    pub found: Vec<Found>,
    /// Where the look ended before it had found as many as were asked for: what lies behind has not been seen.
    pub rest: Option<Place>,
}

/// Rows of an index that are looked at in one search, so that none takes long.
const ROWS_MAX: usize = 2_048;
/// Rows looked at first where not every row of the index fits.
const ROWS_FIRST: usize = 128;
/// How it is found out which of several indexes has the fewest rows for what is asked: by whether each has so many.
const PROBES: [usize; 3] = [64, 1024, 8192];

/// An index, and what is asked of it. Its texts name one or two keys; where there is one, the second is 0.
struct Index {
    /// Of how many things that may be asked it knows.
    knows: usize,
    keys: fn(&Search) -> [i64; 2],
    /// Of rows that all fit, as many as are wanted: the index alone says which.
    all: Query,
    /// Of some rows those that fit.
    search: Query,
    place: Query,
}

/// The rows of an index before a place, the newest first.
macro_rules! rows_by {
    ($by:literal) => {
        concat!(
            " FROM audit_record WHERE ",
            $by,
            " AND (at, writer, seq) < ($1, $2, $3) AND at >= $4 ORDER BY at DESC, writer DESC, seq DESC LIMIT "
        )
    };
}

/// What an index does not know is compared with the rows that it gave: so no other one is chosen, and no more rows are looked at.
macro_rules! index {
    ($knows:literal, $keys:expr, $by:literal) => {
        Index {
            knows: $knows,
            keys: $keys,
            all: query(concat!(
                "SELECT f.at, f.writer, f.seq, b.bytes FROM (SELECT at, writer, seq",
                rows_by!($by),
                "$7) AS f JOIN audit_bytes AS b ON b.writer = f.writer AND b.seq = f.seq
                 ORDER BY f.at DESC, f.writer DESC, f.seq DESC"
            )),
            search: query(concat!(
                "SELECT f.at, f.writer, f.seq, b.bytes FROM (SELECT s.at, s.writer, s.seq FROM (
                     SELECT at, writer, seq, account, principal, repository, digest, action, outcome",
                rows_by!($by),
                "$7) AS s
                 WHERE s.account = $8
                   AND (CAST($9 AS BIGINT) = 0 OR s.principal = $9) AND (CAST($10 AS BIGINT) = 0 OR s.repository = $10)
                   AND (CAST($11 AS BIGINT) = 0 OR s.digest = $11) AND (CAST($12 AS BIGINT) = 0 OR s.action = $12)
                   AND (CAST($13 AS BIGINT) < 0 OR s.outcome = $13)
                 ORDER BY s.at DESC, s.writer DESC, s.seq DESC LIMIT $14) AS f
                 JOIN audit_bytes AS b ON b.writer = f.writer AND b.seq = f.seq
                 ORDER BY f.at DESC, f.writer DESC, f.seq DESC"
            )),
            place: query(concat!("SELECT at, writer, seq", rows_by!($by), "1 OFFSET $7")),
        }
    };
}

static BY_TIME: Index = index!(0, |asked| [asked.account, 0], "account = $5 AND CAST($6 AS BIGINT) = 0");
static BY_OUTCOME: Index =
    index!(1, |asked| [asked.account, asked.outcome], "account = $5 AND outcome = $6 AND outcome <> 0");
static BY_PRINCIPAL: Index = index!(1, |asked| [asked.principal, 0], "principal = $5 AND CAST($6 AS BIGINT) = 0");
static BY_PRINCIPAL_AND_OUTCOME: Index =
    index!(2, |asked| [asked.principal, asked.outcome], "principal = $5 AND outcome = $6 AND outcome <> 0");
static BY_REPOSITORY: Index =
    index!(1, |asked| [asked.repository, 0], "repository = $5 AND repository <> 0 AND CAST($6 AS BIGINT) = 0");
static BY_REPOSITORY_AND_OUTCOME: Index = index!(
    2,
    |asked| [asked.repository, asked.outcome],
    "repository = $5 AND outcome = $6 AND outcome <> 0 AND repository <> 0"
);
static BY_REPOSITORY_AND_PRINCIPAL: Index =
    index!(2, |asked| [asked.repository, asked.principal], "repository = $5 AND principal = $6 AND repository <> 0");
static BY_DIGEST: Index =
    index!(1, |asked| [asked.digest, 0], "digest = $5 AND digest <> 0 AND CAST($6 AS BIGINT) = 0");
static BY_ACTION: Index = index!(1, |asked| [asked.action, 0], "action = $5 AND CAST($6 AS BIGINT) = 0");

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
    rows.all(&COUNTING, values)?.into_iter().map(found_row).collect()
}

fn found_row(row: Row) -> Result<Found, Fault> {
    let place = Place { at: row.int(0)?, writer: row.int(1)?, seq: row.int(2)? };
    Ok(Found { place, bytes: row.text(3)?.into() })
}

impl Search {
    /// How many things are asked for, besides the time.
    fn asks(&self) -> usize {
        let names = [self.principal, self.repository, self.digest, self.action];
        names.iter().filter(|name| **name != 0).count() + usize::from(self.outcome >= 0)
    }

    /// The indexes that know of what is asked; of those for a pair and for one of it, that for the pair.
    fn indexes(&self) -> Vec<&'static Index> {
        let (by_principal, by_repository) = (self.principal != 0, self.repository != 0);
        // Most succeed: that is found by something else.
        let by_outcome = self.outcome > 0;
        let known = [
            (self.digest != 0, &BY_DIGEST),
            (by_repository && by_principal, &BY_REPOSITORY_AND_PRINCIPAL),
            (by_repository && by_outcome, &BY_REPOSITORY_AND_OUTCOME),
            (by_principal && by_outcome, &BY_PRINCIPAL_AND_OUTCOME),
            (by_outcome && !by_principal && !by_repository, &BY_OUTCOME),
            (by_principal && !by_repository && !by_outcome, &BY_PRINCIPAL),
            (by_repository && !by_principal && !by_outcome, &BY_REPOSITORY),
            (self.action != 0, &BY_ACTION),
        ];
        let known: Vec<_> = known.into_iter().filter(|(knows, _)| *knows).map(|(_, index)| index).collect();
        if known.is_empty() { vec![&BY_TIME] } else { known }
    }

    /// The place of the row that has `count` rows before it; `None` where there are fewer.
    fn place(
        &self,
        rows: &mut Reader,
        index: &'static Index,
        before: Place,
        count: usize,
    ) -> Result<Option<Place>, Fault> {
        let ([first, second], Place { at, writer, seq }) = ((index.keys)(self), before);
        let row = rows.one(&index.place, values![at, writer, seq, self.from, first, second, count])?;
        row.map(|row| Ok(Place { at: row.int(0)?, writer: row.int(1)?, seq: row.int(2)? })).transpose()
    }

    /// The index that has the fewest rows for what is asked.
    fn choose(&self, rows: &mut Reader, before: Place) -> Result<&'static Index, Fault> {
        let indexes = self.indexes();
        let probes = if indexes.len() > 1 { &PROBES[..] } else { &[] };
        for count in probes {
            for &index in &indexes {
                if self.place(rows, index, before, *count)?.is_none() {
                    return Ok(index);
                }
            }
        }
        Ok(indexes[0])
    }
}

/// Returns up to `count` records before a place, the newest first. Looks at a bounded number of rows, of the index that has the
/// fewest for what is asked.
pub fn search(rows: &mut Reader, search: &Search, before: Place, count: usize) -> Result<Looked, Fault> {
    let index = search.choose(rows, before)?;
    let [first, second] = (index.keys)(search);
    let of_index =
        |Place { at, writer, seq }: Place, part: usize| values![at, writer, seq, search.from, first, second, part];
    let read = |found: Vec<Row>| found.into_iter().map(found_row).collect::<Result<Vec<_>, Fault>>();
    if search.asks() == index.knows {
        let found = read(rows.all(&index.all, of_index(before, count))?)?;
        return Ok(Looked { found, rest: None });
    }
    let Search { account, principal, repository, digest, action, outcome, .. } = *search;
    let (mut looked, mut before, mut left) = (Looked::default(), before, ROWS_MAX);
    let mut part = ROWS_FIRST.max(count);
    loop {
        part = part.min(left);
        let wanted = count - looked.found.len();
        let asked = values![account, principal, repository, digest, action, outcome, wanted];
        looked.found.extend(read(rows.all(&index.search, [of_index(before, part), asked].concat())?)?);
        if looked.found.len() >= count {
            return Ok(looked);
        }
        let Some(place) = search.place(rows, index, before, part - 1)? else { return Ok(looked) };
        (before, left) = (place, left - part);
        if left == 0 {
            looked.rest = Some(place);
            return Ok(looked);
        }
        part *= 4;
    }
}
