mod erase;
mod verify;

use super::tool::Tool;
use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_audit::Outcome;
use gantry_chronicle::{Place, Question};
use gantry_words::{AccountId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Records asked for at once.
const PAGE: usize = 1000;

/// Look into the audit, export it, and verify that nobody has touched it
///
/// ls, search and export ask a server; with --data-dir (or --config, --database) they read a data folder by themselves.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry audit ls --repository team/app")]
pub(crate) struct AuditCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// List records, the newest first; a count that ends in + may still grow
    #[command(visible_alias = "search", after_help = "Example:\n  gantry audit ls --repository team/app --limit 20")]
    Ls {
        #[command(flatten)]
        filters: Filters,
        /// How many records at the most
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Write records as lines of JSON in the shape of CloudTrail's, the newest first; what still counts is left out
    #[command(after_help = "Example:\n  gantry audit export --from 2026-03-01T00:00:00Z --to march.jsonl")]
    Export {
        #[command(flatten)]
        filters: Filters,
        /// A new file to write to; else standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        data: DataFlags,
    },
    Verify(verify::VerifyCommand),
    Erase(erase::EraseCommand),
}

/// Which records.
#[derive(clap::Args)]
struct Filters {
    /// Only what this principal did: an ARN, anonymous, or gantry:JOB
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only what happened in this repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only what happened to this manifest or blob
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Only this action, such as ecr:PutImage
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what ended so: success, refused or failed
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only from this moment on, such as 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The account whose records are read, in a data folder; the folder's own where none is named. A server shows those of the account
    /// that the credentials are of
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
}

#[derive(Deserialize)]
struct ListPage {
    records: Vec<Value>,
    next: Option<String>,
}

impl AuditCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls { filters, limit, remote, data, output } => {
                let mut found = vec![];
                let mut take = |line: String| {
                    found.push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
                    Ok(())
                };
                each(&filters, limit, &remote, &data, &mut take)?;
                Printer::stdout(output.format).answer(&found, |found| table(found))?;
                Ok(Exit::Done)
            }
            What::Export { filters, to, remote, data } => {
                let mut out = open(to.as_deref())?;
                let unwritten = |error: io::Error| {
                    let place = to.as_deref().map_or("standard output".into(), |path| path.display().to_string());
                    Failure::failed(format!("cannot write to {place}: {error}"), "Name another place with --to")
                };
                let mut take = |line: String| match is_pending(&line) {
                    true => Ok(()),
                    false => writeln!(out, "{line}").map_err(unwritten),
                };
                each(&filters, usize::MAX, &remote, &data, &mut take)?;
                out.flush().map_err(unwritten)?;
                Ok(Exit::Done)
            }
            What::Verify(command) => command.run(),
            What::Erase(command) => command.run(),
        }
    }
}

/// Whether a record still counts: it will be another when its minute is over.
fn is_pending(line: &str) -> bool {
    // The name stands in few other records; those are looked at.
    line.contains("\"pending\"")
        && serde_json::from_str::<Value>(line)
            .is_ok_and(|record| record["additionalEventData"]["gantry"]["pending"] == true)
}

fn open(to: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = to else { return Ok(Box::new(BufWriter::new(io::stdout()))) };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| {
        let problem = format!("cannot make {}: {error}", path.display());
        Failure::failed(problem, "Name a file that is not there yet, with --to")
    })?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Gives `take` up to `limit` records, each a line.
fn each(
    filters: &Filters,
    limit: usize,
    remote: &RemoteFlags,
    data: &DataFlags,
    take: &mut dyn FnMut(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let config = ConfigFlags::from(data);
    let is_local = config.data_dir.is_some() || config.config.is_some() || config.database.is_some();
    if is_local {
        return each_local(filters, limit, &config, take);
    }
    if let Some(account) = filters.account {
        let problem =
            format!("--account {account} goes with a data folder: a server shows the account of the credentials");
        return Err(Failure::usage(problem, "Name the folder with --data-dir, or give credentials of that account"));
    }
    each_remote(filters, limit, remote, take)
}

fn each_local(
    filters: &Filters,
    limit: usize,
    config: &ConfigFlags,
    take: &mut dyn FnMut(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let question = question(filters)?;
    let tool = Tool::open(config)?;
    let account = filters.account.unwrap_or(tool.config.account_id);
    let (mut left, mut before): (usize, Option<Place>) = (limit, None);
    while left > 0 {
        let page =
            tool.run(gantry_chronicle::search(&tool.house.metadata, account, &question, before, left.min(PAGE)))?;
        left -= page.items.len().min(left);
        page.items.into_iter().try_for_each(|found| take(found.bytes))?;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(())
}

fn each_remote(
    filters: &Filters,
    limit: usize,
    remote: &RemoteFlags,
    take: &mut dyn FnMut(String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let remote = Remote::open(remote)?;
    let (mut left, mut after) = (limit, String::new());
    let only = query(filters);
    while left > 0 {
        let page: ListPage = remote.get(&format!("/api/v1/audit?limit={}{only}{after}", left.min(PAGE)))?;
        left -= page.records.len().min(left);
        page.records.iter().try_for_each(|record| take(record.to_string()))?;
        match page.next {
            Some(next) => after = format!("&after={}", escape(&next)),
            None => break,
        }
    }
    Ok(())
}

fn question(filters: &Filters) -> Result<Question, Failure> {
    let moment = |flag: &str, text: &Option<String>| -> Result<Option<Timestamp>, Failure> {
        let Some(text) = text else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let problem = format!("{flag} {text} is no moment");
            Failure::usage(problem, "Write it as in 2026-03-01T00:00:00Z")
        })
    };
    let outcome = filters.outcome.as_deref().map(|text| {
        let unknown = || Failure::usage(format!("--outcome {text} is none"), "Write success, refused or failed");
        Outcome::parse(text).ok_or_else(unknown)
    });
    Ok(Question {
        principal: filters.principal.clone(),
        repository: filters.repository.clone(),
        digest: filters.digest.clone(),
        action: filters.action.clone(),
        outcome: outcome.transpose()?,
        from: moment("--from", &filters.from)?,
        until: moment("--until", &filters.until)?,
    })
}

/// What is asked, as the server reads it.
fn query(filters: &Filters) -> String {
    let Filters { principal, repository, digest, action, outcome, from, until, account: _ } = filters;
    let pairs = [
        ("principal", principal),
        ("repository", repository),
        ("digest", digest),
        ("action", action),
        ("outcome", outcome),
        ("from", from),
        ("until", until),
    ];
    let told = pairs.iter().filter_map(|(key, value)| Some((key, value.as_deref()?)));
    told.map(|(key, value)| format!("&{key}={}", escape(value))).collect()
}

/// Writes a text as the value of a query.
pub(crate) fn escape(text: &str) -> String {
    percent_encoded(text, "/:")
}

fn table(records: &[Value]) -> Table {
    let mut table = Table::new(["TIME", "PRINCIPAL", "ACTION", "REPOSITORY", "DIGEST", "OUTCOME", "COUNT"]).right(&[6]);
    for record in records {
        let own = &record["additionalEventData"]["gantry"];
        let text = |value: &Value| Cell::from(value.as_str().unwrap_or("-"));
        let outcome = own["outcome"].as_str().unwrap_or("-");
        let digest = own["digest"].as_str().unwrap_or("-");
        table.row([
            text(&record["eventTime"]),
            text(&own["principal"]),
            text(&own["action"]),
            text(&record["requestParameters"]["repositoryName"]),
            digest.get(..19).unwrap_or(digest).into(),
            if outcome == "refused" { Cell::toned(outcome, Tone::Bad) } else { outcome.into() },
            format!("{}{}", own["count"], if own["pending"] == true { "+" } else { "" }).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_escaped() {
        let filters = Filters {
            principal: Some("arn:aws:iam::000000000000:user/a+b &c".into()),
            repository: Some("team/app".into()),
            digest: None,
            action: None,
            outcome: None,
            from: None,
            until: None,
            account: None,
        };

        assert_eq!(query(&filters), "&principal=arn:aws:iam::000000000000:user/a%2Bb%20%26c&repository=team/app");
    }
}
