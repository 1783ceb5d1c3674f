//! What is measured: a file each below `scenarios/`, and a line in [`SCENARIOS`].

mod access;
mod blobs;
mod clients;
mod collection;
mod decisions;
mod ecr;
mod imports;
mod lifecycle_runs;
mod manifest_pushes;
mod manifests;
mod million;
mod pages;
mod pushes;
mod scanning;
mod scanning_cold;
mod scanning_matching;
mod scanning_pushed;
mod scanning_served;
mod scanning_store;
mod sealed;
mod search;
mod start;
mod tls;

use crate::{
    bench::{Bench, is_chosen},
    error::{BenchError, Outcome, While},
    report::{Cell, Group, Results, rewrite},
    servers::KINDS,
    trivy,
};
use std::{fs, path::Path};

/// Cells that need the same grounds.
pub(crate) struct Scenario {
    /// The heading on the page.
    pub(crate) about: &'static str,
    /// Its cells.
    pub(crate) cells: fn() -> Vec<Cell>,
    /// Measures some of its cells.
    pub(crate) run: fn(&Bench, &[Cell]) -> Outcome<()>,
}

/// Every scenario, in the order of the page.
pub(crate) const SCENARIOS: &[Scenario] = &[
    blobs::SCENARIO,
    tls::SCENARIO,
    sealed::SCENARIO,
    manifests::SCENARIO,
    access::SCENARIO,
    pages::SCENARIO,
    pushes::SCENARIO,
    manifest_pushes::SCENARIO,
    million::SCENARIO,
    start::SCENARIO,
    clients::SCENARIO,
    collection::SCENARIO,
    ecr::SCENARIO,
    search::SCENARIO,
    imports::SCENARIO,
    lifecycle_runs::SCENARIO,
    decisions::SCENARIO,
    scanning_cold::SCENARIO,
    scanning_pushed::SCENARIO,
    scanning_matching::SCENARIO,
    scanning_served::SCENARIO,
];

const JSON: &str = "docs/benchmarks.json";
const PAGE: &str = "docs/benchmarks.md";

/// Measures all cells that were asked for.
///
/// # Errors
/// When no cell has a name asked for, or a scenario could not be run: the others are, and what they gave is kept.
pub(crate) fn run(bench: &Bench) -> Outcome<()> {
    let all: Vec<Cell> = SCENARIOS.iter().flat_map(|scenario| (scenario.cells)()).collect();
    let only = &bench.options.only;
    if let Some(name) = only.iter().find(|name| !all.iter().any(|cell| is_chosen(&cell.name, &[(*name).clone()]))) {
        return Err(BenchError::Usage(format!("no cell is named {name}; --list shows them")));
    }
    let mut failed = Vec::new();
    for scenario in SCENARIOS {
        let wanted: Vec<Cell> = (scenario.cells)().into_iter().filter(|cell| bench.is_wanted(cell)).collect();
        if !wanted.is_empty() {
            bench.say(&format!("— {}", scenario.about));
            if let Err(error) = (scenario.run)(bench, &wanted) {
                bench.say(&format!("{error}"));
                failed.push(scenario.about);
            }
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(BenchError::Usage(format!("not measured: {}", failed.join("; ")))),
    }
}

/// Prints the cells there are.
pub(crate) fn list() {
    for scenario in SCENARIOS {
        println!("{}", scenario.about);
        for cell in (scenario.cells)() {
            println!("  {:<26} {}", cell.name, cell.title);
        }
    }
}

/// Reads what was measured before.
///
/// # Errors
/// When the file is there, and holds something else.
pub(crate) fn read_results(root: &Path) -> Outcome<Results> {
    let text = match fs::read_to_string(root.join(JSON)) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.while_trying(format!("read {JSON}"))?,
    };
    Results::read(&text).map_err(|error| BenchError::program(JSON, error))
}

/// Writes results, and the page that shows them.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn write_results(root: &Path, results: &Results) -> Outcome<()> {
    fs::write(root.join(JSON), results.print()).while_trying(format!("write {JSON}"))?;
    fs::write(root.join(PAGE), page(root, results)?).while_trying(format!("write {PAGE}"))
}

/// Returns the page as these results make it.
///
/// # Errors
/// When the page is not there, or has no place for its tables.
pub(crate) fn page(root: &Path, results: &Results) -> Outcome<String> {
    let old = fs::read_to_string(root.join(PAGE)).while_trying(format!("read {PAGE}"))?;
    let group = |scenario: &Scenario| Group { about: scenario.about.into(), cells: (scenario.cells)() };
    let groups: Vec<Group> = SCENARIOS.iter().map(group).collect();
    let programs = KINDS.iter().map(|kind| (kind.name, kind.about));
    let servers: Vec<_> = programs.chain([(trivy::NAME, trivy::ABOUT)]).collect();
    rewrite(&old, &groups, results, &servers).map_err(|error| BenchError::program(PAGE, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Against;
    use std::collections::BTreeSet;

    fn all() -> Vec<Cell> {
        SCENARIOS.iter().flat_map(|scenario| (scenario.cells)()).collect()
    }

    #[test]
    fn no_two_cells_share_a_name() {
        let names: BTreeSet<_> = all().into_iter().map(|cell| cell.name).collect();

        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn goals_compare_only_those_who_are_measured() {
        for cell in all() {
            for goal in &cell.goals {
                let others: &[&str] = match &goal.against {
                    Against::One(name) => &[name],
                    Against::Best(names) => names,
                    Against::Nothing => &[],
                };
                for name in others.iter().chain([&goal.of]) {
                    assert!(cell.contenders.contains(name), "{}: {name}", cell.name);
                }
            }
        }
    }
}
