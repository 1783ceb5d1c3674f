use crate::{on_postgres, on_sqlite};
use gantry_env::Env;
use gantry_metadata::{
    Checkpoint, Metadata, Query, Settings, query,
    suite::{self, postgres::Database},
};

static LEFT: Query =
    query("SELECT (SELECT count(*) FROM setting), (SELECT count(*) FROM event), (SELECT count(*) FROM audit)");

async fn keeps_its_word(metadata: &Metadata) {
    let kept = suite::run(metadata, &Env::real()).await.unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(kept.len(), 13, "{kept:?}");
}

#[tokio::test]
async fn sqlite_keeps_its_word() {
    let (metadata, _folder) = on_sqlite(&Settings::default());

    keeps_its_word(&metadata).await;
}

#[tokio::test]
async fn sqlite_that_folds_its_log_itself_keeps_the_same_word() {
    let (metadata, _folder) = on_sqlite(&Settings { checkpoint: Checkpoint::Inline, ..Settings::default() });

    keeps_its_word(&metadata).await;
}

#[tokio::test]
async fn memory_keeps_the_same_word() {
    keeps_its_word(&Metadata::alone(Env::real()).unwrap()).await;
}

#[tokio::test]
async fn postgres_keeps_the_same_word() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());

    keeps_its_word(&metadata).await;
}

#[tokio::test]
async fn the_suite_leaves_little_behind() {
    let metadata = Metadata::alone(Env::real()).unwrap();

    keeps_its_word(&metadata).await;

    let row = metadata.read(|rows| rows.one(&LEFT, vec![])).await.unwrap().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap()), (0, 0, 0));
}
