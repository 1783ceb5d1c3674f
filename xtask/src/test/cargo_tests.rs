//! Stages that are cargo's tests.

use super::{Grounds, Verdict, stages};
use crate::{
    run::{self, find_program},
    trouble::{Outcome, Trouble},
};
use std::process::Command;

/// Integration tests of one crate, all in its `tests/it`.
pub(super) struct CargoTests {
    /// The crate.
    pub(super) package: &'static str,
    /// What their names contain. None means all, of those against the binary all that no other stage runs.
    pub(super) filters: &'static [&'static str],
    /// What they read from their environment.
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// Whether they want the release binary.
    pub(super) is_against_binary: bool,
}

impl CargoTests {
    /// Runs them; that there is none is a failure too.
    pub(super) fn run(&self, grounds: &Grounds<'_>) -> Outcome<Verdict> {
        let listed = run::capture(self.command(grounds)?.args(["--list", "--format", "terse"]))?;
        let count = count_tests(&listed);
        if count == 0 {
            return Err(Trouble::new(format!(
                "tests/it of {} has no test named {}",
                self.package,
                self.filters.join(" or ")
            )));
        }
        let skipped = run::run_noting(SKIPPED, &mut self.command(grounds)?)?;
        Ok(verdict(count, &skipped))
    }

    fn command(&self, grounds: &Grounds<'_>) -> Outcome<Command> {
        let mut command = run::cargo(&grounds.places.root);
        command.args(["test", "--quiet", "--release", "--locked", "--package", self.package, "--test", "it", "--"]);
        command.args(self.filters);
        if self.filters.is_empty() && self.is_against_binary {
            command.args(stages::client_filters().flat_map(|filter| ["--skip", filter]));
        }
        grounds.equip(&mut command);
        command.envs(self.environment.iter().copied());
        if self.is_against_binary {
            command.env("GANTRY_BIN", grounds.binary()?);
        }
        Ok(command)
    }
}

/// Runs the tests of all crates but those against the binary; with nextest where somebody has installed it.
pub(super) fn run_unit(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    let cargo = |words: &[&str]| {
        let mut command = run::cargo(&grounds.places.root);
        grounds.equip(&mut command);
        command.args(words).args(["--locked", "--workspace", "--exclude", "gantry-e2e"]);
        command
    };
    if find_program("cargo-nextest").is_some() {
        run::run(&mut cargo(&["nextest", "run"]))?;
        run::run(&mut cargo(&["test", "--quiet", "--doc"]))?;
    } else {
        run::run(&mut cargo(&["test", "--quiet"]))?;
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
