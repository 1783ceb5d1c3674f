//! `cargo xtask bench`: brings what is measured and what measures, and has `gantry-bench` do it.

use crate::{
    run, tools,
    trouble::{Outcome, Trouble},
    workspace::Places,
};
use std::{env, path::PathBuf, process::Command};

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Selection {
    /// Only cells whose names begin so; may be given more than once
    #[arg(long, value_name = "CELL")]
    only: Vec<String>,
    /// How often every server is measured
    #[arg(long, value_name = "N")]
    rounds: Option<u8>,
    /// How long each load runs
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// One round of a second: whether it works, not how fast it is
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    quick: bool,
    /// Prints the cells and measures none
    #[arg(long)]
    list: bool,
}

/// Measures, or lists what there is.
///
/// `GANTRY_BIN` names another Gantry than the release build of this checkout, `GANTRY_ZOT` a zot that is not in `PATH`,
/// `GANTRY_TRIVY` a trivy, and `GANTRY_ADVISORIES` the folder of advisories.
///
/// # Errors
/// When a tool cannot be installed, a build fails, or the measurement does.
pub(crate) fn perform(places: &Places, selection: &Selection) -> Outcome<()> {
    let own = env::var_os("GANTRY_BIN").map(PathBuf::from);
    build(places, own.is_none() && !selection.list)?;
    let mut command = Command::new(places.target().join("release/gantry-bench"));
    command.current_dir(&places.root);
    if selection.list {
        return run::run(command.arg("list"));
    }
    command.arg("run").arg("--root").arg(&places.root).arg("--work").arg(places.target().join("bench"));
    command.arg("--gantry").arg(own.clone().unwrap_or_else(|| places.release_binary()));
    for name in ["nginx", "distribution", "wrk", "eatmydata"] {
        command.arg(format!("--{name}")).arg(tools::require(places, name)?);
    }
    for (name, place) in [("zot", "GANTRY_ZOT"), ("trivy", "GANTRY_TRIVY")] {
        if let Some(program) = env::var_os(place).map(PathBuf::from).or_else(|| run::find_program(name)) {
            command.arg(format!("--{name}")).arg(program);
        }
    }
    if let Some(folder) = env::var_os("GANTRY_ADVISORIES") {
        command.arg("--advisories").arg(folder);
    }
    if own.is_none() {
        command.arg("--commit").arg(commit(places)?);
    }
    command.args(arguments(selection));
    run::run(&mut command)
}

/// Names what was built: the commit, with a `+` where sources differ from it. Figures written meanwhile are no difference.
fn commit(places: &Places) -> Outcome<String> {
    let git = |arguments: &[&str]| run::capture(Command::new("git").current_dir(&places.root).args(arguments));
    let changed = git(&["status", "--porcelain", "--", "crates", "Cargo.toml", "Cargo.lock"])?;
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    Ok(format!("{}{}", commit.trim(), if changed.trim().is_empty() { "" } else { "+" }))
}

fn build(places: &Places, with_gantry: bool) -> Outcome<()> {
    let mut command = run::cargo(&places.root);
    command.args(["build", "--release", "--locked", "--package", "gantry-bench"]);
    if with_gantry {
        command.args(["--package", "gantry", "--bin", "gantry", "--bin", "gantry-bench"]);
    }
    run::run(&mut command)?;
    let built = places.target().join("release/gantry-bench");
    if built.is_file() { Ok(()) } else { Err(Trouble::new(format!("cargo built it, but not at {}", built.display()))) }
}

fn arguments(selection: &Selection) -> Vec<String> {
    let mut arguments: Vec<String> =
        selection.only.iter().flat_map(|name| ["--only".to_string(), name.clone()]).collect();
    let (rounds, seconds) = if selection.quick { (Some(1), Some(1)) } else { (selection.rounds, selection.seconds) };
    arguments.extend(rounds.into_iter().flat_map(|rounds| ["--rounds".to_string(), rounds.to_string()]));
    arguments.extend(seconds.into_iter().flat_map(|seconds| ["--seconds".to_string(), seconds.to_string()]));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(quick: bool, rounds: Option<u8>) -> Selection {
        Selection { only: vec!["blob".into()], rounds, seconds: None, quick, list: false }
    }

    #[test]
    fn quick_is_one_round_of_a_second() {
        assert_eq!(arguments(&selection(true, None)), ["--only", "blob", "--rounds", "1", "--seconds", "1"]);
    }

    #[test]
    fn what_is_left_out_is_left_to_the_bench() {
        assert_eq!(arguments(&selection(false, Some(5))), ["--only", "blob", "--rounds", "5"]);
        assert_eq!(arguments(&selection(false, None)), ["--only", "blob"]);
    }
}
