use crate::{on_postgres, on_sqlite};
use gantry_env::Env;
use gantry_metadata::{EngineName, Error, Metadata, Settings, plan, schema_known, suite::postgres::Database};
use rusqlite::Connection;
use std::{fmt::Write, path::Path};

/// The schema as a migrated, empty database has it: each table with its indexes, by name.
fn schema_of(file: &Path) -> String {
    let connection = Connection::open(file).unwrap();
    let asked = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";
    let mut statement = connection.prepare(asked).unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut schema =
        String::from("-- Generated from an empty database by `UPDATE_SCHEMA=1 cargo test -p gantry-metadata`.\n");
    for text in texts {
        write!(schema, "\n{};\n", text.unwrap()).unwrap();
    }
    schema
}

#[test]
fn the_committed_schema_is_what_the_migrations_make() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    drop(metadata);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql");

    let schema = schema_of(&folder.path().join("metadata.db"));

    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&committed, &schema).unwrap();
    }
    let expected = std::fs::read_to_string(&committed).unwrap_or_default();
    assert_eq!(schema, expected, "read the difference; if it is meant, run the test with UPDATE_SCHEMA=1");
}

#[test]
fn a_plan_names_what_would_run_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();

    let before = plan(&Settings::default(), folder.path(), Env::real()).unwrap();

    assert_eq!((before.engine, before.schema), (EngineName::Sqlite, 0));
    assert_eq!(before.pending.iter().map(|pending| pending.number).collect::<Vec<_>>(), {
        (1..=schema_known()).collect::<Vec<_>>()
    });
    assert!(before.pending[0].sql.contains("CREATE TABLE"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    drop(Metadata::open(&Settings::default(), folder.path(), Env::real()).unwrap());
    let after = plan(&Settings::default(), folder.path(), Env::real()).unwrap();
    assert_eq!((after.schema, after.pending), (schema_known(), vec![]));
}

#[test]
fn a_folder_of_a_newer_program_is_refused() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    drop(metadata);
    let file = Connection::open(folder.path().join("metadata.db")).unwrap();
    file.execute("INSERT INTO migration(number, name, sha256, at) VALUES (9999, '9999-later', '', 0)", []).unwrap();

    let error = Metadata::open(&Settings::default(), folder.path(), Env::real()).err().unwrap();

    assert!(matches!(error, Error::Newer { schema: 9999, .. }));
    let text = error.to_string();
    assert!(text.starts_with("this folder was written by a newer Gantry (schema 9999; this program knows "), "{text}");
}

#[test]
fn a_folder_migrated_by_other_texts_is_refused() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    drop(metadata);
    let file = Connection::open(folder.path().join("metadata.db")).unwrap();
    file.execute("UPDATE migration SET sha256 = 'another' WHERE number = 1", []).unwrap();

    let error = Metadata::open(&Settings::default(), folder.path(), Env::real()).err().unwrap();

    assert!(matches!(error, Error::Changed { number: 1, .. }), "{error}");
}

#[test]
fn postgres_is_planned_and_migrated_alike() {
    let database = Database::new();
    let settings = database.settings();
    let nowhere = Path::new("/nonexistent");

    let before = plan(&settings, nowhere, Env::real()).unwrap();
    drop(on_postgres(&settings));
    let after = plan(&settings, nowhere, Env::real()).unwrap();

    assert_eq!((before.engine, before.schema, before.pending.len() as i64), (EngineName::Postgres, 0, schema_known()));
    assert_eq!((after.schema, after.pending), (schema_known(), vec![]));
}

#[test]
fn replicas_that_start_together_migrate_once() {
    let database = Database::new();
    let settings = database.settings();

    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| drop(on_postgres(&settings)))).collect();
        starts.into_iter().for_each(|start| start.join().unwrap());
    });

    assert_eq!(plan(&settings, Path::new("/nonexistent"), Env::real()).unwrap().pending, vec![]);
}

#[test]
fn a_postgres_of_a_newer_program_is_refused() {
    let database = Database::new();
    drop(on_postgres(&database.settings()));
    database.run("INSERT INTO migration(number, name, sha256, at) VALUES (9999, '9999-later', '', 0)");

    let error = Metadata::open(&database.settings(), Path::new("/nonexistent"), Env::real()).err().unwrap();

    assert!(error.to_string().contains("was written by a newer Gantry (schema 9999;"), "{error}");
}
