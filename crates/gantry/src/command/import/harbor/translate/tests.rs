use super::*;
use crate::command::import::harbor::rules::read_retention;
use gantry_lifecycle::{Decision, Facts, Images, evaluate};
use gantry_words::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_251_600_000);
const DAY_MILLIS: i64 = 86_400_000;

/// A rule, in few words: template, number, tag pattern, and whether untagged images are kept.
type Short<'a> = (&'a str, u32, &'a str, bool);

fn rule(id: i64, (template, number, pattern, has_untagged): Short<'_>) -> Rule {
    let selector = |decoration: &str, pattern: &str| Selector {
        decoration: decoration.into(),
        pattern: Some(pattern.into()),
        has_untagged,
    };
    Rule {
        id,
        template: template.into(),
        number: (template != "always").then_some(number),
        tags: vec![selector("matches", pattern)],
        repositories: vec![selector("repoMatches", "**")],
    }
}

fn retention(rules: &[Short<'_>]) -> Retention {
    let rules = rules.iter().zip(1..).map(|(short, id)| rule(id, *short)).collect();
    Retention { rules, is_scheduled: true }
}

/// The rules of a policy in few words: tags, count, number.
fn short(policy: &str) -> String {
    let policy = Policy::parse(policy, &Settings::default()).unwrap();
    let rules = policy.rules().iter().map(|rule| {
        let tags = match rule.tags() {
            gantry_lifecycle::TagSelection::Patterns(patterns) => patterns[0].to_string(),
            other => other.status().to_owned(),
        };
        format!("{tags} {} {}", rule.count().as_str(), rule.count().number())
    });
    rules.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_means_the_same_is_translated() {
    let cases: &[(&[Short<'_>], &str)] = &[
        (&[("latestPushedK", 10, "**", true)], "any imageCountMoreThan 10"),
        (&[("nDaysSinceLastPush", 30, "**", true)], "any sinceImagePushed 30"),
        (&[("lastXDays", 7, "*", true)], "any sinceImagePushed 7"),
        (&[("latestPushedK", 3, "**", true), ("latestPushedK", 5, "**", true)], "any imageCountMoreThan 5"),
        (
            &[("always", 0, "release-*", false), ("latestPushedK", 10, "**", true)],
            "release-* sinceImagePushed 36500, any imageCountMoreThan 10",
        ),
        (
            &[("always", 0, "{v*,latest}", true), ("nDaysSinceLastPush", 30, "**", true)],
            "latest sinceImagePushed 36500, v* sinceImagePushed 36500, untagged sinceImagePushed 36500, any sinceImagePushed 30",
        ),
        (
            &[
                ("nDaysSinceLastPush", 90, "rc-*", false),
                ("nDaysSinceLastPush", 365, "v*", false),
                ("nDaysSinceLastPush", 5, "pr-*", false),
                ("nDaysSinceLastPush", 30, "**", true),
            ],
            "v* sinceImagePushed 365, rc-* sinceImagePushed 90, any sinceImagePushed 30",
        ),
        (
            &[("latestPushedK", 20, "v*", false), ("latestPushedK", 10, "**", true)],
            "v* imageCountMoreThan 20, any imageCountMoreThan 10",
        ),
        (&[("latestPushedK", 10, "**", true), ("nDaysSinceLastPush", 0, "v*", true)], "any imageCountMoreThan 10"),
        (
            &[("nDaysSinceLastPush", 90, "**", false), ("nDaysSinceLastPush", 30, "**", true)],
            "* sinceImagePushed 90, any sinceImagePushed 30",
        ),
    ];
    for (rules, wanted) in cases {
        let translated = translate(&retention(rules), &[], "app");

        assert_eq!(translated.lifecycle.as_deref().map(short).as_deref(), Some(*wanted), "{rules:?}");
        assert_eq!(translated.remarks, [""; 0], "{rules:?}");
    }
}

#[test]
fn what_keeps_everything_needs_no_policy() {
    let rules = [("always", 0, "**", true), ("latestPushedK", 3, "**", true)];

    assert_eq!(translate(&retention(&rules), &[], "app").lifecycle, None);
    assert_eq!(translate(&retention(&rules), &[], "app").remarks, [""; 0]);
}

#[test]
fn what_means_something_else_is_named_with_its_rules_and_not_translated() {
    let cases: &[(&[Short<'_>], &str)] = &[
        (&[("latestPulledN", 5, "**", true)], "rule 1 keeps what was pulled last, by number"),
        (&[("latestActiveK", 5, "**", true)], "rule 1 keeps what was pushed or pulled last"),
        (&[("nDaysSinceLastPull", 30, "**", true)], "not what nobody has pulled yet"),
        (&[("latestPushedK", 10, "**", false)], "removes at once what no rule selects"),
        (&[("latestPushedK", 10, "v*", true)], "removes at once what no rule selects"),
        (&[("latestPushedK", 0, "**", true)], "removes at once what no rule selects"),
        (&[("latestPushedK", 10, "**", true), ("nDaysSinceLastPush", 30, "**", true)], "either the one or the other"),
        (&[("latestPushedK", 5, "v*", false), ("latestPushedK", 10, "**", true)], "either the one or the other"),
        (&[("latestPushedK", 5, "v*", false), ("nDaysSinceLastPush", 30, "**", true)], "either the one or the other"),
        (&[("latestPushedK", 20, "{a,b}", false), ("latestPushedK", 10, "**", true)], "any of several tags"),
        (&[("latestPushedK", 10, "v?", true)], "a pattern that patterns of a lifecycle policy cannot say"),
        (&[("somethingNew", 10, "**", true)], "rule 1 is not understood"),
    ];
    for (rules, reason) in cases {
        let translated = translate(&retention(rules), &[], "app");

        let [remark] = &translated.remarks[..] else { panic!("{rules:?}: {translated:?}") };
        assert_eq!(translated.lifecycle, None, "{rules:?}");
        assert!(remark.contains(reason) && remark.contains(": it keeps rule 1, "), "{rules:?}: {remark}");
    }
}

#[test]
fn rules_are_for_the_repositories_that_they_name() {
    let mut retention = retention(&[("latestPushedK", 10, "**", true)]);
    retention.rules[0].repositories[0].pattern = Some("web/**".into());

    assert!(translate(&retention, &[], "web/app").lifecycle.is_some());
    assert_eq!(translate(&retention, &[], "api").lifecycle, None);
    retention.rules[0].repositories[0].decoration = "repoExcludes".into();
    assert_eq!(translate(&retention, &[], "web/app").lifecycle, None);
    assert!(translate(&retention, &[], "api").lifecycle.is_some());
    retention.rules[0].repositories[0].pattern = Some("web**".into());
    assert!(translate(&retention, &[], "api").remarks[0].contains("cannot be told whether rule 1 is meant"));
}

#[test]
fn tags_that_may_not_be_moved_are_kept_for_ever_and_the_repository_is_immutable_where_all_are() {
    let retention = retention(&[("latestPushedK", 10, "**", true)]);
    let of = |pattern: &str| translate(&retention, &[rule(7, ("immutable_template", 0, pattern, false))], "app");

    let (all, some, odd) = (of("**"), of("v*"), of("v?"));

    assert_eq!(translate(&retention, &[], "app").is_immutable, None);
    assert_eq!(all.is_immutable, Some(true));
    assert_eq!(short(&all.lifecycle.unwrap()), "* sinceImagePushed 36500, any imageCountMoreThan 10");
    assert_eq!(some.is_immutable, None);
    assert_eq!(short(&some.lifecycle.unwrap()), "v* sinceImagePushed 36500, any imageCountMoreThan 10");
    assert!(some.remarks[0].contains("only some tags are immutable") && some.remarks[0].contains("matching v*"));
    assert_eq!(odd.lifecycle, None);
    assert_eq!(odd.remarks.len(), 2);
}

#[test]
fn a_retention_without_a_schedule_is_said_to_have_none() {
    let retention = Retention { is_scheduled: false, ..retention(&[("latestPushedK", 10, "**", true)]) };

    assert!(translate(&retention, &[], "app").remarks[0].contains("only when somebody starts it"));
}

#[test]
fn a_policy_is_read_as_harbor_writes_it_and_odd_members_are_passed_over() {
    let text = br#"{"algorithm":"or","id":4,"scope":{"level":"project","ref":3},"trigger":{"kind":"Schedule",
        "references":{"job_id":9},"settings":{"cron":"0 0 0 * * *","next_scheduled_time":"2026-11-28T00:00:00.000Z"}},
        "rules":[{"action":"retain","id":1,"params":{"latestPushedK":10},"priority":1,"template":"latestPushedK",
        "scope_selectors":{"repository":[{"decoration":"repoMatches","kind":"doublestar","pattern":"**"}]},
        "tag_selectors":[{"decoration":"matches","extras":"{\"untagged\":false}","kind":"doublestar","pattern":"v*"}]},
        {"id":2,"disabled":true,"template":"always","tag_selectors":null,"scope_selectors":null,"params":null}]}"#;

    let retention = read_retention(text).unwrap();

    assert!(retention.is_scheduled);
    assert_eq!(retention.rules, [rule(1, ("latestPushedK", 10, "v*", false))].map(with_default_extras));
    assert_eq!(retention.rules[0].to_string(), "rule 1, latestPushedK 10, tags matching v*");
    for odd in [&b""[..], b"1", b"{\"rules\":{}}", b"{\"rules\":[1]}"] {
        assert!(read_retention(odd).is_err());
    }
    assert_eq!(read_retention(b"{}"), Ok(Retention::default()));
}

/// Repositories know nothing of tags.
fn with_default_extras(mut rule: Rule) -> Rule {
    rule.repositories[0].has_untagged = true;
    rule
}

/// What Harbor removes: what no rule keeps.
fn removed_by_harbor(rules: &[Short<'_>], images: &[(Vec<&str>, i64)]) -> Vec<bool> {
    let mut kept = vec![false; images.len()];
    for (template, number, pattern, has_untagged) in rules {
        let is_selected = |tags: &[&str]| match tags {
            [] => *has_untagged,
            _ => tags.iter().any(|tag| doublestar::matches(pattern, tag) == Some(true)),
        };
        let mut selected: Vec<usize> = (0..images.len()).filter(|at| is_selected(&images[*at].0)).collect();
        // The youngest first.
        selected.sort_by_key(|at| images[*at].1);
        let is_kept = |(rank, at): (usize, usize)| match *template {
            "always" => true,
            "latestPushedK" => rank < *number as usize,
            _ => images[at].1 <= i64::from(*number) * 10,
        };
        selected.into_iter().enumerate().filter(|one| is_kept(*one)).for_each(|(_, at)| kept[at] = true);
    }
    kept.into_iter().map(|is_kept| !is_kept).collect()
}

fn removed_by_policy(policy: &str, images: &[(Vec<&str>, i64)]) -> Vec<bool> {
    let policy = Policy::parse(policy, &Settings::default()).unwrap();
    let mut seen = Images::with_capacity(images.len());
    for (at, (tags, tenths)) in images.iter().enumerate() {
        let pushed_at = Timestamp::from_millis(NOW.millis() - tenths * DAY_MILLIS / 10);
        let facts = Facts { pushed_at: Some(pushed_at), ..Facts::default() };
        seen.push(&format!("image-{at:03}"), facts, tags.iter().copied(), []);
    }
    let decisions = evaluate(&policy, &seen, NOW, &[]);
    (0..images.len()).map(|place| matches!(decisions.get(place), Decision::Act { .. })).collect()
}

proptest! {
    #[test]
    fn a_translated_policy_removes_what_harbor_removes(
        rules in prop::collection::vec(
            (prop::sample::select(vec!["always", "latestPushedK", "nDaysSinceLastPush"]), 0_u32..5,
             prop::sample::select(vec!["**", "**", "v*", "*-rc", "{v*,w}", "w"]), any::<bool>()), 1..5),
        tags in prop::collection::vec(prop::collection::vec(prop::sample::select(vec!["v1", "v2-rc", "w", "x"]), 0..3), 0..12),
        ages in Just((0_i64..60).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        // No two images are of an age, and none is exactly so many days old.
        let images: Vec<(Vec<&str>, i64)> = tags.into_iter().zip(ages.into_iter().map(|age| age * 10 / 9 + 1)).collect();
        let translated = translate(&retention(&rules), &[], "app");

        match &translated.lifecycle {
            Some(policy) => prop_assert_eq!(removed_by_policy(policy, &images), removed_by_harbor(&rules, &images)),
            None if translated.remarks.is_empty() => {
                prop_assert!(removed_by_harbor(&rules, &images).iter().all(|is_removed| !is_removed));
            }
            None => {}
        }
    }
}
