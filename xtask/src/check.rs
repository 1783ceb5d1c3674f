//! `cargo xtask check`: what must hold before anything is tested: form, lints, walls, lengths, generated pages, licences.

mod deny;
mod floors;
mod housekeeping;
mod manifests;
mod sources;
mod table;
mod threats;

use crate::{
    codegen, doc, run,
    trouble::{Outcome, Trouble, While},
    workspace::{self, Places},
};
use manifests::Crate;
use sources::Finding;
use std::fs;

/// Whether what can be mended by rewriting files is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Files are looked at only.
    Look,
    /// Form, the table of crates and generated pages are rewritten.
    Fix,
}

type Step = (&'static str, fn(&Places, Mode) -> Outcome<()>);

/// In the order of their patience: what answers at once comes first.
const STEPS: &[Step] = &[
    ("walls", check_walls),
    ("table of crates", check_table),
    ("sources", check_sources),
    ("acts without a trail", check_housekeeping),
    ("threats", check_threats),
    ("service model", check_model),
    ("rustfmt", check_form),
    ("clippy", check_lints),
    ("generated pages", check_pages),
    ("licences and advisories", |places, _| deny::check(places)),
];

/// Does every step, also after one has failed, and prints what is wrong.
///
/// # Errors
/// When anything is; the sentence names the steps.
pub(crate) fn perform(places: &Places, mode: Mode) -> Outcome<()> {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        let watch = run::Stopwatch::start();
        let outcome = step(places, mode);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("check {name}: {verdict} ({})", run::print_duration(watch.elapsed()));
        if let Err(trouble) = outcome {
            eprintln!("{trouble}");
            failed.push(*name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Trouble::new(format!("check found something: {}", failed.join(", ")))) }
}

/// Makes one trouble of many sentences, or none of none.
fn all_well(complaints: impl IntoIterator<Item = String>) -> Outcome<()> {
    let complaints: Vec<_> = complaints.into_iter().collect();
    if complaints.is_empty() { Ok(()) } else { Err(Trouble::new(complaints.join("\n"))) }
}

fn read_crates(places: &Places) -> Outcome<Vec<Crate>> {
    Ok(manifests::read(&workspace::cargo_metadata(&places.root, true)?))
}

fn check_walls(places: &Places, _mode: Mode) -> Outcome<()> {
    all_well(floors::check(&read_crates(places)?))
}

fn check_table(places: &Places, mode: Mode) -> Outcome<()> {
    let path = places.root.join("ARCHITECTURE.md");
    let page = fs::read_to_string(&path).while_trying("read ARCHITECTURE.md")?;
    let right = table::rewrite(&page, &read_crates(places)?)
        .map_err(|error| Trouble::new(format!("ARCHITECTURE.md: {error}")))?;
    match mode {
        _ if right == page => Ok(()),
        Mode::Fix => fs::write(&path, right).while_trying("write ARCHITECTURE.md"),
        Mode::Look => Err(Trouble::new(
            "the table of crates in ARCHITECTURE.md is not what the manifests say: cargo xtask check --fix",
        )),
    }
}

fn check_sources(places: &Places, _mode: Mode) -> Outcome<()> {
    let mut broken = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        for path in workspace::files_below(&places.root.join(folder), "rs")? {
            let name = places.print(&path).to_string();
            let text = fs::read_to_string(&path).while_trying(format!("read {name}"))?;
            for finding in sources::look_through(&name, &text) {
                match finding {
                    Finding::Broken(sentence) => broken.push(sentence),
                    Finding::Warning(sentence) => println!("warning: {sentence}"),
                }
            }
        }
    }
    all_well(broken)
}

fn check_housekeeping(places: &Places, _mode: Mode) -> Outcome<()> {
    let mut acts = Vec::new();
    for path in workspace::files_below(&places.root.join("crates"), "rs")? {
        let name = places.print(&path).to_string();
        // Metadata has acts of its own only to be tested with, and examples are no part of the program.
        if !name.starts_with("crates/metadata/") && !name.contains("/examples/") {
            acts.extend(housekeeping::acts(&fs::read_to_string(&path).while_trying(format!("read {name}"))?));
        }
    }
    let list = fs::read_to_string(places.root.join(housekeeping::LIST));
    all_well(housekeeping::differences(&list.while_trying(format!("read {}", housekeeping::LIST))?, acts))
}

fn check_threats(places: &Places, _mode: Mode) -> Outcome<()> {
    let mut functions = Vec::new();
    for path in workspace::files_below(&places.root.join("crates"), "rs")? {
        let text = fs::read_to_string(&path).while_trying(format!("read {}", places.print(&path)))?;
        functions.extend(threats::functions(&text));
    }
    functions.sort();
    let page = fs::read_to_string(places.root.join(threats::PAGE));
    all_well(threats::wrong(&page.while_trying(format!("read {}", threats::PAGE))?, &functions))
}

fn check_model(places: &Places, mode: Mode) -> Outcome<()> {
    match mode {
        Mode::Look => all_well(codegen::differences(places)?),
        Mode::Fix => codegen::perform(places),
    }
}

fn check_form(places: &Places, mode: Mode) -> Outcome<()> {
    let mut astray = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut command = run::cargo(&places.root);
        command.args(["fmt", "--all", "--manifest-path", manifest]);
        match mode {
            Mode::Fix => run::run(&mut command)?,
            // The names say enough: --fix knows the rest.
            Mode::Look => astray.extend(run::capture(command.args(["--check", "--", "-l"])).err()),
        }
    }
    all_well(astray.into_iter().map(|trouble| format!("not formatted: cargo xtask check --fix\n{trouble}")))
}

fn check_lints(places: &Places, _mode: Mode) -> Outcome<()> {
    // The tests against the binary are no target of all: they are run by stages of their own.
    for targets in [&["--all-targets"][..], &["--test", "it"]] {
        let mut command = run::cargo(&places.root);
        command.args(["clippy", "--quiet", "--workspace", "--locked", "--keep-going"]).args(targets);
        run::run(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn check_pages(places: &Places, mode: Mode) -> Outcome<()> {
    match mode {
        Mode::Look => all_well(doc::differences(places)?),
        Mode::Fix => doc::perform(places),
    }
}
