use crate::output::{Exit, Failure, Format, Printer};
use gantry_lifecycle::{
    Decision, Decisions, FORECAST_DAYS_MAX, Going, IMAGES_BYTES_MAX, Images, POLICY_CHARS_MAX, Pattern, Policy, Reason,
    Settings, evaluate, forecast,
};
use gantry_words::{Period, Timestamp};
use serde::Serialize;
use std::{
    fs::OpenOptions,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// Say what a policy would do to a list of images, without a server
///
/// Prints a JSON array of what goes: digest, action (expire or transition) and rulePriority, the oldest image first. Exit
/// code 1: the policy is refused.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gantry lifecycle simulate --policy policy.json --images images.json --now 2026-11-21T09:00:00Z --explain"
)]
pub(crate) struct SimulateCommand {
    /// The policy, as `aws ecr put-lifecycle-policy` takes it
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The images: a JSON array of objects with digest, tags, pushedAt, lastPulledAt, storageClass, transitionedAt,
    /// sizeBytes, mediaType and parents, of which only digest must be there
    #[arg(long, value_name = "FILE")]
    images: PathBuf,
    /// The moment at which the policy is run
    #[arg(long, value_name = "RFC3339")]
    now: Timestamp,
    /// Print kept images too (action keep), and for each image the reason
    #[arg(long)]
    explain: bool,
    /// Print what will go within this time, when, and how many bytes that frees, if the policy is run every 24 hours
    #[arg(long, value_name = "TIME", conflicts_with = "explain")]
    forecast: Option<Period>,
    /// Keep images with a tag that this pattern means; may be given more than once
    #[arg(long, value_name = "PATTERN", value_parser = read_pattern)]
    protect_tag: Vec<Pattern>,
    /// Take the setting lifecycle.expire_since_pulled as true
    #[arg(long)]
    expire_since_pulled: bool,
}

/// What a simulation has to say.
pub(super) struct Answer {
    /// For standard output: JSON.
    pub(super) output: String,
    /// For standard error, a sentence each.
    pub(super) warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    digest: &'a str,
    action: &'static str,
    rule_priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freed_bytes: Option<u64>,
}

impl SimulateCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let answer = self.answer()?;
        for warning in &answer.warnings {
            // Nobody is left to be told where standard error is closed.
            let _ = writeln!(std::io::stderr(), "{warning}");
        }
        Printer::stdout(Format::Json).text(&answer.output)?;
        Ok(Exit::Done)
    }

    pub(super) fn answer(&self) -> Result<Answer, Failure> {
        let policy = self.read_policy()?;
        let images = self.read_images()?;
        let decisions = evaluate(&policy, &images, self.now, &self.protect_tag);
        let items: Vec<Item<'_>> = match self.forecast {
            Some(period) => {
                let goings = forecast(&policy, &images, self.now, &self.protect_tag, whole_days(period)?);
                goings.iter().map(|going| foretell(&images, going)).collect()
            }
            None => {
                let all = decisions.oldest_first();
                all.filter_map(|(place, _)| decide(&images, &decisions, place, self.explain)).collect()
            }
        };
        let json = serde_json::to_string_pretty(&items)
            .map_err(|error| Failure::failed(format!("cannot print JSON: {error}"), ""))?;
        Ok(Answer { output: format!("{json}\n"), warnings: warnings(&policy, &decisions) })
    }

    fn read_policy(&self) -> Result<Policy, Failure> {
        let refused = |problem| Failure::found(format!("{}: {problem}", self.policy.display()), "");
        // A character has at most four bytes.
        let text = read(&self.policy, 4 * POLICY_CHARS_MAX, refused)?;
        let settings = Settings { expire_since_pulled: self.expire_since_pulled };
        Policy::parse(&text, &settings).map_err(|error| refused(error.to_string()))
    }

    fn read_images(&self) -> Result<Images, Failure> {
        let refused = |problem| Failure::usage(format!("{}: {problem}", self.images.display()), "");
        let text = read(&self.images, IMAGES_BYTES_MAX, refused)?;
        Images::parse(&text).map_err(|error| refused(error.to_string()))
    }
}

fn whole_days(period: Period) -> Result<u32, Failure> {
    let days = u32::try_from(period.duration().as_secs() / 86_400).ok();
    days.filter(|days| *days <= FORECAST_DAYS_MAX).ok_or_else(|| {
        let problem = format!("--forecast {period} is too far ahead");
        Failure::usage(problem, format!("Ask for {FORECAST_DAYS_MAX}d at most"))
    })
}

fn read_pattern(text: &str) -> Result<Pattern, String> {
    Pattern::glob(text).map_err(|error| format!("it {error}"))
}

fn decide<'a>(images: &'a Images, decisions: &Decisions<'_>, place: usize, explain: bool) -> Option<Item<'a>> {
    let (action, rule_priority) = match decisions.get(place) {
        Decision::Act { rule, action, .. } => (action.as_str(), Some(rule)),
        Decision::Keep(_) if !explain => return None,
        Decision::Keep(Reason::Rule { rule, .. } | Reason::Protected { rule, .. }) => ("keep", Some(rule)),
        Decision::Keep(Reason::NotSelected | Reason::Reached { .. }) => ("keep", None),
    };
    let reason = explain.then(|| decisions.explain(place));
    Some(Item { digest: images.digest(place), action, rule_priority, reason, at: None, freed_bytes: None })
}

fn foretell<'a>(images: &'a Images, going: &Going) -> Item<'a> {
    Item {
        digest: images.digest(going.place),
        action: going.action.as_str(),
        rule_priority: Some(going.rule),
        reason: None,
        at: Some(going.at),
        freed_bytes: Some(images.facts(going.place).size_bytes),
    }
}

fn warnings(policy: &Policy, decisions: &Decisions<'_>) -> Vec<String> {
    let of_policy = policy.warnings().into_iter().map(|warning| format!("gantry: warning: {warning}."));
    let unknown = match decisions.summary().unknown {
        0 => None,
        1 => Some("gantry: warning: 1 image is kept since the time that a rule counts from is not known.".to_string()),
        count => Some(format!(
            "gantry: warning: {count} images are kept since the times that rules count from are not known."
        )),
    };
    of_policy.chain(unknown).collect()
}

/// Reads a file of so many bytes at most, without its byte order mark.
fn read(file: &Path, bytes_max: usize, refused: impl Fn(String) -> Failure) -> Result<String, Failure> {
    let failed =
        |error| Failure::failed(format!("cannot read {}: {error}", file.display()), "Name a file that you may read");
    let opened = OpenOptions::new().read(true).open(file).map_err(failed)?;
    let mut bytes = Vec::new();
    opened.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(refused(format!("the file has more than the {bytes_max} bytes allowed")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("the file is not UTF-8; write it as UTF-8".into()))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.into(),
        None => text,
    })
}
