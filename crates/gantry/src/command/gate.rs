mod except;
mod explain;
mod overrides;
mod quarantine;
mod release;
mod set;

use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags, percent_encoded},
};
use gantry_rest::ScanPolicyDocument;
use gantry_scan::{GateMode, GatePolicy, Unscanned};
use serde::Deserialize;
use serde_json::json;

/// Keep bad images from being pulled: scan policies, exceptions from them, and overrides
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate ls")]
pub(crate) struct GateCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Set(set::SetCommand),
    /// Show the scan policy of a scope
    #[command(after_help = "Example:\n  gantry gate get 'team/*'")]
    Get {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        scope: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List scan policies, the most specific first: the first that means a repository governs it
    #[command(after_help = "Example:\n  gantry gate ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove the scan policy of a scope
    #[command(after_help = "Example:\n  gantry gate rm team/app")]
    Rm {
        /// * for all repositories, team/* for those below a prefix, team/app for one
        scope: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    Except(except::ExceptCommand),
    Override(overrides::OverrideCommand),
    Quarantine(quarantine::QuarantineCommand),
    Release(release::ReleaseCommand),
    Explain(explain::ExplainCommand),
}

#[derive(Deserialize)]
struct Policies {
    policies: Vec<ScanPolicyDocument>,
}

impl GateCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Set(command) => return command.run(),
            What::Except(command) => return command.run(),
            What::Override(command) => return command.run(),
            What::Quarantine(command) => return command.run(),
            What::Release(command) => return command.run(),
            What::Explain(command) => return command.run(),
            What::Get { scope, remote, output } => {
                let found: ScanPolicyDocument = Remote::open(&remote)?.get(&path_of(&scope))?;
                Printer::stdout(output.format).answer(&found, facts)?;
            }
            What::Ls { remote, output } => {
                let found: Policies = Remote::open(&remote)?.get("/api/v1/scan-policies")?;
                Printer::stdout(output.format).answer(&found.policies, |policies| table(policies))?;
            }
            What::Rm { scope, remote, output } => {
                Remote::open(&remote)?.delete(&path_of(&scope))?;
                let sentence = format!("Removed the scan policy of {scope}");
                Printer::stdout(output.format).tell(&json!({"removed": scope}), &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Where the server has the policy of a scope.
fn path_of(scope: &str) -> String {
    format!("/api/v1/scan-policies/{}", percent_encoded(scope, "/"))
}

fn table(policies: &[ScanPolicyDocument]) -> Table {
    let mut table = Table::new(["SCOPE", "MODE", "ASKS", "CHANGED", "BY"]);
    for policy in policies {
        table.row([
            policy.scope.as_str().into(),
            mode(&policy.policy),
            asks(&policy.policy).join(", ").into(),
            policy.changed_at.as_str().into(),
            policy.changed_by.as_str().into(),
        ]);
    }
    table
}

fn facts(found: &ScanPolicyDocument) -> Table {
    let mut table = Table::new(["WHAT", "IS"]);
    table.row(["scope".into(), found.scope.as_str().into()]);
    table.row(["mode".into(), mode(&found.policy)]);
    for line in asks(&found.policy) {
        table.row(["asks".into(), line.into()]);
    }
    for arn in &found.policy.exempt {
        table.row(["exempt".into(), arn.as_str().into()]);
    }
    table.row(["changed".into(), format!("{} by {}", found.changed_at, found.changed_by).into()]);
    table
}

fn mode(policy: &GatePolicy) -> Cell {
    match policy.mode {
        GateMode::Enforce => "enforce".into(),
        GateMode::Advise => Cell::toned("advise", Tone::Faint),
    }
}

/// What a policy asks, a phrase each.
fn asks(policy: &GatePolicy) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(severity) = policy.severity {
        said.push(format!("no flaw of {} or worse", severity.name()));
    }
    if let Some(epss) = policy.epss {
        said.push(format!("no flaw with EPSS from {epss}"));
    }
    if policy.known_exploited {
        said.push("no flaw that is known to be exploited".into());
    }
    if policy.fixable_only {
        said.push("only where there is a fix".into());
    }
    if policy.grace_days > 0 {
        said.push(format!("{} days of grace", policy.grace_days));
    }
    if let Some(licences) = &policy.licences {
        let allowed = licences.allowed.iter().map(|allowed| format!("only licences {}", allowed.join(" ")));
        said.extend(allowed);
        if !licences.denied.is_empty() {
            said.push(format!("no licence {}", licences.denied.join(" ")));
        }
    }
    said.extend(policy.scan_age_days_max.map(|days| format!("a scan of the last {days} days")));
    said.extend(policy.advisories_age_days_max.map(|days| format!("advisories of the last {days} days")));
    if policy.requires_sbom {
        said.push("a bill of materials".into());
    }
    if policy.refuses_secrets {
        said.push("no secret in a layer".into());
    }
    if policy.unscanned == Unscanned::Pass {
        said.push("what is not known passes".into());
    }
    if policy.quarantine {
        said.push("tags wait until their images pass".into());
    }
    if policy.exceptions_need_approval {
        said.push("two people for an exception".into());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::Severity;

    #[test]
    fn a_policy_is_told_in_phrases_and_its_star_is_escaped_in_addresses() {
        let policy = GatePolicy { severity: Some(Severity::High), fixable_only: true, ..GatePolicy::default() };

        assert_eq!(asks(&policy), ["no flaw of HIGH or worse", "only where there is a fix"]);
        assert_eq!(path_of("team/*"), "/api/v1/scan-policies/team/%2A");
    }
}
