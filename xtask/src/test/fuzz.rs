//! The fuzz targets, each for a while: long enough to find what is broken, not what is subtle.

use super::{Grounds, Verdict};
use crate::{
    run, tools,
    trouble::{Outcome, Trouble, While},
    workspace::{self, Places},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

const SECONDS_EACH: u64 = 6;
/// So many run side by side.
const AT_ONCE: usize = 2;

/// What every run of a target needs.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
    /// What earlier runs have found, a folder for each target.
    corpus: PathBuf,
}

/// Builds the targets ahead of the stage, which waits for it, and says why it failed.
pub(super) fn build_ahead(places: &Places) {
    if let Ok(bench) = Bench::set_up(places) {
        let _ = run::in_idle_time(&bench.build()).status();
    }
}

/// Builds the targets and runs each on its seeds and on what earlier runs have found.
pub(super) fn run(grounds: &Grounds<'_>) -> Outcome<Verdict> {
    let bench = Bench::set_up(grounds.places)?;
    let targets = list_targets(&bench.folder.join("fuzz_targets"))?;
    if targets.is_empty() {
        return Err(Trouble::new("there is no target in fuzz/fuzz_targets"));
    }
    run::run(&mut bench.build())?;
    let troubles = side_by_side(AT_ONCE, &targets, |target| bench.run(target));
    if troubles.is_empty() {
        return Ok(Verdict::Passed(format!("{} targets", targets.len())));
    }
    Err(Trouble::new(troubles.iter().map(Trouble::to_string).collect::<Vec<_>>().join("\n")))
}

impl Bench {
    fn set_up(places: &Places) -> Outcome<Self> {
        Ok(Bench {
            program: tools::require(places, "cargo-fuzz")?,
            folder: places.root.join("fuzz"),
            corpus: places.target().join("fuzz-corpus"),
        })
    }

    fn build(&self) -> Command {
        let mut command = self.cargo_fuzz("build");
        command.arg(".");
        command
    }

    /// A command of cargo-fuzz, up to the folder of the targets.
    ///
    /// No sanitizer: what is fuzzed is safe Rust, and the libraries in C would not be instrumented. So more inputs are tried in the
    /// same time, and what is built once more here is built sooner; so it is in many units.
    fn cargo_fuzz(&self, word: &str) -> Command {
        let mut command = Command::new(&self.program);
        // A stable compiler has what fuzzing needs, once it is told to allow it.
        command.current_dir(&self.folder).env("RUSTC_BOOTSTRAP", "1").args(["fuzz", word]);
        command.args(["--sanitizer", "none", "--codegen-units", "16", "--fuzz-dir"]);
        command
    }

    fn run(&self, target: &String) -> Outcome<()> {
        run::say(&mut io::stdout(), &format!("fuzz {target}"));
        let corpus = self.corpus.join(target);
        fs::create_dir_all(&corpus).while_trying(format!("make {}", corpus.display()))?;
        let mut command = self.cargo_fuzz("run");
        command.args([".", target]).arg(&corpus);
        let seeds = self.folder.join("seeds").join(target);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command.args(["--", &format!("-max_total_time={SECONDS_EACH}")]);
        // It talks much; what it says matters when it has found something.
        run::capture(&mut command).map(drop)
    }
}

/// Does `work` to each item, to so many at a time, also after one has failed. Returns what went wrong.
fn side_by_side<T: Sync>(at_once: usize, items: &[T], work: impl Fn(&T) -> Outcome<()> + Sync) -> Vec<Trouble> {
    let waiting = Mutex::new(items.iter());
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let toil = || std::iter::from_fn(take).filter_map(|item| work(item).err()).collect::<Vec<_>>();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(toil)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker does not panic")).collect()
    })
}

fn list_targets(folder: &Path) -> Outcome<Vec<String>> {
    let files = workspace::files_below(folder, "rs")?;
    Ok(files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_string())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    #[test]
    fn every_item_is_worked_on_once_also_after_one_has_failed() {
        let sum = AtomicU32::new(0);

        let troubles = side_by_side(2, &[1, 2, 4, 8, 16], |number| {
            sum.fetch_add(*number, Relaxed);
            if number % 3 == 1 { Err(Trouble::new(format!("{number} failed"))) } else { Ok(()) }
        });

        let mut told: Vec<String> = troubles.iter().map(Trouble::to_string).collect();
        told.sort();
        assert_eq!((sum.into_inner(), told), (31, vec!["1 failed".into(), "16 failed".into(), "4 failed".into()]));
    }
}
