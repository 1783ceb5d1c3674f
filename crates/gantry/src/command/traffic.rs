use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::TrafficDocument;
use serde::{Deserialize, Serialize};
use std::mem;

/// Show how often images were pulled and pushed, by whom and from where
///
/// UNCOUNTED are the pulls of principals whose pulls do not count, such as scanners (ECR's pull time exclusions). Principals and
/// networks are shown to those who may read the audit.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gantry traffic team/ --by principal --days 7\n  gantry traffic --image team/app@sha256:4f0a... --by principal"
)]
pub(crate) struct TrafficCommand {
    /// Only in these repositories: team/app is that and those below it, team/ only those below it
    prefix: Option<String>,
    /// Only in the repository of this name
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only of this image: a digest, or repository@digest
    #[arg(long, value_name = "DIGEST")]
    image: Option<String>,
    /// Only by this principal, as --by principal shows it
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Of what there is a line
    #[arg(long, value_enum, default_value = "repository")]
    by: By,
    /// Only the last so many days, today included
    #[arg(long, value_name = "DAYS", default_value = "30", value_parser = clap::value_parser!(u16).range(1..=30))]
    days: u16,
    /// What comes first: name, pulls, pushes or last; with - before it the greatest
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How many lines at the most
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// Each repository
    Repository,
    /// Each image
    Image,
    /// Each user, robot or role's session
    Principal,
    /// Each network: 24 bits of an IPv4 address, 64 of an IPv6 address
    Network,
    /// Each day, of UTC
    Day,
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            By::Repository => "repository",
            By::Image => "image",
            By::Principal => "principal",
            By::Network => "network",
            By::Day => "day",
        }
    }

    /// Days are read from the first to the last, of all else the busiest is looked for.
    const fn sort(self) -> &'static str {
        match self {
            By::Day => "name",
            By::Repository | By::Image | By::Principal | By::Network => "-pulls",
        }
    }
}

#[derive(Deserialize)]
struct Page {
    traffic: Vec<TrafficDocument>,
    total: TrafficDocument,
    next: Option<String>,
}

#[derive(Serialize)]
struct Found {
    traffic: Vec<TrafficDocument>,
    total: TrafficDocument,
}

impl TrafficCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let found = self.find(&Remote::open(&self.remote)?)?;
        Printer::stdout(self.output.format).answer(&found, table)?;
        Ok(Exit::Done)
    }

    fn find(&self, remote: &Remote) -> Result<Found, Failure> {
        let apart = |page: &mut Page| (mem::take(&mut page.traffic), page.next.take());
        let (traffic, page) = remote.lines(&self.address(), self.limit, apart)?;
        Ok(Found { traffic, total: page.total })
    }

    fn address(&self) -> String {
        let prefix = percent_encoded(self.prefix.as_deref().unwrap_or_default(), "/");
        let sort = percent_encoded(self.sort.as_deref().unwrap_or(self.by.sort()), "");
        let mut address =
            format!("/api/v1/traffic?prefix={prefix}&by={}&days={}&sort={sort}", self.by.word(), self.days);
        let filters = [("repository", &self.repository), ("image", &self.image), ("principal", &self.principal)];
        for (name, value) in filters.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            address.push_str(&format!("&{name}={}", percent_encoded(value, "/")));
        }
        address
    }
}

fn table(found: &Found) -> Table {
    let mut table = Table::new(["NAME", "PULLS", "UNCOUNTED", "PUSHES", "LAST"]).right(&[1, 2, 3]);
    for line in &found.traffic {
        table.row(row(&line.name, line));
    }
    // Of one line the total is that line again.
    if found.traffic.len() != 1 {
        table.row(row("total", &found.total));
    }
    table
}

fn row(name: &str, line: &TrafficDocument) -> [Cell; 5] {
    [
        if name.is_empty() { none() } else { name.into() },
        line.pulls.to_string().into(),
        line.uncounted_pulls.to_string().into(),
        line.pushes.to_string().into(),
        line.last_at.as_deref().map_or_else(none, Into::into),
    ]
}

fn none() -> Cell {
    Cell::toned("-", Tone::Faint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, pulls: u64) -> TrafficDocument {
        TrafficDocument { name: name.into(), pulls, uncounted_pulls: 2, pushes: 1, last_at: None }
    }

    #[test]
    fn what_has_no_name_is_shown_as_a_stroke_and_several_lines_have_a_total() {
        let found = Found { traffic: vec![line("10.1.2.0/24", 7), line("", 3)], total: line("team/", 10) };

        let text = table(&found).print(false);

        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["NAME", "PULLS", "UNCOUNTED", "PUSHES", "LAST"]);
        assert_eq!(lines[1], ["10.1.2.0/24", "7", "2", "1", "-"]);
        assert_eq!(lines[2], ["-", "3", "2", "1", "-"]);
        assert_eq!(lines[3][..2], ["total", "10"]);
    }
}
