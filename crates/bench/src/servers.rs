//! The servers that are measured: a file each below `servers/`, and a line in [`KINDS`].

mod distribution;
mod gantry;
mod nginx;
mod running;
mod zot;

pub(crate) use gantry::command_of as gantry_command;
pub(crate) use running::{Running, Start, basic, end_with_us, start};

use crate::{
    error::{BenchError, Outcome},
    tls::Certificate,
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A kind of server, configured in one way.
pub(crate) struct Kind {
    /// Its name in tables and JSON.
    pub(crate) name: &'static str,
    /// What is known of it beside its version, for the page.
    pub(crate) about: &'static str,
    /// Whether it can be pushed to.
    pub(crate) is_registry: bool,
    /// Whose prepared stores it uses: two configurations of one program share them.
    pub(crate) stores_of: &'static str,
    /// The path that answers once it serves; the status does not matter.
    pub(crate) alive: &'static str,
    /// The name and password of a user who may do everything, where there is authentication.
    pub(crate) user: Option<(&'static str, &'static str)>,
    /// Returns its program, where it is at hand.
    pub(crate) program: fn(&Programs) -> Option<&Path>,
    /// The arguments that make the program say its version.
    pub(crate) version: &'static [&'static str],
    /// Writes what configuration it needs, and returns the command that starts it.
    pub(crate) command: fn(&Launch<'_>) -> Outcome<Command>,
}

/// Every kind of server.
pub(crate) const KINDS: &[&Kind] = &[&gantry::KIND, &nginx::KIND, &distribution::KIND, &zot::KIND, &zot::KIND_SYNC];

/// The programs at hand.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The release build of Gantry.
    pub(crate) gantry: PathBuf,
    /// nginx.
    pub(crate) nginx: PathBuf,
    /// CNCF distribution 3.
    pub(crate) distribution: PathBuf,
    /// zot, where there is one.
    pub(crate) zot: Option<PathBuf>,
    /// trivy, where there is one; it scans images and serves nothing.
    pub(crate) trivy: Option<PathBuf>,
    /// wrk, which makes the reading load.
    pub(crate) wrk: PathBuf,
    /// eatmydata, which lets a store be filled without waiting for the disk.
    pub(crate) eatmydata: PathBuf,
}

/// How a server is started.
pub(crate) struct Launch<'a> {
    /// Its program.
    pub(crate) program: &'a Path,
    /// Its data folder, which exists.
    pub(crate) data: &'a Path,
    /// A folder for its configuration and its log, which exists and is no part of the data.
    pub(crate) scratch: &'a Path,
    /// The port to listen on, at 127.0.0.1.
    pub(crate) port: u16,
    /// The certificate to serve with, where it shall encrypt.
    pub(crate) tls: Option<&'a Certificate>,
    /// Whether the store holds thousands of manifests: some programs must be configured for that.
    pub(crate) is_large: bool,
}

/// Returns the kind of a name.
///
/// # Panics
/// There is none: names of kinds stand in the code.
pub(crate) fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("the scenarios name kinds that exist")
}

/// What a program says of its version, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Version(pub(crate) String);

impl Kind {
    /// Asks the program for its version: the first line with a digit in it.
    ///
    /// # Errors
    /// When it cannot be started, or says nothing.
    pub(crate) fn ask_version(&self, program: &Path) -> Outcome<Version> {
        ask_version(self.name, program, self.version)
    }
}

/// Asks a program for its version.
///
/// # Errors
/// When it cannot be started, or says nothing.
pub(crate) fn ask_version(name: &str, program: &Path, arguments: &[&str]) -> Outcome<Version> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|cause| BenchError::program(program.display().to_string(), cause))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    version_in(&said).ok_or_else(|| BenchError::program(name, format!("says no version: {said}")))
}

fn version_in(said: &str) -> Option<Version> {
    let line = said.lines().find(|line| line.contains(|c: char| c.is_ascii_digit()))?;
    // zot answers with a line of its log, JSON with the time in it.
    let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let of_json = json.as_ref().and_then(|json| Some((json["commit"].as_str()?, json["go version"].as_str()?)));
    Some(Version(match of_json {
        Some(("", _)) => "zot, a build that does not know its version".to_string(),
        Some((commit, "")) => format!("zot {commit}"),
        Some((commit, go)) => format!("zot {commit}, {go}"),
        // distribution begins with the path it was started by.
        None => line.split_whitespace().filter(|word| !word.starts_with('/')).collect::<Vec<_>>().join(" "),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_line_that_holds_a_digit() {
        assert_eq!(version_in("nginx version: nginx/1.22.1\n"), Some(Version("nginx version: nginx/1.22.1".into())));
        assert_eq!(version_in("/tools/registry a/b v3.1.2\n"), Some(Version("a/b v3.1.2".into())));
        assert_eq!(version_in("usage\nwrk 4.1.0\n"), Some(Version("wrk 4.1.0".into())));
        assert_eq!(version_in("none\n"), None);
    }

    #[test]
    fn a_version_in_a_log_line_is_read_out_of_it() {
        let said = r#"{"level":"info","distribution-spec":"1.1.1","commit":"v2.1.0-5-gabc","go version":"go1.26","message":"version"}"#;

        assert_eq!(version_in(said), Some(Version("zot v2.1.0-5-gabc, go1.26".into())));
    }

    #[test]
    fn no_two_kinds_share_a_name() {
        let names: std::collections::BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();

        assert_eq!(names.len(), KINDS.len());
    }
}
