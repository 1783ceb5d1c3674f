use crate::{
    command::image::split,
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::GateExplanationDocument;

/// Say whether an image can be pulled by the scan policy of its repository, and why
///
/// The exit code is 1 where it is kept back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry gate explain team/app:v1")]
pub(crate) struct ExplainCommand {
    /// repository:tag or repository@digest
    image: String,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ExplainCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let (repository, reference) = split(&self.image)?;
        let path = format!("/api/v1/repositories/{repository}/images/{reference}/gate");
        let found: GateExplanationDocument = Remote::open(&self.remote)?.get(&path)?;
        Printer::stdout(self.output.format).answer(&found, |found| {
            let mut table = Table::new(["WHAT", "IS"]);
            for (what, value) in tell(found) {
                table.row([what.into(), value.into()]);
            }
            table
        })?;
        Ok(if found.is_served { Exit::Done } else { Exit::Found })
    }
}

fn tell(found: &GateExplanationDocument) -> Vec<(&'static str, String)> {
    let mut lines = vec![("digest", found.digest.clone())];
    let pulls = match (&found.policy, &found.open, found.is_served) {
        (None, _, _) => "yes: no scan policy governs the repository".to_string(),
        (Some(_), Some(open), _) => {
            format!("yes: overridden until {} by {} ({})", open.ends_at, open.created_by, open.reason)
        }
        (Some(_), None, true) => "yes".to_string(),
        (Some(_), None, false) => "no".to_string(),
    };
    lines.push(("can be pulled", pulls));
    let Some(policy) = &found.policy else { return lines };
    lines.push(("policy", policy.scope.clone()));
    lines.push(("outcome", found.outcome.as_str().into()));
    lines.extend(found.reasons.iter().map(|reason| ("reason", reason.to_string())));
    let unlisted = found.reason_count.saturating_sub(found.reasons.len() as u64);
    if unlisted > 0 {
        lines.push(("reason", format!("and {unlisted} more")));
    }
    if found.excepted_count > 0 {
        lines.push(("excepted", found.excepted_count.to_string()));
    }
    lines.extend(found.decided_at.iter().map(|at| ("decided", at.clone())));
    lines.extend(found.recheck_at.iter().map(|at| ("changes at", at.clone())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_rest::ScanPolicyDocument;
    use gantry_scan::{GateOutcome, GatePolicy, GateReason};

    #[test]
    fn an_explanation_names_the_policy_and_each_reason() {
        let policy = ScanPolicyDocument {
            scope: "team/*".into(),
            policy: GatePolicy::default(),
            changed_at: String::new(),
            changed_by: "ann".into(),
        };
        let found = GateExplanationDocument {
            digest: "sha256:aa".into(),
            is_served: false,
            outcome: GateOutcome::Refused,
            policy: Some(policy),
            reasons: vec![GateReason::SbomMissing],
            reason_count: 2,
            excepted_count: 1,
            decided_at: Some("2026-11-26T12:00:00Z".into()),
            recheck_at: None,
            open: None,
        };

        let lines: Vec<String> = tell(&found).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();

        assert_eq!(
            lines,
            [
                "digest: sha256:aa",
                "can be pulled: no",
                "policy: team/*",
                "outcome: refused",
                "reason: no bill of materials refers to it",
                "reason: and 1 more",
                "excepted: 1",
                "decided: 2026-11-26T12:00:00Z",
            ]
        );
    }
}
