//! The metadata as others use it: on a file, in memory, and on a PostgreSQL that the tests start themselves.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod acts;
mod alone;
mod audit_search;
mod backup;
mod both;
mod finding_history;
mod migrations;
mod postgres;
mod proxy;
mod scans;
mod sqlite;

use gantry_env::Env;
use gantry_metadata::{Metadata, Settings};
use gantry_words::{AccountId, Cx, RequestId};
use tempfile::TempDir;

/// A caller in the request `number`.
fn cx(number: u8) -> Cx {
    Cx {
        actor: "alice".into(),
        account: AccountId::DEFAULT,
        operation: "Test",
        request_id: RequestId::new([number; 16]),
        now: Env::real().now(),
        source: None,
    }
}

/// Metadata in a file of a folder that goes with the test.
fn on_sqlite(settings: &Settings) -> (Metadata, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Metadata::open(settings, folder.path(), Env::real()).unwrap(), folder)
}

/// Metadata on PostgreSQL; the folder stays empty.
fn on_postgres(settings: &Settings) -> Metadata {
    Metadata::open(settings, std::path::Path::new("/nonexistent"), Env::real()).unwrap()
}
