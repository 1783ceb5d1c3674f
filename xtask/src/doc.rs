//! `cargo xtask doc`: pages that are made from what they speak of.

use crate::{
    builds, run,
    trouble::{Outcome, While},
    workspace::Places,
};
use std::{fs, process::Command};

/// A page and the command that prints it.
struct Page {
    file: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
}

/// Every generated page; a new one is a line here.
const PAGES: &[Page] = &[
    Page { file: "docs/configuration.md", package: "gantry", arguments: &["config", "reference"] },
    Page { file: "docs/openapi.json", package: "gantry", arguments: &["openapi"] },
    // From the figures that were measured last; nothing is measured for it.
    Page { file: "docs/benchmarks.md", package: "gantry-bench", arguments: &["page"] },
];

/// Writes every page anew.
///
/// # Errors
/// When what prints it cannot be built or run, or a page cannot be written.
pub(crate) fn perform(places: &Places) -> Outcome<()> {
    for page in PAGES {
        let path = places.root.join(page.file);
        let text = print(places, page)?;
        if fs::read_to_string(&path).is_ok_and(|held| held == text) {
            continue;
        }
        fs::write(&path, text).while_trying(format!("write {}", page.file))?;
        println!("{} written anew", page.file);
    }
    Ok(())
}

/// Returns a sentence for each page that is not what Gantry would write now.
///
/// # Errors
/// When what prints it cannot be built or run.
pub(crate) fn differences(places: &Places) -> Outcome<Vec<String>> {
    let mut differences = Vec::new();
    for page in PAGES {
        let text = print(places, page)?;
        match fs::read_to_string(places.root.join(page.file)) {
            Ok(held) if held == text => {}
            Ok(_) => differences.push(format!("{} is out of date: cargo xtask doc", page.file)),
            Err(cause) => differences.push(format!("{} cannot be read ({cause}): cargo xtask doc", page.file)),
        }
    }
    Ok(differences)
}

fn print(places: &Places, page: &Page) -> Outcome<String> {
    run::capture(Command::new(builds::program(places, page.package)?).current_dir(&places.root).args(page.arguments))
}
