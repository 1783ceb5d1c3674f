use super::{asks, path_of};
use crate::{
    command::identities::read,
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::ScanPolicyDocument;
use gantry_scan::{GateMode, GatePolicy, LicencePolicy, Severity, Unscanned, severity};
use std::path::PathBuf;
use ureq::http::Method;

/// Set what images must be like to be pulled, in the place of what was set before
///
/// A flaw counts where its severity, its EPSS or CISA's catalogue says so: one of those that are named is enough. The policy
/// holds from the next pull on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate set team/app --severity HIGH --fixable-only --quarantine")]
pub(crate) struct SetCommand {
    /// * for all repositories, team/* for those below a prefix, team/app for one
    scope: String,
    /// A file with the whole policy as JSON, instead of the options below; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Flaws of this severity and worse count
    #[arg(long, value_name = "SEVERITY", value_parser = severity_of)]
    severity: Option<Severity>,
    /// Flaws with this EPSS and more count, 0.0 to 1.0
    #[arg(long, value_name = "PROBABILITY")]
    epss: Option<f32>,
    /// Flaws that are known to be exploited count
    #[arg(long)]
    known_exploited: bool,
    /// Only flaws count that there is a fix for
    #[arg(long)]
    fixable_only: bool,
    /// So many days after its publication a flaw counts
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    grace_days: u32,
    /// A licence that may not be in an image, such as AGPL-*; may be given several times
    #[arg(long = "deny-licence", value_name = "LICENCE")]
    denied_licences: Vec<String>,
    /// After so many days a scan counts as none
    #[arg(long, value_name = "DAYS")]
    scan_age_days: Option<u32>,
    /// After so many days without new advisories an image counts as unknown
    #[arg(long, value_name = "DAYS")]
    advisories_age_days: Option<u32>,
    /// A bill of materials must refer to the image
    #[arg(long)]
    require_sbom: bool,
    /// No secret may lie in a layer, but for examples
    #[arg(long)]
    no_secrets: bool,
    /// Let images through of which not enough is known
    #[arg(long)]
    pass_unscanned: bool,
    /// Warn, and keep nothing back
    #[arg(long)]
    advise: bool,
    /// Have tags that are pushed wait until their images pass
    #[arg(long, conflicts_with = "advise")]
    quarantine: bool,
    /// Exceptions hold once a second person has approved them
    #[arg(long)]
    two_person: bool,
    /// Who pulls whatever an image is like, such as another scanner: an ARN, * stands for any text; may be given several times
    #[arg(long, value_name = "ARN")]
    exempt: Vec<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl SetCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let policy = self.policy()?;
        let written: ScanPolicyDocument =
            Remote::open(&self.remote)?.put(Method::PUT, &path_of(&self.scope), &policy)?;
        let sentence = format!(
            "Images of {} are asked for from now on: {}. See what an image comes to with: gantry gate explain IMAGE",
            written.scope,
            asks(&written.policy).join(", ")
        );
        Printer::stdout(self.output.format).tell(&written, &sentence)?;
        Ok(Exit::Done)
    }

    fn policy(&self) -> Result<GatePolicy, Failure> {
        let named = GatePolicy {
            mode: if self.advise { GateMode::Advise } else { GateMode::Enforce },
            severity: self.severity,
            epss: self.epss,
            known_exploited: self.known_exploited,
            fixable_only: self.fixable_only,
            grace_days: self.grace_days,
            licences: (!self.denied_licences.is_empty())
                .then(|| LicencePolicy { denied: self.denied_licences.clone(), allowed: None }),
            scan_age_days_max: self.scan_age_days,
            advisories_age_days_max: self.advisories_age_days,
            requires_sbom: self.require_sbom,
            refuses_secrets: self.no_secrets,
            unscanned: if self.pass_unscanned { Unscanned::Pass } else { Unscanned::Refuse },
            exceptions_need_approval: self.two_person,
            quarantine: self.quarantine,
            exempt: self.exempt.clone(),
        };
        let Some(file) = &self.file else { return checked(named) };
        if named != GatePolicy::default() {
            return Err(Failure::usage("--file holds the whole policy", "Write the other options into the file"));
        }
        let parsed = serde_json::from_str(&read(file)?);
        checked(parsed.map_err(|error| {
            Failure::usage(format!("{}: {error}", file.display()), "docs/gates.md says what a policy is like")
        })?)
    }
}

fn checked(policy: GatePolicy) -> Result<GatePolicy, Failure> {
    match policy.check() {
        Ok(()) => Ok(policy),
        Err(error) => Err(Failure::usage(error.to_string(), "See: gantry gate set --help")),
    }
}

fn severity_of(text: &str) -> Result<Severity, String> {
    severity::parse_word(text).ok_or_else(|| "write CRITICAL, HIGH, MEDIUM, LOW or INFORMATIONAL".into())
}
