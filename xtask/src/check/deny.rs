//! `cargo deny`: licences, sources, doubled crates, and advisories where their database can be had.

use crate::{run, tools, trouble::Outcome, workspace::Places};
use std::process::Command;

/// Runs cargo deny as deny.toml says.
pub(super) fn check(places: &Places) -> Outcome<()> {
    let program = tools::require(places, "cargo-deny")?;
    let deny = || {
        let mut command = Command::new(&program);
        command.current_dir(&places.root).args(["--log-level", "error", "--all-features", "--workspace"]);
        command
    };
    let mut checks = vec!["bans", "licenses", "sources"];
    // Fetching may fail for want of a network, which is no fault of the tree.
    match run::capture(deny().args(["fetch", "db"])) {
        Ok(_) => checks.push("advisories"),
        Err(_) => println!("check: no advisory database can be fetched from here, so advisories are not looked up"),
    }
    run::run(deny().args(["check", "--hide-inclusion-graph"]).args(checks))
}
