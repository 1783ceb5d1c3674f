use super::{GateOutcome, GatePolicy, GateReason, GateVerdict};

/// Reasons that are kept with a tag in quarantine at most.
pub const QUARANTINE_REASONS_MAX: usize = 50;

/// What becomes of a tag that was pushed.
#[derive(Clone, Debug, PartialEq)]
pub enum QuarantineStep {
    /// It is set.
    Release(QuarantineEnd),
    /// Too little is known of the image; what is awaited.
    Wait(Vec<GateReason>),
    /// The image is not as the policy asks, and why. It is looked at again when that may have changed.
    Refuse(Vec<GateReason>),
}

/// Why a tag is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineEnd {
    /// No policy asks for quarantine.
    Ungoverned,
    /// An override is open.
    Overridden,
    /// The images pass.
    Passes,
}

impl QuarantineEnd {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            QuarantineEnd::Ungoverned => "no scan policy asks for quarantine any more",
            QuarantineEnd::Overridden => "scan policies are overridden",
            QuarantineEnd::Passes => "the image passes",
        }
    }
}

/// Decides what becomes of a tag that was pushed, or waits since.
///
/// `verdicts` are those of the image or, where an index was pushed, of its images; `None` where there is none yet. Without any
/// verdict there is nothing to wait for. Whoever lets images through of which too little is known (`unscanned`) does so only
/// once they were looked at: else nothing would ever wait.
pub fn decide_quarantine(
    policy: Option<&GatePolicy>,
    is_overridden: bool,
    verdicts: &[Option<GateVerdict>],
) -> QuarantineStep {
    let Some(policy) = policy.filter(|policy| policy.quarantine) else {
        return QuarantineStep::Release(QuarantineEnd::Ungoverned);
    };
    if is_overridden {
        return QuarantineStep::Release(QuarantineEnd::Overridden);
    }
    let (mut awaited, mut refused) = (Vec::new(), Vec::new());
    for verdict in verdicts {
        match verdict {
            None => awaited.push(GateReason::NotScanned),
            Some(verdict) if is_early(verdict) => awaited.extend_from_slice(&verdict.reasons),
            Some(verdict) if policy.keeps_back(verdict) => refused.extend_from_slice(&verdict.reasons),
            Some(_) => {}
        }
    }
    for reasons in [&mut awaited, &mut refused] {
        *reasons = without_repeats(std::mem::take(reasons));
    }
    match (refused.is_empty(), awaited.is_empty()) {
        (false, _) => QuarantineStep::Refuse(refused),
        (true, false) => QuarantineStep::Wait(awaited),
        (true, true) => QuarantineStep::Release(QuarantineEnd::Passes),
    }
}

/// Tells whether a verdict waits for what comes after a push: the scan, or nothing but a bill of materials.
fn is_early(verdict: &GateVerdict) -> bool {
    let is_sbom = |reason: &GateReason| *reason == GateReason::SbomMissing;
    let is_unscanned = verdict.reasons.contains(&GateReason::NotScanned);
    is_unscanned || verdict.outcome == GateOutcome::Refused && verdict.reasons.iter().all(is_sbom)
}

/// The images of an index mostly lack the same.
fn without_repeats(reasons: Vec<GateReason>) -> Vec<GateReason> {
    let mut kept: Vec<GateReason> = Vec::new();
    for reason in reasons {
        if kept.len() < QUARANTINE_REASONS_MAX && !kept.contains(&reason) {
            kept.push(reason);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Severity, Unscanned};
    use proptest::prelude::*;

    fn policy() -> GatePolicy {
        GatePolicy { severity: Some(Severity::High), quarantine: true, ..GatePolicy::default() }
    }

    fn verdict(outcome: GateOutcome, reasons: &[GateReason]) -> Option<GateVerdict> {
        let (reasons, reason_count) = (reasons.to_vec(), reasons.len() as u64);
        Some(GateVerdict { outcome, reasons, reason_count, excepted_count: 0, recheck_at: None })
    }

    fn passes() -> Option<GateVerdict> {
        verdict(GateOutcome::Passes, &[])
    }

    fn unscanned() -> Option<GateVerdict> {
        verdict(GateOutcome::Unknown, &[GateReason::NotScanned])
    }

    fn failed() -> GateReason {
        GateReason::ScanFailed { reason: "a broken layer".into() }
    }

    fn licence() -> GateReason {
        GateReason::Licence { package: "left-pad".into(), version: "1.0".into(), licence: None }
    }

    fn decided(verdicts: &[Option<GateVerdict>]) -> QuarantineStep {
        decide_quarantine(Some(&policy()), false, verdicts)
    }

    #[test]
    fn a_tag_waits_for_the_scan_and_for_nothing_but_a_bill_of_materials_and_is_refused_for_all_else() {
        use GateOutcome::{Refused, Unknown};
        let (wait, refuse) = (QuarantineStep::Wait, QuarantineStep::Refuse);
        let release = QuarantineStep::Release(QuarantineEnd::Passes);
        let (unknown, missing) = (GateReason::NotScanned, GateReason::SbomMissing);
        for (what, verdicts, expected) in [
            ("it passes", vec![passes()], release.clone()),
            ("it was never looked at", vec![None], wait(vec![unknown.clone()])),
            ("it is not scanned", vec![unscanned()], wait(vec![unknown.clone()])),
            (
                "it lacks both",
                vec![verdict(Refused, &[missing.clone(), unknown.clone()])],
                wait(vec![missing.clone(), unknown.clone()]),
            ),
            ("it lacks a bill", vec![verdict(Refused, std::slice::from_ref(&missing))], wait(vec![missing.clone()])),
            ("it lacks more", vec![verdict(Refused, &[licence(), missing.clone()])], refuse(vec![licence(), missing])),
            ("it is bad", vec![verdict(Refused, &[licence()])], refuse(vec![licence()])),
            ("it cannot be read", vec![verdict(Unknown, &[failed()])], refuse(vec![failed()])),
            ("nothing is to be scanned", vec![], release),
            ("one of two is not scanned", vec![passes(), unscanned()], wait(vec![unknown])),
            ("one of two is bad", vec![unscanned(), verdict(Refused, &[licence()])], refuse(vec![licence()])),
            (
                "both are bad",
                vec![verdict(Refused, &[licence()]), verdict(Refused, &[licence()])],
                refuse(vec![licence()]),
            ),
        ] {
            assert_eq!(decided(&verdicts), expected, "{what}");
        }
    }

    #[test]
    fn a_policy_that_lets_unknown_images_through_does_so_once_they_were_looked_at() {
        let lenient = GatePolicy { unscanned: Unscanned::Pass, ..policy() };

        let early = decide_quarantine(Some(&lenient), false, &[unscanned()]);
        let late = decide_quarantine(Some(&lenient), false, &[verdict(GateOutcome::Unknown, &[failed()])]);

        assert_eq!(early, QuarantineStep::Wait(vec![GateReason::NotScanned]));
        assert_eq!(late, QuarantineStep::Release(QuarantineEnd::Passes));
    }

    #[test]
    fn without_a_policy_that_asks_for_it_or_under_an_override_nothing_waits() {
        let other = GatePolicy { quarantine: false, ..policy() };
        for (policy, is_overridden, end) in [
            (None, false, QuarantineEnd::Ungoverned),
            (Some(&other), false, QuarantineEnd::Ungoverned),
            (Some(&policy()), true, QuarantineEnd::Overridden),
        ] {
            assert_eq!(decide_quarantine(policy, is_overridden, &[None]), QuarantineStep::Release(end));
        }
    }

    fn any_verdict() -> impl Strategy<Value = Option<GateVerdict>> {
        let reason = prop_oneof![
            Just(GateReason::NotScanned),
            Just(GateReason::SbomMissing),
            Just(failed()),
            Just(licence()),
            Just(GateReason::AdvisoriesMissing),
        ];
        let some = proptest::collection::vec(reason, 0..4).prop_map(|reasons| {
            let is_bad = |reason: &GateReason| [GateReason::SbomMissing, licence()].contains(reason);
            let outcome = match (reasons.is_empty(), reasons.iter().any(is_bad)) {
                (true, _) => GateOutcome::Passes,
                (false, true) => GateOutcome::Refused,
                (false, false) => GateOutcome::Unknown,
            };
            verdict(outcome, &reasons)
        });
        prop_oneof![Just(None), some]
    }

    proptest! {
        #[test]
        fn a_tag_is_set_only_where_each_image_would_be_let_through(
            verdicts in proptest::collection::vec(any_verdict(), 0..5),
            passes_unknown: bool,
        ) {
            let unscanned = if passes_unknown { Unscanned::Pass } else { Unscanned::Refuse };
            let policy = GatePolicy { unscanned, ..policy() };

            let step = decide_quarantine(Some(&policy), false, &verdicts);

            let is_let_through = |verdict: &Option<GateVerdict>| {
                verdict.as_ref().is_some_and(|verdict| {
                    !policy.keeps_back(verdict) && !verdict.reasons.contains(&GateReason::NotScanned)
                })
            };
            let is_released = step == QuarantineStep::Release(QuarantineEnd::Passes);
            prop_assert_eq!(is_released, verdicts.iter().all(is_let_through));
            if let QuarantineStep::Wait(reasons) | QuarantineStep::Refuse(reasons) = step {
                prop_assert!(!reasons.is_empty());
            }
        }
    }
}
