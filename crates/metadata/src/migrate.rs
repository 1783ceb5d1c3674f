//! Brings a database to this program's schema: each migration once, in a transaction of its own, noted with its hash.

use crate::{
    EngineName, Error, Settings,
    metadata::database_file,
    migrations::{MIGRATIONS, Migration},
    postgres::{Dialer, Pg},
};
use aws_lc_rs::digest::{SHA256, digest};
use gantry_env::Env;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{path::Path, time::Duration};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration(\
    number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at BIGINT NOT NULL)";
const APPLIED: &str = "SELECT number, name, sha256 FROM migration ORDER BY number";
const NOTE: &str = "INSERT INTO migration(number, name, sha256, at) VALUES ($1, $2, $3, $4)";
/// Two replicas that start together migrate one after the other.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_lock(4785074604081152)";
const POSTGRES_UNLOCK: &str = "SELECT pg_advisory_unlock(4785074604081152)";
/// What SQLite brings along: the elements of a JSON array as rows. PostgreSQL's own `json_each` takes objects of the
/// type JSON; a parameter of no known type is taken for TEXT, and so finds this one.
const POSTGRES_JSON_EACH: &str = "CREATE OR REPLACE FUNCTION json_each(list TEXT) \
    RETURNS TABLE(key BIGINT, value JSONB) LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 16 AS \
    'SELECT place - 1, element FROM jsonb_array_elements(list::jsonb) WITH ORDINALITY AS e(element, place)'";
/// How long a start waits for another process that migrates the same file.
const BUSY_WAIT: Duration = Duration::from_secs(60);

/// What a start would do to the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which database it is.
    pub engine: EngineName,
    /// The schema found: the number of the last migration that has run, 0 for an empty database.
    pub schema: i64,
    /// The migrations that would run, in order.
    pub pending: Vec<Pending>,
}

/// A migration that has not run yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub number: i64,
    /// Its name, such as `0001-start`.
    pub name: &'static str,
    /// Its statements, for this engine.
    pub sql: &'static str,
}

/// A migration that has run.
struct Applied {
    number: i64,
    name: String,
    sha256: String,
}

/// The schema that this program knows.
pub fn schema_known() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Returns what opening the metadata would do to the schema. Changes nothing; a missing file stays missing.
///
/// # Errors
/// The database cannot be read, was written by a newer program, or by an unreleased one.
pub fn plan(settings: &Settings, data_dir: &Path, env: Env) -> Result<Plan, Error> {
    if !settings.is_sqlite() {
        let dialer = Dialer::new(settings, env)?;
        return on_a_thread(|| {
            let place = dialer.place();
            let mut pg = Pg::new(dialer, BUSY_WAIT);
            // One attempt: whoever asks for a plan is waiting for it.
            pg.set_deadline(Duration::ZERO);
            let applied = with_session(&mut pg, &place, |runtime, client| {
                runtime.block_on(applied_postgres(client)).map_err(|error| unreachable_at(&place, error))
            })?;
            plan_of(EngineName::Postgres, &format!("the database {place}"), &applied)
        });
    }
    let path = database_file(data_dir);
    if !path.exists() {
        return plan_of(EngineName::Sqlite, "", &[]);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(|error| Error::sqlite(&path, error))?;
    let applied = applied_sqlite(&connection).map_err(|error| Error::sqlite(&path, error))?;
    plan_of(EngineName::Sqlite, "this folder", &applied)
}

fn plan_of(engine: EngineName, place: &str, applied: &[Applied]) -> Result<Plan, Error> {
    let pending = pending(MIGRATIONS, engine, place, applied)?;
    let named = |migration: &Migration| Pending {
        number: migration.number,
        name: migration.name,
        sql: text(migration, engine),
    };
    let schema = applied.last().map_or(0, |applied| applied.number);
    Ok(Plan { engine, schema, pending: pending.into_iter().map(named).collect() })
}

/// Returns the migrations that have not run; refuses a newer schema and one made by other texts.
fn pending<'a>(
    known: &'a [Migration],
    engine: EngineName,
    place: &str,
    applied: &[Applied],
) -> Result<Vec<&'a Migration>, Error> {
    let last_known = known.last().map_or(0, |migration| migration.number);
    if let Some(newer) = applied.last().filter(|applied| applied.number > last_known) {
        return Err(Error::Newer { place: place.into(), schema: newer.number, known: last_known });
    }
    for applied in applied {
        let same = known.iter().any(|m| m.number == applied.number && sha256(text(m, engine)) == applied.sha256);
        if !same {
            return Err(Error::Changed { number: applied.number, name: applied.name.clone() });
        }
    }
    let has_run = |migration: &&Migration| applied.iter().any(|applied| applied.number == migration.number);
    Ok(known.iter().filter(|migration| !has_run(migration)).collect())
}

fn text(migration: &Migration, engine: EngineName) -> &'static str {
    match engine {
        EngineName::Sqlite => migration.sqlite,
        EngineName::Postgres => migration.postgres,
    }
}

/// Says that a migration was made. At the first start all of them are: then that is worth one line.
fn tell(migration: &Migration, is_new: bool) {
    let (name, number) = (migration.name, migration.number);
    match is_new {
        true if number < schema_known() => {
            tracing::debug!(migration = name, "the metadata was made up to schema {number}")
        }
        true => tracing::info!("the metadata was made, with schema {number}"),
        false => tracing::info!(migration = name, "the metadata was migrated to schema {number}"),
    }
}

fn sha256(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

/// Migrates a SQLite database. `place` is what a refusal calls it.
pub(crate) fn migrate_sqlite(connection: &mut Connection, path: &Path, place: &str, env: &Env) -> Result<(), Error> {
    let unreadable = |error| Error::sqlite(path, error);
    let applied = applied_sqlite(connection).map_err(unreadable)?;
    if pending(MIGRATIONS, EngineName::Sqlite, place, &applied)?.is_empty() {
        return Ok(());
    }
    connection.busy_timeout(BUSY_WAIT).map_err(unreadable)?;
    connection.execute_batch(TABLE).map_err(unreadable)?;
    let is_new = applied.is_empty();
    for migration in MIGRATIONS {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unreadable)?;
        // Asked again behind the lock: another process may have started at the same moment.
        let applied = applied_sqlite(&tx).map_err(unreadable)?;
        if pending(MIGRATIONS, EngineName::Sqlite, place, &applied)?.iter().all(|m| m.number != migration.number) {
            continue;
        }
        let ran = tx.execute_batch(migration.sqlite).and_then(|()| {
            let values = (migration.number, migration.name, sha256(migration.sqlite), env.now().millis());
            tx.execute(NOTE, values)
        });
        ran.and_then(|_| tx.commit()).map_err(|error| failed(migration, error))?;
        tell(migration, is_new);
    }
    Ok(())
}

fn applied_sqlite(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    let exists = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migration'";
    if connection.query_row(exists, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(vec![]);
    }
    let read = |row: &rusqlite::Row<'_>| Ok(Applied { number: row.get(0)?, name: row.get(1)?, sha256: row.get(2)? });
    connection.prepare(APPLIED)?.query_map([], read)?.collect()
}

/// Migrates a PostgreSQL database, on a session of its own.
pub(crate) fn migrate_postgres(dialer: &Dialer, deadline: Duration) -> Result<(), Error> {
    let place = dialer.place();
    let mut pg = Pg::new(dialer.clone(), BUSY_WAIT);
    pg.set_deadline(deadline);
    with_session(&mut pg, &place, |runtime, client| {
        runtime.block_on(async {
            let unreachable = |error| unreachable_at(&place, error);
            let encoding: String = client.query_one("SHOW server_encoding", &[]).await.map_err(unreachable)?.get(0);
            if encoding != "UTF8" {
                return Err(Error::Encoding { encoding });
            }
            // A migration may take long, and so may the one of another replica that is waited for.
            let patient =
                "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0";
            client.batch_execute(patient).await.map_err(unreachable)?;
            client.batch_execute(POSTGRES_LOCK).await.map_err(unreachable)?;
            let migrated = migrate_locked(client, &place, &dialer.env).await;
            client.batch_execute(POSTGRES_UNLOCK).await.map_err(unreachable)?;
            migrated
        })
    })
}

async fn migrate_locked(client: &Client, place: &str, env: &Env) -> Result<(), Error> {
    let unreachable = |error| unreachable_at(place, error);
    let applied = applied_postgres(client).await.map_err(unreachable)?;
    let pending = pending(MIGRATIONS, EngineName::Postgres, &format!("the database {place}"), &applied)?;
    if pending.is_empty() {
        return Ok(());
    }
    client.batch_execute(&format!("{TABLE}; {POSTGRES_JSON_EACH}")).await.map_err(unreachable)?;
    for migration in pending {
        let ran = apply_postgres(client, migration, env).await;
        if let Err(error) = ran {
            // What cannot be undone here ends with the session.
            let _ = client.batch_execute("ROLLBACK").await;
            return Err(failed(migration, error));
        }
        tell(migration, applied.is_empty());
    }
    Ok(())
}

async fn apply_postgres(client: &Client, migration: &Migration, env: &Env) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(migration.postgres).await?;
    let (hash, now) = (sha256(migration.postgres), env.now().millis());
    client.execute(NOTE, &[&migration.number, &migration.name, &hash, &now]).await?;
    client.batch_execute("COMMIT").await
}

async fn applied_postgres(client: &Client) -> Result<Vec<Applied>, tokio_postgres::Error> {
    let exists: bool = client.query_one("SELECT to_regclass('migration') IS NOT NULL", &[]).await?.get(0);
    if !exists {
        return Ok(vec![]);
    }
    let rows = client.query(APPLIED, &[]).await?;
    Ok(rows.iter().map(|row| Applied { number: row.get(0), name: row.get(1), sha256: row.get(2) }).collect())
}

fn failed(migration: &Migration, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Migration { number: migration.number, name: migration.name.into(), source: source.into() }
}

pub(crate) fn unreachable_at(place: &str, error: tokio_postgres::Error) -> Error {
    Error::Unreachable { place: place.into(), source: error.into() }
}

/// Lends a session of `pg` to `work`.
pub(crate) fn with_session<T>(
    pg: &mut Pg,
    place: &str,
    work: impl FnOnce(&Runtime, &Client) -> Result<T, Error>,
) -> Result<T, Error> {
    match pg.session() {
        Ok((runtime, client)) => work(runtime, client),
        Err(why) => Err(Error::Unreachable { place: place.into(), source: why.into() }),
    }
}

/// Runs what has a runtime of its own where there is none yet.
pub(crate) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Migration; 2] = [
        Migration { number: 1, name: "0001-start", sqlite: "one", postgres: "one" },
        Migration { number: 2, name: "0002-next", sqlite: "two", postgres: "zwei" },
    ];

    fn applied(number: i64, text: &str) -> Applied {
        Applied { number, name: format!("000{number}"), sha256: sha256(text) }
    }

    fn numbers(engine: EngineName, applied: &[Applied]) -> Result<Vec<i64>, String> {
        let pending = pending(&KNOWN, engine, "this folder", applied).map_err(|error| error.to_string())?;
        Ok(pending.iter().map(|migration| migration.number).collect())
    }

    #[test]
    fn what_has_not_run_is_pending_for_its_engine() {
        assert_eq!(numbers(EngineName::Sqlite, &[]), Ok(vec![1, 2]));
        assert_eq!(numbers(EngineName::Sqlite, &[applied(1, "one")]), Ok(vec![2]));
        assert_eq!(numbers(EngineName::Postgres, &[applied(1, "one"), applied(2, "zwei")]), Ok(vec![]));
    }

    #[test]
    fn a_newer_schema_is_refused_with_what_to_do() {
        let refusal = numbers(EngineName::Sqlite, &[applied(1, "one"), applied(2, "two"), applied(7, "?")]);

        assert_eq!(
            refusal.unwrap_err(),
            "this folder was written by a newer Gantry (schema 7; this program knows 2): run that version, or restore \
             a backup made before the upgrade"
        );
    }

    #[test]
    fn a_migration_that_ran_with_another_text_is_refused() {
        assert!(numbers(EngineName::Sqlite, &[applied(1, "another")]).unwrap_err().contains("migration 1 (0001)"));
    }
}
