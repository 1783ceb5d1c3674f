use crate::WebhookSettings;
use gantry_words::Period;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const KEEP_MIN: Period = Period::hours(24);
const CHECKPOINT_EVERY_MIN: Period = Period::seconds(1);

/// The audit: who did what, and who was refused.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether each pull is a record of its own. By default pulls of the same digest by the same principal from the same
    /// address within a minute are one record with a count.
    pub single_records: bool,
    /// How many different facts may wait to be recorded, 64 to 1048576. They wait a tenth of a second, and while the
    /// database does not answer.
    pub queue_max: usize,
    /// What happens when that many wait: `refuse` answers 503 until there is room, so that nothing happens unrecorded;
    /// `gap` goes on, and the record of how many facts are missing is the next one in the chain.
    pub on_overflow: OnOverflow,
    /// How often the chain is signed while it grows; it is after 10,000 records in any case. At least 1s.
    #[schemars(with = "String")]
    pub checkpoint_every: Period,
    /// The file with the key that signs the chain; `audit-key` in the data folder if nothing names another. It is made at the
    /// first start. Whoever has another key writes another chain.
    pub key_file: Option<PathBuf>,
    /// A file to which each signed checkpoint is appended as a line of JSON. On another machine's disk, or where it can only
    /// be appended to, these are the anchors that `gantry audit verify --anchors` compares with.
    pub anchor_file: Option<PathBuf>,
    /// Where records are written as they are chained, as lines of JSON: a file to append to, or `-` for standard output.
    pub export: Option<PathBuf>,
    /// The webhook that the audit is sent to.
    pub webhook: WebhookSettings,
    /// How long records are kept; at least 1d. Seven years by default, the longest that common rules ask for. They are cut
    /// at a signed checkpoint, and a record says so.
    #[schemars(with = "String")]
    pub keep: Period,
}

/// What happens when too many facts wait to be recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOverflow {
    /// Requests are answered 503.
    Refuse,
    /// They are served, and how many were not recorded is.
    #[default]
    Gap,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            single_records: false,
            queue_max: 65_536,
            on_overflow: OnOverflow::Gap,
            checkpoint_every: Period::minutes(1),
            key_file: None,
            anchor_file: None,
            export: None,
            webhook: WebhookSettings::default(),
            keep: Period::hours(7 * 365 * 24),
        }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = self.webhook.check();
        if !(64..=1_048_576).contains(&self.queue_max) {
            wrong.push(format!("queue_max is {}; write a number from 64 to 1048576", self.queue_max));
        }
        if self.checkpoint_every.duration() < CHECKPOINT_EVERY_MIN.duration() {
            wrong.push("checkpoint_every is less than 1s; 1m is usual".into());
        }
        if self.keep.duration() < KEEP_MIN.duration() {
            wrong.push("keep is less than 1d: nobody could look into the audit in time".into());
        }
        wrong
    }
}
