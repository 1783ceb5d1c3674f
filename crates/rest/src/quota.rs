//! Quotas, as the management API shows them.

use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Quota, QuotaLimits, QuotaMeasure, QuotaScope, QuotaScopeError, days_until_full};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much repositories may hold together. What is missing has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "QuotaLimits")]
pub struct QuotaLimitsDocument {
    /// How bytes are counted: what several repositories hold counts in each (`logical`, as where nothing is said) or once (`physical`).
    #[serde(default)]
    pub measure: MeasureDocument,
    /// Bytes beyond which nothing is taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u64")]
    pub bytes_hard: Option<u64>,
    /// Bytes beyond which an event tells of it, and everything is taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u64")]
    pub bytes_soft: Option<u64>,
    /// Images beyond which none is taken, children of indexes and referrers included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u64")]
    pub images_hard: Option<u64>,
    /// Images beyond which an event tells of it, and everything is taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u64")]
    pub images_soft: Option<u64>,
}

/// How the bytes of a quota are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "QuotaMeasure")]
pub enum MeasureDocument {
    /// What several of its repositories hold counts in each.
    #[default]
    Logical,
    /// What several of its repositories hold counts once.
    Physical,
}

impl From<QuotaLimitsDocument> for QuotaLimits {
    fn from(limits: QuotaLimitsDocument) -> Self {
        let QuotaLimitsDocument { measure, bytes_hard, bytes_soft, images_hard, images_soft } = limits;
        let measure = match measure {
            MeasureDocument::Logical => QuotaMeasure::Logical,
            MeasureDocument::Physical => QuotaMeasure::Physical,
        };
        QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft }
    }
}

impl From<QuotaLimits> for QuotaLimitsDocument {
    fn from(limits: QuotaLimits) -> Self {
        let QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft } = limits;
        let measure = match measure {
            QuotaMeasure::Logical => MeasureDocument::Logical,
            QuotaMeasure::Physical => MeasureDocument::Physical,
        };
        QuotaLimitsDocument { measure, bytes_hard, bytes_soft, images_hard, images_soft }
    }
}

/// A quota, and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Quota")]
pub struct QuotaDocument {
    /// For which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one.
    #[schemars(extend("example" = "team/*"))]
    pub scope: String,
    /// What it allows.
    pub limits: QuotaLimitsDocument,
    /// Bytes of the blobs that the repositories hold, by the measure.
    pub used_bytes: u64,
    /// Their images.
    pub used_images: u64,
    /// Bytes that are kept for open uploads to them, those that have come included.
    pub reserved_bytes: u64,
    /// By how many logical bytes its repositories grow in a day together; negative where they shrink, null until two days are known.
    pub growth_bytes_per_day: Option<i64>,
    /// In how many whole days its bytes reach the hard limit (the soft one, where there is no other) if they go on to grow so, as if
    /// nothing were held twice; null where there is no such limit, or no growth.
    pub days_until_full: Option<u64>,
    /// When it was last set, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub changed_at: String,
    /// By whom.
    pub changed_by: String,
}

impl From<Quota> for QuotaDocument {
    fn from(quota: Quota) -> Self {
        let limit = quota.limits.bytes_hard.or(quota.limits.bytes_soft);
        let room = limit.map(|limit| limit.saturating_sub(quota.used_bytes));
        QuotaDocument {
            scope: quota.scope,
            limits: quota.limits.into(),
            used_bytes: quota.used_bytes,
            used_images: quota.used_images,
            reserved_bytes: quota.reserved_bytes,
            growth_bytes_per_day: quota.growth_bytes_per_day,
            days_until_full: room.and_then(|room| days_until_full(room, quota.growth_bytes_per_day)),
            changed_at: quota.changed_at.to_string(),
            changed_by: quota.changed_by,
        }
    }
}

/// Reads a scope out of the address. Its slashes and its star may be escaped.
pub(crate) fn scope(incoming: &Incoming) -> Result<QuotaScope, Fault> {
    let text = incoming.params.get("scope").replace("%2F", "/").replace("%2f", "/").replace("%2A", "*");
    let parsed = text.replace("%2a", "*").parse();
    parsed.map_err(|error: QuotaScopeError| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}
