//! Every statement on `quarantined_tag`: tags that were pushed and wait for a verdict of their images.

use crate::{Change, Query, Reader, Row, Tx, change, query, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};

/// A tag that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// The number of the push: a later push of the tag has a greater one.
    pub id: i64,
    /// The tag.
    pub tag: String,
    /// The image that was pushed.
    pub digest: String,
    /// Where the tag pointed at the push; `None` where it was not there.
    pub previous: Option<String>,
    /// Since when it did.
    pub previous_at: Option<Timestamp>,
    /// Who pushed.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Timestamp,
    /// The request that did.
    pub request_id: String,
    /// `waiting` or `refused`.
    pub state: String,
    /// Why it is not set yet, as JSON.
    pub reasons: String,
}

/// A tag that waits, with where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRow {
    /// Whose.
    pub account: AccountId,
    /// The repository's number.
    pub repository: i64,
    /// Its name.
    pub name: String,
    /// The tag.
    pub row: QuarantinedRow,
    /// Where it points meanwhile; `None` where it is not there.
    pub current: Option<String>,
    /// Since when it does.
    pub current_at: Option<Timestamp>,
}

/// Of which repositories tags are listed: all three must be so.
#[derive(Clone, Debug)]
pub struct Among<'a> {
    /// Whose.
    pub account: AccountId,
    /// In which region.
    pub region: &'a Region,
    /// How their names begin; empty for all.
    pub prefix: &'a str,
    /// The one name; empty for all.
    pub name: &'a str,
}

/// The state of a tag of whose image too little is known.
pub const WAITING: &str = "waiting";
/// The state of a tag whose image is not as the policy asks.
pub const REFUSED: &str = "refused";

static FIND: Query = query(
    "SELECT id, tag, digest, previous, previous_at, pushed_by, pushed_at, request_id, state, reasons
     FROM quarantined_tag WHERE repository = $1 AND tag = $2",
);
static DIGESTS: Query = query("SELECT digest FROM quarantined_tag WHERE repository = $1");
static WAITING_AFTER: Query = query(
    "SELECT q.id, q.tag, q.digest, q.previous, q.previous_at, q.pushed_by, q.pushed_at, q.request_id, q.state, q.reasons,
         r.account, r.id, r.name, t.digest, t.tagged_at
     FROM quarantined_tag AS q JOIN repository AS r ON r.id = q.repository
     LEFT JOIN tag AS t ON t.repository = q.repository AND t.name = q.tag
     WHERE q.state = 'waiting' AND (q.repository > $1 OR (q.repository = $1 AND q.tag > $2))
     ORDER BY q.repository, q.tag LIMIT $3",
);
static ALL_AFTER: Query = query(
    "SELECT q.id, q.tag, q.digest, q.previous, q.previous_at, q.pushed_by, q.pushed_at, q.request_id, q.state, q.reasons,
         r.account, r.id, r.name, t.digest, t.tagged_at
     FROM quarantined_tag AS q JOIN repository AS r ON r.id = q.repository
     LEFT JOIN tag AS t ON t.repository = q.repository AND t.name = q.tag
     WHERE q.repository > $1 OR (q.repository = $1 AND q.tag > $2)
     ORDER BY q.repository, q.tag LIMIT $3",
);
static LIST: Query = query(
    "SELECT q.id, q.tag, q.digest, q.previous, q.previous_at, q.pushed_by, q.pushed_at, q.request_id, q.state, q.reasons,
         r.account, r.id, r.name, t.digest, t.tagged_at
     FROM repository AS r JOIN quarantined_tag AS q ON q.repository = r.id
     LEFT JOIN tag AS t ON t.repository = q.repository AND t.name = q.tag
     WHERE r.account = $1 AND r.region = $2 AND (r.name > $3 OR (r.name = $3 AND q.tag > $4))
         AND substr(r.name, 1, length(CAST($5 AS TEXT))) = CAST($5 AS TEXT)
         AND (CAST($6 AS TEXT) = '' OR r.name = CAST($6 AS TEXT))
     ORDER BY r.name, q.tag LIMIT $7",
);
static PUT: Change = change(
    "INSERT INTO quarantined_tag(repository, tag, id, digest, previous, previous_at, pushed_by, pushed_at, request_id, state, reasons)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (repository, tag) DO UPDATE SET id = excluded.id, digest = excluded.digest, previous = excluded.previous,
         previous_at = excluded.previous_at, pushed_by = excluded.pushed_by, pushed_at = excluded.pushed_at,
         request_id = excluded.request_id, state = excluded.state, reasons = excluded.reasons",
);
static KEEP: Change = change(
    "UPDATE quarantined_tag SET state = $4, reasons = $5
         WHERE repository = $1 AND tag = $2 AND id = $3 AND (state <> $4 OR reasons <> $5) RETURNING id",
);
static REMOVE: Change = change("DELETE FROM quarantined_tag WHERE repository = $1 AND tag = $2");

fn row(row: &Row) -> Result<QuarantinedRow, Fault> {
    Ok(QuarantinedRow {
        id: row.int(0)?,
        tag: row.text(1)?.into(),
        digest: row.text(2)?.into(),
        previous: row.opt_text(3)?.map(str::to_string),
        previous_at: row.opt_time(4)?,
        pushed_by: row.text(5)?.into(),
        pushed_at: row.time(6)?,
        request_id: row.text(7)?.into(),
        state: row.text(8)?.into(),
        reasons: row.text(9)?.into(),
    })
}

fn placed(found: &Row) -> Result<PlacedRow, Fault> {
    Ok(PlacedRow {
        row: row(found)?,
        account: found.text(10)?.parse().map_err(Fault::internal)?,
        repository: found.int(11)?,
        name: found.text(12)?.into(),
        current: found.opt_text(13)?.map(str::to_string),
        current_at: found.opt_time(14)?,
    })
}

/// Returns what waits under a tag.
pub fn find(rows: &mut Reader, repository: i64, tag: &str) -> Result<Option<QuarantinedRow>, Fault> {
    rows.one(&FIND, values![repository, tag])?.map(|found| row(&found)).transpose()
}

/// Returns the images of a repository that wait under some tag, in no order.
pub fn digests(rows: &mut Reader, repository: i64) -> Result<Vec<String>, Fault> {
    rows.all(&DIGESTS, values![repository])?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns up to `count` tags of all accounts after a repository and tag: those in [`WAITING`] only, or all.
pub fn after(rows: &mut Reader, after: (i64, &str), only_waiting: bool, count: usize) -> Result<Vec<PlacedRow>, Fault> {
    let query = if only_waiting { &WAITING_AFTER } else { &ALL_AFTER };
    rows.all(query, values![after.0, after.1, count])?.iter().map(placed).collect()
}

/// Returns up to `count` tags of these repositories after a name and tag, in the order of their bytes.
pub fn list(rows: &mut Reader, among: &Among<'_>, after: (&str, &str), count: usize) -> Result<Vec<PlacedRow>, Fault> {
    let Among { account, region, prefix, name } = among;
    let values = values![*account, *region, after.0, after.1, *prefix, *name, count];
    rows.all(&LIST, values)?.iter().map(placed).collect()
}

/// Lets a tag wait, in the place of what waited under it.
pub fn put(tx: &mut Tx, repository: i64, row: &QuarantinedRow) -> Result<(), Fault> {
    let QuarantinedRow { id, tag, digest, previous, previous_at, pushed_by, pushed_at, request_id, state, reasons } =
        row;
    let values = values![
        repository,
        tag,
        *id,
        digest,
        previous.as_deref(),
        *previous_at,
        pushed_by,
        *pushed_at,
        request_id,
        state,
        reasons
    ];
    tx.write(&PUT, values)
}

/// Writes down how a push stands; says whether that is news. What waits no more is left alone.
pub fn keep(tx: &mut Tx, repository: i64, tag: &str, id: i64, state: &str, reasons: &str) -> Result<bool, Fault> {
    Ok(tx.returning(&KEEP, values![repository, tag, id, state, reasons])?.is_some())
}

/// Forgets what waits under a tag.
pub fn remove(tx: &mut Tx, repository: i64, tag: &str) -> Result<(), Fault> {
    tx.write(&REMOVE, values![repository, tag])
}
