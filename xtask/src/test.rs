//! `cargo xtask test`: everything that is tested, stage by stage, with a table at the end.

mod cargo_tests;
mod fuzz;
mod packaging;
#[path = "../../crates/e2e/src/postgres.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests against the binary use all of it, from outside")]
mod postgres;
mod stages;
mod summary;

use crate::{
    builds,
    conformance::Suite,
    launcher::{self, Server},
    run::{self, Stopwatch, print_duration},
    trouble::{Outcome, Trouble, While},
    workspace::Places,
};
use stages::{STAGES, Stage};
use std::{cell::OnceCell, fs, io, path::PathBuf, process::Command, thread};
use summary::{Line, Summary, Verdict};

/// What of it all is run.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only what takes no minutes once it is built.
    pub(crate) quick: bool,
    /// Only the stages whose names begin so; all when there are none.
    pub(crate) only: Vec<String>,
}

/// What the stages share.
pub(crate) struct Grounds<'a> {
    places: &'a Places,
    binary: OnceCell<PathBuf>,
    tests_against_binary: OnceCell<PathBuf>,
}

/// Prints the stages there are, with what each is for.
pub(crate) fn list() {
    for stage in STAGES {
        println!("{:<18} {}{}", stage.name, stage.about, if stage.is_quick { " (also with --quick)" } else { "" });
    }
}

/// Runs the stages, each also after one has failed, ends with how many passed and failed, and tells whether none failed.
///
/// # Errors
/// When no stage has a name asked for.
pub(crate) fn perform(places: &Places, selection: &Selection) -> Outcome<bool> {
    let chosen = choose(STAGES, selection)?;
    let names: Vec<_> = chosen.iter().map(|stage| stage.name).collect();
    tell(&format!("stages: {}", names.join(", ")));
    let grounds = Grounds { places, binary: OnceCell::new(), tests_against_binary: OnceCell::new() };
    let mut summary = Summary::default();
    thread::scope(|scope| {
        // There are stretches in which a processor is idle, while things are checked and while tests wait: what is built for later
        // stages is built in them.
        let is_long = names.contains(&"unit");
        if is_long && names.contains(&"build") {
            scope.spawn(|| builds::binary_ahead(places));
        }
        for stage in chosen {
            tell(&format!("\n=== {}: {}", stage.name, stage.about));
            let watch = Stopwatch::start();
            let verdict = stage.run(&grounds).unwrap_or_else(|trouble| Verdict::Failed(trouble.to_string()));
            let line = Line { stage: stage.name, verdict, duration: watch.elapsed() };
            tell(&format!("--- {}: {} ({})", line.stage, line.verdict, print_duration(line.duration)));
            summary.0.push(line);
            if is_long && stage.name == "build" && names.contains(&"fuzz") {
                scope.spawn(|| fuzz::build_ahead(places));
            }
        }
    });
    if summary.has_failed() {
        tell("\nsome stages failed; `cargo xtask test --only STAGE` runs one again");
    }
    // Continuous integration reads the last line: nothing may follow it.
    tell(&format!("\n{summary}"));
    Ok(!summary.has_failed())
}

/// Says something, whether or not somebody still listens.
fn tell(line: &str) {
    run::say(&mut io::stdout(), line);
}

fn choose<'a>(stages: &'a [Stage], selection: &Selection) -> Outcome<Vec<&'a Stage>> {
    let is_named = |stage: &&Stage| {
        selection.only.is_empty() || selection.only.iter().any(|name| stage.name.starts_with(name.as_str()))
    };
    if let Some(name) =
        selection.only.iter().find(|name| !stages.iter().any(|stage| stage.name.starts_with(name.as_str())))
    {
        return Err(Trouble::new(format!("no stage is named {name}; `cargo xtask test --list` shows them")));
    }
    Ok(stages.iter().filter(|stage| stage.is_quick || !selection.quick).filter(is_named).collect())
}

impl Grounds<'_> {
    /// Returns the binary that is tested, built when it is first asked for.
    fn binary(&self) -> Outcome<&PathBuf> {
        get_or_try(&self.binary, || builds::binary(self.places))
    }

    /// Returns the program of the tests against it, built when it is first asked for.
    fn tests_against_binary(&self) -> Outcome<&PathBuf> {
        get_or_try(&self.tests_against_binary, || builds::tests_against_binary(self.places))
    }

    /// Gives a command what tests against the binary look for.
    fn equip(&self, command: &mut Command) {
        command.env("GANTRY_TOOLS", &self.places.tools).env("PATH", run::path_with(&self.places.tools));
        command.env("GANTRY_SHARED", &self.places.shared);
    }

    /// Starts the binary with these settings in a folder that goes with the answer.
    fn serve(&self, settings: &[(&str, &str)]) -> Outcome<(tempfile::TempDir, Server)> {
        let folder =
            tempfile::Builder::new().prefix("gantry-test-").tempdir().while_trying("make a temporary folder")?;
        let settings = [&[("GANTRY_CREATE_ON_PUSH", "true")], settings].concat();
        let server = Server::start(self.binary()?, &folder.path().join("data"), &settings).map_err(Trouble::new)?;
        Ok((folder, server))
    }
}

fn get_or_try<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Outcome<T>) -> Outcome<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = make()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}

/// The suites delete manifests and then their blobs, which the trash would keep from them.
const WITHOUT_TRASH: (&str, &str) = ("GANTRY_TRASH__KEEP", "0s");

/// Runs a conformance suite against the binary, with settings under which it skips nothing that it can test.
fn conform(grounds: &Grounds<'_>, suite: Suite) -> Outcome<Verdict> {
    conform_with(grounds, suite, &[WITHOUT_TRASH], &[])
}

/// Runs both suites against the binary as it comes: in the trash a manifest still names its blobs.
fn conform_as_it_comes(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    conform_with(grounds, Suite::Release, &[], Suite::SKIPS_WITH_TRASH)?;
    conform_with(grounds, Suite::Head, &[], Suite::SKIPS_WITH_TRASH)
}

/// Runs both suites against the binary on PostgreSQL.
fn conform_on_postgresql(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    let postgres = postgres::Postgres::start();
    let url = |name| postgres::create_database(postgres.socket_folder(), name);
    let on = |url: &str, suite| conform_with(grounds, suite, &[WITHOUT_TRASH, ("GANTRY_DATABASE__URL", url)], &[]);
    on(&url("release"), Suite::Release)?;
    on(&url("head"), Suite::Head)
}

fn conform_with(
    grounds: &Grounds<'_>,
    suite: Suite,
    settings: &[(&str, &str)],
    skips_meant: &[&str],
) -> Outcome<Verdict> {
    let (_folder, server) = grounds.serve(settings)?;
    let target = crate::conformance::Target { url: server.url(), user: launcher::USER, password: launcher::PASSWORD };
    let figures = crate::conformance::perform(grounds.places, suite, target, skips_meant);
    let log = suite.results(grounds.places).join("server.txt");
    fs::write(&log, server.output()).while_trying(format!("write {}", log.display()))?;
    let figures = figures?;
    server.stop().map_err(Trouble::new)?;
    Ok(Verdict::Passed(figures))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(quick: bool, only: &[&str]) -> Outcome<Vec<&'static str>> {
        let selection = Selection { quick, only: only.iter().map(ToString::to_string).collect() };
        Ok(choose(STAGES, &selection)?.iter().map(|stage| stage.name).collect())
    }

    #[test]
    fn all_stages_are_run_unless_told_otherwise() {
        assert_eq!(chosen(false, &[]).unwrap().len(), STAGES.len());
    }

    #[test]
    fn quick_leaves_out_what_takes_minutes() {
        assert_eq!(chosen(true, &[]).unwrap(), ["check", "unit"]);
    }

    #[test]
    fn stages_are_picked_by_the_beginning_of_their_names() {
        assert_eq!(
            chosen(false, &["conf", "crane"]).unwrap(),
            ["conformance-1.1.1", "conformance-head", "conformance-as-it-comes", "conformance-postgresql", "crane"]
        );
    }

    #[test]
    fn an_unknown_stage_is_refused() {
        let trouble = chosen(false, &["unit", "cranes"]).unwrap_err();

        assert_eq!(trouble.to_string(), "no stage is named cranes; `cargo xtask test --list` shows them");
    }
}
