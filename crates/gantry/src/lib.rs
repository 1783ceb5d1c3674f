//! Gantry: a container registry and the system that manages it, in one program.
//!
//! | file | what |
//! |---|---|
//! | `cli.rs`, `command/` | the commands, a file each |
//! | `house.rs` | every room of the program, opened once |
//! | `data_folder.rs` | the data folder, its lock, the root credentials |
//! | `config/` | settings: where they come from, what is wrong with them |
//! | `output/`, `terminal.rs` | what people see; what they are asked |
//! | `remote.rs`, `credentials.rs` | a running server, as the commands that talk to one see it; who talks to it |
//! | `agent.rs`, `trace.rs` | the HTTP client of both; the export of spans |
//! | `greeting.rs`, `log.rs`, `figures.rs`, `process.rs` | what a server says: at its start, in its log, in its metrics |
//!
//! `main.rs` only calls [`run`]: as a library it can be fuzzed.

mod agent;
mod audit_files;
mod blob_keys;
mod cli;
mod command;
mod config;
mod credentials;
mod data_folder;
mod figures;
mod greeting;
mod house;
mod ldap_logins;
mod log;
mod master_key;
mod output;
mod process;
mod remote;
mod store_lock;
mod terminal;
mod trace;

use clap::Parser;
pub use config::read_configuration;
use std::process::ExitCode;

/// Does what the command line says.
pub fn run() -> ExitCode {
    let exit = cli::Cli::parse().run().unwrap_or_else(|failure| failure.report());
    exit.into()
}
