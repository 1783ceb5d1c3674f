mod follow;

use crate::{
    output::{Cell, Exit, Failure, Format, Printer, Table},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_env::Env;
use gantry_words::{Period, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;

/// Events of a page that is asked for.
const PAGE: usize = 500;
/// How many seconds the server may wait for an event; it takes no more.
const WAIT_SECONDS: u64 = 30;
/// Characters of a digest that people are shown.
const DIGEST_SHOWN: usize = "sha256:".len() + 12;

/// Show what happens: images pushed and removed, tags moved, scans, findings and more
///
/// Without --since and --after it shows those of the last day; with --follow what happens from now on, until Ctrl-C. A cursor, which is
/// said at the end, tells where to go on: nothing is missed and nothing shown twice. docs/events.md has every kind.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gantry events --follow --kind finding.appeared --format json > findings.jsonl\n  gantry events --follow --format json | while read -r event; do ./on-event \"$event\"; done"
)]
pub(crate) struct EventsCommand {
    /// Go on with what happens, an event on a line
    #[arg(long)]
    follow: bool,
    /// Begin with what happened at a time, as in 2026-03-01T00:00:00Z, or so long ago, as in 2h
    #[arg(long, value_name = "TIME", conflicts_with = "after")]
    since: Option<String>,
    /// Begin after this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Only these kinds, as in image.pushed,finding.*
    #[arg(long, value_name = "KINDS")]
    kind: Option<String>,
    /// Only in repositories whose name begins so
    #[arg(long, value_name = "PREFIX")]
    repository: Option<String>,
    /// How many events at the most
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// How to print events: table, json, eventbridge (those that EventBridge has words for) or cloudevents
    #[arg(
        long,
        visible_alias = "output",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT"
    )]
    format: EventFormat,
    #[command(flatten)]
    remote: RemoteFlags,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum EventFormat {
    /// For people: aligned text with a header
    #[default]
    Table,
    /// For programs: Gantry's own words
    Json,
    /// For programs: the envelopes of EventBridge
    #[value(name = "eventbridge")]
    EventBridge,
    /// For programs: CloudEvents 1.0
    #[value(name = "cloudevents")]
    CloudEvents,
}

impl EventFormat {
    /// What the server is asked for.
    const fn word(self) -> &'static str {
        match self {
            EventFormat::Table | EventFormat::Json => "gantry",
            EventFormat::EventBridge => "eventbridge",
            EventFormat::CloudEvents => "cloudevents",
        }
    }

    const fn is_for_people(self) -> bool {
        match self {
            EventFormat::Table => true,
            EventFormat::Json | EventFormat::EventBridge | EventFormat::CloudEvents => false,
        }
    }
}

/// A part of the feed.
#[derive(Debug, Deserialize)]
struct Page {
    events: Vec<Value>,
    cursor: String,
    more: bool,
    missed: bool,
}

/// What programs are told.
#[derive(Serialize)]
struct Found {
    events: Vec<Value>,
    cursor: String,
    missed: bool,
}

impl EventsCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let remote = Remote::open(&self.remote)?;
        if self.follow {
            return follow::follow(&self, &remote);
        }
        let (found, has_more) = self.find(&remote)?;
        let format = if self.format.is_for_people() { Format::Table } else { Format::Json };
        Printer::stdout(format).answer(&found, |found| table(&found.events))?;
        if found.missed {
            tell(MISSED);
        }
        if has_more || self.format.is_for_people() {
            let there = if has_more { "there are more; go on" } else { "go on later" };
            tell(&format!("{there} with --after {}", found.cursor));
        }
        Ok(Exit::Done)
    }

    /// Reads up to the end of the feed, or as many as are wanted.
    fn find(&self, remote: &Remote) -> Result<(Found, bool), Failure> {
        let wanted = self.limit.unwrap_or(usize::MAX);
        let mut found = Found { events: Vec::new(), cursor: String::new(), missed: false };
        let mut start = self.start("since=1d")?;
        loop {
            let count = wanted.saturating_sub(found.events.len()).clamp(1, PAGE);
            let page: Page = remote.get(&self.address(&start, count, 0))?;
            found.events.extend(page.events);
            found.missed |= page.missed;
            found.cursor = page.cursor;
            if !page.more || found.events.len() >= wanted {
                return Ok((found, page.more));
            }
            start = after(&found.cursor);
        }
    }

    /// Where to begin, as the address says it; as `otherwise` where nothing is said.
    fn start(&self, otherwise: &str) -> Result<String, Failure> {
        let since = match (&self.after, &self.since) {
            (Some(cursor), _) => return Ok(after(cursor)),
            (None, Some(since)) => since.as_str(),
            (None, None) => match otherwise.strip_prefix("since=") {
                Some(since) => since,
                None => return Ok(otherwise.into()),
            },
        };
        let moment = moment(since, Env::real().now())?;
        Ok(format!("since={}", percent_encoded(&moment.to_string(), "")))
    }

    fn address(&self, start: &str, count: usize, wait: u64) -> String {
        let mut address = format!("/api/v1/events?{start}&limit={count}&wait={wait}&format={}", self.format.word());
        for (name, value) in [("kind", &self.kind), ("repository", &self.repository)] {
            if let Some(value) = value {
                address += &format!("&{name}={}", percent_encoded(value, ""));
            }
        }
        address
    }
}

const MISSED: &str = "some events were removed (retention.events) before they were read here; look at what is there with the other \
                      commands, and read more often";

fn after(cursor: &str) -> String {
    format!("after={}", percent_encoded(cursor, ""))
}

/// Reads a time, or how long ago it was.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(ago) = text.parse::<Period>() {
        return Ok(now.minus(ago.duration()));
    }
    let unread =
        |_| Failure::usage(format!("--since {text} is no time"), "Write it as in 2026-03-01T00:00:00Z, or as in 2h");
    text.parse().map_err(unread)
}

/// Says something that is no part of the answer.
fn tell(message: &str) {
    // Nobody is left to be told where standard error is closed.
    let _ = writeln!(std::io::stderr(), "gantry: {message}");
}

fn table(events: &[Value]) -> Table {
    let mut table = Table::new(["TIME", "KIND", "REPOSITORY", "WHAT"]);
    for event in events {
        table.row(cells(event));
    }
    table
}

fn cells(event: &Value) -> [Cell; 4] {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    // A column as wide as most kinds: what follows is printed without knowing what comes.
    let [kind, repository] = [format!("{:<20}", text("kind")), format!("{:<24}", text("repository"))];
    [text("at").into(), kind.into(), repository.into(), what(&event["body"]).into()]
}

/// What people want to know of a body first.
fn what(body: &Value) -> String {
    const TOLD: [&str; 20] = [
        "tag", "tags", "id", "package", "severity", "status", "outcome", "digest", "digests", "reason", "scope", "of",
        "percent", "source", "arn", "alias", "name", "kind", "appeared", "gone",
    ];
    let told = TOLD.iter().filter_map(|name| word(body.get(name)?));
    told.collect::<Vec<_>>().join(" ")
}

fn word(value: &Value) -> Option<String> {
    let word = match value {
        Value::String(text) => match text.contains(':') && text.starts_with("sha") {
            true => text.chars().take(DIGEST_SHOWN).collect(),
            false => text.clone(),
        },
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().filter_map(word).collect::<Vec<_>>().join(","),
        Value::Null | Value::Bool(_) | Value::Object(_) => String::new(),
    };
    Some(word).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command(arguments: &[&str]) -> EventsCommand {
        #[derive(clap::Parser)]
        struct Typed {
            #[command(flatten)]
            command: EventsCommand,
        }
        let typed = std::iter::once("events").chain(arguments.iter().copied());
        <Typed as clap::Parser>::try_parse_from(typed).unwrap_or_else(|error| panic!("{error}")).command
    }

    #[test]
    fn what_is_typed_is_asked_of_the_server() {
        let typed = command(&["--kind", "finding.*", "--repository", "team/", "--format", "cloudevents"]);

        let address = typed.address(&after("1f-7"), 5, 30);

        let expected =
            "/api/v1/events?after=1f-7&limit=5&wait=30&format=cloudevents&kind=finding.%2A&repository=team%2F";
        assert_eq!(address, expected);
        assert_eq!(command(&["--output", "json"]).format, EventFormat::Json);
    }

    #[test]
    fn who_says_nothing_follows_from_now_on_and_who_names_a_cursor_from_there() {
        assert_eq!(command(&[]).start("after=latest").unwrap(), "after=latest");
        assert_eq!(command(&["--after", "1f-7"]).start("after=latest").unwrap(), "after=1f-7");
        assert!(command(&["--since", "yesterday"]).start("after=latest").is_err());
    }

    #[test]
    fn a_time_is_said_as_it_is_or_as_how_long_ago() {
        let now = Timestamp::from_millis(1_800_000_000_000);

        assert_eq!(moment("2h", now).unwrap().millis(), 1_800_000_000_000 - 7_200_000);
        assert_eq!(moment("2027-01-15T08:00:00Z", now).unwrap(), now);
        assert!(moment("2 hours", now).is_err());
    }

    #[test]
    fn people_see_when_what_happened_where() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let events = [
            json!({"at": "2027-01-15T08:00:00.000Z", "kind": "image.pushed", "repository": "team/app", "body": {"digest": digest, "tags": ["v1", "v2"]}}),
            json!({"at": "2027-01-15T08:00:01.000Z", "kind": "quota.removed", "repository": null, "body": {"scope": "team/*"}}),
        ];

        let text = table(&events).print(false);

        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["TIME", "KIND", "REPOSITORY", "WHAT"]);
        assert_eq!(lines[1], ["2027-01-15T08:00:00.000Z", "image.pushed", "team/app", "v1,v2", "sha256:abababababab"]);
        assert_eq!(lines[2], ["2027-01-15T08:00:01.000Z", "quota.removed", "team/*"]);
    }
}
