//! Sample acts, on rows of `setting` named after the run.

use crate::{Act, Change, Event, Query, Reader, Trail, Tx, change, query, values};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{RequestId, Timestamp};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub(super) const EVENT_KIND: &str = "suite.raised";
pub(super) const CARELESS: &str = "INSERT INTO setting(name, value, changed_at) VALUES ($1, NULL, 0)";

static FIND: Query = query("SELECT value FROM setting WHERE name = $1");
static SET: Change = change(
    "INSERT INTO setting(changed_at, value, name) VALUES ($3, $2, $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value",
);
static WITHOUT_VALUE: Change = change(CARELESS);
static EVENT_OF_ID: Change =
    change("INSERT INTO event(id, account, at, kind, repository, body, handled) VALUES ($1, '', 0, $2, NULL, $3, 0)");
static CLEAN_SETTING: Change = change("DELETE FROM setting WHERE name >= $1 AND name < $2");
static CLEAN_EVENT: Change = change("DELETE FROM event WHERE kind = $1");
static CLEAN_AUDIT: Change = change("DELETE FROM audit WHERE request_id = $1");

pub(super) fn name(run: RequestId, name: &str) -> String {
    format!("suite:{run}:{name}")
}

pub(super) fn event_body(name: &str) -> String {
    serde_json::json!({ "name": name }).to_string()
}

fn find(rows: &mut Reader, name: &str) -> Result<i64, Fault> {
    rows.lock(name)?;
    match rows.one(&FIND, values![name])? {
        None => Ok(0),
        Some(row) => row.text(0)?.parse().map_err(Fault::internal),
    }
}

fn set(tx: &mut Tx, name: &str, number: i64) -> Result<i64, Fault> {
    let now = tx.now();
    let row = tx.returning(&SET, values![name, number.to_string(), now])?;
    row.ok_or_else(|| Fault::internal("RETURNING returned nothing"))?.text(0)?.parse().map_err(Fault::internal)
}

/// Raises a number by one; may refuse after it has written.
pub(super) struct Raise {
    pub(super) name: String,
    pub(super) refuses: bool,
}

impl Act for Raise {
    type Seen = i64;
    type Plan = i64;
    type Answer = i64;
    const NAME: &'static str = "Raise";

    fn gather(&self, rows: &mut Reader) -> Result<i64, Fault> {
        find(rows, &self.name)
    }
    fn decide(&self, seen: i64, _: Timestamp) -> Result<i64, Fault> {
        Ok(seen + 1)
    }
    fn apply(&self, tx: &mut Tx, plan: i64) -> Result<i64, Fault> {
        let body = serde_json::json!({ "name": self.name });
        tx.event(Event { kind: EVENT_KIND, repository: None, body })?;
        let number = set(tx, &self.name, plan)?;
        if self.refuses { Err(Fault::new(FaultKind::TagInvalid, "refused after it wrote")) } else { Ok(number) }
    }
}

/// Raises a number by one, without a trail.
pub(super) struct Tally {
    pub(super) name: String,
}

impl Act for Tally {
    type Seen = i64;
    type Plan = i64;
    type Answer = ();
    const NAME: &'static str = "Tally";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<i64, Fault> {
        find(rows, &self.name)
    }
    fn decide(&self, seen: i64, _: Timestamp) -> Result<i64, Fault> {
        Ok(seen + 1)
    }
    fn apply(&self, tx: &mut Tx, plan: i64) -> Result<(), Fault> {
        set(tx, &self.name, plan).map(drop)
    }
}

/// Finds nothing to do.
pub(super) struct Idle;

impl Act for Idle {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "Idle";

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, _: (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, _: &mut Tx, _: ()) -> Result<(), Fault> {
        Ok(())
    }
}

/// Raises a number by one, or panics after it has written.
pub(super) struct Clumsy {
    pub(super) name: String,
    pub(super) panics: bool,
}

impl Act for Clumsy {
    type Seen = i64;
    type Plan = i64;
    type Answer = ();
    const NAME: &'static str = "Clumsy";

    fn gather(&self, rows: &mut Reader) -> Result<i64, Fault> {
        find(rows, &self.name)
    }
    fn decide(&self, seen: i64, _: Timestamp) -> Result<i64, Fault> {
        Ok(seen + 1)
    }
    fn apply(&self, tx: &mut Tx, plan: i64) -> Result<(), Fault> {
        set(tx, &self.name, plan)?;
        assert!(!self.panics, "on purpose, by the suite");
        Ok(())
    }
}

/// Writes what the table refuses, and may go on as if nothing had happened.
pub(super) struct Careless {
    pub(super) name: String,
    pub(super) swallows: bool,
}

impl Act for Careless {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "Careless";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&self.name)
    }
    fn decide(&self, _: (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, _: ()) -> Result<(), Fault> {
        set(tx, &self.name, 1)?;
        let written = tx.write(&WITHOUT_VALUE, values![format!("{}-2", self.name)]);
        if self.swallows { Ok(()) } else { written }
    }
}

/// Writes a row under an id; at its second run, under another.
pub(super) struct Numbered {
    body: String,
    ids: [i64; 2],
    runs: AtomicU32,
}

impl Numbered {
    pub(super) fn new(name: String, first: i64, second: i64) -> Self {
        Numbered { body: event_body(&name), ids: [first, second], runs: AtomicU32::new(0) }
    }
}

impl Act for Numbered {
    type Seen = ();
    type Plan = ();
    type Answer = u32;
    const NAME: &'static str = "Numbered";

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, _: (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, _: ()) -> Result<u32, Fault> {
        let run = self.runs.fetch_add(1, Relaxed);
        let id = self.ids[usize::from(run > 0)];
        tx.write(&EVENT_OF_ID, values![id, EVENT_KIND, &self.body])?;
        Ok(run + 1)
    }
}

/// Removes what a run wrote.
pub(super) struct Clean {
    pub(super) run: RequestId,
}

impl Act for Clean {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "Clean";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(EVENT_KIND)
    }
    fn decide(&self, _: (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, _: ()) -> Result<(), Fault> {
        // A semicolon follows the colon in ASCII, and both stand alike in any order of words.
        let (from, to) = (format!("suite:{}:", self.run), format!("suite:{};", self.run));
        tx.write(&CLEAN_SETTING, values![from, to])?;
        tx.write(&CLEAN_EVENT, values![EVENT_KIND])?;
        tx.write(&CLEAN_AUDIT, values![self.run])
    }
}
