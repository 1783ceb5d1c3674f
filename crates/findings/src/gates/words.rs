//! What whoever pulls is told.

use super::KeptPolicy;
use gantry_scan::{GateOutcome, GateOverride, GateReason, GateVerdict};

/// Reasons that a sentence names.
const NAMED: usize = 3;

/// Why an image is kept back, and what to do.
pub(super) fn refusal(policy: &KeptPolicy, repository: &str, digest: &str, verdict: &GateVerdict) -> String {
    let named: Vec<String> = verdict.reasons.iter().take(NAMED).map(GateReason::to_string).collect();
    let more = match verdict.reason_count.saturating_sub(named.len() as u64) {
        0 => String::new(),
        count => format!("; and {count} more"),
    };
    let image = format!("{repository}@{digest}");
    let next = match (verdict.outcome, verdict.reasons.first()) {
        (GateOutcome::Unknown, Some(GateReason::NotScanned)) => {
            "It is being scanned; try again in a moment".to_string()
        }
        (GateOutcome::Unknown, _) => format!("See what is missing with: gantry gate explain {image}"),
        (GateOutcome::Passes | GateOutcome::Refused, Some(GateReason::SbomMissing)) => {
            "Attach one in SPDX or CycloneDX, such as with: oras attach".to_string()
        }
        (GateOutcome::Passes | GateOutcome::Refused, Some(GateReason::Secret { .. })) => format!(
            "Make the secret void, and push an image none of whose layers has it; see all with: gantry gate explain {image}"
        ),
        (GateOutcome::Passes | GateOutcome::Refused, _) => format!(
            "Push an image without that; see all of it with: gantry gate explain {image}; ask for an exception where it does no harm"
        ),
    };
    format!("The scan policy of {} does not let {image} through: {}{more}. {next}", policy.scope, named.join("; "))
}

/// That a gate is open.
pub(super) fn opened(policy: &KeptPolicy, open: &GateOverride) -> String {
    let GateOverride { scope, reason, ends_at, created_by, .. } = open;
    format!(
        "The scan policy of {} does not hold for {scope} until {ends_at}: {created_by} has overridden it ({reason})",
        policy.scope
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_scan::{GatePolicy, Severity};
    use gantry_words::Timestamp;

    fn policy() -> KeptPolicy {
        let (policy, changed_at) = (GatePolicy::default(), Timestamp::from_millis(0));
        KeptPolicy { scope: "team/*".parse().unwrap(), policy, changed_at, changed_by: "ann".into() }
    }

    fn flaw(number: u64) -> GateReason {
        GateReason::Flaw {
            id: format!("CVE-2099-000{number}"),
            severity: Severity::High,
            package: "libssl3".into(),
            version: "3.0.11".into(),
            fixed_version: Some("3.0.13".into()),
            epss: None,
            known_exploited: number == 1,
        }
    }

    #[test]
    fn a_refusal_names_the_worst_and_what_to_do() {
        let reasons: Vec<_> = (1..=5).map(flaw).collect();
        let outcome = GateOutcome::Refused;
        let verdict = GateVerdict { outcome, reasons, reason_count: 5, excepted_count: 0, recheck_at: None };

        let said = refusal(&policy(), "team/app", "sha256:aa", &verdict);

        assert_eq!(
            said,
            "The scan policy of team/* does not let team/app@sha256:aa through: CVE-2099-0001 (HIGH, known to be exploited) in \
             libssl3 3.0.11, fixed in 3.0.13; CVE-2099-0002 (HIGH) in libssl3 3.0.11, fixed in 3.0.13; CVE-2099-0003 (HIGH) in \
             libssl3 3.0.11, fixed in 3.0.13; and 2 more. Push an image without that; see all of it with: gantry gate explain \
             team/app@sha256:aa; ask for an exception where it does no harm"
        );
    }

    #[test]
    fn who_lacks_a_bill_of_materials_is_told_to_attach_one() {
        let (outcome, reasons) = (GateOutcome::Refused, vec![GateReason::SbomMissing]);
        let verdict = GateVerdict { outcome, reasons, reason_count: 1, excepted_count: 0, recheck_at: None };

        let said = refusal(&policy(), "team/app", "sha256:aa", &verdict);

        assert!(said.ends_with("refers to it. Attach one in SPDX or CycloneDX, such as with: oras attach"), "{said}");
    }

    #[test]
    fn what_is_not_scanned_yet_may_be_tried_again() {
        let (outcome, reasons) = (GateOutcome::Unknown, vec![GateReason::NotScanned]);
        let verdict = GateVerdict { outcome, reasons, reason_count: 1, excepted_count: 0, recheck_at: None };

        let said = refusal(&policy(), "team/app", "sha256:aa", &verdict);

        assert!(said.ends_with("it is not scanned yet. It is being scanned; try again in a moment"), "{said}");
    }
}
