use super::{GateException, GatePolicy};
use crate::{
    Confidence, ExposedSecret, Finding, Inventory, LayerSecret, Severity, Undecided, exploitation::priority,
    unsupported,
};
use gantry_words::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, fmt, time::Duration};

/// Reasons that a verdict lists at most, the worst first; it counts all of them.
pub const GATE_REASONS_MAX: usize = 50;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of an image.
#[derive(Clone, Debug)]
pub struct GateFacts<'a> {
    /// Its repository.
    pub repository: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// What its scan found.
    pub scan: GateScan<'a>,
    /// Whether a bill of materials refers to it, or is attested of it.
    pub has_sbom: bool,
}

/// How the scan of an image stands.
#[derive(Clone, Debug)]
pub enum GateScan<'a> {
    /// It is nothing that holds packages: a list of images, of which each has a verdict of its own, a signature, a chart.
    NotNeeded,
    /// It was not read yet.
    Missing,
    /// It could not be read, and why.
    Failed(&'a str),
    /// It was read.
    Done {
        /// When.
        at: Timestamp,
        /// When the advisories were brought up to date; `None` where there are none.
        advisories_at: Option<Timestamp>,
        /// What is wrong with it.
        findings: &'a [Finding],
        /// Packages about which nothing, or not all, can be said.
        undecided: &'a [Undecided],
        /// What it holds.
        inventory: &'a Inventory,
    },
}

/// What was decided of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateVerdict {
    /// What it comes to.
    pub outcome: GateOutcome,
    /// Why, the worst first: the first [`GATE_REASONS_MAX`].
    pub reasons: Vec<GateReason>,
    /// How many reasons there are.
    pub reason_count: u64,
    /// How many more there would be without exceptions.
    pub excepted_count: u64,
    /// When it has to be decided anew, though nothing else changes: an exception or a grace ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck_at: Option<Timestamp>,
}

/// What a verdict comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GateOutcome {
    /// Nothing that the policy asks for is missing.
    Passes,
    /// Something about it is not as the policy asks.
    Refused,
    /// Too little is known of it, or what is known is too old.
    Unknown,
}

impl GateOutcome {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            GateOutcome::Passes => "passes",
            GateOutcome::Refused => "refused",
            GateOutcome::Unknown => "unknown",
        }
    }
}

/// Why an image does not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "ScanPolicyReason")]
pub enum GateReason {
    /// A flaw that counts.
    Flaw {
        /// The CVE, or the advisory's own id.
        id: String,
        /// How bad it is.
        #[schemars(with = "String")]
        severity: Severity,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The lowest version without the flaw.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        fixed_version: Option<String>,
        /// The probability that it is exploited within 30 days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "f32")]
        epss: Option<f32>,
        /// Whether it is known to be exploited.
        known_exploited: bool,
    },
    /// A licence that may not be in it.
    Licence {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The licence; missing where none is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        licence: Option<String>,
    },
    /// A secret in one of its layers.
    Secret {
        /// The rule that found it: `github-token`.
        rule: String,
        /// What it is, for people.
        title: String,
        /// How bad it is that it is known.
        #[schemars(with = "String")]
        severity: Severity,
        /// The file.
        path: String,
        /// The line on which it begins, counted from 1.
        line: u32,
        /// Which layer holds it, counted from 0 at the bottom.
        layer: u32,
        /// The first 16 hexadecimal digits of its SHA-256, by which an exception can name it.
        fingerprint: String,
    },
    /// No bill of materials refers to it.
    SbomMissing,
    /// It was not scanned yet.
    NotScanned,
    /// It could not be scanned.
    ScanFailed {
        /// Why.
        reason: String,
    },
    /// It was scanned too long ago.
    ScanTooOld {
        /// When.
        #[schemars(with = "String")]
        scanned_at: Timestamp,
    },
    /// Nobody's advisories speak of its distribution.
    NotJudged {
        /// Why.
        reason: String,
    },
    /// There are no advisories.
    AdvisoriesMissing,
    /// The advisories are too old.
    AdvisoriesTooOld {
        /// Of when they are.
        #[schemars(with = "String")]
        advisories_at: Timestamp,
    },
}

impl fmt::Display for GateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateReason::Flaw { id, severity, package, version, fixed_version, known_exploited, .. } => {
                let exploited = if *known_exploited { ", known to be exploited" } else { "" };
                write!(f, "{id} ({}{exploited}) in {package} {version}", severity.name())?;
                match fixed_version {
                    Some(fixed) => write!(f, ", fixed in {fixed}"),
                    None => f.write_str(", without a fix"),
                }
            }
            GateReason::Licence { package, version, licence: Some(licence) } => {
                write!(f, "the licence {licence} of {package} {version}")
            }
            GateReason::Licence { package, version, licence: None } => {
                write!(f, "the unknown licence of {package} {version}")
            }
            GateReason::Secret { rule, title, severity, path, line, layer, fingerprint } => {
                let (severity, layer) = (severity.name(), u64::from(*layer) + 1);
                write!(f, "{title} ({severity}, {rule} {fingerprint}) in {path}:{line} of layer {layer}")
            }
            GateReason::SbomMissing => f.write_str("no bill of materials refers to it"),
            GateReason::NotScanned => f.write_str("it is not scanned yet"),
            GateReason::ScanFailed { reason } => write!(f, "it could not be scanned: {reason}"),
            GateReason::ScanTooOld { scanned_at } => write!(f, "it was last scanned at {scanned_at}"),
            GateReason::NotJudged { reason } => write!(f, "its packages are judged by nobody: {reason}"),
            GateReason::AdvisoriesMissing => f.write_str("there are no advisories to judge it by"),
            GateReason::AdvisoriesTooOld { advisories_at } => write!(f, "the advisories are of {advisories_at}"),
        }
    }
}

/// Decides whether an image may pass, at a time.
///
/// Of `exceptions` those count that are about the image and hold then. A suppressed finding never counts.
pub fn decide_gate(
    policy: &GatePolicy,
    exceptions: &[GateException],
    facts: &GateFacts<'_>,
    now: Timestamp,
) -> GateVerdict {
    let (digest, needs_approval) = (facts.digest, policy.exceptions_need_approval);
    let holding: Vec<&GateException> =
        exceptions.iter().filter(|one| one.holds(facts.repository, digest, needs_approval, now)).collect();
    let mut case =
        Case { policy, holding, now, reasons: Vec::new(), unknown: Vec::new(), excepted: 0, recheck_at: None };
    match &facts.scan {
        GateScan::NotNeeded => return case.verdict(),
        GateScan::Missing => case.unknown.push(GateReason::NotScanned),
        GateScan::Failed(reason) => case.unknown.push(GateReason::ScanFailed { reason: (*reason).into() }),
        GateScan::Done { at, advisories_at, findings, undecided, inventory } => {
            case.look_at_age(*at, *advisories_at);
            case.look_at_distribution(inventory, undecided);
            case.look_at_secrets(&inventory.secrets);
            case.look_at_flaws(findings);
            case.look_at_licences(inventory);
        }
    }
    if policy.requires_sbom && !facts.has_sbom {
        case.reasons.push(GateReason::SbomMissing);
    }
    case.verdict()
}

/// A decision under way.
struct Case<'a> {
    policy: &'a GatePolicy,
    holding: Vec<&'a GateException>,
    now: Timestamp,
    reasons: Vec<GateReason>,
    /// Why too little is known.
    unknown: Vec<GateReason>,
    excepted: u64,
    recheck_at: Option<Timestamp>,
}

impl Case<'_> {
    fn look_at_age(&mut self, scanned_at: Timestamp, advisories_at: Option<Timestamp>) {
        if let Some(days) = self.policy.scan_age_days_max
            && self.is_over(scanned_at, days)
        {
            self.unknown.push(GateReason::ScanTooOld { scanned_at });
        }
        match (advisories_at, self.policy.advisories_age_days_max) {
            (None, Some(_)) => self.unknown.push(GateReason::AdvisoriesMissing),
            (None, None) if self.policy.asks_about_flaws() => self.unknown.push(GateReason::AdvisoriesMissing),
            (Some(advisories_at), Some(days)) if self.is_over(advisories_at, days) => {
                self.unknown.push(GateReason::AdvisoriesTooOld { advisories_at });
            }
            (None | Some(_), None) | (Some(_), Some(_)) => {}
        }
    }

    /// No flaws, where nobody would tell of them, are not few flaws.
    fn look_at_distribution(&mut self, inventory: &Inventory, undecided: &[Undecided]) {
        if self.policy.asks_about_flaws()
            && !self.unknown.contains(&GateReason::AdvisoriesMissing)
            && let Some(reason) = unsupported(inventory, undecided)
        {
            self.unknown.push(GateReason::NotJudged { reason });
        }
    }

    /// Secrets come before flaws: no update mends them, and whoever has the image has them.
    fn look_at_secrets(&mut self, secrets: &[LayerSecret]) {
        if !self.policy.refuses_secrets {
            return;
        }
        let mut live: Vec<&LayerSecret> =
            secrets.iter().filter(|found| found.secret.confidence == Confidence::High).collect();
        live.sort_by_key(|found| Reverse(found.secret.severity));
        for LayerSecret { secret, layer, .. } in live {
            // An exception is about it where it names its rule or itself, and no package.
            let covering = self.holding.iter().filter(|one| one.vulnerability.is_some() && one.package.is_none());
            let ids = || [secret.rule.as_str(), secret.fingerprint.as_str()].into_iter();
            match covering.filter(|one| one.covers(ids(), "")).map(|one| one.ends_at).max() {
                Some(end) => self.except(end),
                None => self.reasons.push(exposed(secret, *layer)),
            }
        }
    }

    fn look_at_flaws(&mut self, findings: &[Finding]) {
        let counts = |finding: &&Finding| finding.suppressed.is_none() && is_bad(self.policy, finding);
        let mut bad: Vec<&Finding> = findings.iter().filter(counts).collect();
        bad.sort_by_key(|finding| (Reverse(priority(finding)), Reverse(finding.severity)));
        for finding in bad {
            if !self.is_in_grace(finding) && !self.is_excepted(finding) {
                self.reasons.push(flaw(finding));
            }
        }
    }

    fn look_at_licences(&mut self, inventory: &Inventory) {
        let Some(policy) = &self.policy.licences else { return };
        let mut packages: Vec<_> = inventory.packages.iter().map(|installed| &installed.package).collect();
        packages.dedup();
        for breach in policy.breaches(packages) {
            let name = breach.package.name.as_str();
            // A licence has no id: an exception is about it where it names the package and no flaw.
            let covering = self.holding.iter().filter(|one| one.vulnerability.is_none());
            let end = covering.filter(|one| one.covers(std::iter::empty(), name)).map(|one| one.ends_at).max();
            match end {
                Some(end) => self.except(end),
                None => self.reasons.push(GateReason::Licence {
                    package: name.into(),
                    version: breach.package.version.clone(),
                    licence: breach.licence,
                }),
            }
        }
    }

    fn is_in_grace(&mut self, finding: &Finding) -> bool {
        if self.policy.grace_days == 0 || finding.known_exploited && self.policy.known_exploited {
            return false;
        }
        let published = finding.published.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        published.is_some_and(|published| !self.is_over(published, self.policy.grace_days))
    }

    fn is_excepted(&mut self, finding: &Finding) -> bool {
        let ids = || std::iter::once(&finding.id).chain(&finding.aliases).map(String::as_str);
        let covering = self.holding.iter().filter(|one| one.covers(ids(), &finding.package.name));
        // The one that holds longest: until it ends, nothing changes.
        let Some(end) = covering.map(|one| one.ends_at).max() else { return false };
        self.except(end);
        true
    }

    fn except(&mut self, end: Timestamp) {
        self.excepted += 1;
        self.wake_at(end);
    }

    /// Tells whether so many days are over since then; where they are not, it is looked again when they are.
    fn is_over(&mut self, since: Timestamp, days: u32) -> bool {
        let end = since.plus(DAY * days);
        if end <= self.now {
            return true;
        }
        self.wake_at(end);
        false
    }

    fn wake_at(&mut self, at: Timestamp) {
        self.recheck_at = Some(self.recheck_at.map_or(at, |known| known.min(at)));
    }

    fn verdict(self) -> GateVerdict {
        let outcome = match (self.reasons.is_empty(), self.unknown.is_empty()) {
            (false, _) => GateOutcome::Refused,
            (true, false) => GateOutcome::Unknown,
            (true, true) => GateOutcome::Passes,
        };
        let mut reasons = self.reasons;
        reasons.extend(self.unknown);
        let reason_count = reasons.len() as u64;
        reasons.truncate(GATE_REASONS_MAX);
        GateVerdict { outcome, reasons, reason_count, excepted_count: self.excepted, recheck_at: self.recheck_at }
    }
}

/// Tells whether a flaw is one of those that a policy asks about.
fn is_bad(policy: &GatePolicy, finding: &Finding) -> bool {
    let is_severe = policy.severity.is_some_and(|least| finding.severity >= least);
    let is_likely = policy.epss.is_some_and(|least| finding.epss.is_some_and(|probability| probability >= least));
    let is_exploited = policy.known_exploited && finding.known_exploited;
    (is_severe || is_likely || is_exploited) && (!policy.fixable_only || finding.fixed_version.is_some())
}

fn exposed(secret: &ExposedSecret, layer: u32) -> GateReason {
    GateReason::Secret {
        rule: secret.rule.clone(),
        title: secret.title.clone(),
        severity: secret.severity,
        path: secret.path.clone(),
        line: secret.line,
        layer,
        fingerprint: secret.fingerprint.clone(),
    }
}

fn flaw(finding: &Finding) -> GateReason {
    GateReason::Flaw {
        id: finding.id.clone(),
        severity: finding.severity,
        package: finding.package.name.clone(),
        version: finding.package.version.clone(),
        fixed_version: finding.fixed_version.clone(),
        epss: finding.epss,
        known_exploited: finding.known_exploited,
    }
}
