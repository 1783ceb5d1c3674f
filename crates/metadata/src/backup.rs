//! A copy of the metadata: one SQLite file for both engines, of one moment, made while the registry serves.

use crate::{
    Error, Settings,
    metadata::database_file,
    migrate::{migrate_postgres, migrate_sqlite, on_a_thread, unreachable_at, with_session},
    postgres::{Dialer, Pg, read_value},
    sqlite::read_value_of,
};
use futures_util::{TryStreamExt, pin_mut};
use gantry_env::Env;
use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_postgres::{Client, binary_copy::BinaryCopyInWriter, types::ToSql};

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
    AND name <> 'migration' ORDER BY name";
/// A copy of a large database takes long; no statement of it may be cut short.
const STATEMENT_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a restore seeks its server.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// A file on its way: it has its name only once it is whole.
struct Partial {
    path: PathBuf,
    to: PathBuf,
}

impl Partial {
    fn begin(to: &Path) -> Result<Self, Error> {
        if to.exists() {
            return Err(Error::Exists { path: to.into() });
        }
        let path = beside(to, ".partial");
        remove(&path);
        create_private(&path)?;
        Ok(Partial { path, to: to.into() })
    }
    fn open(&self) -> Result<Connection, Error> {
        Connection::open(&self.path).map_err(|error| Error::sqlite(&self.path, error))
    }
    /// Makes it one file without a log beside it, puts it on disk, and gives it its name.
    fn finish(self, connection: Connection) -> Result<(), Error> {
        seal(connection, &self.path)?;
        rename(&self.path, &self.to)
    }
}

/// Makes a database that nobody else has open one file without a log beside it, and puts it on disk.
fn seal(connection: Connection, path: &Path) -> Result<(), Error> {
    let sealed = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    match sealed.map_err(Error::copy)?.as_str() {
        "delete" => {}
        _ => return Err(Error::copy(format!("another process has {} open", path.display()))),
    }
    connection.close().map_err(|(_, error)| Error::copy(error))?;
    sync(path)
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(|source| folder(to, source))?;
    // Without this the name itself may be lost in a power cut, and the copy was said to be there.
    sync(to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Puts a database in the place of another, or where there is none: as one file, durably, and in one step.
///
/// Nobody may have either of them open. What a killed server has left beside the old one goes too: SQLite would take its
/// log for one of the new.
///
/// # Errors
/// One of them is open elsewhere, or the disk fails; then what is at `to` is the old one, whole.
pub fn put_in_place(from: &Path, to: &Path) -> Result<(), Error> {
    seal(Connection::open(from).map_err(|error| Error::sqlite(from, error))?, from)?;
    if to.exists() {
        // Folded into its file first, its log can go without harm to it, should the power be cut before the rename. One
        // that cannot be read is no loss.
        if let Ok(old) = Connection::open(to) {
            let _ = seal(old, to);
        }
    }
    remove_logs(to);
    rename(from, to)
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
    remove_logs(path);
}

fn remove_logs(path: &Path) {
    for suffix in ["-journal", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(path, suffix));
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes an empty file that only its owner reads: metadata holds hashes of passwords, and who may do what.
pub(crate) fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|source| folder(path, source))
}

#[expect(clippy::disallowed_methods, reason = "a database file and its folder, which are not the store's")]
fn sync(path: &Path) -> Result<(), Error> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(|source| folder(path, source))
}

fn folder(path: &Path, source: std::io::Error) -> Error {
    Error::Folder { path: path.into(), source }
}

/// Copies a SQLite database as it is at this moment. Writers go on: the copy reads one snapshot, in one step.
pub(crate) fn backup_sqlite(from: &Connection, to: &Path) -> Result<(), Error> {
    let partial = Partial::begin(to)?;
    let mut copy = partial.open()?;
    copy_whole(from, &mut copy)?;
    partial.finish(copy)
}

/// The same from a file that others write.
pub(crate) fn backup_sqlite_file(from: &Path, to: &Path) -> Result<(), Error> {
    let connection = open_read_only(from).map_err(|error| Error::sqlite(from, error))?;
    backup_sqlite(&connection, to)
}

fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Opens a backup to be read, also where nothing can be written.
fn open_source(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_read_only(path)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        Ok(()) => Ok(connection),
        // A file that was last open with a log wants to have one again, which read-only media do not let it make. Where
        // none is left, the file is all there is.
        Err(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
                && !beside(path, "-wal").exists() =>
        {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(immutable(path), flags)
        }
        Err(error) => Err(error),
    }
}

/// The URI of a database that nobody changes.
fn immutable(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

fn copy_whole(from: &Connection, to: &mut Connection) -> Result<(), Error> {
    let backup = Backup::new(from, to).map_err(Error::copy)?;
    match backup.step(-1).map_err(Error::copy)? {
        StepResult::Done => Ok(()),
        other => Err(Error::copy(format!("SQLite stopped at {other:?}"))),
    }
}

/// Copies a PostgreSQL database, of one snapshot, into a SQLite file of the same schema.
pub(crate) fn backup_postgres(dialer: &Dialer, to: &Path) -> Result<(), Error> {
    let partial = Partial::begin(to)?;
    let mut copy = partial.open()?;
    migrate_sqlite(&mut copy, &partial.path, "the copy", &dialer.env)?;
    let place = dialer.place();
    let mut pg = Pg::new(dialer.clone(), STATEMENT_MAX);
    pg.set_deadline(dialer.env.elapsed() + CONNECT_WAIT);
    with_session(&mut pg, &place, |runtime, client| runtime.block_on(export(client, &mut copy)))?;
    partial.finish(copy)
}

async fn export(client: &Client, copy: &mut Connection) -> Result<(), Error> {
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(Error::copy)?;
    let tables = tables(copy).map_err(Error::copy)?;
    let tx = copy.transaction().map_err(Error::copy)?;
    for table in &tables {
        let columns = columns(&tx, table).map_err(Error::copy)?;
        let asked = format!("SELECT {} FROM {table}", columns.join(", "));
        let marks: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        let given = format!("INSERT INTO {table}({}) VALUES ({})", columns.join(", "), marks.join(", "));
        let mut insert = tx.prepare(&given).map_err(Error::copy)?;
        let rows = client.query_raw(&asked, Vec::<&str>::new()).await.map_err(Error::copy)?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await.map_err(Error::copy)? {
            let values: Vec<_> =
                (0..columns.len()).map(|i| read_value(&row, i)).collect::<Result<_, _>>().map_err(Error::copy)?;
            insert.execute(rusqlite::params_from_iter(values)).map_err(Error::copy)?;
        }
    }
    tx.commit().map_err(Error::copy)?;
    client.batch_execute("COMMIT").await.map_err(Error::copy)
}

/// Where the metadata of a restore lies until the blobs are there: a data folder within the data folder.
fn restoring(data_dir: &Path) -> PathBuf {
    data_dir.join("metadata.restoring")
}

/// Whether a restore into this folder was begun and not finished: what it names may be missing.
pub fn is_restore_unfinished(data_dir: &Path) -> bool {
    restoring(data_dir).exists() && !database_file(data_dir).exists()
}

/// Takes the metadata of a backup into the folder, where nobody sees it yet, and returns the data folder it lies in.
///
/// The place that `settings` name must be empty. A backup of an older version is migrated on the way. Where a restore was
/// begun and not finished, this begins it anew.
///
/// # Errors
/// The file is no whole backup, or of a newer version; there is metadata already; the database cannot be reached. Then
/// all is as it was before.
pub fn begin_restore(settings: &Settings, data_dir: &Path, from: &Path, env: &Env) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(data_dir).map_err(|source| folder(data_dir, source))?;
    let target = database_file(data_dir);
    if settings.is_sqlite() && target.exists() {
        return Err(Error::NotEmpty { place: "this folder".into(), found: target.display().to_string() });
    }
    let place = restoring(data_dir);
    let is_begun = place.exists();
    let begun = take_into(settings, &place, from, env);
    if begun.is_err() && !is_begun {
        let _ = std::fs::remove_dir_all(&place);
    }
    begun.map(|()| place)
}

fn take_into(settings: &Settings, place: &Path, from: &Path, env: &Env) -> Result<(), Error> {
    std::fs::create_dir_all(place).map_err(|source| folder(place, source))?;
    let file = database_file(place);
    remove(&file);
    let (partial, copy) = take_in(from, &file, env)?;
    if !settings.is_sqlite() {
        let dialer = Dialer::new(settings, env.clone())?;
        let tables = tables(&copy).map_err(Error::copy)?;
        on_a_thread(|| {
            let place = dialer.place();
            migrate_postgres(&dialer, env.elapsed() + CONNECT_WAIT)?;
            let mut pg = Pg::new(dialer, STATEMENT_MAX);
            with_session(&mut pg, &place, |runtime, client| runtime.block_on(check_empty(client, &tables, &place)))
        })?;
    }
    partial.finish(copy)
}

/// Makes what [`begin_restore`] has taken in the metadata of `settings`, in one step. Nobody may have it open any more.
///
/// # Errors
/// The database cannot be reached or is no longer empty, or the disk fails; then this can be done again.
pub fn finish_restore(settings: &Settings, data_dir: &Path, env: &Env) -> Result<(), Error> {
    let place = restoring(data_dir);
    let file = database_file(&place);
    if settings.is_sqlite() {
        put_in_place(&file, &database_file(data_dir))?;
    } else {
        let dialer = Dialer::new(settings, env.clone())?;
        let copy = open_read_only(&file).map_err(|error| Error::sqlite(&file, error))?;
        on_a_thread(move || {
            let place = dialer.place();
            let mut pg = Pg::new(dialer, STATEMENT_MAX);
            with_session(&mut pg, &place, |runtime, client| runtime.block_on(load(client, &copy, &place)))
        })?;
    }
    std::fs::remove_dir_all(&place).map_err(|source| folder(&place, source))?;
    sync(data_dir)
}

/// Copies a backup to a file beside `target`, looks whether it is whole, and migrates the copy.
fn take_in(from: &Path, target: &Path, env: &Env) -> Result<(Partial, Connection), Error> {
    let no_backup = |why: String| Error::NoBackup { path: from.into(), why };
    if !from.is_file() {
        return Err(no_backup("there is no such file".into()));
    }
    let source = open_source(from).map_err(|error| no_backup(error.to_string()))?;
    let known = "SELECT count(*) FROM sqlite_schema WHERE name = 'migration'";
    let found: i64 = source.query_row(known, [], |row| row.get(0)).map_err(|error| no_backup(error.to_string()))?;
    if found == 0 {
        return Err(no_backup("it has no table of migrations".into()));
    }
    let partial = Partial::begin(target)?;
    let mut copy = partial.open()?;
    copy_whole(&source, &mut copy)?;
    let state: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(Error::copy)?;
    if state != "ok" {
        return Err(no_backup(format!("it is damaged: {state}")));
    }
    migrate_sqlite(&mut copy, &partial.path, "the backup", env)?;
    Ok((partial, copy))
}

/// Loads a SQLite database into an empty PostgreSQL, all of it in one transaction.
async fn load(client: &Client, from: &Connection, place: &str) -> Result<(), Error> {
    let unreachable = |error| unreachable_at(place, error);
    client.batch_execute("BEGIN").await.map_err(unreachable)?;
    let tables = tables(from).map_err(Error::copy)?;
    check_empty(client, &tables, place).await?;
    for table in &tables {
        load_table(client, from, table).await?;
    }
    client.batch_execute("COMMIT; ANALYZE").await.map_err(Error::copy)
}

async fn check_empty(client: &Client, tables: &[String], place: &str) -> Result<(), Error> {
    for table in tables {
        let asked = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        let found = client.query_one(&asked, &[]).await.map_err(|error| unreachable_at(place, error))?;
        if found.get::<_, bool>(0) {
            let place = format!("the database {place}");
            return Err(Error::NotEmpty { place, found: format!("rows in table {table}") });
        }
    }
    Ok(())
}

async fn load_table(client: &Client, from: &Connection, table: &str) -> Result<(), Error> {
    let columns = columns(from, table).map_err(Error::copy)?;
    let list = columns.join(", ");
    let shape = client.prepare(&format!("SELECT {list} FROM {table}")).await.map_err(Error::copy)?;
    let types: Vec<_> = shape.columns().iter().map(|column| column.type_().clone()).collect();
    let sink = client.copy_in(&format!("COPY {table}({list}) FROM STDIN BINARY")).await.map_err(Error::copy)?;
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    let mut asked = from.prepare(&format!("SELECT {list} FROM {table}")).map_err(Error::copy)?;
    let mut rows = asked.query([]).map_err(Error::copy)?;
    while let Some(row) = rows.next().map_err(Error::copy)? {
        let values: Vec<_> =
            (0..columns.len()).map(|i| read_value_of(row, i)).collect::<Result<_, _>>().map_err(Error::copy)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        writer.as_mut().write(&values).await.map_err(Error::copy)?;
    }
    writer.finish().await.map(drop).map_err(Error::copy)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare(TABLES)?.query_map([], |row| row.get(0))?.collect()
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let asked = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";
    connection.prepare(asked)?.query_map([table], |row| row.get(0))?.collect()
}
