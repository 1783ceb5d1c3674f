//! What lifecycle policies did and will do, as the management API shows it.

use gantry_registry::{
    ForecastRun, LifecycleExplanation, LifecycleForecast, LifecycleForecastImage, LifecycleImage, LifecycleRun,
    LifecycleStatus,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run of a repository's lifecycle policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleRun")]
pub struct LifecycleRunDocument {
    /// When it began: the moment on which it decided, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub began_at: String,
    /// When it ended, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ended_at: String,
    /// Who had it run; `gantry:lifecycle` is the schedule.
    pub by: String,
    /// `completed`; `skipped` where the settings do not allow the policy; `interrupted` where the policy was changed
    /// meanwhile; `failed`.
    pub outcome: String,
    /// Why it did not complete.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// Images that it looked at.
    pub images: u64,
    /// Images that expired.
    pub expired: u64,
    /// What those hold, in bytes. Layers that they share with others are not freed.
    pub expired_bytes: u64,
    /// Images that stay since something about them changed after it was decided; the next run decides on them.
    pub changed: u64,
    /// Images that stay since they cannot be removed.
    pub refused: u64,
    /// Images that stay since they are held, in use, or have a protected tag.
    pub protected: u64,
    /// Images that went to the archive.
    #[serde(default)]
    pub archived: u64,
    /// What those hold, in bytes.
    #[serde(default)]
    pub archived_bytes: u64,
    /// What the author of the policy may not have meant, a sentence each.
    pub warnings: Vec<String>,
}

impl From<LifecycleRun> for LifecycleRunDocument {
    fn from(run: LifecycleRun) -> Self {
        LifecycleRunDocument {
            began_at: run.began_at.to_string(),
            ended_at: run.ended_at.to_string(),
            by: run.by,
            outcome: run.outcome.as_str().into(),
            reason: run.reason,
            images: run.images,
            expired: run.expired,
            expired_bytes: run.expired_bytes,
            changed: run.changed,
            refused: run.refused,
            protected: run.protected,
            archived: run.archived,
            archived_bytes: run.archived_bytes,
            warnings: run.warnings,
        }
    }
}

/// A run, with the images that expired in it, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleRunResult")]
pub struct LifecycleRunResultDocument {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// What it came to, or would come to.
    pub run: LifecycleRunDocument,
    /// The images that expired, the oldest first: the first thousand.
    pub images: Vec<LifecycleImageDocument>,
}

/// An image on which a policy acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleImage")]
pub struct LifecycleImageDocument {
    /// Its digest.
    pub digest: String,
    /// The tags that it had.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// `expire`, or `transition` to the archive.
    pub action: String,
    /// The priority of the rule.
    pub rule_priority: u32,
}

impl From<LifecycleImage> for LifecycleImageDocument {
    fn from(image: LifecycleImage) -> Self {
        LifecycleImageDocument {
            digest: image.digest,
            tags: image.tags,
            bytes: image.bytes,
            action: image.action.as_str().into(),
            rule_priority: image.rule,
        }
    }
}

/// When a repository's policy ran last, and when it is to run next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleStatus")]
pub struct LifecycleStatusDocument {
    /// The last run; missing before the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "LifecycleRunDocument")]
    pub last_run: Option<LifecycleRunDocument>,
    /// When the next run is due, RFC 3339; missing where there is no policy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub next_run_at: Option<String>,
}

impl From<LifecycleStatus> for LifecycleStatusDocument {
    fn from(status: LifecycleStatus) -> Self {
        LifecycleStatusDocument {
            last_run: status.last.map(Into::into),
            next_run_at: status.next_at.map(|at| at.to_string()),
        }
    }
}

/// What a policy will do in the days to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleForecast")]
pub struct LifecycleForecastDocument {
    /// The days on which something goes.
    pub runs: Vec<ForecastRunDocument>,
    /// What goes, in the order in which it does: the first thousand.
    pub images: Vec<ForecastImageDocument>,
}

impl From<LifecycleForecast> for LifecycleForecastDocument {
    fn from(forecast: LifecycleForecast) -> Self {
        LifecycleForecastDocument {
            runs: forecast.runs.into_iter().map(Into::into).collect(),
            images: forecast.images.into_iter().map(Into::into).collect(),
        }
    }
}

/// What goes on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ForecastRun")]
pub struct ForecastRunDocument {
    /// When, RFC 3339: the day counts, not the minute.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Images that expire.
    pub expired: u64,
    /// What they hold, in bytes. Layers that they share with others are not freed.
    pub expired_bytes: u64,
    /// Images that go to the archive.
    pub transitioned: u64,
    /// What they hold, in bytes.
    pub transitioned_bytes: u64,
}

impl From<ForecastRun> for ForecastRunDocument {
    fn from(run: ForecastRun) -> Self {
        ForecastRunDocument {
            at: run.at.to_string(),
            expired: run.expired,
            expired_bytes: run.expired_bytes,
            transitioned: run.transitioned,
            transitioned_bytes: run.transitioned_bytes,
        }
    }
}

/// An image that goes on a day to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ForecastImage")]
pub struct ForecastImageDocument {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// When, RFC 3339: the day counts, not the minute.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// `expire`, or `transition` to the archive.
    pub action: String,
    /// The priority of the rule.
    pub rule_priority: u32,
}

impl From<LifecycleForecastImage> for ForecastImageDocument {
    fn from(image: LifecycleForecastImage) -> Self {
        ForecastImageDocument {
            digest: image.digest,
            tags: image.tags,
            bytes: image.bytes,
            at: image.at.to_string(),
            action: image.action.as_str().into(),
            rule_priority: image.rule,
        }
    }
}

/// What a policy does with an image, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecycleExplanation")]
pub struct LifecycleExplanationDocument {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What a run would do now: `keep`, `expire`, or `transition` to the archive.
    pub action: String,
    /// The priority of the rule that acts on it or keeps it; missing where none does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u32")]
    pub rule_priority: Option<u32>,
    /// Why.
    pub reason: String,
    /// When it goes within a year, and by which rule, if nothing is pushed or pulled meanwhile; missing where it stays.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "ForecastImageDocument")]
    pub goes: Option<ForecastImageDocument>,
    /// When the policy ran last, and when it is to run next.
    #[serde(flatten)]
    pub status: LifecycleStatusDocument,
}

impl From<LifecycleExplanation> for LifecycleExplanationDocument {
    fn from(explanation: LifecycleExplanation) -> Self {
        LifecycleExplanationDocument {
            digest: explanation.digest,
            tags: explanation.tags,
            action: explanation.action.map_or("keep", |action| action.as_str()).into(),
            rule_priority: explanation.rule,
            reason: explanation.sentence,
            goes: explanation.goes.map(Into::into),
            status: explanation.status.into(),
        }
    }
}
