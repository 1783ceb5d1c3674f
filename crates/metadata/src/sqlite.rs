//! SQLite: a connection, and everything that knows its driver.

use crate::{
    Row, Value,
    engine::{StatementFailed, Trouble, unavailable},
    statement::Statement,
};
use bytes::Bytes;
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use rusqlite::{Connection, ErrorCode, config::DbConfig, ffi, hooks::Wal, types};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const STATEMENTS_HELD: usize = 256;
/// Another process (gc, fsck) writes the same file in short transactions; this is how long one waits for it at a time.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(1);
/// How much work passes between two looks at the clock of a long read: a fraction of a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
const NO_DEADLINE: u64 = u64::MAX;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that writes. It learns how large the WAL is; folding it into the file is for others to begin.
    Writer,
    /// Short questions, in place.
    Reader,
    /// Lists, sweeps and exports, on a thread of their own, with a deadline.
    LongReader,
    /// The only one, in memory: writes and reads.
    Alone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Off,
    /// Begins with the first question.
    Wanted,
    Begun,
}

pub(crate) struct Lite {
    connection: Connection,
    role: Role,
    read: Read,
    pub(crate) trouble: Option<Trouble>,
    /// In milliseconds of the clock's elapsed time.
    deadline: Arc<AtomicU64>,
    /// How many pages the WAL held at the last commit.
    wal_pages: Arc<AtomicU64>,
}

/// Why a statement failed: the engine's reason or ours.
enum Why {
    Sqlite(rusqlite::Error),
    Ours(String),
}

impl From<rusqlite::Error> for Why {
    fn from(error: rusqlite::Error) -> Self {
        Why::Sqlite(error)
    }
}

impl Lite {
    /// Opens `path` for `role`.
    pub(crate) fn open(path: &Path, role: Role, env: &Env) -> rusqlite::Result<Self> {
        let mut connection = match role {
            Role::Alone => Connection::open_in_memory()?,
            Role::Writer | Role::Reader | Role::LongReader => Connection::open(path)?,
        };
        connection.busy_timeout(BUSY_WAIT)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;",
        )?;
        connection.execute_batch(match role {
            Role::Writer | Role::Alone => "PRAGMA cache_size = -65536;",
            Role::Reader => "PRAGMA cache_size = -32768; PRAGMA query_only = ON;",
            Role::LongReader => "PRAGMA cache_size = -8192; PRAGMA query_only = ON;",
        })?;
        let wal_pages = Arc::new(AtomicU64::new(0));
        if role == Role::Writer {
            let wal_pages = wal_pages.clone();
            // In place of SQLite's own hook, which would fold inside the commit, before anybody is answered.
            connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
                wal_pages.store(u64::try_from(pages).unwrap_or(0), Relaxed);
                Ok(())
            }))?;
        }
        // Without it the statistics of STAT4 make a kept statement be parsed again at each use.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_HELD);
        let deadline = Arc::new(AtomicU64::new(NO_DEADLINE));
        if role == Role::LongReader {
            let (deadline, env) = (deadline.clone(), env.clone());
            let is_over = move || match deadline.load(Relaxed) {
                NO_DEADLINE => false,
                millis => env.elapsed() >= Duration::from_millis(millis),
            };
            connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(is_over))?;
        }
        Ok(Lite { connection, role, read: Read::Off, trouble: None, deadline, wal_pages })
    }

    pub(crate) fn begin_write(&mut self) -> Result<(), Fault> {
        self.trouble = None;
        self.control("BEGIN IMMEDIATE")
    }
    pub(crate) fn commit(&mut self) -> Result<(), Fault> {
        self.control("COMMIT")
    }
    pub(crate) fn rollback(&mut self) {
        if !self.is_lost() {
            // What cannot be undone is still uncommitted; the next BEGIN will say so.
            let _ = self.control("ROLLBACK");
        }
    }
    /// Whether no transaction is open: SQLite ends the whole of it by itself on a full disk or a failing one.
    pub(crate) fn is_lost(&self) -> bool {
        self.connection.is_autocommit()
    }
    /// Begins one act of a group.
    pub(crate) fn begin_act(&mut self) -> Result<(), Fault> {
        self.trouble = None;
        self.control("SAVEPOINT act")
    }
    /// Keeps one act of a group, until the commit.
    pub(crate) fn keep_act(&mut self) -> Result<(), Fault> {
        self.control("RELEASE act")
    }
    /// Undoes one act of a group.
    pub(crate) fn undo_act(&mut self) -> Result<(), Fault> {
        self.control("ROLLBACK TO act")?;
        self.control("RELEASE act")
    }

    pub(crate) fn begin_read(&mut self) {
        self.trouble = None;
        self.read = Read::Wanted;
        if self.role == Role::Alone {
            let _ = self.control("PRAGMA query_only = ON");
        }
    }
    pub(crate) fn end_read(&mut self) -> bool {
        let was = std::mem::replace(&mut self.read, Read::Off);
        let ended = was != Read::Begun || self.control("COMMIT").is_ok();
        if self.role == Role::Alone {
            let _ = self.control("PRAGMA query_only = OFF");
        }
        ended
    }
    /// Until when a long read may go on, in the clock's elapsed time.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline.store(u64::try_from(deadline.as_millis()).unwrap_or(NO_DEADLINE), Relaxed);
    }

    pub(crate) fn rows(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        if self.read == Read::Wanted {
            self.control("BEGIN")?;
            self.read = Read::Begun;
        }
        ask(&self.connection, statement, &values).map_err(|why| self.failed(statement.sql, why))
    }
    pub(crate) fn write(&mut self, statement: &'static Statement, values: Vec<Value>) -> Result<(), Fault> {
        run(&self.connection, statement.sql, &values).map_err(|why| self.failed(statement.sql, why))
    }
    /// How many pages the WAL held at the last commit.
    pub(crate) fn wal_pages(&self) -> u64 {
        self.wal_pages.load(Relaxed)
    }
    /// Folds the whole WAL into the file, so that the next commit begins it anew; false if a reader is in the way.
    ///
    /// Waits for readers no longer than `patience`, since nobody can write meanwhile.
    pub(crate) fn restart_wal(&mut self, patience: Duration) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(patience)?;
        let is_busy = self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get::<_, i64>(0));
        self.connection.busy_timeout(BUSY_WAIT)?;
        let is_done = is_busy? == 0;
        if is_done {
            self.wal_pages.store(0, Relaxed);
        }
        Ok(is_done)
    }
    /// Folds what it can of the WAL into the file, in nobody's way.
    pub(crate) fn fold_wal(&mut self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn control(&mut self, sql: &'static str) -> Result<(), Fault> {
        run(&self.connection, sql, &[]).map_err(|why| self.failed(sql, why))
    }
    /// Makes the fault of a failed statement, and notes what it means for the transaction.
    fn failed(&mut self, sql: &'static str, why: Why) -> Fault {
        let (trouble, fault) = match why {
            Why::Ours(what) => (Trouble::Failed, Fault::internal(StatementFailed { what, sql })),
            Why::Sqlite(error) => judge(&error, sql),
        };
        self.trouble.get_or_insert(trouble);
        fault
    }
}

fn judge(error: &rusqlite::Error, sql: &'static str) -> (Trouble, Fault) {
    let because = StatementFailed { what: error.to_string(), sql };
    let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Trouble::Conflict, unavailable("another process holds the database").because(because))
        }
        Some(ErrorCode::ConstraintViolation)
            if matches!(extended, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE) =>
        {
            (Trouble::Conflict, Fault::internal(because))
        }
        Some(ErrorCode::DiskFull) => (Trouble::Failed, storage_full().because(because)),
        Some(ErrorCode::OperationInterrupted) => {
            (Trouble::Failed, unavailable("a read was ended at its deadline").because(because))
        }
        _ => (Trouble::Failed, Fault::internal(because)),
    }
}

/// What a client is told when the disk beneath the metadata is full.
pub(crate) fn storage_full() -> Fault {
    Fault::new(FaultKind::StorageFull, "The disk that holds the registry's metadata is full; free some space there.")
}

fn ask(connection: &Connection, statement: &Statement, values: &[Value]) -> Result<Vec<Row>, Why> {
    let mut held = connection.prepare_cached(statement.sql)?;
    let keeps_its_word = held.readonly() || !statement.is_query;
    debug_assert!(keeps_its_word, "a query that writes: {}", statement.sql);
    if !keeps_its_word {
        return Err(Why::Ours("a query that writes".into()));
    }
    let columns = held.column_count();
    bind(&mut held, values)?;
    let mut rows = held.raw_query();
    let mut all = vec![];
    while let Some(row) = rows.next()? {
        let mut found = Vec::with_capacity(columns);
        for i in 0..columns {
            found.push(read_value(row.get_ref(i)?, i)?);
        }
        all.push(Row(found));
    }
    Ok(all)
}

fn run(connection: &Connection, sql: &str, values: &[Value]) -> Result<(), Why> {
    let mut held = connection.prepare_cached(sql)?;
    bind(&mut held, values)?;
    // A statement that answers with rows (RETURNING, a PRAGMA) is run to its end as well.
    let mut rows = held.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

/// To SQLite `$2` is a name, and names are numbered as they first appear: each gets the value its own number says.
fn bind(held: &mut rusqlite::CachedStatement<'_>, values: &[Value]) -> Result<(), Why> {
    for position in 1..=held.parameter_count() {
        let number = held.parameter_name(position).and_then(|name| name[1..].parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.wrapping_sub(1)));
        let Some(value) = value else {
            return Err(Why::Ours(format!("parameter {position} has no value: {} were given", values.len())));
        };
        held.raw_bind_parameter(position, value)?;
    }
    Ok(())
}

pub(crate) fn read_value_of(row: &rusqlite::Row<'_>, i: usize) -> rusqlite::Result<Value> {
    read_value(row.get_ref(i)?, i).map_err(|why| match why {
        Why::Sqlite(error) => error,
        Why::Ours(what) => rusqlite::Error::FromSqlConversionFailure(i, types::Type::Null, what.into()),
    })
}

fn read_value(value: types::ValueRef<'_>, i: usize) -> Result<Value, Why> {
    Ok(match value {
        types::ValueRef::Null => Value::Null,
        types::ValueRef::Integer(number) => Value::Int(number),
        types::ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.into()),
            Err(_) => return Err(Why::Ours(format!("column {i} is no UTF-8"))),
        },
        types::ValueRef::Blob(bytes) => Value::Bytes(Bytes::copy_from_slice(bytes)),
        types::ValueRef::Real(_) => return Err(Why::Ours(format!("column {i} is REAL, which nothing here is"))),
    })
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<types::ToSqlOutput<'_>> {
        Ok(types::ToSqlOutput::Borrowed(match self {
            Value::Null => types::ValueRef::Null,
            Value::Int(number) => types::ValueRef::Integer(*number),
            Value::Text(text) => types::ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => types::ValueRef::Blob(bytes),
        }))
    }
}

/// Says in the log if SQLite was built without the flags that let readers run side by side (`.cargo/config.toml`).
pub(crate) fn warn_of_slow_build(connection: &Connection) -> rusqlite::Result<()> {
    let mut asked = connection.prepare("PRAGMA compile_options")?;
    let options: Vec<String> = asked.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for missing in slow_options(&options) {
        tracing::warn!(
            option = missing,
            "SQLite was built with {missing}: reads will not run side by side. Build from the source tree, whose \
             .cargo/config.toml sets LIBSQLITE3_FLAGS"
        );
    }
    Ok(())
}

fn slow_options(options: &[String]) -> Vec<&'static str> {
    let has = |name: &str| options.iter().any(|option| option == name);
    let mut slow = vec![];
    if has("ENABLE_MEMORY_MANAGEMENT") {
        slow.push("SQLITE_ENABLE_MEMORY_MANAGEMENT");
    }
    if !has("DEFAULT_MEMSTATUS=0") {
        slow.push("SQLITE_DEFAULT_MEMSTATUS=1");
    }
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_is_built_so_that_readers_do_not_wait_for_each_other() {
        let connection = Connection::open_in_memory().unwrap();
        let mut asked = connection.prepare("PRAGMA compile_options").unwrap();

        let options: Vec<String> = asked.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();

        assert!(slow_options(&options).is_empty(), "{options:?}");
    }

    #[test]
    fn a_real_number_is_a_fault() {
        static HALF: Statement = Statement { sql: "SELECT 0.5", is_query: true };
        let mut lite = Lite::open(Path::new(""), Role::Alone, &Env::real()).unwrap();

        let fault = lite.rows(&HALF, vec![]).unwrap_err();

        let why = fault.source.unwrap().to_string();
        assert_eq!(why, "column 0 is REAL, which nothing here is (in: SELECT 0.5)");
    }

    #[test]
    fn a_long_read_ends_at_its_deadline() {
        static ENDLESS: Statement = Statement {
            sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            is_query: true,
        };
        let folder = tempfile::tempdir().unwrap();
        let mut lite = Lite::open(&folder.path().join("metadata.db"), Role::LongReader, &Env::real()).unwrap();
        lite.set_deadline(Duration::ZERO);

        let fault = lite.rows(&ENDLESS, vec![]).unwrap_err();

        assert_eq!(fault.kind, FaultKind::Unavailable);
    }

    #[test]
    #[should_panic(expected = "a query that writes")]
    fn a_query_that_writes_is_found_out() {
        static SLY: Statement = Statement { sql: "CREATE TABLE t(x)", is_query: true };
        let mut lite = Lite::open(Path::new(""), Role::Alone, &Env::real()).unwrap();

        let _ = lite.rows(&SLY, vec![]);
    }
}
