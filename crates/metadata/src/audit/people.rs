use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// A name, or an address, that records hold a commitment to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// What stands in records.
    pub token: String,
    /// Empty for a name; of an address, the token of who came from there.
    pub owner: String,
    /// The name or address.
    pub value: String,
    /// What the commitment was made with, in hexadecimal.
    pub salt: String,
    /// When a record named it last, to the day.
    pub named_at: Timestamp,
}

static BY_VALUE: Query = query(
    "SELECT p.token, p.owner, p.value, p.salt, p.named_at FROM json_each($2) AS j
     JOIN audit_person AS p ON p.owner = $1 AND p.value = (j.value ->> 0)",
);
static BY_TOKEN: Query = query(
    "SELECT p.token, p.owner, p.value, p.salt, p.named_at FROM json_each($1) AS j
     JOIN audit_person AS p ON p.token = (j.value ->> 0)",
);
static AFTER: Query =
    query("SELECT token, owner, value, salt, named_at FROM audit_person WHERE token > $1 ORDER BY token LIMIT $2");
static NAMED_BEFORE: Query =
    query("SELECT token FROM audit_person WHERE named_at < $1 ORDER BY named_at, token LIMIT $2");
static INSERT: Change = change(
    "INSERT INTO audit_person(token, owner, value, salt, named_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
);
static NOTE_NAMED: Change =
    change("UPDATE audit_person SET named_at = $2 WHERE token IN (SELECT j.value ->> 0 FROM json_each($1) AS j)");
static FORGET: Change =
    change("DELETE FROM audit_person WHERE token IN (SELECT j.value ->> 0 FROM json_each($1) AS j)");
static ERASE: Change = change("DELETE FROM audit_person WHERE token = $1 OR owner = $1");

fn person_row(row: Row) -> Result<PersonRow, Fault> {
    let text = |i| row.text(i).map(str::to_string);
    Ok(PersonRow { token: text(0)?, owner: text(1)?, value: text(2)?, salt: text(3)?, named_at: row.time(4)? })
}

/// Looks up names (`owner` is empty), or the addresses that somebody came from.
pub fn people_by_value(rows: &mut Reader, owner: &str, values: &[String]) -> Result<Vec<PersonRow>, Fault> {
    if values.is_empty() {
        return Ok(vec![]);
    }
    rows.all(&BY_VALUE, values![owner, column(values)])?.into_iter().map(person_row).collect()
}

/// Looks up what tokens stand for; those of erased people are missing.
pub fn people_by_token(rows: &mut Reader, tokens: &[String]) -> Result<Vec<PersonRow>, Fault> {
    if tokens.is_empty() {
        return Ok(vec![]);
    }
    rows.all(&BY_TOKEN, values![column(tokens)])?.into_iter().map(person_row).collect()
}

/// Returns up to `count` rows behind a token.
pub fn people_after(rows: &mut Reader, token: &str, count: usize) -> Result<Vec<PersonRow>, Fault> {
    rows.all(&AFTER, values![token, count])?.into_iter().map(person_row).collect()
}

/// Writes down what a token stands for.
pub fn insert_person(tx: &mut Tx, row: &PersonRow) -> Result<(), Fault> {
    tx.write(&INSERT, values![&row.token, &row.owner, &row.value, &row.salt, row.named_at])
}

/// Notes that records name some tokens.
pub fn note_named(tx: &mut Tx, tokens: &[String], at: Timestamp) -> Result<(), Fault> {
    if tokens.is_empty() { Ok(()) } else { tx.write(&NOTE_NAMED, values![column(tokens), at]) }
}

/// Returns up to `count` tokens that no record has named since a moment.
pub fn named_before(rows: &mut Reader, before: Timestamp, count: usize) -> Result<Vec<String>, Fault> {
    rows.all(&NAMED_BEFORE, values![before, count])?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Forgets what tokens stand for that no record holds.
pub fn forget_people(tx: &mut Tx, tokens: &[String]) -> Result<(), Fault> {
    if tokens.is_empty() { Ok(()) } else { tx.write(&FORGET, values![column(tokens)]) }
}

/// Forgets a name, and the addresses that its bearer came from.
pub fn erase_person(tx: &mut Tx, token: &str) -> Result<(), Fault> {
    tx.write(&ERASE, values![token])
}
