//! Scan policies, exceptions and overrides, as the management API shows them.

use crate::json;
use gantry_api::Incoming;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{GateExplanation, KeptPolicy, QuarantinedTag};
use gantry_scan::{GateException, GateOutcome, GateOverride, GatePolicy, GateReason, GateScope};
use gantry_words::{Period, PeriodError, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A scan policy as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KeptScanPolicy")]
pub struct ScanPolicyDocument {
    /// For which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one.
    #[schemars(extend("example" = "team/*"))]
    pub scope: String,
    /// What it asks.
    pub policy: GatePolicy,
    /// When it was last written, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub changed_at: String,
    /// Who did.
    pub changed_by: String,
}

impl From<&KeptPolicy> for ScanPolicyDocument {
    fn from(kept: &KeptPolicy) -> Self {
        ScanPolicyDocument {
            scope: kept.scope.to_string(),
            policy: kept.policy.clone(),
            changed_at: kept.changed_at.to_string(),
            changed_by: kept.changed_by.clone(),
        }
    }
}

/// That a flaw or a package does not count for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScanException")]
pub struct ScanExceptionDocument {
    /// Its id.
    pub id: String,
    /// For which repositories: `*`, `team/*` or `team/app`.
    pub scope: String,
    /// For this image only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub digest: Option<String>,
    /// The flaw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub vulnerability: Option<String>,
    /// The package, in which `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub package: Option<String>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it ceases to hold, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ends_at: String,
    /// Whether that is over.
    pub is_expired: bool,
    /// Who made it.
    pub created_by: String,
    /// When, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Who else agreed; missing where nobody has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub approved_by: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub approved_at: Option<String>,
}

impl ScanExceptionDocument {
    pub(crate) fn of(exception: &GateException, now: Timestamp) -> Self {
        let approval = exception.approval.as_ref();
        ScanExceptionDocument {
            id: exception.id.clone(),
            scope: exception.scope.to_string(),
            digest: exception.digest.clone(),
            vulnerability: exception.vulnerability.clone(),
            package: exception.package.clone(),
            reason: exception.reason.clone(),
            owner: exception.owner.clone(),
            ends_at: exception.ends_at.to_string(),
            is_expired: exception.ends_at <= now,
            created_by: exception.created_by.clone(),
            created_at: exception.created_at.to_string(),
            approved_by: approval.map(|approval| approval.by.clone()),
            approved_at: approval.map(|approval| approval.at.to_string()),
        }
    }
}

/// That scan policies do not hold for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScanOverride")]
pub struct ScanOverrideDocument {
    /// Its id.
    pub id: String,
    /// For which repositories: `*`, `team/*` or `team/app`.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// When it ceases to hold, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub ends_at: String,
    /// Whether that is over.
    pub is_expired: bool,
    /// Who made it.
    pub created_by: String,
    /// When, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl ScanOverrideDocument {
    pub(crate) fn of(open: &GateOverride, now: Timestamp) -> Self {
        ScanOverrideDocument {
            id: open.id.clone(),
            scope: open.scope.to_string(),
            reason: open.reason.clone(),
            ends_at: open.ends_at.to_string(),
            is_expired: open.ends_at <= now,
            created_by: open.created_by.clone(),
            created_at: open.created_at.to_string(),
        }
    }
}

/// What the scan policy of its repository says of an image, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScanPolicyExplanation")]
pub struct GateExplanationDocument {
    /// The image.
    pub digest: String,
    /// Whether whoever may pull it gets it: it is not kept back, or the policy only advises, or is overridden.
    pub is_served: bool,
    /// Whether it is as the policy asks.
    pub outcome: GateOutcome,
    /// The policy that governs the repository; missing where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "ScanPolicyDocument")]
    pub policy: Option<ScanPolicyDocument>,
    /// Why it is not as the policy asks, the worst first: the first fifty.
    pub reasons: Vec<GateReason>,
    /// How many reasons there are.
    pub reason_count: u64,
    /// How many more there would be without exceptions.
    pub excepted_count: u64,
    /// When that was decided, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub decided_at: Option<String>,
    /// When it changes by itself, since an exception or a grace ends, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub recheck_at: Option<String>,
    /// The override that holds.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "ScanOverrideDocument")]
    pub open: Option<ScanOverrideDocument>,
}

impl GateExplanationDocument {
    pub(crate) fn of(digest: &str, found: Option<GateExplanation>, now: Timestamp) -> Self {
        let Some(GateExplanation { policy, verdict, decided_at, keeps_back, open }) = found else {
            return GateExplanationDocument::ungoverned(digest);
        };
        let is_enforced = policy.policy.mode == gantry_scan::GateMode::Enforce;
        GateExplanationDocument {
            digest: digest.into(),
            is_served: !keeps_back || !is_enforced || open.is_some(),
            outcome: verdict.outcome,
            policy: Some((&policy).into()),
            reasons: verdict.reasons,
            reason_count: verdict.reason_count,
            excepted_count: verdict.excepted_count,
            decided_at: Some(decided_at.to_string()),
            recheck_at: verdict.recheck_at.map(|at| at.to_string()),
            open: open.map(|open| ScanOverrideDocument::of(&open, now)),
        }
    }

    fn ungoverned(digest: &str) -> Self {
        GateExplanationDocument {
            digest: digest.into(),
            is_served: true,
            outcome: GateOutcome::Passes,
            policy: None,
            reasons: Vec::new(),
            reason_count: 0,
            excepted_count: 0,
            decided_at: None,
            recheck_at: None,
            open: None,
        }
    }
}

/// A tag that was pushed and is not set yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "QuarantinedTag")]
pub struct QuarantinedTagDocument {
    /// Its repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The image that was pushed under it.
    pub digest: String,
    /// Where the tag points meanwhile; missing where it is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub current: Option<String>,
    /// How it stands.
    pub state: QuarantineState,
    /// What is wrong, or awaited: the first fifty.
    pub reasons: Vec<GateReason>,
    /// Who pushed.
    pub pushed_by: String,
    /// When, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub pushed_at: String,
}

/// How a tag in quarantine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuarantineState {
    /// Too little is known of the image; when it passes, the tag is set.
    Waiting,
    /// The image is not as the policy asks. It is looked at again when policies, exceptions, advisories or its scan change.
    Refused,
}

impl From<QuarantinedTag> for QuarantinedTagDocument {
    fn from(tag: QuarantinedTag) -> Self {
        QuarantinedTagDocument {
            state: if tag.is_refused { QuarantineState::Refused } else { QuarantineState::Waiting },
            repository: tag.repository,
            tag: tag.tag,
            digest: tag.digest,
            current: tag.current,
            reasons: tag.reasons,
            pushed_by: tag.pushed_by,
            pushed_at: tag.pushed_at.to_string(),
        }
    }
}

/// Reads a scope out of the address. Its slashes and its star may be escaped.
pub(crate) fn scope(incoming: &Incoming) -> Result<GateScope, Fault> {
    let text = incoming.params.get("scope").replace("%2F", "/").replace("%2f", "/").replace("%2A", "*");
    parse_scope(&text.replace("%2a", "*"))
}

pub(crate) fn parse_scope(text: &str) -> Result<GateScope, Fault> {
    text.parse().map_err(|error: gantry_scan::GateScopeError| wrong(error.to_string()))
}

/// Reads for how long something holds.
pub(crate) fn holds_for(text: &str) -> Result<Duration, Fault> {
    let parsed: Result<Period, PeriodError> = text.parse();
    parsed.map(Period::duration).map_err(|error| wrong(format!("holdsFor: {error}")))
}

/// Reads the id of an exception or override out of the address.
pub(crate) fn id(incoming: &Incoming) -> String {
    incoming.params.get("id").to_string()
}

/// Reads the digest that an exception is for.
pub(crate) fn digest(text: &str) -> Result<String, Fault> {
    match json::parse_reference(text) {
        Ok(gantry_oci::Reference::Digest(digest)) => Ok(digest.to_string()),
        Ok(gantry_oci::Reference::Tag(_)) => Err(wrong(format!("digest: {text:?} is a tag, which may move"))),
        Err(fault) => Err(wrong(format!("digest: {}", fault.message))),
    }
}

pub(crate) fn wrong(message: String) -> Fault {
    Fault::new(FaultKind::InvalidParameter, message)
}
