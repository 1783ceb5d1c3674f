//! PostgreSQL: a session on a thread of its own, writes deferred, and everything that knows its driver.

mod address;
mod dial;
mod wire;

pub use address::Address;
pub(crate) use dial::Dialer;
pub(crate) use wire::{Sent, Wire, read_value};

use crate::{
    Row, Value,
    engine::{Trouble, holds_nul, unavailable},
    sqlite::storage_full,
    statement::Statement,
    values,
};
use gantry_fault::Fault;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use wire::Broken;

/// READ COMMITTED with a lock in front: what is read after the lock is fresh. Under SERIALIZABLE the snapshot would be
/// older than the lock, and many acts on one tag would starve each other.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// The seed keeps our locks apart from those of others in the same database.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 4785074604081152))";
/// Waits for whoever is about to write this row, if anyone is; answers with a row if nobody did.
const PROBE: &str = "INSERT INTO audit(id, at, account, actor, act, operation, request_id) \
    VALUES ($1, 0, '', '', '', '', '') ON CONFLICT (id) DO NOTHING RETURNING id";

const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Pg {
    dialer: Dialer,
    runtime: Runtime,
    wire: Option<Wire>,
    statement_max: Duration,
    /// Until when a lost connection may be sought, in the clock's elapsed time.
    deadline: Duration,
    /// What was written and not sent yet: goes out in one trip with the next question or the commit.
    waiting: Vec<Sent>,
    is_read: bool,
    /// Whether BEGIN was answered.
    has_begun: bool,
    /// Whether BEGIN was sent: it stands also where the question behind it failed, and nothing else is done until it is undone.
    may_have_begun: bool,
    /// Whether a COMMIT was sent that nobody answered.
    is_commit_unknown: bool,
    pub(crate) trouble: Option<Trouble>,
}

impl Pg {
    /// A session that opens at its first use.
    pub(crate) fn new(dialer: Dialer, statement_max: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime needs nothing but a few file handles");
        Pg {
            dialer,
            runtime,
            wire: None,
            statement_max,
            deadline: Duration::MAX,
            waiting: vec![],
            is_read: false,
            has_begun: false,
            may_have_begun: false,
            is_commit_unknown: false,
            trouble: None,
        }
    }

    /// Until when a lost connection may be sought.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }
    /// Whether a commit was sent whose answer got lost.
    pub(crate) fn is_commit_unknown(&self) -> bool {
        self.is_commit_unknown
    }

    pub(crate) fn begin_write(&mut self) -> Result<(), Fault> {
        self.begin(BEGIN_WRITE);
        Ok(())
    }
    pub(crate) fn begin_read(&mut self) {
        self.begin(BEGIN_READ);
    }
    /// BEGIN goes out with the first question.
    fn begin(&mut self, sql: &'static str) {
        self.is_read = sql == BEGIN_READ;
        self.trouble = None;
        self.has_begun = false;
        self.may_have_begun = false;
        self.is_commit_unknown = false;
        self.waiting.clear();
        self.waiting.push((sql, vec![]));
    }
    pub(crate) fn end_read(&mut self) -> bool {
        self.rollback();
        true
    }
    pub(crate) fn commit(&mut self) -> Result<(), Fault> {
        if !self.has_begun {
            // Nothing was asked, so nothing was written: a write sends the BEGIN before it.
            self.waiting.clear();
            return Ok(());
        }
        self.waiting.push((COMMIT, vec![]));
        let answer = self.ask(None);
        self.has_begun &= answer.is_err();
        self.may_have_begun = self.has_begun;
        answer.map(drop)
    }
    pub(crate) fn rollback(&mut self) {
        self.waiting.clear();
        if std::mem::take(&mut self.may_have_begun) && self.wire.is_some() && self.send(&[(ROLLBACK, vec![])]).is_err()
        {
            // The session goes, and what was begun goes with it.
            self.drop_wire();
        }
        self.has_begun = false;
    }

    pub(crate) fn lock(&mut self, subject: &str) -> Result<(), Fault> {
        self.ask(Some((LOCK, values![subject]))).map(drop)
    }
    pub(crate) fn rows(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        if !statement.is_query {
            self.make_sure_of_begin()?;
        }
        self.ask(Some((statement.sql, values)))
    }
    pub(crate) fn write(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<(), Fault> {
        self.make_sure_of_begin()?;
        self.check_trouble()?;
        self.waiting.push((statement.sql, values));
        Ok(())
    }

    /// Whether the act stands whose commit was not answered, told by its audit row.
    ///
    /// Waits for the lost transaction if the server is still busy with it.
    pub(crate) fn has_committed(&mut self, audit: i64) -> Result<bool, Fault> {
        self.begin(BEGIN_WRITE);
        let is_free = self.make_sure_of_begin().and_then(|()| self.ask(Some((PROBE, values![audit]))));
        self.rollback();
        is_free.map(|rows| rows.is_empty())
    }

    /// Nothing is written behind a BEGIN that was not answered: had it been refused, each write would stand alone.
    fn make_sure_of_begin(&mut self) -> Result<(), Fault> {
        if self.has_begun { Ok(()) } else { self.ask(None).map(drop) }
    }
    fn check_trouble(&self) -> Result<(), Fault> {
        match self.trouble {
            None => Ok(()),
            Some(_) => Err(Fault::internal("a statement was given to a transaction that had failed")),
        }
    }

    /// Sends what waits, and a question behind it; returns the question's rows.
    fn ask(&mut self, question: Option<Sent>) -> Result<Vec<Row>, Fault> {
        self.check_trouble()?;
        let is_commit = self.waiting.last().is_some_and(|(sql, _)| *sql == COMMIT);
        let mut sent = std::mem::take(&mut self.waiting);
        sent.extend(question);
        self.may_have_begun = true;
        let mut answer = self.send(&sent);
        // A session may have died of old age. A read that has seen nothing yet can begin again on a new one.
        if self.is_read && !self.has_begun && answer.as_ref().is_err_and(|broken| broken.is_gone) {
            answer = self.send(&sent);
        }
        match answer {
            Ok(rows) => {
                self.has_begun = true;
                Ok(rows)
            }
            Err(broken) => {
                self.is_commit_unknown = is_commit && broken.is_gone && broken.was_sent;
                let (trouble, fault) = judge(broken);
                self.trouble.get_or_insert(trouble);
                Err(fault)
            }
        }
    }

    /// One trip, on a session that is opened if there is none.
    fn send(&mut self, sent: &[Sent]) -> Result<Vec<Row>, Broken> {
        if self.wire.is_none() {
            self.connect().map_err(|what| gone(what, sent, false))?;
        }
        let Some(wire) = &mut self.wire else { return Err(gone("no session".into(), sent, false)) };
        // The server ends a statement that takes too long; this ends the wait for a server that does not.
        let patience = self.statement_max + PAUSE_MAX;
        let answer = self.runtime.block_on(self.dialer.env.within(patience, wire.send(sent)));
        let answer = answer.unwrap_or_else(|| Err(gone(format!("no answer in {} s", patience.as_secs()), sent, true)));
        if answer.as_ref().is_err_and(|broken| broken.is_gone) {
            self.drop_wire();
        }
        answer
    }

    /// Seeks a session until the deadline, with growing pauses.
    fn connect(&mut self) -> Result<(), String> {
        let env = self.dialer.env.clone();
        let mut pause = PAUSE_FIRST;
        let mut has_failed = false;
        loop {
            let why = match self.runtime.block_on(self.dialer.dial(self.statement_max)) {
                Ok(wire) => {
                    if has_failed {
                        tracing::info!(place = %self.dialer.place(), "the connection to PostgreSQL is back");
                    }
                    self.wire = Some(wire);
                    return Ok(());
                }
                Err(why) => why,
            };
            if !has_failed {
                tracing::warn!(place = %self.dialer.place(), error = %why, "no connection to PostgreSQL; trying again");
                has_failed = true;
            }
            if self.dialer.is_closing() || env.elapsed() + pause >= self.deadline {
                return Err(why);
            }
            self.wait(jittered(pause, env.random()));
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
    fn drop_wire(&mut self) {
        // Inside the runtime: the driver's task is ended there.
        let _guard = self.runtime.enter();
        self.wire = None;
    }

    /// Waits a little before an act that met a conflict runs again.
    pub(crate) fn pause(&mut self, attempt: u32) {
        let env = &self.dialer.env;
        let longest = Duration::from_micros(400) * (1 << attempt.min(8));
        self.wait(jittered(longest, env.random()));
    }
    fn wait(&self, duration: Duration) {
        // Within the runtime, whose clock the wait is set by.
        self.runtime.block_on(async { self.dialer.env.sleep(duration).await });
    }
    /// Forgets the session and whatever was begun, after a panic in the midst of it.
    pub(crate) fn forget(&mut self) {
        self.drop_wire();
        self.waiting.clear();
        self.has_begun = false;
        self.may_have_begun = false;
    }

    /// The runtime and a session, for those who use the driver itself.
    pub(crate) fn session(&mut self) -> Result<(&Runtime, &tokio_postgres::Client), String> {
        if self.wire.is_none() {
            self.connect()?;
        }
        match &self.wire {
            Some(wire) => Ok((&self.runtime, wire.client())),
            None => Err("no session".into()),
        }
    }
}

/// Between half of `longest` and all of it, so that those who collided do not meet again.
fn jittered(longest: Duration, random: [u8; 2]) -> Duration {
    let half = longest / 2;
    half + half.mul_f64(f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX))
}

fn gone(what: String, sent: &[Sent], was_sent: bool) -> Broken {
    let sql = sent.last().map_or("", |(sql, _)| sql);
    Broken { code: None, is_gone: true, was_sent, because: crate::engine::StatementFailed { what, sql } }
}

fn judge(broken: Broken) -> (Trouble, Fault) {
    let Broken { code, is_gone, because, .. } = broken;
    if is_gone {
        return (Trouble::Gone, unavailable("the connection was lost").because(because));
    }
    let is = |codes: &[SqlState]| code.as_ref().is_some_and(|code| codes.contains(code));
    if is(&[SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::UNIQUE_VIOLATION]) {
        (Trouble::Conflict, Fault::internal(because))
    } else if is(&[SqlState::DISK_FULL]) {
        (Trouble::Failed, storage_full().because(because))
    } else if is(&[SqlState::CHARACTER_NOT_IN_REPERTOIRE, SqlState::UNTRANSLATABLE_CHARACTER]) {
        (Trouble::Failed, holds_nul().because(because))
    } else if is(&[SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE]) {
        (Trouble::Failed, unavailable("a statement took too long").because(because))
    } else {
        (Trouble::Failed, Fault::internal(because))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_longer_than_asked_nor_shorter_than_half() {
        let longest = Duration::from_millis(100);

        assert_eq!(jittered(longest, [0, 0]), longest / 2);
        assert_eq!(jittered(longest, [0xff, 0xff]), longest);
    }
}
