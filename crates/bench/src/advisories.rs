//! The advisories that images are scanned with, and what packages they speak of.

use crate::{
    bench::Bench,
    error::{BenchError, Outcome, While},
    images::Named,
};
use gantry_scan::{Advisory, Until, feeds::osv};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Returns the folder of advisories, as osv.dev exports it.
///
/// # Errors
/// When none was named.
pub(crate) fn folder(bench: &Bench) -> Outcome<&Path> {
    let missing = || BenchError::Usage("name the folder of advisories with --advisories, or GANTRY_ADVISORIES".into());
    bench.options.advisories.as_deref().ok_or_else(missing)
}

/// Returns a file of all advisories, compiled, that a server imports at once.
///
/// # Errors
/// When they cannot be compiled.
pub(crate) fn compile(bench: &Bench) -> Outcome<PathBuf> {
    let bytes = gantry_findings::compile_folder(folder(bench)?).map_err(|error| failed(&error))?;
    let (scratch, file) = (bench.folder("scratch"), bench.folder("scratch/advisories.gantry"));
    fs::create_dir_all(&scratch).while_trying(format!("make {}", scratch.display()))?;
    fs::write(&file, bytes).while_trying(format!("write {}", file.display()))?;
    Ok(file)
}

/// Reads the records of the ecosystems, those that are in the folder.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn read(bench: &Bench, ecosystems: &[&str], take: &mut dyn FnMut(Advisory)) -> Outcome<()> {
    for ecosystem in ecosystems {
        let path = folder(bench)?.join(ecosystem);
        if path.is_dir() {
            osv::read_path(&path, take).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// Returns so many packages of an ecosystem and release that advisories speak of, each in a version that mends nine of ten of its flaws, as
/// images have them that were made some months ago.
///
/// # Errors
/// When the advisories cannot be read, or speak of fewer.
pub(crate) fn named(bench: &Bench, ecosystem: &str, release: &str, count: usize) -> Outcome<Vec<Named>> {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    read(bench, &[ecosystem], &mut |advisory| {
        for affected in advisory.affected.iter().filter(|affected| affected.source.release() == release) {
            let ranges = affected.ranges.iter().filter_map(|range| match &range.until {
                Until::Fixed(version) => Some(version),
                Until::Open | Until::Last(_) => None,
            });
            if let Some(version) = ranges.chain(&affected.versions).find(|version| *version != "0") {
                known.entry(affected.package.clone()).or_default().push(version.clone());
            }
        }
    })?;
    if known.len() < count {
        return Err(failed(&format!("{ecosystem} speaks of {} packages, and {count} are needed", known.len())));
    }
    let step = known.len() / count;
    let chosen = known.into_iter().step_by(step).take(count);
    let named = |(name, mut versions): (String, Vec<String>)| {
        let version = versions.swap_remove(versions.len() * 9 / 10);
        Named { name, version }
    };
    Ok(chosen.map(named).collect())
}

fn failed(error: &dyn ToString) -> BenchError {
    BenchError::program("the advisories", error.to_string())
}
