use crate::{Row, Value, postgres::Pg, sqlite::Lite, statement::Statement};
use gantry_fault::{Fault, FaultKind};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// A file in the data folder, written by one process.
    Sqlite,
    /// A server, shared by replicas.
    Postgres,
}

impl EngineName {
    /// The name in logs, metrics and the names of migrations.
    pub const fn as_str(self) -> &'static str {
        match self {
            EngineName::Sqlite => "sqlite",
            EngineName::Postgres => "postgres",
        }
    }
}

/// What went wrong with the transaction, as far as it decides what comes next.
///
/// Kept beside the fault, which acts may wrap or even swallow: a transaction in trouble is never committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another transaction came first: the act may run again.
    Conflict,
    /// The connection is gone; nothing was committed unless a commit was under way.
    Gone,
    /// Anything else: running again would not help.
    Failed,
}

/// The two databases behind one small synchronous interface.
pub(crate) enum Engine {
    Lite(Lite),
    Pg(Box<Pg>),
}

macro_rules! each {
    ($engine:expr, $inner:ident => $does:expr) => {
        match $engine {
            Engine::Lite($inner) => $does,
            Engine::Pg($inner) => $does,
        }
    };
}

impl Engine {
    /// Begins what an act needs.
    pub(crate) fn begin_write(&mut self) -> Result<(), Fault> {
        each!(self, engine => engine.begin_write())
    }
    /// Makes the questions until [`Engine::end_read`] see one moment.
    pub(crate) fn begin_read(&mut self) {
        each!(self, engine => engine.begin_read())
    }
    /// Ends a read; false if the connection cannot be used again.
    pub(crate) fn end_read(&mut self) -> bool {
        each!(self, engine => engine.end_read())
    }
    pub(crate) fn commit(&mut self) -> Result<(), Fault> {
        each!(self, engine => engine.commit())
    }
    /// Undoes what was begun; says nothing, since there is nothing one could do about its failure.
    pub(crate) fn rollback(&mut self) {
        each!(self, engine => engine.rollback())
    }
    /// What befell the transaction so far.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        each!(self, engine => engine.trouble)
    }
    pub(crate) fn lock(&mut self, subject: &str) -> Result<(), Fault> {
        match self {
            Engine::Lite(_) => Ok(()),
            Engine::Pg(pg) => pg.lock(subject),
        }
    }
    pub(crate) fn rows(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        check(&values)?;
        each!(self, engine => engine.rows(statement, values))
    }
    pub(crate) fn write(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<(), Fault> {
        check(&values)?;
        each!(self, engine => engine.write(statement, values))
    }
}

/// A failed statement with its text, for the log: never its values, which may be secret.
#[derive(Debug, thiserror::Error)]
#[error("{what} (in: {sql})")]
pub(crate) struct StatementFailed {
    pub(crate) what: String,
    pub(crate) sql: &'static str,
}

/// PostgreSQL's texts hold no U+0000: what is refused there is refused everywhere.
fn check(values: &[Value]) -> Result<(), Fault> {
    let is_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if values.iter().any(is_nul) { Err(holds_nul()) } else { Ok(()) }
}

/// What a client is told whose text holds U+0000.
pub(crate) fn holds_nul() -> Fault {
    let message = "A text in the request holds the character U+0000, which no name and no value has: leave it out.";
    Fault::new(FaultKind::InvalidParameter, message)
}

/// What a client is told when the database does not answer.
pub(crate) fn unavailable(why: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Unavailable, "The registry's database does not answer; try again in a moment.")
        .because(why.into())
}

/// What a client is told when too many wait already.
pub(crate) fn too_many() -> Fault {
    Fault::new(FaultKind::TooManyRequests, "Too many requests wait for the registry's database; try again in a moment.")
}

/// What a client is told when acts keep colliding.
pub(crate) fn contended(act: &str, attempts: u32, cause: &str) -> Fault {
    Fault::new(
        FaultKind::Unavailable,
        "Too many others change the same thing at this moment; nothing was changed, try again.",
    )
    .because(format!("{act} met a conflict {attempts} times in a row: {cause}"))
}
