//! A policy that is read prints as what reads the same; it decides on any images, and its forecast begins with that.
//!
//! The input is a policy, or a policy, a line `---`, and a list of images.
#![no_main]

use gantry_lifecycle::{Decision, Images, POLICY_CHARS_MAX, Policy, RULES_MAX, Settings, evaluate, forecast};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const IMAGES: &str = r#"[{"digest":"a","tags":["prod-1","b"],"pushedAt":"2026-01-01T00:00:00Z"},
    {"digest":"b","parents":["a"],"pushedAt":"2026-01-01T00:00:00Z"},{"digest":"c","inUse":true},
    {"digest":"d","pushedAt":"2026-01-02T00:00:00Z","lastPulledAt":"2026-02-01T00:00:00Z"},
    {"digest":"e","tags":["v1"],"storageClass":"ARCHIVE","transitionedAt":"2025-01-01T00:00:00Z"}]"#;

fuzz_target!(|text: &str| {
    let (policy, images) = text.split_once("\n---\n").unwrap_or((text, IMAGES));
    let images = Images::parse(images);
    let policy = match Policy::parse(policy, &Settings { expire_since_pulled: true }) {
        Ok(policy) => policy,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return;
        }
    };
    let printed = policy.to_string();
    assert!(policy.rules().len() <= RULES_MAX);
    // `archive` grows to its long form, so that the longest policies are longer when printed.
    if printed.chars().count() <= POLICY_CHARS_MAX {
        assert_eq!(Policy::parse(&printed, &Settings { expire_since_pulled: true }).as_ref(), Ok(&policy));
        assert!(
            Policy::parse(&printed, &Settings::default()).is_ok_and(|strict| strict == policy)
                || printed.contains("Pulled")
        );
    }
    assert!(policy.warnings().iter().all(|warning| !warning.to_string().is_empty()));
    if let Ok(images) = images {
        decide(&policy, &images);
    }
});

fn decide(policy: &Policy, images: &Images) {
    let now = Timestamp::from_millis(1_795_251_600_000);
    let decisions = evaluate(policy, images, now, &[]);
    let acted: Vec<_> = decisions
        .oldest_first()
        .filter_map(|(place, decision)| match decision {
            Decision::Act { rule, action, .. } => Some((place, rule, action)),
            Decision::Keep(_) => None,
        })
        .collect();
    for (place, rule, action) in &acted {
        let rule = policy.rules().iter().find(|one| one.priority() == *rule).expect("a rule of the policy");
        assert!(rule.action() == *action && rule.tags().selects(images.tags(*place)));
        assert!(!images.facts(*place).is_held && !images.facts(*place).is_in_use);
    }
    assert!((0..images.len()).all(|place| !decisions.explain(place).is_empty()));
    let goings = forecast(policy, images, now, &[], 400);
    let today: Vec<_> = goings.iter().filter(|going| going.at == now).collect();
    assert_eq!(today.iter().map(|going| (going.place, going.rule, going.action)).collect::<Vec<_>>(), acted);
    assert!(goings.is_sorted_by_key(|going| going.at) && goings.len() <= 2 * images.len());
}
