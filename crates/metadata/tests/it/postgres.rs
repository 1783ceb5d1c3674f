use crate::{
    acts::{audited, number_of, raise},
    cx, on_postgres,
    proxy::{Proxy, Scissors},
};
use futures_util::future::join_all;
use gantry_fault::FaultKind;
use gantry_metadata::{
    Metadata, Query, Settings, query,
    suite::{postgres::Database, two_writers},
    values,
};
use gantry_words::{Period, Secret};
use std::sync::{Arc, Mutex};

/// Metadata on a way that can be cut, with one writing and one reading session.
fn on_thin_ice(database: &Database, wait_max: Period) -> Option<(Metadata, Proxy, Scissors)> {
    // A server that is not ours may be reached by other ways than a socket.
    let proxy = Proxy::to(&database.socket_folder()?);
    let url =
        database.url().replace(&database.socket_folder()?.display().to_string(), &proxy.folder().display().to_string());
    let settings = Settings { url: Secret::new(url), connections: 2, wait_max, ..Settings::default() };
    let scissors = proxy.scissors();
    Some((on_postgres(&settings), proxy, scissors))
}

#[tokio::test]
async fn two_writers_with_a_lock_come_one_after_the_other() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());

    let (first, second) = two_writers(&metadata, &cx(1), raise("v1"), raise("v1")).await;

    let mut answers = [first.unwrap(), second.unwrap()];
    answers.sort_unstable();
    assert_eq!(answers, [1, 2]);
}

#[tokio::test]
async fn two_writers_find_out_an_act_that_forgets_its_lock() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());
    let careless = || raise("v1").without_lock();

    let (first, second) = two_writers(&metadata, &cx(1), careless(), careless()).await;

    assert_eq!((first.unwrap(), second.unwrap()), (1, 1), "both saw nothing, and the one wrote over the other");
}

#[tokio::test]
async fn acts_on_one_thing_do_not_starve() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());
    let caller = cx(1);

    let answers = join_all((0..200).map(|_| metadata.perform(&caller, raise("v1")))).await;

    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((number_of(&metadata, "v1").await, metadata.figures().conflicts), (200, 0));
}

#[tokio::test]
async fn acts_that_lock_crosswise_run_again() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());
    let crossing = |first, second: &'static str| raise(first).then(move |tx| tx.lock(second));

    let (one, other) = two_writers(&metadata, &cx(1), crossing("a", "b"), crossing("b", "a")).await;

    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert!(metadata.figures().conflicts > 0);
}

#[tokio::test]
async fn a_question_that_fails_leaves_its_session_to_the_next() {
    static NO_NUMBER: Query = query("SELECT CAST(CAST($1 AS TEXT) AS BIGINT)");
    let database = Database::new();
    let metadata = on_postgres(&Settings { connections: 2, ..database.settings() });
    metadata.perform(&cx(1), raise("v1")).await.unwrap();

    for _ in 0..3 {
        let failed = metadata.read(|rows| rows.one(&NO_NUMBER, values!["none"]).map(drop)).await;
        assert!(failed.is_err());
        assert_eq!(number_of(&metadata, "v1").await, 1);
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_not_noticed() {
    let database = Database::new();
    let Some((metadata, _proxy, scissors)) = on_thin_ice(&database, Period::seconds(30)) else { return };
    metadata.perform(&cx(1), raise("v1")).await.unwrap();
    number_of(&metadata, "v1").await;
    // A reader ends its transaction after it has answered.
    database.run(
        "DO $$ BEGIN WHILE EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
         AND state <> 'idle' AND pid <> pg_backend_pid()) LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$",
    );

    scissors.cut_all();

    assert_eq!(number_of(&metadata, "v1").await, 1);
    assert_eq!(metadata.perform(&cx(1), raise("v1")).await.unwrap(), 2);
}

#[tokio::test]
async fn an_act_whose_connection_breaks_before_its_commit_runs_again() {
    let database = Database::new();
    let Some((metadata, _proxy, scissors)) = on_thin_ice(&database, Period::seconds(30)) else { return };
    let runs = Arc::new(Mutex::new(0));
    let noted = runs.clone();
    let act = raise("v1").then(move |tx| {
        let mut runs = noted.lock().unwrap();
        *runs += 1;
        if *runs == 1 {
            scissors.cut_all();
        }
        tx.lock("another question")
    });

    let answer = metadata.perform(&cx(1), act).await;

    assert_eq!((answer.unwrap(), *runs.lock().unwrap()), (1, 2));
    assert_eq!(audited(&metadata, cx(1).request_id).await, 1);
}

#[tokio::test]
async fn when_the_answer_to_a_commit_is_lost_the_audit_row_tells() {
    let database = Database::new();
    let Some((metadata, _proxy, scissors)) = on_thin_ice(&database, Period::seconds(30)) else { return };
    // Once without harm, so that every statement is prepared: the next answer then is the one of the commit.
    metadata.perform(&cx(1), raise("v1").then(|_| Ok(()))).await.unwrap();

    for number in 2..12 {
        let before = number_of(&metadata, "v1").await;
        let runs = Arc::new(Mutex::new(0));
        let (noted, scissors) = (runs.clone(), scissors.clone());
        let act = raise("v1").then(move |_| {
            *noted.lock().unwrap() += 1;
            scissors.cut_at_next_answer();
            Ok(())
        });

        let answer = metadata.perform(&cx(number), act).await;

        let stands = audited(&metadata, cx(number).request_id).await;
        assert_eq!(*runs.lock().unwrap(), 1, "an act whose commit may stand is never run again");
        assert_eq!(number_of(&metadata, "v1").await, before + stands);
        match answer {
            Ok(answer) => assert_eq!((answer, stands), (before + 1, 1)),
            Err(fault) => assert_eq!((fault.kind, stands), (FaultKind::Unavailable, 0)),
        }
        // The new session prepares its statements again.
        metadata.perform(&cx(1), raise("other")).await.unwrap();
    }
}

#[tokio::test]
async fn while_the_server_is_gone_everything_is_refused_in_time_and_then_goes_on() {
    let database = Database::new();
    let Some((metadata, _proxy, scissors)) = on_thin_ice(&database, Period::seconds(1)) else { return };
    metadata.perform(&cx(1), raise("v1")).await.unwrap();

    scissors.take_down();
    let act = metadata.perform(&cx(1), raise("v1")).await.unwrap_err();
    let ready = metadata.check().await.unwrap_err();
    scissors.bring_up();

    assert_eq!((act.kind, ready.kind), (FaultKind::Unavailable, FaultKind::Unavailable));
    let again = async {
        loop {
            if let Ok(answer) = metadata.perform(&cx(1), raise("v1")).await {
                return answer;
            }
        }
    };
    assert_eq!(again.await, 2);
}

#[tokio::test]
async fn sessions_are_not_opened_before_they_are_needed() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());
    static SESSIONS: gantry_metadata::Query = gantry_metadata::query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'",
    );

    let row = metadata.read(|rows| rows.one(&SESSIONS, vec![])).await.unwrap().unwrap();

    // The one that asks; the one that migrated may still be taking its leave.
    assert!(row.int(0).unwrap() <= 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://me:hunter2@/gantry?host={}", folder.path().display());
    let settings = Settings { url: Secret::new(url), ..Settings::default() };

    let error = gantry_metadata::plan(&settings, folder.path(), gantry_env::Env::real()).unwrap_err().to_string();

    assert!(error.contains("cannot reach PostgreSQL at") && !error.contains("hunter2"), "{error}");
}
