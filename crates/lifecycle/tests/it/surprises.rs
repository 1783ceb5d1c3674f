//! Where people who do not know ECR would expect something else, and what goes beyond ECR.

use crate::given::{
    DAY, HOUR, NOW, acted, acts, days_ago, explained, image, list, more_than, policy, rule, since, tagged,
};
use gantry_lifecycle::{Decision, Going, Pattern, Protection, Reason, Summary, evaluate, forecast};
use gantry_words::Timestamp;
use std::time::Duration;

fn any(count: &str) -> String {
    format!(r#""tagStatus":"any",{count}"#)
}

fn untagged(count: &str) -> String {
    format!(r#""tagStatus":"untagged",{count}"#)
}

fn tags(patterns: &[&str], count: &str) -> String {
    format!("{},{count}", tagged(patterns))
}

fn archived(days: u32) -> String {
    any(&format!(r#""storageClass":"archive",{}"#, since("Transitioned", days)))
}

fn pairs(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(digest, rule)| (digest.to_string(), *rule)).collect()
}

#[test]
fn a_rule_shields_the_images_it_keeps_too() {
    let rules =
        [rule(1, &tags(&["release*"], &more_than(100)), "expire"), rule(2, &any(&since("Pushed", 1)), "expire")];
    let images = [image("kept").tags(&["release-1"]).pushed(900), image("other").tags(&["dev"]).pushed(900)];

    assert_eq!(acted(&rules, &images), pairs(&[("other", 2)]));
    assert_eq!(
        explained(&rules, &images, "kept"),
        "rule 1 keeps it: it is number 1 of those that the rule selects, of which the newest 100 stay; rule 2 may not act \
         on it, since rule 1 comes first"
    );
}

#[test]
fn shielded_images_take_places_in_the_counts_of_later_rules() {
    let rules = [rule(1, &tags(&["prod*"], &more_than(9)), "expire"), rule(2, &any(&more_than(2)), "expire")];
    let images = [
        image("old").tags(&["dev"]).pushed(3),
        image("prod-old").tags(&["prod-1"]).pushed(2),
        image("prod-new").tags(&["prod-2"]).pushed(1),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("old", 2)]));
}

#[test]
fn images_that_go_by_one_rule_take_places_in_the_counts_of_later_ones() {
    let rules = [rule(1, &tags(&["dev*"], &since("Pushed", 1)), "expire"), rule(2, &any(&more_than(1)), "expire")];
    let images = [image("older").tags(&["v1"]).pushed(5), image("going").tags(&["dev"]).pushed(4)];

    assert_eq!(acted(&rules, &images), pairs(&[("older", 2), ("going", 1)]));
}

#[test]
fn all_patterns_of_a_list_must_be_met_and_one_tag_may_meet_several() {
    let rules = [rule(1, &tags(&["*-arm", "v*"], &since("Pushed", 1)), "expire")];
    let images = [
        image("both-in-one").tags(&["v1-arm"]).pushed(2),
        image("both").tags(&["x-arm", "v2"]).pushed(2),
        image("half").tags(&["v3"]).pushed(2),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("both", 1), ("both-in-one", 1)]));
}

#[test]
fn a_pattern_without_a_wildcard_means_the_whole_tag() {
    let rules = [rule(1, &tags(&["prod"], &since("Pushed", 1)), "expire")];
    let images = [image("a").tags(&["prod"]).pushed(2), image("b").tags(&["prod1"]).pushed(2)];

    assert_eq!(acted(&rules, &images), pairs(&[("a", 1)]));
}

#[test]
fn rules_on_standard_images_never_see_archived_ones() {
    let rules = [rule(1, &any(&more_than(1)), "expire")];
    let images = [image("archived").pushed(9).archived(8), image("old").pushed(3), image("new").pushed(2)];

    assert_eq!(acted(&rules, &images), pairs(&[("old", 1)]));
    assert_eq!(explained(&rules, &images, "archived"), "no rule selects it");
}

#[test]
fn archived_images_go_after_their_days_in_the_archive_only() {
    let rules = [rule(1, &archived(90), "expire")];
    let images = [
        image("due").pushed(200).archived(91),
        image("not-yet").pushed(500).archived(90),
        image("unknown").pushed(500).archived(400).with(|facts| facts.transitioned_at = None),
        image("standard").pushed(500).with(|facts| facts.transitioned_at = Some(days_ago(400))),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("due", 1)]));
    assert_eq!(explained(&rules, &images, "unknown"), "rule 1 keeps it: when it was archived is not known");
}

#[test]
fn what_was_never_pulled_counts_from_its_push() {
    let rules = [rule(1, &any(&since("Pulled", 30)), "expire")];
    let images = [
        image("pulled").pushed(99).pulled(30),
        image("idle").pushed(99).pulled(31),
        image("never").pushed(31),
        image("new").pushed(30),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("idle", 1), ("never", 1)]));
    assert_eq!(
        explained(&rules, &images, "new"),
        "rule 1 keeps it: it was never pulled, and pushed at 2026-10-22T09:00:00.000Z, not more than 30 days ago"
    );
}

#[test]
fn older_than_some_days_is_strict() {
    let rules = [rule(1, &any(&since("Pushed", 14)), "expire")];
    let exact = days_ago(14);
    let pushed = |digest, moment: Timestamp| image(digest).with(|facts| facts.pushed_at = Some(moment));
    let images = [
        pushed("older", exact.minus(Duration::from_millis(1))),
        pushed("exact", exact),
        pushed("younger", exact.plus(Duration::from_millis(1))),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("older", 1)]));
}

#[test]
fn an_image_counts_once_however_many_tags_it_has() {
    let rules = [rule(1, &tags(&["v*"], &more_than(2)), "expire")];
    let images = [
        image("a").tags(&["v1"]).pushed(3),
        image("b").tags(&["v2", "v2.0", "v2.0.0"]).pushed(2),
        image("c").tags(&["v3", "v-latest"]).pushed(1),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("a", 1)]));
}

#[test]
fn of_equal_push_times_the_lesser_digest_goes_first() {
    let rules = [rule(1, &any(&more_than(1)), "expire")];
    let long = |end| format!("sha256:{}{end}", "0".repeat(63));
    let images = [image(&long("2")).pushed(1), image(&long("1")).pushed(1), image(&long("3")).pushed(1)];

    assert_eq!(acted(&rules, &images), pairs(&[(&long("1"), 1), (&long("2"), 1)]));
}

#[test]
fn children_of_a_living_index_stay_and_take_no_places() {
    let rules = [rule(1, &untagged(&since("Pushed", 1)), "expire"), rule(2, &any(&more_than(2)), "expire")];
    let images = [
        image("amd64").parents(&["index"]).pushed(9),
        image("arm64").parents(&["index", "gone"]).pushed(9),
        image("signature").parents(&["index"]).pushed(9),
        image("index").tags(&["v2"]).pushed(9),
        image("older").tags(&["v1"]).pushed(10),
    ];

    assert_eq!(acted(&rules, &images), []);
    assert_eq!(explained(&rules, &images, "arm64"), "it lives as long as index, which reaches it");
}

#[test]
fn an_archived_or_removed_index_frees_its_children() {
    let rules = [rule(1, &untagged(&since("Pushed", 1)), "expire")];
    let images = [
        image("archived").tags(&["v1"]).pushed(9).archived(3),
        image("freed").parents(&["archived"]).pushed(9),
        image("orphan").parents(&["removed"]).pushed(9),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("freed", 1), ("orphan", 1)]));
}

#[test]
fn children_of_an_index_that_goes_now_stay_until_it_is_gone() {
    let rules = [rule(1, &untagged(&since("Pushed", 1)), "expire"), rule(2, &any(&since("Pushed", 5)), "expire")];
    let images = [image("index").tags(&["v1"]).pushed(9), image("child").parents(&["index"]).pushed(9)];

    assert_eq!(acted(&rules, &images), pairs(&[("index", 2)]));
    let (policy, images) = (policy(&rules), list(&images));
    let next = Going { at: NOW.plus(DAY), place: 1, rule: 1, action: gantry_lifecycle::Action::Expire };
    assert_eq!(forecast(&policy, &images, NOW, &[], 1)[1..], [next]);
}

#[test]
fn an_image_that_names_itself_is_not_reached_by_itself() {
    let rules = [rule(1, &any(&since("Pushed", 1)), "expire")];

    assert_eq!(acted(&rules, &[image("a").parents(&["a"]).pushed(2)]), pairs(&[("a", 1)]));
}

#[test]
fn an_unknown_push_time_is_as_if_it_were_now() {
    let rules = [rule(1, &tags(&["v*"], &more_than(1)), "expire"), rule(2, &any(&since("Pushed", 1)), "expire")];
    let images = [
        image("known").tags(&["v1"]).pushed(0),
        image("unknown").tags(&["v2"]).with(|facts| facts.pushed_at = None),
        image("untagged").with(|facts| facts.pushed_at = None),
    ];

    assert_eq!(acted(&rules, &images), pairs(&[("known", 1)]));
    assert_eq!(explained(&rules, &images, "untagged"), "rule 2 keeps it: when it was pushed is not known");
    let (policy, images) = (policy(&rules), list(&images));
    assert_eq!(evaluate(&policy, &images, NOW, &[]).summary().unknown, 1);
}

#[test]
fn images_in_use_on_hold_in_quarantine_or_with_a_protected_tag_stay_and_keep_their_places() {
    let rules = [rule(1, &any(&more_than(1)), "expire")];
    let images = [
        image("used").pushed(5).with(|facts| facts.is_in_use = true),
        image("held").pushed(4).with(|facts| facts.is_held = true),
        image("tagged").tags(&["keep-me"]).pushed(3),
        image("quarantined").pushed(3).with(|facts| facts.is_in_quarantine = true),
        image("old").pushed(2),
        image("new").tags(&["keep-too"]).pushed(1),
    ];
    let (policy, images) = (policy(&rules), list(&images));

    let decisions = evaluate(&policy, &images, NOW, &[Pattern::glob("keep-*").unwrap()]);

    assert_eq!(acts(&decisions, &images), pairs(&[("old", 1)]));
    let said: Vec<String> = (0..6).map(|place| decisions.explain(place)).collect();
    assert_eq!(
        said,
        [
            "it is in use, or rule 1 would expire it",
            "it is under a legal hold, or rule 1 would expire it",
            "it has a protected tag, or rule 1 would expire it",
            "it waits in quarantine, or rule 1 would expire it",
            "rule 1 expires it: it is number 2 of those that the rule selects, of which the newest stays",
            "rule 1 keeps it: it is number 1 of those that the rule selects, of which the newest stays",
        ]
    );
}

#[test]
fn an_index_stays_while_one_of_its_platforms_is_in_use() {
    let rules = [rule(1, &any(&since("Pushed", 1)), "expire")];
    let images = [
        image("index").tags(&["v1"]).pushed(9),
        image("amd64").parents(&["index"]).pushed(9).with(|facts| facts.is_in_use = true),
    ];

    assert_eq!(acted(&rules, &images), []);
    assert_eq!(explained(&rules, &images, "index"), "amd64, with which it lives, is in use, or rule 1 would expire it");
}

#[test]
fn what_a_held_image_needs_is_held_with_it_also_in_the_archive() {
    let rules = [rule(1, &untagged(&since("Pushed", 1)), "expire")];
    let images = [
        image("index").tags(&["v1"]).pushed(9).archived(5).with(|facts| facts.is_held = true),
        image("nested").parents(&["index"]).pushed(9),
        image("leaf").parents(&["nested"]).pushed(9),
    ];
    let (policy, images) = (policy(&rules), list(&images));

    let decisions = evaluate(&policy, &images, NOW, &[]);

    let Decision::Keep(Reason::Protected { protection, through, .. }) = decisions.get(1) else { panic!() };
    assert_eq!((protection, through), (Protection::Held, Some(0)));
    assert_eq!(decisions.get(2), Decision::Keep(Reason::Reached { by: 1 }));
}

#[test]
fn a_summary_adds_up_images_and_bytes() {
    let rules =
        [rule(1, &tags(&["a*"], &since("Pushed", 1)), "transition"), rule(2, &any(&since("Pushed", 1)), "expire")];
    let images = [
        image("a").tags(&["a"]).pushed(2).with(|facts| facts.size_bytes = 5),
        image("b").pushed(2).with(|facts| facts.size_bytes = u64::MAX),
        image("c").pushed(2),
        image("d").pushed(1),
    ];
    let (policy, images) = (policy(&rules), list(&images));

    let summary = evaluate(&policy, &images, NOW, &[]).summary();

    let expected = Summary { expired: 2, expired_bytes: u64::MAX, transitioned: 1, transitioned_bytes: 5, unknown: 0 };
    assert_eq!(summary, expected);
}

#[test]
fn a_forecast_goes_from_the_push_through_the_archive_to_the_end() {
    let rules = [rule(1, &any(&since("Pushed", 30)), "transition"), rule(2, &archived(90), "expire")];
    let images = list(&[image("a").pushed(29).with(|facts| facts.pushed_at = Some(days_ago(29).minus(HOUR)))]);

    let goings = forecast(&policy(&rules), &images, NOW, &[], 365);

    let seen: Vec<_> = goings.iter().map(|going| (going.at, going.rule)).collect();
    assert_eq!(seen, [(NOW.plus(DAY), 1), (NOW.plus(DAY * 92), 2)]);
}

#[test]
fn a_forecast_ends_with_its_last_day() {
    let rules = [rule(1, &any(&since("Pushed", 5)), "expire")];
    let images = list(&[image("a").pushed(0)]);
    let days = |days| forecast(&policy(&rules), &images, NOW, &[], days).len();

    assert_eq!((days(0), days(5), days(6)), (0, 0, 1));
}
