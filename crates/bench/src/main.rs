//! Gantry beside other servers: starts them, loads them in turns, and writes down what came out.
//!
//! `cargo xtask bench` runs it; it installs what this needs and builds Gantry in release form.
//!
//! | file | what |
//! |---|---|
//! | `scenarios.rs`, `scenarios/` | what is measured, and what must be reached: a file each |
//! | `servers.rs`, `servers/` | the servers, how each is configured, a file each; one that runs |
//! | `bench.rs` | a run: rounds, turns, where results go |
//! | `field.rs` | several servers on the same contents, read from in turns |
//! | `load.rs`, `load/` | what makes the load |
//! | `stock.rs`, `world.rs`, `stores.rs`, `filling.rs` | what stores hold, and how they are filled |
//! | `client.rs`, `aws.rs`, `http.rs`, `fixture.rs`, `tls.rs` | a small client, and what it pushes |
//! | `images.rs`, `images/`, `advisories.rs` | images that are scanned, and what is known of flaws |
//! | `trivy.rs` | another scanner |
//! | `policies.rs` | policies of many statements |
//! | `process.rs`, `machine.rs`, `allocations.rs` | what the kernel says, and what the allocator hears |
//! | `report.rs`, `report/` | figures, goals, JSON and page: pure |
#![expect(clippy::disallowed_methods, reason = "measuring needs the machine's own clock, files and processes")]

mod advisories;
mod allocations;
mod aws;
mod bench;
mod client;
mod error;
mod field;
mod filling;
mod fixture;
mod http;
mod images;
mod load;
mod machine;
mod policies;
mod process;
mod report;
mod scenarios;
mod servers;
mod stock;
mod stores;
mod tls;
mod trivy;
mod world;

use bench::{Bench, Options};
use clap::{Args, Parser, Subcommand};
use error::Outcome;
use servers::Programs;
use std::{path::PathBuf, process::ExitCode};

/// Gantry beside other servers
#[derive(Parser)]
#[command(name = "gantry-bench", after_help = "Example:\n  cargo xtask bench --only blob64m --rounds 5")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, and writes docs/benchmarks.json and docs/benchmarks.md
    Run(Box<RunArguments>),
    /// Prints the cells
    List,
    /// Prints docs/benchmarks.md as docs/benchmarks.json makes it
    Page {
        /// The checkout
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

#[derive(Args)]
struct RunArguments {
    /// Only cells whose names begin so; may be given more than once
    #[arg(long, value_name = "CELL")]
    only: Vec<String>,
    /// How often everybody is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// How long each load runs
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// The checkout
    #[arg(long)]
    root: PathBuf,
    /// Where stores are kept and servers run
    #[arg(long)]
    work: PathBuf,
    /// Gantry's commit, for the page
    #[arg(long)]
    commit: Option<String>,
    /// The release build of Gantry
    #[arg(long, env = "GANTRY_BIN")]
    gantry: PathBuf,
    #[arg(long)]
    nginx: PathBuf,
    #[arg(long)]
    distribution: PathBuf,
    /// Where it is left out, what needs it says so
    #[arg(long, env = "GANTRY_ZOT")]
    zot: Option<PathBuf>,
    /// What zot's version is, where it does not know
    #[arg(long, env = "GANTRY_ZOT_VERSION")]
    zot_version: Option<String>,
    /// Where it is left out, what needs it says so
    #[arg(long, env = "GANTRY_TRIVY")]
    trivy: Option<PathBuf>,
    /// What trivy's version is, where it does not know
    #[arg(long, env = "GANTRY_TRIVY_VERSION")]
    trivy_version: Option<String>,
    /// The folder of advisories that images are scanned with, as osv.dev exports it
    #[arg(long, value_name = "DIR", env = "GANTRY_ADVISORIES")]
    advisories: Option<PathBuf>,
    #[arg(long)]
    wrk: PathBuf,
    #[arg(long)]
    eatmydata: PathBuf,
}

fn main() -> ExitCode {
    match perform(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gantry-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command) -> Outcome<()> {
    match command {
        Command::Run(arguments) => scenarios::run(&open(*arguments)?),
        Command::List => {
            scenarios::list();
            Ok(())
        }
        Command::Page { root } => {
            print!("{}", scenarios::page(&root, &scenarios::read_results(&root)?)?);
            Ok(())
        }
    }
}

fn open(arguments: RunArguments) -> Outcome<Bench> {
    let options = Options {
        only: arguments.only,
        rounds: arguments.rounds.into(),
        seconds: arguments.seconds,
        root: arguments.root,
        work: arguments.work,
        commit: arguments.commit,
        zot_version: arguments.zot_version,
        trivy_version: arguments.trivy_version,
        advisories: arguments.advisories,
    };
    let programs = Programs {
        gantry: arguments.gantry,
        nginx: arguments.nginx,
        distribution: arguments.distribution,
        zot: arguments.zot,
        trivy: arguments.trivy,
        wrk: arguments.wrk,
        eatmydata: arguments.eatmydata,
    };
    Bench::new(options, programs)
}
