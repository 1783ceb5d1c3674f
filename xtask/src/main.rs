//! The project's own commands: `cargo xtask check`, `test`, `bench`, `tools`, `conformance`, `codegen`, `doc`.
//!
//! What a developer types, continuous integration types too. A command is a file, with a folder of the same name for its
//! parts; `run`, `trouble`, `workspace` and `launcher` are what several of them use. Nothing here goes into Gantry.

mod bench;
mod builds;
mod check;
mod codegen;
mod conformance;
mod doc;
mod launcher;
mod run;
mod test;
mod tools;
mod trouble;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use trouble::Outcome;
use workspace::Places;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = "Example:\n  cargo xtask test --quick")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks form, lints, walls, lengths, generated pages and licences: a minute once it is built
    #[command(after_help = "Example:\n  cargo xtask check --fix")]
    Check {
        /// Rewrites what can be mended so: form, the table of crates, generated pages
        #[arg(long)]
        fix: bool,
    },
    /// Tests everything, stage by stage, and ends with `N passed, N failed`
    #[command(after_help = "Example:\n  cargo xtask test --only unit --only conformance")]
    Test {
        /// Leaves out what takes minutes
        #[arg(long)]
        quick: bool,
        /// Runs only the stages whose names begin so; may be given more than once
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// Prints the stages and runs none
        #[arg(long)]
        list: bool,
    },
    /// Measures Gantry beside other servers and writes docs/benchmarks.md
    #[command(
        after_help = "Example:\n  cargo xtask bench --only blob64m --rounds 5\n\nzot and trivy are taken from PATH, or from where GANTRY_ZOT and GANTRY_TRIVY say. GANTRY_ADVISORIES names the folder of advisories that images are scanned with."
    )]
    Bench(bench::Selection),
    /// Installs what the tests need, each at its version, into ~/.cache/gantry-tools (or $GANTRY_TOOLS)
    #[command(after_help = "Example:\n  cargo xtask tools crane regctl")]
    Tools {
        /// The tools to install; all of them when none is named
        names: Vec<String>,
    },
    /// Runs the official OCI conformance suites against a running server
    #[command(
        after_help = "Example:\n  cargo xtask conformance --url http://127.0.0.1:5000 --user AKIA… --password …\n\nThe server must create repositories on push (GANTRY_CREATE_ON_PUSH=true)\nand delete at once (GANTRY_TRASH__KEEP=0s)."
    )]
    Conformance {
        /// One suite; both when it is left out
        #[arg(long)]
        suite: Option<conformance::Suite>,
        /// Where the server listens
        #[arg(long, default_value = "http://127.0.0.1:5000")]
        url: String,
        /// Who may push, pull and delete below `conformance/`
        #[arg(long, env = "GANTRY_ROOT_ACCESS_KEY_ID")]
        user: String,
        /// His password
        #[arg(long, env = "GANTRY_ROOT_SECRET_ACCESS_KEY", hide_env_values = true)]
        password: String,
    },
    /// Writes the types of the ECR API anew from the service model of the tool `python-aws`
    #[command(after_help = "Example:\n  cargo xtask codegen")]
    Codegen,
    /// Writes the pages anew that Gantry writes of itself
    #[command(after_help = "Example:\n  cargo xtask doc")]
    Doc,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Places::find().and_then(|places| perform(&places, arguments.command)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("xtask: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked; false when it has already said what is wrong.
fn perform(places: &Places, command: Command) -> Outcome<bool> {
    match command {
        Command::Check { fix } => check::perform(places, if fix { check::Mode::Fix } else { check::Mode::Look })?,
        Command::Test { list: true, .. } => test::list(),
        Command::Test { quick, only, list: false } => return test::perform(places, &test::Selection { quick, only }),
        Command::Bench(selection) => bench::perform(places, &selection)?,
        Command::Tools { names } => tools::perform(places, &names)?,
        Command::Conformance { suite, url, user, password } => {
            let target = conformance::Target { url: &url, user: &user, password: &password };
            let both = [conformance::Suite::Release, conformance::Suite::Head];
            let chosen = both.into_iter().filter(|one| suite.is_none_or(|wanted| wanted == *one));
            // Both are run also when the first finds something.
            let outcomes: Vec<_> = chosen.map(|suite| conformance::perform(places, suite, target, &[])).collect();
            for figures in outcomes {
                println!("{}", figures?);
            }
        }
        Command::Codegen => codegen::perform(places)?,
        Command::Doc => doc::perform(places)?,
    }
    Ok(true)
}
