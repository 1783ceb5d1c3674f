use super::query;
use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::TrendDayDocument;
use gantry_scan::Severity;
use serde::Deserialize;

#[derive(Debug, clap::Args)]
pub(super) struct TrendCommand {
    /// Count only in repositories whose name begins so
    #[arg(long, value_name = "PREFIX")]
    repository: Option<String>,
    /// How many days, today among them; at most 400 are kept
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Deserialize)]
struct Trend {
    days: Vec<TrendDayDocument>,
}

impl TrendCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let query = query(&[("repository", self.repository.as_deref())]);
        let remote = Remote::open(&self.remote)?;
        let trend: Trend = remote.get(&format!("/api/v1/findings/trend?days={}{query}", self.days))?;
        Printer::stdout(self.output.format).answer(&trend.days, |days| table(days))?;
        Ok(Exit::Done)
    }
}

fn table(days: &[TrendDayDocument]) -> Table {
    let severities = Severity::ALL.iter().map(|severity| severity.name());
    let columns: Vec<usize> = (1..Severity::ALL.len() + 2).collect();
    let mut table = Table::of(["DAY", "REPOSITORIES"].into_iter().chain(severities)).right(&columns);
    for day in days {
        let counts =
            Severity::ALL.iter().map(|severity| day.severity_counts.get(severity.name()).copied().unwrap_or(0));
        let counts = counts.map(|count| Cell::from(count.to_string()));
        let first = [Cell::from(day.day.as_str()), Cell::from(day.repositories.to_string())];
        table.row(first.into_iter().chain(counts));
    }
    table
}
