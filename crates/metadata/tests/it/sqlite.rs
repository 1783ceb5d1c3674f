use crate::{
    acts::{audited, number_of, raise},
    cx, on_sqlite,
};
use futures_util::future::join_all;
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Change, Checkpoint, Metadata, Query, Settings, change, query, values};
use gantry_words::{ByteCount, Period};
use std::sync::{Arc, Mutex};

/// What SQLite does by itself when the disk is full.
static LOSE_ALL: Change = change("ROLLBACK");

#[tokio::test]
async fn when_the_whole_group_is_lost_every_act_that_was_told_to_stand_stands() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    let acts = (0..30).map(|number| {
        let act = if number % 10 == 5 {
            raise("v1").then(|tx| {
                tx.write(&LOSE_ALL, values![])?;
                Err(Fault::new(FaultKind::StorageFull, "the disk is full"))
            })
        } else {
            raise("v1")
        };
        let metadata = metadata.clone();
        async move { metadata.perform(&cx(1), act).await }
    });

    let answers = join_all(acts).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 27);
    assert_eq!(number_of(&metadata, "v1").await, 27);
    assert_eq!(audited(&metadata, cx(1).request_id).await, 27);
}

static FILL_TWENTY: Change = change(
    "INSERT INTO setting(name, value, changed_at)
     WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 5000)
     SELECT 'large ' || n, hex(zeroblob(2000)), 0 FROM number",
);
static CHANGE_ALL: Change = change("UPDATE setting SET value = value || 'x' WHERE name LIKE 'large %'");
static CHANGED: Query = query("SELECT count(*) FROM setting WHERE value LIKE '%x'");

/// What is kept to undo an act alone goes to a file beyond some bytes: SQLite is built with a bound at which that works.
#[tokio::test]
async fn an_act_may_change_twenty_megabytes_and_be_undone_alone() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    let changed = async || metadata.read(|rows| rows.one(&CHANGED, values![])?.unwrap().int(0)).await.unwrap();
    metadata.perform(&cx(1), raise("v1").then(|tx| tx.write(&FILL_TWENTY, values![]))).await.unwrap();
    let refuses = raise("v1").then(|tx| {
        tx.write(&CHANGE_ALL, values![])?;
        Err(Fault::new(FaultKind::TagInvalid, "refused"))
    });

    let refused = metadata.perform(&cx(2), refuses).await.unwrap_err();
    let undone = changed().await;
    metadata.perform(&cx(3), raise("v1").then(|tx| tx.write(&CHANGE_ALL, values![]))).await.unwrap();

    assert_eq!((refused.kind, undone, changed().await), (FaultKind::TagInvalid, 0, 5_000));
}

#[tokio::test]
async fn a_refusal_in_a_lost_group_is_decided_again() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    // The first act holds the writer until the others wait behind it, so that they form one group.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let gate = raise("gate").then(move |_| {
        let _ = may_go_on.lock().unwrap().recv();
        Ok(())
    });
    let once = Arc::new(Mutex::new(0));
    let noted = once.clone();
    // The first run of this one loses the group; its second stands.
    let loses = raise("v1").then(move |tx| {
        *noted.lock().unwrap() += 1;
        if *noted.lock().unwrap() == 1 { tx.write(&LOSE_ALL, values![]) } else { Ok(()) }
    });
    let runs = Arc::new(Mutex::new(0));
    let refused = runs.clone();
    let refuses = raise("v1").then(move |_| {
        *refused.lock().unwrap() += 1;
        Err(Fault::new(FaultKind::TagInvalid, "refused"))
    });
    let (caller, waiting) = (cx(1), metadata.clone());
    // Moved, so that the gate stands open when its act runs again.
    let release = async move {
        while waiting.queue_depth() < 2 {
            tokio::task::yield_now().await;
        }
        go_on.send(()).unwrap();
    };

    let (gate, refusal, lost, ()) = tokio::join!(
        metadata.perform(&caller, gate),
        metadata.perform(&caller, refuses),
        metadata.perform(&caller, loses),
        release,
    );

    assert_eq!((gate.unwrap(), lost.unwrap()), (1, 1));
    assert_eq!(refusal.unwrap_err().kind, FaultKind::TagInvalid);
    assert_eq!((*runs.lock().unwrap(), *once.lock().unwrap()), (2, 2));
    assert_eq!(number_of(&metadata, "v1").await, 1);
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let (metadata, folder) = on_sqlite(&Settings::default());
    metadata.perform(&cx(1), raise("v1")).await.unwrap();

    drop(metadata);

    assert!(!folder.path().join("metadata.db-wal").exists(), "the last to go folds the log into the file");
    let metadata = Metadata::open(&Settings::default(), folder.path(), Env::real()).unwrap();
    assert_eq!(number_of(&metadata, "v1").await, 1);
}

#[tokio::test]
async fn two_processes_write_the_same_file_in_turns() {
    let (server, folder) = on_sqlite(&Settings::default());
    let collector = Metadata::open(&Settings::default(), folder.path(), Env::real()).unwrap();
    let acts = (0..100).map(|number| {
        let metadata = if number % 2 == 0 { server.clone() } else { collector.clone() };
        async move { metadata.perform(&cx(1), raise("v1")).await }
    });

    let answers = join_all(acts).await;

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(number_of(&server, "v1").await, 100);
}

#[tokio::test]
async fn an_act_waits_no_longer_than_it_may_for_another_process() {
    let (metadata, folder) = on_sqlite(&Settings { wait_max: Period::seconds(1), ..Settings::default() });
    let other = rusqlite::Connection::open(folder.path().join("metadata.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let fault = metadata.perform(&cx(1), raise("v1")).await.unwrap_err();

    assert_eq!(fault.kind, FaultKind::Unavailable);
    other.execute_batch("COMMIT").unwrap();
    assert!(metadata.perform(&cx(1), raise("v1")).await.is_ok());
}

#[tokio::test]
async fn beyond_the_bound_of_the_queue_an_act_is_refused_at_once() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let gate = raise("gate").then(move |_| {
        let _ = may_go_on.lock().unwrap().recv();
        Ok(())
    });
    let acts = (0..2000).map(|_| metadata.perform(&CX, raise("v1")));
    static CX: std::sync::LazyLock<gantry_words::Cx> = std::sync::LazyLock::new(|| cx(1));
    let release = async { go_on.send(()).unwrap() };

    let (gate, answers, ()) = tokio::join!(metadata.perform(&CX, gate), join_all(acts), release);

    let refused = answers.iter().filter_map(|answer| answer.as_ref().err()).collect::<Vec<_>>();
    assert!(gate.is_ok());
    assert!(refused.len() >= 2000 - 1024 - 256, "{}", refused.len());
    assert!(refused.iter().all(|fault| fault.kind == FaultKind::TooManyRequests));
    assert_eq!(metadata.figures().refused, refused.len() as u64);
}

#[tokio::test]
async fn the_log_is_emptied_when_it_has_grown_beyond_its_bound() {
    for checkpoint in [Checkpoint::Inline, Checkpoint::Background] {
        let bound = ByteCount::mebibytes(8);
        let (metadata, folder) = on_sqlite(&Settings { checkpoint, wal_bytes_max: bound, ..Settings::default() });
        let log = folder.path().join("metadata.db-wal");
        let mut largest = 0;

        for _ in 0..40 {
            let fill = raise("v1").then(|tx| tx.write(&FILL, values!["x".repeat(1 << 20)]));
            metadata.perform(&cx(1), fill).await.unwrap();
            largest = largest.max(std::fs::metadata(&log).unwrap().len());
        }

        assert!(largest < 2 * bound.get(), "{checkpoint:?}: {largest}");
    }
}
static FILL: Change = change(
    "INSERT INTO setting(name, value, changed_at) VALUES ('fill', $1, 0) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_metadata, folder) = on_sqlite(&Settings::default());

    let mode = std::fs::metadata(folder.path().join("metadata.db")).unwrap().permissions().mode();

    assert_eq!(mode & 0o777, 0o600);
}
