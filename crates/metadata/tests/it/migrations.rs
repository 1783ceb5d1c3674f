use crate::{on_postgres, on_sqlite};
use gantry_env::Env;
use gantry_metadata::{
    EngineName, Error, Metadata, Settings,
    audit::{Place, Search, people_after, search},
    plan, schema_known,
    suite::postgres::Database,
    usage,
};
use gantry_words::{AccountId, Region};
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

/// A folder as a program left it that knew no migration from the one called `name` on.
fn before(name: &str) -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let all = plan(&Settings::default(), folder.path(), Env::real()).unwrap().pending;
    let file = Connection::open(folder.path().join("metadata.db")).unwrap();
    file.execute_batch("CREATE TABLE migration(number BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at BIGINT NOT NULL)")
        .unwrap();
    for pending in all.into_iter().take_while(|pending| !pending.name.ends_with(name)) {
        file.execute_batch(pending.sql).unwrap();
        let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, pending.sql.as_bytes()));
        let note = "INSERT INTO migration(number, name, sha256, at) VALUES ($1, $2, $3, 0)";
        file.execute(note, (pending.number, pending.name, hash)).unwrap();
    }
    (file, folder)
}

#[test]
fn an_audit_from_before_searches_by_pairs_keeps_its_records_and_its_names() {
    let (file, folder) = before("audit-search");
    file.execute_batch(
        "INSERT INTO audit_record VALUES (1, 1, 1000, 0, 7, 8, 9, 10, 0), (1, 2, 2000, 0, 7, 8, 9, 10, 1);
         INSERT INTO audit_bytes VALUES (1, 1, '', 'first'), (1, 2, '', 'second');
         INSERT INTO audit_person VALUES ('~1', '', '000000000000:user/ann', '00');",
    )
    .unwrap();
    drop(file);

    let metadata = Metadata::open(&Settings::default(), folder.path(), Env::real()).unwrap();

    let asked = Search { account: 0, principal: 7, repository: 8, digest: 0, action: 0, outcome: 1, from: 0 };
    let end = Place { at: i64::MAX, writer: i64::MAX, seq: i64::MAX };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let look = metadata.read(move |rows| Ok((search(rows, &asked, end, 10)?, people_after(rows, "", 10)?)));
    let (looked, people) = runtime.block_on(look).unwrap();
    assert_eq!(looked.found.iter().map(|found| found.bytes.as_str()).collect::<Vec<_>>(), ["second"]);
    assert_eq!(people.iter().map(|row| row.named_at.millis()).collect::<Vec<_>>(), [2000]);
}

#[test]
fn a_folder_from_before_usage_counts_what_each_repository_holds_alone() {
    let (file, folder) = before("usage");
    file.execute_batch(
        "INSERT INTO repository(id, account, region, name, created_at, created_by, image_count, tag_count, blob_bytes, settings, revision)
         VALUES (1, '000000000000', 'us-east-1', 'a', 0, '', 0, 0, 17, '{}', 1),
             (2, '000000000000', 'us-east-1', 'b', 0, '', 0, 0, 10, '{}', 1);
         INSERT INTO blob_copy(id, digest, size, location, encryption_key, storage_class, state, link_count, created_at)
         VALUES (1, 'sha256:aa', 7, 'x', '', 'STANDARD', 'present', 1, 0), (2, 'sha256:bb', 10, 'y', '', 'STANDARD', 'present', 2, 0);
         INSERT INTO blob_link(repository, digest, copy, size, manifest_count, candidate_since)
         VALUES (1, 'sha256:aa', 1, 7, 0, 0), (1, 'sha256:bb', 2, 10, 0, 0), (2, 'sha256:bb', 2, 10, 0, 0);",
    )
    .unwrap();
    drop(file);

    let metadata = Metadata::open(&Settings::default(), folder.path(), Env::real()).unwrap();

    let look = metadata.read(|rows| usage::list(rows, AccountId::DEFAULT, &Region::default(), ("", "~"), 10));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(look).unwrap();
    let bytes: Vec<_> = found.iter().map(|row| (row.name.as_str(), row.blob_bytes, row.unique_bytes)).collect();
    assert_eq!(bytes, [("a", 17, 7), ("b", 10, 0)]);
}
