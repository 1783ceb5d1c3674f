use super::*;
use crate::{Distribution, Finding, Installed, Inventory, LicencePolicy, Package, PackageType, Severity, Undecided};
use gantry_words::Timestamp;
use std::time::Duration;

const DIGEST: &str = "sha256:aa";

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

fn finding(id: &str, severity: Severity) -> Finding {
    let mut finding = Finding::new(id, Package::new(PackageType::Deb, "libssl3", "3.0.11"));
    finding.severity = severity;
    finding.fixed_version = Some("3.0.13".into());
    finding.published = Some("2026-01-01T00:00:00Z".into());
    finding
}

fn high() -> Finding {
    finding("CVE-2099-0001", Severity::High)
}

fn policy() -> GatePolicy {
    GatePolicy { severity: Some(Severity::High), ..GatePolicy::default() }
}

fn exception(change: impl FnOnce(&mut GateException)) -> GateException {
    let mut exception = GateException {
        id: "e1".into(),
        scope: "team/*".parse().unwrap(),
        digest: None,
        vulnerability: Some("CVE-2099-0001".into()),
        package: None,
        reason: "the code is not reached".into(),
        owner: "ann".into(),
        ends_at: now().plus(days(30)),
        created_by: "ann".into(),
        created_at: now().minus(days(1)),
        approval: None,
    };
    change(&mut exception);
    exception
}

/// What an image comes to that was scanned a day ago, by advisories of the same day.
fn decided(policy: &GatePolicy, exceptions: &[GateException], findings: &[Finding]) -> GateVerdict {
    decided_with(policy, exceptions, findings, &Inventory::default(), false)
}

fn decided_with(
    policy: &GatePolicy,
    exceptions: &[GateException],
    findings: &[Finding],
    inventory: &Inventory,
    has_sbom: bool,
) -> GateVerdict {
    let at = now().minus(days(1));
    let scan = GateScan::Done { at, advisories_at: Some(at), findings, undecided: &[], inventory };
    decide_gate(policy, exceptions, &GateFacts { repository: "team/app", digest: DIGEST, scan, has_sbom }, now())
}

fn ids(verdict: &GateVerdict) -> Vec<String> {
    verdict
        .reasons
        .iter()
        .map(|reason| match reason {
            GateReason::Flaw { id, .. } => id.clone(),
            other => other.to_string(),
        })
        .collect()
}

#[test]
fn a_flaw_counts_by_severity_or_probability_or_because_it_is_exploited() {
    let mut likely = finding("likely", Severity::Low);
    likely.epss = Some(0.5);
    let mut exploited = finding("exploited", Severity::Low);
    exploited.known_exploited = true;
    let all = [finding("critical", Severity::Critical), finding("medium", Severity::Medium), likely, exploited];
    let by_epss = GatePolicy { epss: Some(0.5), ..GatePolicy::default() };
    let by_kev = GatePolicy { known_exploited: true, ..GatePolicy::default() };

    assert_eq!(ids(&decided(&policy(), &[], &all)), ["critical"]);
    assert_eq!(ids(&decided(&by_epss, &[], &all)), ["likely"]);
    assert_eq!(ids(&decided(&by_kev, &[], &all)), ["exploited"]);
    assert_eq!(decided(&policy(), &[], &all[1..]).outcome, GateOutcome::Passes);
}

#[test]
fn the_worst_comes_first_and_many_are_counted_though_not_listed() {
    let mut findings: Vec<_> =
        (0..70).map(|number| finding(&format!("CVE-2099-{number:04}"), Severity::High)).collect();
    findings.push(finding("CVE-2098-0001", Severity::Critical));

    let verdict = decided(&policy(), &[], &findings);

    assert_eq!((ids(&verdict)[0].as_str(), verdict.reason_count, verdict.reasons.len()), ("CVE-2098-0001", 71, 50));
}

#[test]
fn a_suppressed_finding_never_counts() {
    let mut suppressed = high();
    suppressed.suppressed = Some("not affected".into());

    assert_eq!(decided(&policy(), &[], &[suppressed]).outcome, GateOutcome::Passes);
}

#[test]
fn a_flaw_without_a_fix_does_not_count_where_only_fixable_ones_do() {
    let mut unfixed = high();
    unfixed.fixed_version = None;
    let fixable = GatePolicy { fixable_only: true, ..policy() };

    assert_eq!(decided(&policy(), &[], std::slice::from_ref(&unfixed)).outcome, GateOutcome::Refused);
    assert_eq!(decided(&fixable, &[], &[unfixed]).outcome, GateOutcome::Passes);
    assert_eq!(decided(&fixable, &[], &[high()]).outcome, GateOutcome::Refused);
}

#[test]
fn a_young_flaw_has_its_days_of_grace_and_is_looked_at_again_when_they_are_over() {
    let mut young = high();
    young.published = Some("2026-11-24T12:00:00Z".into());
    let gracious = GatePolicy { grace_days: 7, known_exploited: true, ..policy() };

    let verdict = decided(&gracious, &[], &[young.clone()]);
    let old = decided(&gracious, &[], &[high()]);
    young.known_exploited = true;
    let exploited = decided(&gracious, &[], &[young.clone()]);
    (young.known_exploited, young.published) = (false, None);
    let undated = decided(&gracious, &[], &[young]);

    assert_eq!((verdict.outcome, verdict.recheck_at), (GateOutcome::Passes, Some(now().plus(days(5)))));
    assert_eq!([old.outcome, exploited.outcome, undated.outcome], [GateOutcome::Refused; 3]);
}

#[test]
fn an_exception_holds_for_its_flaw_its_package_and_its_images_until_it_ends() {
    let mut aliased = high();
    (aliased.id, aliased.aliases) = ("GHSA-1".into(), vec!["cve-2099-0001".into()]);
    let passes =
        |exception: GateException| decided(&policy(), &[exception], &[aliased.clone()]).outcome == GateOutcome::Passes;

    assert!(passes(exception(|_| {})));
    assert!(passes(exception(|one| one.package = Some("libssl*".into()))));
    assert!(passes(exception(|one| (one.vulnerability, one.package) = (None, Some("libssl3".into())))));
    assert!(passes(exception(|one| one.digest = Some(DIGEST.into()))));
    assert!(!passes(exception(|one| one.package = Some("zlib".into()))));
    assert!(!passes(exception(|one| one.vulnerability = Some("CVE-2099-0002".into()))));
    assert!(!passes(exception(|one| one.scope = "other/*".parse().unwrap())));
    assert!(!passes(exception(|one| one.digest = Some("sha256:bb".into()))));
    assert!(!passes(exception(|one| one.ends_at = now())));
}

#[test]
fn a_verdict_that_rests_on_an_exception_says_so_and_until_when() {
    let verdict = decided(&policy(), &[exception(|_| {})], &[high()]);

    assert_eq!((verdict.excepted_count, verdict.recheck_at), (1, Some(now().plus(days(30)))));
}

#[test]
fn where_two_people_have_to_agree_an_exception_of_one_does_not_hold() {
    let strict = GatePolicy { exceptions_need_approval: true, ..policy() };
    let own = exception(|_| {}).approved("ann", now());
    let approved = exception(|_| {}).approved("bob", now()).unwrap();

    assert_eq!(own, Err(GateExceptionError::Own { by: "ann".into() }));
    assert_eq!(decided(&strict, &[exception(|_| {})], &[high()]).outcome, GateOutcome::Refused);
    assert_eq!(decided(&strict, &[approved], &[high()]).outcome, GateOutcome::Passes);
}

#[test]
fn licences_count_and_an_exception_for_the_package_lets_one_through() {
    let mut package = Package::new(PackageType::Npm, "left-pad", "1.0.0");
    package.licences = vec!["AGPL-3.0-only".into()];
    let installed = Installed { package, path: "package.json".into(), layer: 0 };
    let inventory = Inventory { packages: vec![installed], ..Inventory::default() };
    let licences = LicencePolicy { denied: vec!["AGPL-*".into()], allowed: None };
    let strict = GatePolicy { licences: Some(licences), ..GatePolicy::default() };
    let for_package = exception(|one| (one.vulnerability, one.package) = (None, Some("left-pad".into())));

    let refused = decided_with(&strict, &[], &[], &inventory, false);
    let excepted = decided_with(&strict, &[for_package], &[], &inventory, false);

    assert_eq!(ids(&refused), ["the licence AGPL-3.0-only of left-pad 1.0.0"]);
    assert_eq!((excepted.outcome, excepted.excepted_count), (GateOutcome::Passes, 1));
}

#[test]
fn a_bill_of_materials_can_be_asked_for() {
    let strict = GatePolicy { requires_sbom: true, ..GatePolicy::default() };

    let without = decided_with(&strict, &[], &[], &Inventory::default(), false);
    let with = decided_with(&strict, &[], &[], &Inventory::default(), true);

    assert_eq!(without.reasons, [GateReason::SbomMissing]);
    assert_eq!(with.outcome, GateOutcome::Passes);
}

#[test]
fn what_is_not_known_or_too_old_is_neither_clean_nor_guilty() {
    let facts = |scan| GateFacts { repository: "team/app", digest: DIGEST, scan, has_sbom: false };
    let empty = Inventory::default();
    let done =
        |at, advisories_at| GateScan::Done { at, advisories_at, findings: &[], undecided: &[], inventory: &empty };
    let aged = GatePolicy { scan_age_days_max: Some(30), advisories_age_days_max: Some(7), ..policy() };
    let (old, young) = (now().minus(days(40)), now().minus(days(1)));

    for (scan, reason) in [
        (GateScan::Missing, "it is not scanned yet"),
        (GateScan::Failed("no layer"), "it could not be scanned: no layer"),
        (done(old, Some(young)), "it was last scanned at 2026-10-17T12:00:00.000Z"),
        (done(young, Some(old)), "the advisories are of 2026-10-17T12:00:00.000Z"),
        (done(young, None), "there are no advisories to judge it by"),
    ] {
        let verdict = decide_gate(&aged, &[], &facts(scan), now());
        assert_eq!((verdict.outcome, ids(&verdict)), (GateOutcome::Unknown, vec![reason.to_string()]));
        assert!(aged.keeps_back(&verdict));
        assert!(!GatePolicy { unscanned: Unscanned::Pass, ..aged.clone() }.keeps_back(&verdict));
    }
    let fresh = decide_gate(&aged, &[], &facts(done(young, Some(young))), now());
    assert_eq!((fresh.outcome, fresh.recheck_at), (GateOutcome::Passes, Some(young.plus(days(7)))));
    assert_eq!(decide_gate(&aged, &[], &facts(GateScan::NotNeeded), now()).outcome, GateOutcome::Passes);
}

#[test]
fn an_image_whose_distribution_nobody_speaks_of_is_not_clean() {
    let at = now().minus(days(1));
    let unjudged = Undecided {
        kind: PackageType::Deb,
        name: "openssl".into(),
        version: "3.0".into(),
        reason: "unsupported: there are no advisories for Debian:12; import a feed of them".into(),
    };
    let foreign =
        Undecided { reason: "it was packaged by Docker, of whom Debian:12 says nothing".into(), ..unjudged.clone() };
    let of = |id: &str| {
        let distribution = Distribution { id: id.into(), version: "12".into(), ..Distribution::default() };
        Inventory { distribution: Some(distribution), ..Inventory::default() }
    };
    let decide = |policy: &GatePolicy, inventory: &Inventory, undecided: &[Undecided]| {
        let scan = GateScan::Done { at, advisories_at: Some(at), findings: &[], undecided, inventory };
        decide_gate(policy, &[], &GateFacts { repository: "team/app", digest: DIGEST, scan, has_sbom: true }, now())
    };

    for (id, undecided, outcome) in [
        ("debian", vec![], GateOutcome::Passes),
        ("debian", vec![foreign], GateOutcome::Passes),
        ("debian", vec![unjudged], GateOutcome::Unknown),
        ("arch", vec![], GateOutcome::Unknown),
    ] {
        assert_eq!(decide(&policy(), &of(id), &undecided).outcome, outcome, "{id} {undecided:?}");
    }
    let asks_no_flaws = GatePolicy { requires_sbom: true, ..GatePolicy::default() };
    assert_eq!(decide(&asks_no_flaws, &of("arch"), &[]).outcome, GateOutcome::Passes);
    assert_eq!(decide(&policy(), &Inventory::default(), &[]).outcome, GateOutcome::Passes);
}

#[test]
fn a_scope_means_all_those_below_a_prefix_or_one_and_the_most_specific_is_the_greatest() {
    let scope = |text: &str| text.parse::<GateScope>();
    let mut scopes = ["team/app", "*", "team/web/*", "team/*"].map(|text| scope(text).unwrap());

    scopes.sort();

    assert_eq!(scopes.each_ref().map(GateScope::as_str), ["*", "team/*", "team/web/*", "team/app"]);
    let meant = |repository| scopes.each_ref().map(|scope| scope.means(repository));
    assert_eq!(meant("team/app"), [true, true, false, true]);
    assert_eq!(meant("team/web/shop"), [true, true, true, false]);
    assert_eq!(meant("team"), [true, false, false, false]);
    assert_eq!(meant("teamster/app"), [true, false, false, false]);
    for text in ["", "team*", "/*", "Team/*", "team/**", "*/app", "team/"] {
        assert!(scope(text).is_err(), "{text}");
    }
}

#[test]
fn who_is_exempt_is_told_by_patterns_of_arns() {
    let exempt = vec!["arn:aws:iam::000000000000:user/scanner".into(), "arn:*:role/audit-*".into()];
    let policy = GatePolicy { exempt, ..policy() };

    assert!(policy.exempts("arn:aws:iam::000000000000:user/scanner"));
    assert!(policy.exempts("arn:aws:iam::111122223333:role/audit-eu"));
    assert!(!policy.exempts("arn:aws:iam::000000000000:user/scanner2"));
    assert!(!policy.exempts("arn:aws:iam::111122223333:user/audit-eu"));
}

#[test]
fn what_asks_for_nothing_or_for_the_impossible_is_no_policy() {
    let changed = |change: fn(&mut GatePolicy)| {
        let mut policy = policy();
        change(&mut policy);
        policy.check()
    };

    assert_eq!(policy().check(), Ok(()));
    assert_eq!(GatePolicy::default().check(), Err(GatePolicyError::Nothing));
    let waits = |policy: &mut GatePolicy| (policy.quarantine, policy.mode) = (true, GateMode::Advise);
    assert_eq!(changed(waits), Err(GatePolicyError::QuarantineAdvises));
    assert_eq!(changed(|policy| policy.epss = Some(1.5)), Err(GatePolicyError::Epss));
    assert_eq!(changed(|policy| policy.epss = Some(f32::NAN)), Err(GatePolicyError::Epss));
    let grace = changed(|policy| policy.grace_days = 4_000).unwrap_err();
    assert_eq!(grace.to_string(), "graceDays is from 0 to 3650 days");
    assert!(changed(|policy| policy.scan_age_days_max = Some(0)).is_err());
    assert!(changed(|policy| policy.exempt = vec![String::new()]).is_err());
}

#[test]
fn an_exception_for_everything_and_an_override_for_ever_are_refused() {
    let opened = |hours: u64| GateOverride {
        id: "o1".into(),
        scope: "*".parse().unwrap(),
        reason: "the site is down".into(),
        ends_at: now().plus(Duration::from_secs(hours * 3_600)),
        created_by: "ann".into(),
        created_at: now(),
    };

    let everything = exception(|one| one.vulnerability = None);
    assert_eq!(everything.check(now()), Err(GateExceptionError::Everything));
    let silent = exception(|one| one.reason = " ".into());
    assert_eq!(silent.check(now()), Err(GateExceptionError::Text { member: "reason" }));
    assert_eq!(exception(|_| {}).check(now()), Ok(()));
    assert_eq!(opened(4).check(now()), Ok(()));
    assert_eq!(opened(0).check(now()), Err(GateExceptionError::Past { ends_at: now() }));
    assert_eq!(opened(24 * 8).check(now()), Err(GateExceptionError::TooLong));
    assert!(opened(4).holds("team/app", now()) && !opened(4).holds("team/app", now().plus(days(1))));
}

#[test]
fn a_policy_is_read_as_the_documentation_writes_it() {
    let text = r#"{"severity": "HIGH", "fixableOnly": true, "graceDays": 7, "licences": {"denied": ["AGPL-*"]}, "mode": "advise"}"#;

    let read: GatePolicy = serde_json::from_str(text).unwrap();

    assert_eq!((read.severity, read.mode, read.grace_days), (Some(Severity::High), GateMode::Advise, 7));
    assert!(serde_json::from_str::<GatePolicy>(r#"{"severty": "HIGH"}"#).is_err());
}

fn secret(rule: &str, path: &str) -> crate::LayerSecret {
    let confidence = if path.contains("test") { crate::Confidence::Low } else { crate::Confidence::High };
    let secret = crate::ExposedSecret {
        rule: rule.into(),
        title: format!("A {rule}"),
        severity: if rule == "private-key" { Severity::Critical } else { Severity::High },
        confidence,
        path: path.into(),
        line: 3,
        preview: "ghp_…".into(),
        fingerprint: format!("00{rule}"),
    };
    crate::LayerSecret { secret, layer: 1, is_deleted: true }
}

#[test]
fn secrets_count_where_a_policy_says_so_but_for_examples() {
    let secrets =
        vec![secret("github-token", "app/.env"), secret("private-key", "etc/key"), secret("token", "app/test/key")];
    let inventory = Inventory { secrets, ..Inventory::default() };
    let asks = GatePolicy { refuses_secrets: true, ..GatePolicy::default() };

    let refused = decided_with(&asks, &[], &[], &inventory, false);
    let others = decided_with(&policy(), &[], &[], &inventory, false);

    assert_eq!(refused.outcome, GateOutcome::Refused);
    assert_eq!(
        ids(&refused),
        [
            "A private-key (CRITICAL, private-key 00private-key) in etc/key:3 of layer 2",
            "A github-token (HIGH, github-token 00github-token) in app/.env:3 of layer 2"
        ]
    );
    assert_eq!(others.outcome, GateOutcome::Passes);
    assert_eq!(asks.check(), Ok(()));
}

#[test]
fn an_exception_lets_a_secret_through_by_its_rule_or_its_fingerprint_and_not_by_a_package() {
    let inventory = Inventory { secrets: vec![secret("github-token", "app/.env")], ..Inventory::default() };
    let asks = GatePolicy { refuses_secrets: true, ..GatePolicy::default() };
    let outcome = |vulnerability: Option<&str>, package: Option<&str>| {
        let exception = exception(|exception| {
            exception.vulnerability = vulnerability.map(String::from);
            exception.package = package.map(String::from);
        });
        let verdict = decided_with(&asks, &[exception], &[], &inventory, false);
        (verdict.outcome, verdict.excepted_count)
    };

    assert_eq!(outcome(Some("github-token"), None), (GateOutcome::Passes, 1));
    assert_eq!(outcome(Some("00GITHUB-TOKEN"), None), (GateOutcome::Passes, 1));
    assert_eq!(outcome(Some("private-key"), None), (GateOutcome::Refused, 0));
    assert_eq!(outcome(None, Some("*")), (GateOutcome::Refused, 0));
    assert_eq!(outcome(Some("github-token"), Some("*")), (GateOutcome::Refused, 0));
}
