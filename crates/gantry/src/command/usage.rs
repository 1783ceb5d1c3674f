use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::{StoreUsageDocument, UsageDocument};
use gantry_words::{AccountId, ByteCount};
use serde::{Deserialize, Serialize};
use std::mem;

/// Show what repositories use, what of it is theirs alone, and how they grow
///
/// UNIQUE is what no other repository holds: what is freed once a repository is deleted and collected. SIZE counts what several
/// repositories hold in each of them. 90-DAYS is what SIZE will be in 90 days if GROWTH goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry usage team/ --by prefix")]
pub(crate) struct UsageCommand {
    /// Only these repositories: team/app is that and those below it, team/ only those below it
    prefix: Option<String>,
    /// Of what there is a line
    #[arg(long, value_enum, default_value = "repository")]
    by: By,
    /// What comes first: name, size, unique, images, tags, growth or pulled; with - before it the greatest
    #[arg(long, value_name = "COLUMN", default_value = "-size", allow_hyphen_values = true)]
    sort: String,
    /// How many lines at the most
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Of this account, as the root user of the site's own
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum By {
    /// Each repository
    Repository,
    /// All repositories together whose names are the same up to the next slash
    Prefix,
    /// All together
    Account,
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            By::Repository => "repository",
            By::Prefix => "prefix",
            By::Account => "account",
        }
    }
}

#[derive(Deserialize)]
struct Page {
    usage: Vec<UsageDocument>,
    total: UsageDocument,
    store: Option<StoreUsageDocument>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Found {
    usage: Vec<UsageDocument>,
    total: UsageDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreUsageDocument>,
}

impl UsageCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let found = self.find(&Remote::open(&self.remote)?)?;
        Printer::stdout(self.output.format).answer(&found, table)?;
        Ok(Exit::Done)
    }

    fn find(&self, remote: &Remote) -> Result<Found, Failure> {
        let apart = |page: &mut Page| (mem::take(&mut page.usage), page.next.take());
        let (usage, page) = remote.lines(&self.address(), self.limit, apart)?;
        Ok(Found { usage, total: page.total, store: page.store })
    }

    fn address(&self) -> String {
        let prefix = percent_encoded(self.prefix.as_deref().unwrap_or_default(), "/");
        let sort = percent_encoded(&self.sort, "");
        let account = self.account.map(|account| format!("&account={account}")).unwrap_or_default();
        format!("/api/v1/usage?prefix={prefix}&by={}&sort={sort}{account}", self.by.word())
    }
}

fn table(found: &Found) -> Table {
    let header = ["NAME", "REPOSITORIES", "IMAGES", "TAGS", "SIZE", "UNIQUE", "GROWTH", "90-DAYS", "PULLED"];
    let mut table = Table::new(header).right(&[1, 2, 3, 4, 5, 6, 7]);
    for usage in &found.usage {
        table.row(row(&usage.name, usage));
    }
    // Of one line the total is that line again.
    if found.usage.len() != 1 {
        table.row(row("total", &found.total));
    }
    if let Some(store) = &found.store {
        table.row(store_row(store));
    }
    table
}

fn row(name: &str, usage: &UsageDocument) -> [Cell; 9] {
    [
        name.into(),
        usage.repositories.to_string().into(),
        usage.images.to_string().into(),
        usage.tags.to_string().into(),
        ByteCount::bytes(usage.logical_bytes).rounded().into(),
        ByteCount::bytes(usage.unique_bytes).rounded().into(),
        growth(usage.growth_bytes_per_day),
        usage.logical_bytes_in_90_days.map_or_else(none, |bytes| ByteCount::bytes(bytes).rounded().into()),
        usage.last_pulled_at.as_deref().map_or_else(none, Into::into),
    ]
}

/// What is on the disk, each blob once, and when that is full.
fn store_row(store: &StoreUsageDocument) -> [Cell; 9] {
    let full = store.days_until_full.map_or_else(none, |days| format!("full in {days} days").into());
    let used = store.used_bytes.map_or_else(none, |bytes| ByteCount::bytes(bytes).rounded().into());
    ["on disk".into(), none(), none(), none(), used, none(), growth(store.growth_bytes_per_day), none(), full]
}

fn growth(bytes_per_day: Option<i64>) -> Cell {
    let Some(bytes) = bytes_per_day else { return none() };
    let size = ByteCount::bytes(bytes.unsigned_abs()).rounded();
    match bytes {
        ..0 => format!("-{size}/day").into(),
        0 => Cell::toned("0", Tone::Faint),
        1.. => format!("+{size}/day").into(),
    }
}

fn none() -> Cell {
    Cell::toned("-", Tone::Faint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(name: &str, logical_bytes: u64, unique_bytes: u64, growth: Option<i64>) -> UsageDocument {
        UsageDocument {
            name: name.into(),
            repositories: 1,
            images: 3,
            tags: 2,
            logical_bytes,
            unique_bytes,
            shared_bytes: logical_bytes - unique_bytes,
            growth_bytes_per_day: growth,
            logical_bytes_in_30_days: None,
            logical_bytes_in_90_days: growth.filter(|growth| *growth > 0).map(|_| 7 << 30),
            last_pushed_at: None,
            last_pulled_at: None,
        }
    }

    #[test]
    fn sizes_and_growth_stand_as_people_write_them() {
        let store = StoreUsageDocument {
            used_bytes: Some(5 << 30),
            free_bytes: 9 << 30,
            growth_bytes_per_day: Some(3 << 30),
            days_until_full: Some(3),
        };
        let found = Found {
            usage: vec![usage("team/app", 3 << 29, 1 << 20, Some(-(1 << 20))), usage("zoo", 7, 7, Some(1 << 20))],
            total: usage("", (3 << 29) + 7, (1 << 20) + 7, Some(-(1 << 20))),
            store: Some(store),
        };

        let text = table(&found).print(false);

        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0],
            ["NAME", "REPOSITORIES", "IMAGES", "TAGS", "SIZE", "UNIQUE", "GROWTH", "90-DAYS", "PULLED"]
        );
        assert_eq!(lines[1], ["team/app", "1", "3", "2", "1.5", "GiB", "1.0", "MiB", "-1.0", "MiB/day", "-", "-"]);
        assert_eq!(lines[2], ["zoo", "1", "3", "2", "7", "B", "7", "B", "+1.0", "MiB/day", "7.0", "GiB", "-"]);
        assert_eq!(lines[3][0], "total");
        assert!(text.contains("+3.0 GiB/day") && text.contains("full in 3 days"), "{text}");
    }
}
