//! A scan policy that is read prints as what reads the same, and decides on an image: a verdict has reasons where it does not
//! pass, and is looked at again in time to come only. A scope prints as it was written.
//!
//! The input is a policy, or a scope.
#![no_main]

use gantry_scan::{
    Finding, GateFacts, GateOutcome, GatePolicy, GateScan, GateScope, Inventory, Package, PackageType, Severity,
    decide_gate,
};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(scope) = text.parse::<GateScope>() {
        assert_eq!(scope.as_str(), text);
        assert!(text.contains('*') || scope.means(text));
    }
    let Ok(policy) = serde_json::from_str::<GatePolicy>(text) else { return };
    if let Err(refusal) = policy.check() {
        assert!(!refusal.to_string().is_empty());
        return;
    }
    let printed = serde_json::to_string(&policy).expect("a policy is printed");
    assert_eq!(serde_json::from_str::<GatePolicy>(&printed).as_ref().ok(), Some(&policy));
    let now = Timestamp::from_millis(1_795_251_600_000);
    let mut finding = Finding::new("CVE-2099-0001", Package::new(PackageType::Deb, "libssl3", "3.0.11"));
    (finding.severity, finding.epss, finding.published) =
        (Severity::High, Some(0.5), Some("2026-11-20T00:00:00Z".into()));
    let (findings, inventory) = ([finding], Inventory::default());
    let scan = GateScan::Done {
        at: now,
        advisories_at: Some(now),
        findings: &findings,
        undecided: &[],
        inventory: &inventory,
    };
    let facts = GateFacts { repository: "team/app", digest: "sha256:aa", scan, has_sbom: false };
    let verdict = decide_gate(&policy, &[], &facts, now);
    assert_eq!(verdict.outcome == GateOutcome::Passes, verdict.reasons.is_empty());
    assert!(verdict.recheck_at.is_none_or(|at| at > now));
});
