//! Stages that are cargo's tests.

use super::{Grounds, Verdict, postgres::Postgres, stages};
use crate::{
    builds,
    run::{self, find_program},
    trouble::{Outcome, Trouble},
};
use std::process::Command;

/// Integration tests of one crate, all in its `tests/it`.
pub(super) struct CargoTests {
    /// Which crate.
    pub(super) place: Place,
    /// What their names contain. None means all, of those against the binary all that no other stage runs.
    pub(super) filters: &'static [&'static str],
    /// What the names of those that are left out contain.
    pub(super) skipped: &'static [&'static str],
    /// Where the servers keep their metadata.
    pub(super) database: Database,
    /// What they read from their environment.
    pub(super) environment: &'static [(&'static str, &'static str)],
}

/// Where servers keep their metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    /// In a file of their data folder, where a test says nothing else.
    Sqlite,
    /// In a PostgreSQL that is started for the tests, a database for each data folder.
    Postgresql,
}

/// Where integration tests are that have stages of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In `crates/e2e`; they want the binary.
    AgainstBinary,
    /// In `crates/testkit`; they want to be fast.
    Simulation,
}

impl CargoTests {
    /// Runs them; that there is none is a failure too.
    pub(super) fn run(&self, grounds: &Grounds<'_>) -> Outcome<Verdict> {
        let listed = run::capture(self.command(grounds)?.args(["--list", "--format", "terse"]))?;
        let count = count_tests(&listed);
        if count == 0 {
            return Err(Trouble::new(format!("there is no test named {}", self.filters.join(" or "))));
        }
        let mut command = self.command(grounds)?;
        let postgres = (self.database == Database::Postgresql).then(Postgres::start);
        if let Some(postgres) = &postgres {
            command.env("GANTRY_TEST_POSTGRESQL", postgres.socket_folder());
        }
        let skipped = run::run_noting(SKIPPED, &mut command)?;
        Ok(verdict(count, &skipped))
    }

    fn command(&self, grounds: &Grounds<'_>) -> Outcome<Command> {
        let mut command = match self.place {
            Place::AgainstBinary => against_binary(grounds)?,
            Place::Simulation => builds::simulation(grounds.places)?,
        };
        if self.place == Place::Simulation {
            command.arg("--");
        }
        command.args(self.filters);
        command.args(self.skipped.iter().flat_map(|filter| ["--skip", filter]));
        if self.filters.is_empty() && self.place == Place::AgainstBinary {
            command.args(stages::client_filters().flat_map(|filter| ["--skip", filter]));
        }
        grounds.equip(&mut command);
        command.envs(self.environment.iter().copied());
        Ok(command)
    }
}

/// The program of the tests against the binary, in the folder where cargo would run it.
fn against_binary(grounds: &Grounds<'_>) -> Outcome<Command> {
    let mut command = Command::new(grounds.tests_against_binary()?);
    command.current_dir(grounds.places.root.join("crates/e2e")).arg("--quiet").env("GANTRY_BIN", grounds.binary()?);
    Ok(command)
}

/// Runs the tests of all crates but those against the binary; with nextest where somebody has installed it.
pub(super) fn run_unit(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    let cargo = |words: &[&str]| {
        let mut command = run::cargo(&grounds.places.root);
        grounds.equip(&mut command);
        command.args(words).args(["--locked", "--workspace"]);
        command
    };
    if find_program("cargo-nextest").is_some() {
        run::run_noting(SKIPPED, &mut cargo(&["nextest", "run"]))?;
        run::run_noting(SKIPPED, &mut cargo(&["test", "--quiet", "--doc"]))?;
    } else {
        run::run_noting(SKIPPED, &mut cargo(&["test", "--quiet"]))?;
    }
    Ok(Verdict::Passed(String::new()))
}

/// What a test that lacks something writes to standard error before the reason.
const SKIPPED: &str = "skipped: ";

/// What is said of so many tests, of which some were skipped for these reasons.
fn verdict(count: usize, skipped: &[String]) -> Verdict {
    match skipped.len() {
        0 => Verdict::Passed(format!("{count} tests")),
        skips if skips < count => Verdict::Passed(format!("{count} tests, {skips} skipped: {}", skipped.join("; "))),
        _ => Verdict::Skipped(skipped.join("; ")),
    }
}

/// Counts the lines `name: test` of a list of tests.
fn count_tests(list: &str) -> usize {
    list.lines().filter(|line| line.ends_with(": test")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_never_said_to_have_passed() {
        let why = || "terraform is not in PATH".to_string();

        assert_eq!(verdict(2, &[]), Verdict::Passed("2 tests".into()));
        assert_eq!(verdict(2, &[why()]), Verdict::Passed("2 tests, 1 skipped: terraform is not in PATH".into()));
        assert_eq!(verdict(1, &[why()]), Verdict::Skipped(why()));
    }

    #[test]
    fn only_tests_count_in_a_list_of_tests() {
        assert_eq!(count_tests("docker::pushes: test\ndocker::pulls: test\nspeed: benchmark\n"), 2);
        assert_eq!(count_tests(""), 0);
    }
}
