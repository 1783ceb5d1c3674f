//! `cargo xtask conformance`: the official OCI suites against a running server, with everything enabled that can be.

mod report;

use crate::{
    run, tools,
    trouble::{Outcome, Trouble, While},
    workspace::Places,
};
use clap::ValueEnum;
use report::Report;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Which of the suites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// That of the specification's release 1.1.1
    #[value(name = "1.1.1")]
    Release,
    /// Its rewritten successor
    #[value(name = "head")]
    Head,
}

/// The server to be tested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Such as `http://127.0.0.1:5000`.
    pub(crate) url: &'a str,
    /// Who may create, push, pull and delete in `conformance/…`.
    pub(crate) user: &'a str,
    /// His password.
    pub(crate) password: &'a str,
}

/// Tests that skip themselves because another one stands in for them: each suite has tests for both answers that the
/// specification allows, and for content that somebody else has put there before.
const SKIPS_MEANT: &[&str] = &[
    // The suite puts its own content there.
    "Get tag name from environment",
    "Populate registry with test tags (no push)",
    // A mount was answered with 201, and mounts without a source are enabled.
    "Cross-mounting of nonexistent blob should yield session id",
    "Cross-mounting without from, and automatic content discovery disabled should return a 202",
];

/// Runs a suite, prints its figures and what it found, and returns them in a line. `skips_meant` are further tests that may skip
/// themselves.
///
/// # Errors
/// When a test failed, was skipped without need, or none was run.
pub(crate) fn perform(places: &Places, suite: Suite, target: Target<'_>, skips_meant: &[&str]) -> Outcome<String> {
    let skips_meant = [SKIPS_MEANT, skips_meant].concat();
    let program = tools::require(places, suite.tool())?;
    let results = suite.results(places);
    if results.exists() {
        fs::remove_dir_all(&results).while_trying(format!("remove {}", results.display()))?;
    }
    fs::create_dir_all(&results).while_trying(format!("make {}", results.display()))?;
    let mut command = Command::new(program);
    command.current_dir(&results).stdin(Stdio::null());
    command.envs(suite.environment(target, &results)?);
    // The exit code says less than the report, which is written in any case.
    let output = command.output().while_trying(format!("start {}", run::print_command(&command)))?;
    let log = results.join("output.txt");
    fs::write(&log, [output.stdout, output.stderr].concat()).while_trying(format!("write {}", log.display()))?;
    let junit = fs::read_to_string(results.join("junit.xml")).while_trying(format!(
        "read the report of {}; {} has what it said",
        suite.tool(),
        places.print(&log)
    ))?;
    let report = Report::read(&junit);
    report.print(&skips_meant);
    let line = format!("{} ({})", report.figures(), places.print(&results.join("report.html")));
    if report.is_clean(&skips_meant) { Ok(line) } else { Err(Trouble::new(format!("{}: {line}", suite.tool()))) }
}

impl Suite {
    /// What skips itself where a deleted manifest goes into the trash, and still names its blobs there.
    pub(crate) const SKIPS_WITH_TRASH: &'static [&'static str] =
        &["GET request to deleted blob URL should yield 404 response", "/delete/blob-delete"];

    fn tool(self) -> &'static str {
        match self {
            Self::Release => "conformance-1.1.1",
            Self::Head => "conformance-head",
        }
    }

    /// Returns the folder in which a run leaves its reports.
    pub(crate) fn results(self, places: &Places) -> PathBuf {
        places.target().join(self.tool())
    }

    /// Returns the suite's settings: everything on.
    fn environment(self, target: Target<'_>, results: &Path) -> Outcome<Vec<(&'static str, String)>> {
        let results = results.display().to_string();
        let mut settings =
            vec![("OCI_USERNAME", target.user.to_string()), ("OCI_PASSWORD", target.password.to_string())];
        let mut set = |pairs: &[(&'static str, &str)]| {
            settings.extend(pairs.iter().map(|(name, value)| (*name, value.to_string())))
        };
        match self {
            Self::Release => set(&[
                ("OCI_ROOT_URL", target.url),
                ("OCI_NAMESPACE", "conformance/one"),
                ("OCI_CROSSMOUNT_NAMESPACE", "conformance/other"),
                ("OCI_REPORT_DIR", &results),
                ("OCI_TEST_PULL", "1"),
                ("OCI_TEST_PUSH", "1"),
                ("OCI_TEST_CONTENT_DISCOVERY", "1"),
                ("OCI_TEST_CONTENT_MANAGEMENT", "1"),
                ("OCI_AUTOMATIC_CROSSMOUNT", "1"),
                ("OCI_DELETE_MANIFEST_BEFORE_BLOBS", "1"),
                ("OCI_HIDE_SKIPPED_WORKFLOWS", "0"),
            ]),
            Self::Head => {
                let (tls, registry) = match target.url.trim_end_matches('/').split_once("://") {
                    Some(("http", registry)) => ("disabled", registry),
                    // Also with a certificate of one's own.
                    Some(("https", registry)) => ("insecure", registry),
                    _ => return Err(Trouble::new(format!("{} is no address: write http://HOST:PORT", target.url))),
                };
                set(&[
                    ("OCI_REGISTRY", registry),
                    ("OCI_TLS", tls),
                    ("OCI_REPO1", "conformance/first"),
                    ("OCI_REPO2", "conformance/second"),
                    ("OCI_RESULTS_DIR", &results),
                    // What is on its way into the next release is tested too.
                    ("OCI_VERSION", "dev"),
                ]);
                // Sparse images stay off: Gantry refuses a manifest whose content is missing, as the specification allows.
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(suite: Suite, url: &str) -> Outcome<Vec<(&'static str, String)>> {
        suite.environment(Target { url, user: "root", password: "secret" }, Path::new("/results"))
    }

    #[test]
    fn the_head_suite_gets_its_registry_without_a_scheme() {
        let has = |url, name, value: &str| environment(Suite::Head, url).unwrap().contains(&(name, value.to_string()));

        assert!(has("http://127.0.0.1:5000/", "OCI_REGISTRY", "127.0.0.1:5000"));
        assert!(has("http://127.0.0.1:5000", "OCI_TLS", "disabled"));
        assert!(has("https://127.0.0.1:5000", "OCI_TLS", "insecure"));
    }

    #[test]
    fn an_address_without_a_scheme_is_refused_with_an_example() {
        let trouble = environment(Suite::Head, "127.0.0.1:5000").unwrap_err();

        assert_eq!(trouble.to_string(), "127.0.0.1:5000 is no address: write http://HOST:PORT");
    }
}
