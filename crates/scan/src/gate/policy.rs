use super::{GateOutcome, GateVerdict};
use crate::{LicencePolicy, LicencePolicyError, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Days that a policy may name at most.
const DAYS_MAX: u32 = 3_650;
/// Principals that may be left out at most, and the bytes of each.
const EXEMPT_MAX: usize = 100;
const EXEMPT_BYTES_MAX: usize = 512;

/// What an image must be like to be pulled. What is not named is not asked.
///
/// A flaw counts where its severity, its probability of being exploited or CISA's catalogue says so: one of the three is enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schemars(rename = "ScanPolicy")]
pub struct GatePolicy {
    /// What becomes of a pull that the policy does not let through: `enforce` refuses it, `advise` warns.
    pub mode: GateMode,
    /// Flaws of this severity and worse count: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW` or `INFORMATIONAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("example" = "HIGH"))]
    pub severity: Option<Severity>,
    /// Flaws that are exploited within 30 days with at least this probability (EPSS) count, 0.0 to 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f32", range(min = 0.0, max = 1.0))]
    pub epss: Option<f32>,
    /// Flaws that CISA's catalogue of known exploited vulnerabilities (KEV) names count. They have no grace.
    pub known_exploited: bool,
    /// Only flaws count that a version without them is known of.
    pub fixable_only: bool,
    /// A flaw counts so many days after it was published; one without a day of publication counts at once.
    #[schemars(range(max = DAYS_MAX))]
    pub grace_days: u32,
    /// Which licences may be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LicencePolicy")]
    pub licences: Option<LicencePolicy>,
    /// After how many days what a scan has read counts as unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = DAYS_MAX))]
    pub scan_age_days_max: Option<u32>,
    /// After how many days without new advisories what is wrong with an image counts as unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = DAYS_MAX))]
    pub advisories_age_days_max: Option<u32>,
    /// Whether a bill of materials must refer to it, or to an index that names it, or be attested of either.
    pub requires_sbom: bool,
    /// Whether secrets in its layers count: keys and tokens, but for those that lie among tests, examples and documentation.
    pub refuses_secrets: bool,
    /// What becomes of an image of which is not known what is wrong with it: `refuse` or `pass`.
    pub unscanned: Unscanned,
    /// Whether an exception holds only once somebody else than who made it has approved it.
    pub exceptions_need_approval: bool,
    /// Whether a tag that is pushed points to its image only once that passes; until then it stays where it was, or is not there.
    pub quarantine: bool,
    /// Who pulls whatever an image is like, such as another scanner: ARNs, in which `*` stands for any text.
    #[schemars(length(max = EXEMPT_MAX))]
    pub exempt: Vec<String>,
}

/// What becomes of a pull that a policy does not let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is answered, with a warning.
    Advise,
}

/// What becomes of an image about which too little is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unscanned {
    /// It is kept back until it is known.
    #[default]
    Refuse,
    /// It goes through.
    Pass,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatePolicyError {
    /// Nothing is asked.
    #[error(
        "the policy asks for nothing; name at least one of severity, epss, knownExploited, licences, scanAgeDaysMax, advisoriesAgeDaysMax, requiresSbom and refusesSecrets"
    )]
    Nothing,
    /// A probability outside of its range.
    #[error("epss is a probability, from 0.0 to 1.0")]
    Epss,
    /// Too many days, or none.
    #[error("{member} is from {min} to {DAYS_MAX} days")]
    Days {
        /// Which member.
        member: &'static str,
        /// The fewest.
        min: u32,
    },
    /// The licences.
    #[error("licences: {0}")]
    Licences(#[from] LicencePolicyError),
    /// It keeps nothing back, and has tags wait.
    #[error("a policy with the mode advise keeps nothing back, so it has no quarantine; leave one of the two out")]
    QuarantineAdvises,
    /// Too many principals, or one that is too long.
    #[error("exempt has at most {EXEMPT_MAX} ARNs of at most {EXEMPT_BYTES_MAX} bytes each")]
    Exempt,
}

impl GatePolicy {
    /// Checks what its types do not say.
    ///
    /// # Errors
    /// [`GatePolicyError`], for the first that is wrong.
    pub fn check(&self) -> Result<(), GatePolicyError> {
        let asks_else =
            self.licences.is_some() || self.scan_age_days_max.is_some() || self.requires_sbom || self.refuses_secrets;
        if !self.asks_about_flaws() && !asks_else && self.advisories_age_days_max.is_none() {
            return Err(GatePolicyError::Nothing);
        }
        if self.epss.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err(GatePolicyError::Epss);
        }
        let days = [
            ("graceDays", 0, Some(self.grace_days)),
            ("scanAgeDaysMax", 1, self.scan_age_days_max),
            ("advisoriesAgeDaysMax", 1, self.advisories_age_days_max),
        ];
        for (member, min, days) in days {
            if days.is_some_and(|days| !(min..=DAYS_MAX).contains(&days)) {
                return Err(GatePolicyError::Days { member, min });
            }
        }
        if self.quarantine && self.mode == GateMode::Advise {
            return Err(GatePolicyError::QuarantineAdvises);
        }
        if self.exempt.len() > EXEMPT_MAX || self.exempt.iter().any(|arn| !(1..=EXEMPT_BYTES_MAX).contains(&arn.len()))
        {
            return Err(GatePolicyError::Exempt);
        }
        self.licences.as_ref().map_or(Ok(()), |licences| licences.check().map_err(Into::into))
    }

    /// Tells whether anything is asked for which advisories are needed.
    pub fn asks_about_flaws(&self) -> bool {
        self.severity.is_some() || self.epss.is_some() || self.known_exploited
    }

    /// Tells whether the policy keeps an image back of which this was decided, whatever follows from that.
    pub fn keeps_back(&self, verdict: &GateVerdict) -> bool {
        match verdict.outcome {
            GateOutcome::Passes => false,
            GateOutcome::Refused => true,
            GateOutcome::Unknown => self.unscanned == Unscanned::Refuse,
        }
    }

    /// Tells whether somebody pulls whatever an image is like.
    pub fn exempts(&self, arn: &str) -> bool {
        self.exempt.iter().any(|pattern| is_like(pattern, arn))
    }
}

/// Tells whether a text is like a pattern in which `*` stands for any text.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
