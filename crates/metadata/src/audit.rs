//! Every statement on the tables of the audit: chains, checkpoints, records that still count. Searches are in
//! `search.rs`, and how far a chain has been delivered is in `delivery.rs`, and whom records name in `people.rs`.

mod delivery;
mod people;
mod search;

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
pub use delivery::{delivered, put_delivered};
use gantry_audit::{Columns, GENESIS, Hash, Signed, parse_hash, print_hash};
use gantry_fault::Fault;
use gantry_words::Timestamp;
pub use people::{
    PersonRow, erase_person, forget_people, insert_person, named_before, note_named, people_after, people_by_token,
    people_by_value,
};
pub use search::{Found, Looked, Place, Search, counting, done_by, search};

/// Where a chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterRow {
    /// Whose chain.
    pub writer: i64,
    /// The public key, in hexadecimal.
    pub public_key: String,
    /// The place of its last record; 0 for none.
    pub seq: u64,
    /// The hash there.
    pub hash: Hash,
    /// The place it was trimmed at; 0 where it was not.
    pub root: u64,
    /// The last batch that was written.
    pub batch: i64,
    /// The place of the last checkpoint; 0 for none.
    pub checkpoint_seq: u64,
    /// When it was made.
    pub checkpoint_at: Timestamp,
    /// Its hash, which the next one names.
    pub checkpoint_hash: Hash,
}

/// A row of the change trail that is not in a chain yet, with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailRow {
    /// Its number.
    pub id: i64,
    /// When the request or job began.
    pub at: Timestamp,
    /// The account.
    pub account: String,
    /// Who acted.
    pub actor: String,
    /// The act.
    pub act: String,
    /// The operation or job.
    pub operation: String,
    /// The request.
    pub request_id: String,
    /// Where from.
    pub source: Option<String>,
    /// The first event's kind.
    pub event: Option<String>,
    /// What the event says, as JSON.
    pub body: Option<String>,
    /// The repository it concerns, where that still exists.
    pub repository: Option<String>,
}

/// A record of a chain as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Its place.
    pub seq: u64,
    /// What it is found by.
    pub columns: Columns,
    /// The hash beside it; empty where its bytes are gone.
    pub hash: String,
    /// Its bytes; empty where they are gone.
    pub bytes: String,
}

/// A record that still counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRow {
    /// Who counts.
    pub writer: i64,
    /// Its number.
    pub id: i64,
    /// The record, as JSON.
    pub body: String,
}

static WRITERS: Query = query(
    "SELECT writer, public_key, seq, hash, root, batch, checkpoint_seq, checkpoint_at, checkpoint_hash
     FROM audit_writer ORDER BY writer LIMIT $1",
);
static WRITER: Query = query(
    "SELECT writer, public_key, seq, hash, root, batch, checkpoint_seq, checkpoint_at, checkpoint_hash
     FROM audit_writer WHERE writer = $1",
);
static PUT_WRITER: Change = change(
    "INSERT INTO audit_writer(writer, public_key, seq, hash, root, batch, checkpoint_seq, checkpoint_at, checkpoint_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, root = excluded.root,
         batch = excluded.batch, checkpoint_seq = excluded.checkpoint_seq, checkpoint_at = excluded.checkpoint_at,
         checkpoint_hash = excluded.checkpoint_hash",
);
static UNCHAINED: Query = query(
    "SELECT a.id, a.at, a.account, a.actor, a.act, a.operation, a.request_id, a.source, e.kind, e.body, r.name
     FROM audit AS a LEFT JOIN event AS e ON e.id = a.event LEFT JOIN repository AS r ON r.id = e.repository
     WHERE a.chained = 0 ORDER BY a.id LIMIT $1",
);
static HAS_UNCHAINED: Query = query("SELECT id FROM audit WHERE chained = 0 ORDER BY id LIMIT 1");
static CHAINED: Change =
    change("UPDATE audit SET chained = 1 WHERE id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j)");
static INSERT_RECORD: Change = change(
    "INSERT INTO audit_record(writer, seq, at, account, principal, repository, digest, action, outcome)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
static INSERT_BYTES: Change = change("INSERT INTO audit_bytes(writer, seq, hash, bytes) VALUES ($1, $2, $3, $4)");
static RECORDS: Query = query(
    "SELECT r.seq, r.at, r.account, r.principal, r.repository, r.digest, r.action, r.outcome, b.hash, b.bytes
     FROM audit_record AS r LEFT JOIN audit_bytes AS b ON b.writer = r.writer AND b.seq = r.seq
     WHERE r.writer = $1 AND r.seq > $2 ORDER BY r.seq LIMIT $3",
);
static CHECKPOINTS: Query = query(
    "SELECT seq, bytes, signature FROM audit_checkpoint
     WHERE writer = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
);
static CHECKPOINT: Query = query("SELECT seq, bytes, signature FROM audit_checkpoint WHERE writer = $1 AND seq = $2");
static CHECKPOINT_BEFORE: Query =
    query("SELECT seq FROM audit_checkpoint WHERE writer = $1 AND at < $2 AND seq <= $3 ORDER BY seq DESC LIMIT 1");
static INSERT_CHECKPOINT: Change =
    change("INSERT INTO audit_checkpoint(writer, seq, at, bytes, signature) VALUES ($1, $2, $3, $4, $5)");
static STALE_OPEN: Query =
    query("SELECT writer, id, body FROM audit_open WHERE at < $1 AND writer = $2 ORDER BY at, writer, id LIMIT $3");
static STALE_OPEN_OF_ALL: Query =
    query("SELECT writer, id, body FROM audit_open WHERE at < $1 ORDER BY at, writer, id LIMIT $2");
static PUT_OPEN: Change = change(
    "INSERT INTO audit_open(writer, id, at, account, principal, repository, digest, action, outcome, body)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (writer, id) DO UPDATE SET at = excluded.at, body = excluded.body",
);
static REMOVE_OPEN: Change = change("DELETE FROM audit_open WHERE writer = $1 AND id = $2");
static FIRST_RECORD: Query = query("SELECT seq, at FROM audit_record WHERE writer = $1 ORDER BY seq LIMIT 1");
static TRIM_RECORDS: Change = change("DELETE FROM audit_record WHERE writer = $1 AND seq <= $2");
static TRIM_BYTES: Change = change("DELETE FROM audit_bytes WHERE writer = $1 AND seq <= $2");
static TRIM_CHECKPOINTS: Change = change("DELETE FROM audit_checkpoint WHERE writer = $1 AND seq < $2");

fn writer_row(row: Row) -> Result<WriterRow, Fault> {
    // A hash that cannot be read was tampered with: the chain goes on from zeros there, and verifying finds it.
    let hash = |text: &str| parse_hash(text).unwrap_or(GENESIS);
    Ok(WriterRow {
        writer: row.int(0)?,
        public_key: row.text(1)?.into(),
        seq: row.count(2)?,
        hash: hash(row.text(3)?),
        root: row.count(4)?,
        batch: row.int(5)?,
        checkpoint_seq: row.count(6)?,
        checkpoint_at: row.time(7)?,
        checkpoint_hash: hash(row.text(8)?),
    })
}

fn checkpoint_row(row: Row) -> Result<(u64, Signed), Fault> {
    Ok((row.count(0)?, Signed { bytes: row.text(1)?.into(), signature: row.text(2)?.into() }))
}

fn open_row(row: Row) -> Result<OpenRow, Fault> {
    Ok(OpenRow { writer: row.int(0)?, id: row.int(1)?, body: row.text(2)?.into() })
}

/// Returns up to `count` writers.
pub fn writers(rows: &mut Reader, count: usize) -> Result<Vec<WriterRow>, Fault> {
    rows.all(&WRITERS, values![count])?.into_iter().map(writer_row).collect()
}

/// Looks a writer up.
pub fn writer(rows: &mut Reader, writer: i64) -> Result<Option<WriterRow>, Fault> {
    rows.one(&WRITER, values![writer])?.map(writer_row).transpose()
}

/// Writes where a chain stands; its key stays as it was.
pub fn put_writer(tx: &mut Tx, row: &WriterRow) -> Result<(), Fault> {
    let values = values![
        row.writer,
        &row.public_key,
        row.seq,
        print_hash(&row.hash),
        row.root,
        row.batch,
        row.checkpoint_seq,
        row.checkpoint_at,
        print_hash(&row.checkpoint_hash),
    ];
    tx.write(&PUT_WRITER, values)
}

/// Returns up to `count` rows of the change trail that are in no chain, the oldest first.
pub fn unchained(rows: &mut Reader, count: usize) -> Result<Vec<TrailRow>, Fault> {
    let read = |row: Row| {
        let opt = |i| row.opt_text(i).map(|text| text.map(str::to_string));
        Ok(TrailRow {
            id: row.int(0)?,
            at: row.time(1)?,
            account: row.text(2)?.into(),
            actor: row.text(3)?.into(),
            act: row.text(4)?.into(),
            operation: row.text(5)?.into(),
            request_id: row.text(6)?.into(),
            source: opt(7)?,
            event: opt(8)?,
            body: opt(9)?,
            repository: opt(10)?,
        })
    };
    rows.all(&UNCHAINED, values![count])?.into_iter().map(read).collect()
}

/// Says whether a row of the change trail is in no chain.
pub fn has_unchained(rows: &mut Reader) -> Result<bool, Fault> {
    Ok(rows.one(&HAS_UNCHAINED, values![])?.is_some())
}

/// Notes that rows of the change trail are in a chain now.
pub fn note_chained(tx: &mut Tx, ids: &[i64]) -> Result<(), Fault> {
    if ids.is_empty() { Ok(()) } else { tx.write(&CHAINED, values![column(ids)]) }
}

/// Writes a record.
pub fn insert_record(
    tx: &mut Tx,
    writer: i64,
    seq: u64,
    columns: &Columns,
    hash: &Hash,
    bytes: &str,
) -> Result<(), Fault> {
    let Columns { at, account, principal, repository, digest, action, outcome } = *columns;
    tx.write(&INSERT_RECORD, values![writer, seq, at, account, principal, repository, digest, action, outcome])?;
    tx.write(&INSERT_BYTES, values![writer, seq, print_hash(hash), bytes])
}

/// Returns up to `count` records of a chain behind the place `after`.
pub fn records(rows: &mut Reader, writer: i64, after: u64, count: usize) -> Result<Vec<RecordRow>, Fault> {
    let read = |row: Row| {
        let columns = Columns {
            at: row.int(1)?,
            account: row.int(2)?,
            principal: row.int(3)?,
            repository: row.int(4)?,
            digest: row.int(5)?,
            action: row.int(6)?,
            outcome: row.int(7)?,
        };
        let text = |i| row.opt_text(i).map(|text| text.unwrap_or_default().to_string());
        Ok(RecordRow { seq: row.count(0)?, columns, hash: text(8)?, bytes: text(9)? })
    };
    rows.all(&RECORDS, values![writer, after, count])?.into_iter().map(read).collect()
}

/// Returns up to `count` checkpoints of a chain behind the place `after`, up to the place `through`.
pub fn checkpoints(
    rows: &mut Reader,
    writer: i64,
    after: u64,
    through: u64,
    count: usize,
) -> Result<Vec<(u64, Signed)>, Fault> {
    rows.all(&CHECKPOINTS, values![writer, after, through, count])?.into_iter().map(checkpoint_row).collect()
}

/// Looks up the checkpoint at a place.
pub fn checkpoint(rows: &mut Reader, writer: i64, seq: u64) -> Result<Option<(u64, Signed)>, Fault> {
    rows.one(&CHECKPOINT, values![writer, seq])?.map(checkpoint_row).transpose()
}

/// Finds the place of the last checkpoint made before a moment, up to the place `through`.
pub fn checkpoint_before(
    rows: &mut Reader,
    writer: i64,
    before: Timestamp,
    through: u64,
) -> Result<Option<u64>, Fault> {
    rows.one(&CHECKPOINT_BEFORE, values![writer, before, through])?.map(|row| row.count(0)).transpose()
}

/// Writes a checkpoint.
pub fn insert_checkpoint(tx: &mut Tx, writer: i64, seq: u64, at: Timestamp, signed: &Signed) -> Result<(), Fault> {
    tx.write(&INSERT_CHECKPOINT, values![writer, seq, at, &signed.bytes, &signed.signature])
}

/// Returns up to `count` records that began to count before a moment: a writer's, or everybody's.
pub fn open_before(
    rows: &mut Reader,
    before: Timestamp,
    writer: Option<i64>,
    count: usize,
) -> Result<Vec<OpenRow>, Fault> {
    let found = match writer {
        Some(writer) => rows.all(&STALE_OPEN, values![before, writer, count])?,
        None => rows.all(&STALE_OPEN_OF_ALL, values![before, count])?,
    };
    found.into_iter().map(open_row).collect()
}

/// Writes down a record that still counts.
pub fn put_open(tx: &mut Tx, writer: i64, id: i64, columns: &Columns, body: &str) -> Result<(), Fault> {
    let Columns { at, account, principal, repository, digest, action, outcome } = *columns;
    tx.write(&PUT_OPEN, values![writer, id, at, account, principal, repository, digest, action, outcome, body])
}

/// Removes a record that has counted to the end.
pub fn remove_open(tx: &mut Tx, writer: i64, id: i64) -> Result<(), Fault> {
    tx.write(&REMOVE_OPEN, values![writer, id])
}

/// Finds the first record of a chain: its place, and when it happened.
pub fn first_record(rows: &mut Reader, writer: i64) -> Result<Option<(u64, Timestamp)>, Fault> {
    rows.one(&FIRST_RECORD, values![writer])?.map(|row| Ok((row.count(0)?, row.time(1)?))).transpose()
}

/// Removes the records of a chain up to the place `through`, and the checkpoints before it.
pub fn trim(tx: &mut Tx, writer: i64, through: u64) -> Result<(), Fault> {
    tx.write(&TRIM_RECORDS, values![writer, through])?;
    tx.write(&TRIM_BYTES, values![writer, through])?;
    tx.write(&TRIM_CHECKPOINTS, values![writer, through])
}
