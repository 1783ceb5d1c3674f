//! What nobody may delete, and what somebody runs, as the management API shows it.

use gantry_registry::{Hold, ImageUse, InventorySummary, ReportedImage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// That an image may not be deleted, by anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Hold")]
pub struct HoldDocument {
    /// Since when, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// Who put it on hold.
    pub by: String,
    /// Why, in his words.
    pub reason: String,
}

impl From<Hold> for HoldDocument {
    fn from(hold: Hold) -> Self {
        HoldDocument { since: hold.since.to_string(), by: hold.by, reason: hold.reason }
    }
}

/// That somebody runs an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ImageUse")]
pub struct ImageUseDocument {
    /// Who reports it: a cluster, or a script.
    pub source: String,
    /// When he reported last, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub reported_at: String,
    /// Until when that counts, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub valid_until: String,
}

impl From<ImageUse> for ImageUseDocument {
    fn from(used: ImageUse) -> Self {
        ImageUseDocument {
            source: used.source,
            reported_at: used.reported_at.to_string(),
            valid_until: used.valid_until.to_string(),
        }
    }
}

/// Who reports which images he runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "InventorySource")]
pub struct InventorySourceDocument {
    /// His name.
    pub source: String,
    /// When he reported last, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub reported_at: String,
    /// Who sent that report.
    pub reported_by: String,
    /// Until when it counts, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub valid_until: String,
    /// Whether that is over: then it keeps nothing.
    pub is_expired: bool,
    /// How many images are in it.
    pub image_count: i64,
}

impl From<InventorySummary> for InventorySourceDocument {
    fn from(summary: InventorySummary) -> Self {
        InventorySourceDocument {
            source: summary.name,
            reported_at: summary.reported_at.to_string(),
            reported_by: summary.reported_by,
            valid_until: summary.valid_until.to_string(),
            is_expired: summary.is_expired,
            image_count: summary.image_count,
        }
    }
}

/// An image that somebody runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReportedImage")]
pub struct ReportedImageDocument {
    /// Its repository; without it every repository that holds the digest is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("example" = "team/app"))]
    pub repository: Option<String>,
    /// Its digest.
    pub digest: String,
}

impl From<ReportedImage> for ReportedImageDocument {
    fn from(image: ReportedImage) -> Self {
        ReportedImageDocument {
            repository: image.repository.map(|name| name.to_string()),
            digest: image.digest.to_string(),
        }
    }
}
