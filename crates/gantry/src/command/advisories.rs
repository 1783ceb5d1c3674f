use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    scanning,
};
use gantry_env::Env;
use gantry_findings::{ADVISORIES_FILE, Advisories};
use gantry_scan::{Knowledge, KnowledgeError};
use gantry_words::Timestamp;
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// Days after which advisories are called stale.
const STALE_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Advisories: what is known of flaws in packages, always kept locally
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories status --data-dir ./data")]
pub(crate) struct AdvisoriesCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Import(ImportCommand),
    Export(ExportCommand),
    Status(StatusCommand),
}

/// Bring in a folder of advisories, or a file that another Gantry exported; a running server takes them within a second
///
/// The folder is as osv.dev exports it: a folder per ecosystem with `all.zip`. It is compiled into one file, which replaces
/// what was there. A feed that is broken is refused whole, and what was there stays.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories import ./advisories --data-dir ./data")]
struct ImportCommand {
    /// A folder of advisories, or an exported file
    path: PathBuf,
    #[command(flatten)]
    data: DataFlags,
}

/// Write the advisories into a file that another Gantry imports: one file for a site without a network
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories export ./advisories.gantry --data-dir ./data")]
struct ExportCommand {
    /// The file to write
    path: PathBuf,
    #[command(flatten)]
    data: DataFlags,
}

/// Say which advisories there are, and how old; exit code 1 where some are older than a week
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories status --data-dir ./data --output json")]
struct StatusCommand {
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

impl AdvisoriesCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.verb {
            Verb::Import(command) => command.run(),
            Verb::Export(command) => command.run(),
            Verb::Status(command) => command.run(),
        }
    }
}

/// Where a data folder keeps its advisories.
fn folder(data: &DataFlags) -> Result<PathBuf, Failure> {
    Ok(super::tool::read_config(&ConfigFlags::from(data))?.data_dir)
}

impl ImportCommand {
    fn run(self) -> Result<Exit, Failure> {
        let advisories = Advisories::of(&folder(&self.data)?);
        let fail = |error: String| {
            let problem = format!("{} cannot be imported, and nothing has changed: {error}", self.path.display());
            Failure::failed(
                problem,
                "Give a folder with the all.zip of each ecosystem, or a file made by `gantry advisories export`",
            )
        };
        let bytes = match self.path.is_dir() {
            true => scanning::compile_folder(&self.path).map_err(|error| fail(error.to_string()))?,
            false => std::fs::read(&self.path).map_err(|error| fail(error.to_string()))?,
        };
        let knowledge = Knowledge::read(bytes.clone()).map_err(|error| fail(error.to_string()))?;
        advisories.replace(&bytes).map_err(|error| fail(error.to_string()))?;
        let count: u64 = knowledge.sources().values().map(|source| u64::from(source.advisories)).sum();
        let text = format!("{count} advisories hold from now on, {} bytes\n", bytes.len());
        Printer::stdout(Default::default()).text(&text)?;
        Ok(Exit::Done)
    }
}

impl ExportCommand {
    fn run(self) -> Result<Exit, Failure> {
        let from = folder(&self.data)?.join(ADVISORIES_FILE);
        let fail = |error: std::io::Error| {
            let problem = format!("cannot copy {} to {}: {error}", from.display(), self.path.display());
            Failure::failed(problem, "Import advisories first: gantry advisories import DIR")
        };
        std::fs::copy(&from, &self.path).map_err(fail)?;
        Ok(Exit::Done)
    }
}

/// A source of advisories, as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    source: String,
    advisories: u32,
    updated_at: Option<String>,
    is_stale: bool,
}

impl StatusCommand {
    fn run(self) -> Result<Exit, Failure> {
        let path = folder(&self.data)?.join(ADVISORIES_FILE);
        let knowledge = Knowledge::open(&path).map_err(|error| match error {
            KnowledgeError::Read(_) => {
                Failure::found("there are no advisories", "Bring some in: gantry advisories import DIR")
            }
            error => Failure::failed(error.to_string(), ""),
        })?;
        let now = Env::real().now();
        let sources = knowledge.sources();
        let shown: Vec<Shown> = sources
            .iter()
            .map(|(source, info)| Shown {
                source: source.to_string(),
                advisories: info.advisories,
                updated_at: Some(info.read_at.clone()).filter(|time| !time.is_empty()),
                is_stale: is_stale(&info.read_at, now),
            })
            .collect();
        Printer::stdout(self.output.format).answer(&shown, |shown| table(shown))?;
        Ok(if shown.iter().any(|source| source.is_stale) { Exit::Found } else { Exit::Done })
    }
}

fn is_stale(updated_at: &str, now: Timestamp) -> bool {
    let at: Option<Timestamp> = updated_at.parse().ok();
    at.is_none_or(|at| now.since(at) > STALE_AFTER)
}

fn table(shown: &[Shown]) -> Table {
    let mut table = Table::new(["SOURCE", "ADVISORIES", "UPDATED AT", "AGE"]);
    for source in shown {
        let age = if source.is_stale { Cell::toned("stale", Tone::Bad) } else { Cell::toned("fresh", Tone::Faint) };
        let updated_at = source.updated_at.as_deref().unwrap_or("-");
        table.row([source.source.as_str().into(), source.advisories.to_string().into(), updated_at.into(), age]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advisories_of_an_unknown_or_old_day_are_stale() {
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();

        assert!(!is_stale("2026-11-20T10:00:00Z", now));
        assert!(is_stale("2026-11-18T10:00:00Z", now));
        assert!(is_stale("", now));
    }
}
