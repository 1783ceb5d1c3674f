mod explain;
mod forecast;
mod run;
mod simulate;
mod status;

#[cfg(test)]
mod tests;

use crate::output::{Cell, Exit, Failure, Table, Tone};
use explain::ExplainCommand;
use forecast::ForecastCommand;
use gantry_rest::LifecycleStatusDocument;
use gantry_words::ByteCount;
use run::RunCommand;
use simulate::SimulateCommand;
use status::StatusCommand;
use std::io::Write;

/// Run lifecycle policies, ask what they do and will do, and try new ones
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry lifecycle explain team/app:v1")]
pub(crate) struct LifecycleCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Explain(ExplainCommand),
    Forecast(ForecastCommand),
    Run(RunCommand),
    Simulate(SimulateCommand),
    Status(StatusCommand),
}

impl LifecycleCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Explain(command) => command.run(),
            What::Forecast(command) => command.run(),
            What::Run(command) => command.run(),
            What::Simulate(command) => command.run(),
            What::Status(command) => command.run(),
        }
    }
}

/// Where the server has a repository.
fn repository_path(name: &str) -> Result<String, Failure> {
    if name.is_empty() || name.contains([':', '@', '?', '#', '%', ' ']) {
        return Err(Failure::usage(format!("{name:?} names no repository"), "Write a repository as team/app"));
    }
    Ok(format!("/api/v1/repositories/{name}"))
}

/// Prints on standard error what the author of a policy may not have meant.
fn warn(warnings: &[String]) {
    for warning in warnings {
        // Nobody is left to be told where standard error is closed.
        let _ = writeln!(std::io::stderr(), "gantry: warning: {warning}.");
    }
}

/// A table of facts, one a line.
fn facts(lines: &[(&'static str, String)]) -> Table {
    let mut table = Table::new(["WHAT", "IS"]);
    for (name, value) in lines {
        table.row([(*name).into(), names(std::slice::from_ref(value))]);
    }
    table
}

fn last_run(status: &LifecycleStatusDocument) -> Vec<(&'static str, String)> {
    let mut lines = match &status.last_run {
        None => vec![("last run", "never".to_string())],
        Some(run) => {
            let what = match &run.reason {
                Some(reason) => format!("{}: {reason}", run.outcome),
                None => format!(
                    "{}: expired {} of {}, {}",
                    run.outcome,
                    images(run.expired),
                    run.images,
                    size(run.expired_bytes)
                ),
            };
            vec![("last run", format!("{} by {}", run.began_at, run.by)), ("result", what)]
        }
    };
    let next = status.next_run_at.clone();
    lines.push(("next run", next.unwrap_or_else(|| "never: the repository has no lifecycle policy".into())));
    lines
}

fn names(names: &[String]) -> Cell {
    let text = names.join(", ");
    if text.is_empty() { Cell::toned("-", Tone::Faint) } else { text.into() }
}

fn images(count: u64) -> String {
    if count == 1 { "1 image".into() } else { format!("{count} images") }
}

fn size(bytes: u64) -> String {
    ByteCount::bytes(bytes).rounded()
}
