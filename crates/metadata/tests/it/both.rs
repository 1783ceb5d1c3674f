use crate::{cx, on_postgres, on_sqlite};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Checkpoint, Metadata, Query, Reader, Settings, Tx, query,
    suite::{self, postgres::Database},
    values,
};
use gantry_words::Timestamp;

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

/// Asks, and has forgotten to lock.
struct Forgetful;

impl Act for Forgetful {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "Forgetful";

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.one(&LEFT, vec![]).map(drop)
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, _: &mut Tx, (): ()) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn an_act_that_asks_before_it_locks_is_stopped_on_every_engine() {
    let ((sqlite, _folder), database) = (on_sqlite(&Settings::default()), Database::new());
    for metadata in [sqlite, Metadata::alone(Env::real()).unwrap(), on_postgres(&database.settings())] {
        let stopped = metadata.perform(&cx(1), Forgetful).await.unwrap_err();

        let why = stopped.source.unwrap().to_string();
        assert!(why.contains("Forgetful asks before it has locked anything"), "{why}");
        assert!(metadata.preview(&cx(1), Forgetful).await.is_ok(), "a preview locks nothing");
    }
}

#[tokio::test]
async fn a_text_with_u_0000_is_refused_on_every_engine_and_harms_nothing() {
    static SAME: Query = query("SELECT CAST($1 AS TEXT)");
    let ((sqlite, _folder), database) = (on_sqlite(&Settings::default()), Database::new());
    for metadata in [sqlite, Metadata::alone(Env::real()).unwrap(), on_postgres(&database.settings())] {
        let refused = metadata.read(|rows| rows.one(&SAME, values!["a\0b"]).map(drop)).await.unwrap_err();

        assert_eq!(refused.kind, FaultKind::InvalidParameter, "{refused:?}");
        assert!(metadata.read(|rows| rows.one(&SAME, values!["ab"]).map(drop)).await.is_ok());
    }
}

#[tokio::test]
async fn the_suite_leaves_little_behind() {
    let metadata = Metadata::alone(Env::real()).unwrap();

    keeps_its_word(&metadata).await;

    let row = metadata.read(|rows| rows.one(&LEFT, vec![])).await.unwrap().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap()), (0, 0, 0));
}
