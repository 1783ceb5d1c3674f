use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
};
use gantry_env::Env;
use gantry_findings::{
    ADVISORIES_FILE, Advisories, Older, SourceOutcome, SourceReport, UpdateState, Updater, ages, compare_generations,
    compile_folder,
};
use gantry_outbound::{Client, SystemResolver};
use gantry_scan::{Knowledge, KnowledgeError};
use gantry_words::Timestamp;
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// Bytes of an exported file at most: what its format can hold.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Advisories: what is known of flaws in packages, always kept locally
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories status --data-dir ./data")]
pub(crate) struct AdvisoriesCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Update(UpdateCommand),
    Import(ImportCommand),
    Export(ExportCommand),
    Status(StatusCommand),
}

/// Ask the sources of advisories for what is new, and take it: what `advisories.sources` names
///
/// Nothing that has not changed is fetched again. A source that is broken, cut off or older than what is here is refused
/// whole, and what it gave before goes on to hold; exit code 1 where one was. A running server takes what is new within a
/// second, and by itself asks every `advisories.interval`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  gantry advisories update --set advisories.sources=osv=https://mirror.example.com/npm/all.zip"
)]
struct UpdateCommand {
    /// Take what is older, or for the most part gone, too
    #[arg(long)]
    older: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

/// Bring in a folder of advisories, or a file that another Gantry exported; a running server takes them within a second
///
/// The folder is as osv.dev exports it: a folder per ecosystem with `all.zip`, and beside these `kev`, `epss`, `secdb`,
/// `debian-tracker`, `csaf`, `updateinfo`, `almalinux-errata` and `trivy-db` (docs/advisories.md). It is compiled into one
/// file, which replaces what was there. What is broken, cut off or older is refused whole, and what was there stays.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry advisories import ./advisories --data-dir ./data")]
struct ImportCommand {
    /// A folder of advisories, or an exported file
    path: PathBuf,
    /// Take what is older than what is there, or for the most part gone, too
    #[arg(long)]
    older: bool,
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

/// Say which advisories there are, and how old; exit code 1 where some are older than `advisories.stale_after`, a week by default
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
            Verb::Update(command) => command.run(),
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
            true => compile_folder(&self.path).map_err(|error| fail(error.to_string()))?,
            false => read_file(&self.path).map_err(|error| fail(error.to_string()))?,
        };
        let knowledge = Knowledge::read(bytes.clone()).map_err(|error| fail(error.to_string()))?;
        if !self.older
            && advisories.refresh().is_ok()
            && let (Some(old), _) = advisories.now()
        {
            compare_generations(&knowledge, &old)
                .map_err(|error| fail(format!("{error}. If that is meant, say --older")))?;
        }
        advisories.replace(&bytes).map_err(|error| fail(error.to_string()))?;
        let count: u64 = knowledge.sources().values().map(|source| u64::from(source.advisories)).sum();
        let text = format!("{count} advisories hold from now on, {} bytes\n", bytes.len());
        Printer::stdout(Default::default()).text(&text)?;
        Ok(Exit::Done)
    }
}

fn read_file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is longer than such a file can be"));
    }
    std::fs::read(path)
}

/// What became of a source, as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    source: String,
    outcome: &'static str,
    records: Option<u64>,
    reason: Option<String>,
}

impl From<SourceReport> for Updated {
    fn from(report: SourceReport) -> Updated {
        let (outcome, records, reason) = match report.outcome {
            SourceOutcome::Unchanged => ("unchanged", None, None),
            SourceOutcome::Taken(records) => ("taken", Some(records), None),
            SourceOutcome::Refused(reason) => ("refused", None, Some(reason)),
        };
        Updated { source: report.source, outcome, records, reason }
    }
}

impl UpdateCommand {
    fn run(self) -> Result<Exit, Failure> {
        let config = super::tool::read_config(&ConfigFlags::from(&self.data))?;
        if config.advisories.sources.is_empty() {
            let problem = "no source of advisories is set, so there is nobody to ask";
            let remedy = "Name some with advisories.sources (docs/advisories.md), or bring in a folder: gantry advisories import DIR";
            return Err(Failure::usage(problem, remedy));
        }
        let env = Env::real();
        let client = Client::new(config.outbound.clone(), SystemResolver, env.clone());
        let updater = Updater::new(&config.data_dir, config.advisories, client, env);
        let older = if self.older { Older::Taken } else { Older::Refused };
        let report = super::tool::runtime()?
            .block_on(updater.update(older))
            .map_err(|error| Failure::failed(error.to_string(), "What held before goes on to hold"))?;
        let shown: Vec<Updated> = report.sources.into_iter().map(Updated::from).collect();
        Printer::stdout(self.output.format).answer(&shown, |shown| updated_table(shown))?;
        Ok(if shown.iter().any(|source| source.reason.is_some()) { Exit::Found } else { Exit::Done })
    }
}

fn updated_table(shown: &[Updated]) -> Table {
    let mut table = Table::new(["SOURCE", "OUTCOME", "RECORDS", "REASON"]);
    for source in shown {
        let tone = if source.reason.is_some() { Tone::Bad } else { Tone::Faint };
        let records = source.records.map_or_else(|| "-".to_owned(), |records| records.to_string());
        let reason = source.reason.as_deref().unwrap_or("-");
        table.row([source.source.as_str().into(), Cell::toned(source.outcome, tone), records.into(), reason.into()]);
    }
    table
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

/// What is known, as it is shown.
#[derive(Serialize)]
struct Status {
    /// Whose advisories there are.
    advisories: Vec<Shown>,
    /// Where they come from.
    sources: Vec<ShownSource>,
}

/// The advisories of somebody.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    source: String,
    advisories: u32,
    updated_at: Option<String>,
    checked_at: Option<Timestamp>,
    age_seconds: Option<u64>,
    is_stale: bool,
}

/// A place where advisories come from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownSource {
    source: String,
    records: u64,
    checked_at: Option<String>,
    fetched_at: Option<String>,
    failure: Option<String>,
}

impl StatusCommand {
    fn run(self) -> Result<Exit, Failure> {
        let config = super::tool::read_config(&ConfigFlags::from(&self.data))?;
        let knowledge = Knowledge::open(&config.data_dir.join(ADVISORIES_FILE)).map_err(|error| match error {
            KnowledgeError::Read(_) => {
                Failure::found("there are no advisories", "Bring some in: gantry advisories import DIR")
            }
            error => Failure::failed(error.to_string(), ""),
        })?;
        let state = Advisories::of(&config.data_dir).update_state();
        let status = status(&knowledge, &state, Env::real().now(), config.advisories.stale_after.duration());
        Printer::stdout(self.output.format).answer(&status, table)?;
        let is_found = status.advisories.iter().any(|one| one.is_stale)
            || status.sources.iter().any(|source| source.failure.is_some());
        Ok(if is_found { Exit::Found } else { Exit::Done })
    }
}

fn status(knowledge: &Knowledge, state: &UpdateState, now: Timestamp, stale_after: Duration) -> Status {
    let advisories = ages(knowledge, state, now).into_iter().map(|age| Shown {
        is_stale: age.is_stale(stale_after),
        source: age.source,
        advisories: age.advisories,
        updated_at: age.updated_at,
        checked_at: age.checked_at,
        age_seconds: age.age.map(|age| age.as_secs()),
    });
    let sources = state.sources.iter().map(|(name, source)| ShownSource {
        source: name.split('?').next().unwrap_or_default().to_owned(),
        records: source.records,
        checked_at: source.checked_at.clone(),
        fetched_at: source.fetched_at.clone(),
        failure: source.failure.clone(),
    });
    Status { advisories: advisories.collect(), sources: sources.collect() }
}

fn table(status: &Status) -> Table {
    let mut table = Table::new(["SOURCE", "ADVISORIES", "UPDATED AT", "CHECKED AT", "AGE"]);
    for one in &status.advisories {
        let age = one.age_seconds.map_or_else(|| "unknown".to_owned(), days);
        let age = match one.is_stale {
            true => Cell::toned(format!("{age}, stale"), Tone::Bad),
            false => Cell::toned(age, Tone::Faint),
        };
        let updated_at = one.updated_at.as_deref().unwrap_or("-");
        let checked_at = one.checked_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        table.row([
            one.source.as_str().into(),
            one.advisories.to_string().into(),
            updated_at.into(),
            checked_at.into(),
            age,
        ]);
    }
    for source in &status.sources {
        let Some(failure) = &source.failure else { continue };
        let checked_at = source.checked_at.as_deref().unwrap_or("-");
        let failure = Cell::toned(format!("failed: {failure}"), Tone::Bad);
        table.row([
            source.source.as_str().into(),
            source.records.to_string().into(),
            "-".into(),
            checked_at.into(),
            failure,
        ]);
    }
    table
}

/// `3 days`, or `5 h` on the first day.
fn days(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} h", seconds / 3_600),
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_days_and_on_the_first_in_hours() {
        assert_eq!([3_599, 7_200, 86_400, 3 * 86_400].map(days), ["0 h", "2 h", "1 day", "3 days"]);
    }
}
