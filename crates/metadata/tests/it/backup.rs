use crate::{
    acts::{audited, number_of, raise},
    cx, on_postgres, on_sqlite,
};
use gantry_env::Env;
use gantry_fault::FaultKind;
use gantry_metadata::{
    Change, Error, Metadata, Query, Settings, begin_restore, change, finish_restore, is_restore_unfinished,
    put_in_place, query, suite::postgres::Database, values,
};
use std::path::Path;

static KEEP: Change = change(
    "INSERT INTO manifest(repository, digest, kind, media_type, size, bytes, tag_count, parent_count, state, hold, \
     storage_class, pushed_at, pushed_at_precision, pushed_by, tagged_at_precision, last_pulled_at_precision, \
     revision, annotations, body) \
     VALUES (7, $1, 'image', 'm', 3, 3, 0, 0, 'live', 0, 'STANDARD', 1, 'exact', 'me', 'exact', 'exact', 1, '{}', $2)",
);
static BODY: Query = query("SELECT body, subject FROM manifest WHERE repository = 7 AND digest = $1");
const BYTES: &[u8] = b"\0{\xff}";

/// Metadata with a number, a row of bytes and NULLs, and their audit rows.
async fn fill(metadata: &Metadata) {
    let keep = raise("v1").then(|tx| tx.write(&KEEP, values!["sha256:00", BYTES]));
    metadata.perform(&cx(1), keep).await.unwrap();
}

async fn is_filled(metadata: &Metadata) -> bool {
    let row = metadata.read(|rows| rows.one(&BODY, values!["sha256:00"])).await.unwrap();
    let Some(mut row) = row else { return false };
    row.take_bytes(0).unwrap() == BYTES
        && row.opt_text(1).unwrap().is_none()
        && number_of(metadata, "v1").await == 1
        && audited(metadata, cx(1).request_id).await == 1
}

fn restore(settings: &Settings, data_dir: &Path, from: &Path, env: &Env) -> Result<(), Error> {
    begin_restore(settings, data_dir, from, env)?;
    finish_restore(settings, data_dir, env)
}

fn opened(folder: &Path) -> Metadata {
    Metadata::open(&Settings::default(), folder, Env::real()).unwrap()
}

#[tokio::test]
async fn a_backup_is_one_file_of_one_moment() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    fill(&metadata).await;
    let copy = folder.path().join("copy.db");

    metadata.backup(&copy).await.unwrap();
    metadata.perform(&cx(2), raise("v1")).await.unwrap();

    let restored = tempfile::tempdir().unwrap();
    restore(&Settings::default(), restored.path(), &copy, &Env::real()).unwrap();
    assert!(is_filled(&opened(restored.path())).await);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let of_the_copy: Vec<_> = files.filter(|name| name.to_string_lossy().starts_with("copy.db")).collect();
    assert_eq!(of_the_copy, ["copy.db"]);
}

#[tokio::test]
async fn a_backup_in_memory_is_the_same_file() {
    let metadata = Metadata::alone(Env::real()).unwrap();
    fill(&metadata).await;
    let folder = tempfile::tempdir().unwrap();

    metadata.backup(&folder.path().join("metadata.db")).await.unwrap();

    assert!(is_filled(&opened(folder.path())).await);
}

#[tokio::test]
async fn a_backup_moves_from_engine_to_engine_and_back() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    fill(&metadata).await;
    let (first, second) = (folder.path().join("first.db"), folder.path().join("second.db"));
    let database = Database::new();

    metadata.backup(&first).await.unwrap();
    restore(&database.settings(), folder.path(), &first, &Env::real()).unwrap();
    let postgres = on_postgres(&database.settings());
    let moved = is_filled(&postgres).await;
    postgres.backup(&second).await.unwrap();

    assert!(moved);
    let restored = tempfile::tempdir().unwrap();
    restore(&Settings::default(), restored.path(), &second, &Env::real()).unwrap();
    assert!(is_filled(&opened(restored.path())).await);
    assert!(!folder.path().join("metadata.restoring").exists());
}

#[tokio::test]
async fn nothing_is_written_over() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    fill(&metadata).await;
    let copy = folder.path().join("copy.db");
    metadata.backup(&copy).await.unwrap();
    let database = Database::new();
    let postgres = on_postgres(&database.settings());
    postgres.perform(&cx(1), raise("v1")).await.unwrap();

    let again = metadata.backup(&copy).await.unwrap_err();
    let over_file = restore(&Settings::default(), folder.path(), &copy, &Env::real()).unwrap_err();
    let over_rows = restore(&database.settings(), folder.path(), &copy, &Env::real()).unwrap_err();

    assert_eq!(again.kind, FaultKind::InvalidParameter);
    assert!(again.message.contains("exists already"), "{again}");
    assert!(matches!(over_file, Error::NotEmpty { .. }), "{over_file}");
    assert!(over_rows.to_string().contains("rows in table audit"), "{over_rows}");
    assert_eq!(number_of(&postgres, "v1").await, 1);
}

#[test]
fn what_is_no_backup_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let target = tempfile::tempdir().unwrap();
    let (nothing, text, other) =
        (folder.path().join("nothing"), folder.path().join("text"), folder.path().join("other.db"));
    std::fs::write(&text, "hello").unwrap();
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();

    for file in [nothing, text, other] {
        let error = restore(&Settings::default(), target.path(), &file, &Env::real()).unwrap_err();

        assert!(matches!(error, Error::NoBackup { .. }), "{error}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_restore_that_was_interrupted_is_known_and_goes_on() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    fill(&metadata).await;
    let (copy, target) = (folder.path().join("copy.db"), tempfile::tempdir().unwrap());
    metadata.backup(&copy).await.unwrap();
    let begin = || begin_restore(&Settings::default(), target.path(), &copy, &Env::real()).unwrap();

    let first = begin();
    let is_known = is_restore_unfinished(target.path());
    let is_hidden = !target.path().join("metadata.db").exists();
    let second = begin();
    let is_whole = is_filled(&opened(&second)).await;
    finish_restore(&Settings::default(), target.path(), &Env::real()).unwrap();

    assert!(is_known && is_hidden && is_whole);
    assert_eq!(first, second);
    assert!(!is_restore_unfinished(target.path()) && !second.exists());
    assert!(is_filled(&opened(target.path())).await);
}

#[tokio::test]
async fn a_copy_in_the_place_of_one_whose_server_was_killed_does_not_meet_its_log() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    fill(&metadata).await;
    let place = tempfile::tempdir().unwrap();
    let (fresh, target) = (folder.path().join("copy.db"), place.path().join("metadata.db"));
    // What a killed server leaves: a file, and a log that was not folded into it.
    let (killed, _held) = on_sqlite(&Settings::default());
    killed.perform(&cx(1), raise("v1")).await.unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("metadata.db{suffix}");
        std::fs::copy(_held.path().join(&name), place.path().join(&name)).unwrap();
    }

    metadata.backup(&fresh).await.unwrap();
    put_in_place(&fresh, &target).unwrap();

    let files: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["metadata.db"]);
    assert!(is_filled(&opened(place.path())).await);
}
