use super::{images, repository_path, size};
use crate::{
    output::{Exit, Failure, Format, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{ForecastRunDocument, LifecycleForecastDocument};

/// Say what the lifecycle policy of a repository will do in the days to come, and how many bytes that frees
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry lifecycle forecast team/app --days 90")]
pub(crate) struct ForecastCommand {
    /// Whose policy
    repository: String,
    /// How many days ahead, as 90 or 90d
    #[arg(long, visible_alias = "forecast", value_name = "DAYS", default_value = "30", value_parser = read_days)]
    days: u32,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ForecastCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = format!("{}/lifecycle/forecast?days={}", repository_path(&self.repository)?, self.days);
        let forecast: LifecycleForecastDocument = Remote::open(&self.remote)?.get(&path)?;
        let mut printer = Printer::stdout(self.output.format);
        if self.output.format == Format::Json || !forecast.runs.is_empty() {
            printer.answer(&forecast, |forecast| table(&forecast.runs))?;
        }
        if self.output.format == Format::Table {
            printer.text(&format!("{}\n", sum(self.days, &forecast.runs)))?;
        }
        Ok(Exit::Done)
    }
}

fn read_days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text).parse();
    number.map_err(|_| "write a number of days, as 90 or 90d".into())
}

fn table(runs: &[ForecastRunDocument]) -> Table {
    let mut table = Table::new(["DAY", "EXPIRE", "SIZE", "TO THE ARCHIVE", "SIZE"]).right(&[1, 2, 3, 4]);
    for run in runs {
        table.row([
            run.at.get(..10).unwrap_or(&run.at).into(),
            run.expired.to_string().into(),
            size(run.expired_bytes).into(),
            run.transitioned.to_string().into(),
            size(run.transitioned_bytes).into(),
        ]);
    }
    table
}

fn sum(days: u32, runs: &[ForecastRunDocument]) -> String {
    let expired = runs.iter().map(|run| run.expired).sum();
    let bytes = runs.iter().map(|run| run.expired_bytes).fold(0, u64::saturating_add);
    let within = if days == 1 { "a day".into() } else { format!("{days} days") };
    format!("Within {within} {} expire, {}, if nothing is pushed or pulled meanwhile", images(expired), size(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_number_with_or_without_their_letter() {
        assert_eq!((read_days("90"), read_days("90d")), (Ok(90), Ok(90)));
        for text in ["", "d", "-1", "90h", "9 0"] {
            assert!(read_days(text).unwrap_err().contains("90d"), "{text}");
        }
    }
}
