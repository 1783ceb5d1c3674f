//! Disks that fill up, bytes that rot, and a collection that takes what nothing names, and nothing else.

mod collection;
mod full;
mod owner;
mod removal;
mod rot;
mod synced;

use gantry_e2e::{Answer, Client, Image, Server};
use serde_json::Value;

const NAME: &str = "team/app";

/// A server that deletes at once: for what a collection takes of it.
fn without_trash() -> Server {
    Server::with(&[("GANTRY_TRASH__KEEP", "0s")])
}

/// Runs `gantry fsck` with these flags; returns its exit code and report.
fn fsck(server: &Server, flags: &[&str]) -> (i32, Value) {
    tool(server, "fsck", flags)
}

/// Runs `gantry gc` with these flags; returns what it collected.
fn gc(server: &Server, flags: &[&str]) -> Value {
    let (code, report) = tool(server, "gc", flags);
    assert_eq!(code, 0, "gc {flags:?}: {report}");
    report
}

fn tool(server: &Server, command: &str, flags: &[&str]) -> (i32, Value) {
    let arguments = [&[command, "--output", "json"], flags].concat();
    let (code, output, errors) = server.tool(&arguments);
    let report = serde_json::from_str(&output);
    (code, report.unwrap_or_else(|_| panic!("{arguments:?} exits {code} without a report: {output}\n{errors}")))
}

fn blob_path(bytes: &[u8]) -> String {
    format!("/v2/{NAME}/blobs/{}", gantry_e2e::digest(bytes))
}

fn push(client: &Client, image: &Image, tag: &str) -> Answer {
    image.push(client, NAME, tag).expect("the server answers")
}
