//! What is known of scans, and of the walk over stored images, by both engines alike.

use crate::{cx, on_postgres, on_sqlite};
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata, Settings, Trail, Tx, Write,
    scans::{self, ScanEnd, ScanState},
    site_settings,
    suite::postgres::Database,
};
use gantry_words::Timestamp;

/// Does what a test says.
struct Do<F>(F);

impl<F: Fn(&mut Tx) -> Result<(), Fault> + Send + 'static> Write for Do<F> {
    type Answer = ();
    const NAME: &'static str = "test.do";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "nothing is asked";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        (self.0)(tx)
    }
}

async fn done(metadata: &Metadata, what: impl Fn(&mut Tx) -> Result<(), Fault> + Send + 'static) {
    metadata.perform(&cx(1), Do(what)).await.unwrap();
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn ended(state: ScanState, inventory: &[u8]) -> ScanEnd {
    ScanEnd { state, reason: String::new(), revision: 7, inventory: inventory.to_vec() }
}

async fn only_a_failure_leaves_what_an_image_holds_as_it_was_known(metadata: &Metadata) {
    for (state, expected) in [
        (ScanState::Failed, Some(&b"before"[..])),
        (ScanState::Complete, Some(&b"after"[..])),
        (ScanState::Unsupported, Some(&b"after"[..])),
    ] {
        done(metadata, move |tx| {
            scans::ask(tx, 1, "sha256:a", at(10))?;
            scans::end(tx, 1, "sha256:a", &ended(ScanState::Complete, b"before"), at(20))
        })
        .await;
        done(metadata, move |tx| scans::end(tx, 1, "sha256:a", &ended(state, b"after"), at(30))).await;

        let known = metadata.read(|rows| scans::inventory(rows, 1, "sha256:a")).await.unwrap();
        let scan = metadata.read(|rows| scans::find(rows, 1, "sha256:a")).await.unwrap().unwrap();
        assert_eq!(known.as_deref(), expected, "{state:?}");
        assert_eq!((scan.state, scan.finished_at), (state, Some(at(30))));
    }
}

async fn what_nobody_remembered_again_is_forgotten_but_for_one(metadata: &Metadata) {
    done(metadata, |tx| {
        for (name, seconds) in [("walk.1", 10), ("walk.2", 20), ("walk.3", 10), ("other.1", 10)] {
            site_settings::put(tx, name, "x", at(seconds))?;
        }
        site_settings::forget_before(tx, "walk.", "walk.3", at(20))
    })
    .await;

    for (name, is_there) in [("walk.1", false), ("walk.2", true), ("walk.3", true), ("other.1", true)] {
        let found = metadata.read(move |rows| site_settings::find(rows, name)).await.unwrap();
        assert_eq!(found.is_some(), is_there, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_what_is_known_of_scans() {
    let (metadata, _folder) = on_sqlite(&Settings::default());
    only_a_failure_leaves_what_an_image_holds_as_it_was_known(&metadata).await;
    what_nobody_remembered_again_is_forgotten_but_for_one(&metadata).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_what_is_known_of_scans() {
    let database = Database::new();
    let metadata = on_postgres(&database.settings());
    only_a_failure_leaves_what_an_image_holds_as_it_was_known(&metadata).await;
    what_nobody_remembered_again_is_forgotten_but_for_one(&metadata).await;
}
