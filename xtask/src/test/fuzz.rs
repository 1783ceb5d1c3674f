//! The fuzz targets, each for a while: long enough to find what is broken, not what is subtle.

use super::{Grounds, Verdict};
use crate::{
    run, tools,
    trouble::{Outcome, Trouble, While},
    workspace,
};
use std::{fs, path::Path, process::Command};

const SECONDS_EACH: u64 = 10;

/// Builds the targets and runs each on its seeds and on what earlier runs have found.
pub(super) fn run(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    let fuzz = grounds.places.root.join("fuzz");
    let program = tools::require(grounds.places, "cargo-fuzz")?;
    let targets = list_targets(&fuzz.join("fuzz_targets"))?;
    if targets.is_empty() {
        return Err(Trouble::new("there is no target in fuzz/fuzz_targets"));
    }
    let cargo_fuzz = || {
        let mut command = Command::new(&program);
        // The sanitizers are there in a stable compiler too, once it is told to allow them.
        command.current_dir(&fuzz).env("RUSTC_BOOTSTRAP", "1").arg("fuzz");
        command
    };
    run::run(cargo_fuzz().args(["build", "--fuzz-dir", "."]))?;
    for target in &targets {
        println!("fuzz {target}");
        let corpus = grounds.places.target().join("fuzz-corpus").join(target);
        fs::create_dir_all(&corpus).while_trying(format!("make {}", corpus.display()))?;
        let mut command = cargo_fuzz();
        command.args(["run", "--fuzz-dir", ".", target]).arg(&corpus);
        let seeds = fuzz.join("seeds").join(target);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command.args(["--", &format!("-max_total_time={SECONDS_EACH}")]);
        // It talks much; what it says matters when it has found something.
        run::capture(&mut command)?;
    }
    Ok(Verdict::Passed(format!("{} targets", targets.len())))
}

fn list_targets(folder: &Path) -> Outcome<Vec<String>> {
    let files = workspace::files_below(folder, "rs")?;
    Ok(files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_string())).collect())
}
