//! What is built here, with all that is built beside it. Features differ with what is asked for together, and a crate whose features
//! differ is built anew with all that depend on it: so everything is asked for in one of two ways.

use crate::{
    run,
    trouble::{Outcome, Trouble},
    workspace::Places,
};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// The profile of what is tested: see the workspace's `Cargo.toml`.
const PROFILE: &str = "trial";
const BINARY: &str = "gantry";
/// What is built beside the binary, with which it shares all its crates.
const SIMULATION: &str = "gantry-testkit";
const AGAINST_BINARY: &str = "gantry-e2e";

/// Builds the binary, optimized and without shared libraries: the one for a container, and for all tests.
///
/// # Errors
/// When cargo fails.
pub(crate) fn binary(places: &Places) -> Outcome<PathBuf> {
    executable(&mut optimized(places, &["build", "--bin", BINARY])?, BINARY)
}

/// Builds the binary ahead of whoever asks for [`binary`], who waits for it; why it failed is told to him.
pub(crate) fn binary_ahead(places: &Places) {
    if let Ok(cargo) = optimized(places, &["build", "--quiet", "--bin", BINARY]) {
        let _ = run::in_idle_time(&cargo).status();
    }
}

/// Builds the program of the tests against the binary.
///
/// # Errors
/// When cargo fails.
pub(crate) fn tests_against_binary(places: &Places) -> Outcome<PathBuf> {
    executable(workspace(places).args(["--test", "it"]), AGAINST_BINARY)
}

/// Builds a program of the workspace as it is developed, not optimized.
///
/// # Errors
/// When cargo fails.
pub(crate) fn program(places: &Places, package: &str) -> Outcome<PathBuf> {
    // Any example: with it cargo takes the features that the tests ask for.
    executable(workspace(places).args(["--bins", "--example", "decide"]), package)
}

/// A command of cargo over the whole workspace, as `cargo test --workspace` builds it.
fn workspace(places: &Places) -> Command {
    let mut command = run::cargo(&places.root);
    command.args(["build", "--quiet", "--locked", "--workspace"]);
    command
}

/// Returns the command that runs the simulation.
///
/// # Errors
/// When rustc does not say what it builds for.
pub(crate) fn simulation(places: &Places) -> Outcome<Command> {
    optimized(places, &["test", "--quiet"])
}

/// Returns a command of cargo over the binary and the simulation, whose crates it builds optimized.
fn optimized(places: &Places, words: &[&str]) -> Outcome<Command> {
    let host = run::capture(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let mut command = run::cargo(&places.root);
    // With a target the flag says nothing about build scripts and macros, which cannot do without shared libraries.
    command.env("RUSTFLAGS", "-C target-feature=+crt-static").args(words);
    command.args(["--profile", PROFILE, "--locked", "--target", host.trim()]);
    command.args(["--package", BINARY, "--package", SIMULATION, "--test", "it"]);
    Ok(command)
}

/// Runs a command of cargo that answers in JSON, and returns the executable it has made of a package.
fn executable(command: &mut Command, package: &str) -> Outcome<PathBuf> {
    let said = run::output(command.args(["--message-format", "json-render-diagnostics"]))?;
    executable_in(&said, package).ok_or_else(|| Trouble::new(format!("cargo made no executable of {package}")))
}

/// Finds the executable of a package in cargo's messages, a JSON object on each line.
fn executable_in(messages: &str, package: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut of_package = messages.filter(|message| {
        let id = message["package_id"].as_str().unwrap_or_default();
        // path+file:///…/crates/gantry#0.1.0, or path+file:///…/crates/e2e#gantry-e2e@0.1.0 where the folder has another name.
        let (path, name) = id.rsplit_once('#').unwrap_or((id, id));
        name.strip_prefix(package).is_some_and(|rest| rest.starts_with('@')) || path.ends_with(&format!("/{package}"))
    });
    of_package.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_of_a_package_is_found_among_what_cargo_says() {
        let messages = r#"{"package_id":"registry+index#gantry-like@1.0.0","executable":"/t/like"}
{"package_id":"path+file:///w/crates/gantry#0.1.0","executable":null}
{"package_id":"path+file:///w/crates/e2e#gantry-e2e@0.1.0","executable":"/t/it-1"}
{"package_id":"path+file:///w/crates/gantry#0.1.0","executable":"/t/gantry"}
{"reason":"build-finished","success":true}"#;

        assert_eq!(executable_in(messages, "gantry"), Some("/t/gantry".into()));
        assert_eq!(executable_in(messages, "gantry-e2e"), Some("/t/it-1".into()));
        assert_eq!(executable_in(messages, "gantry-testkit"), None);
    }
}
