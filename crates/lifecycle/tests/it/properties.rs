//! What holds for every policy and every list of images.

use crate::given::{DAY, HOUR, Image, NOW, acts, days_ago, image, list, more_than, policy, rule, since};
use gantry_lifecycle::{
    Action, Count, Decision, Pattern, Policy, Reason, Rule, Settings, StorageClass, TagSelection, evaluate, forecast,
};
use gantry_words::Timestamp;
use proptest::{option, prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

const TAGS: [&str; 6] = ["a", "b", "ab", "ba", "aab", "c"];
const PATTERNS: [&str; 7] = ["a*", "*b", "ab", "*", "b*", "*a*b", "c"];
/// The digest of an image that is never there.
const GONE: &str = "gone";

fn standard_count() -> impl Strategy<Value = (String, &'static str)> {
    let count = prop_oneof![
        (1..4u32).prop_map(more_than),
        (1..6u32).prop_map(|days| since("Pushed", days)),
        (1..6u32).prop_map(|days| since("Pulled", days)),
    ];
    (count, select(&["expire", "transition"]))
}

fn archive_count() -> impl Strategy<Value = (String, &'static str)> {
    (90..94u32).prop_map(|days| (format!(r#""storageClass":"archive",{}"#, since("Transitioned", days)), "expire"))
}

type Part = (String, (String, &'static str));

/// The rules of one storage class, the one on any images apart.
fn class_rules(count: BoxedStrategy<(String, &'static str)>) -> impl Strategy<Value = (Vec<Part>, Option<Part>)> {
    let patterns = proptest::collection::btree_set(select(&PATTERNS), 1..3);
    let tagged = proptest::collection::btree_map(patterns, (any::<bool>(), count.clone()), 0..4);
    let tagged = tagged.prop_map(|rules| {
        let part = |(patterns, (is_prefix, count)): (BTreeSet<&str>, _)| {
            let member = if is_prefix { "tagPrefixList" } else { "tagPatternList" };
            let prefix = |text: &str| text.replace('*', "a");
            let texts: BTreeSet<String> =
                patterns.iter().map(|text| if is_prefix { prefix(text) } else { text.to_string() }).collect();
            (format!(r#""tagStatus":"tagged","{member}":{}"#, serde_json::json!(texts)), count)
        };
        let mut parts: Vec<Part> = rules.into_iter().map(part).collect();
        // Two lists of patterns may have become one list of prefixes.
        let mut seen = BTreeSet::new();
        parts.retain(|(selection, _)| seen.insert(selection.clone()));
        parts
    });
    let status = |word: &'static str| move |count| (format!(r#""tagStatus":"{word}""#), count);
    let untagged = option::of(count.clone().prop_map(status("untagged")));
    let any = option::of(count.prop_map(status("any")));
    (tagged, untagged, any).prop_map(|(tagged, untagged, any)| (tagged.into_iter().chain(untagged).collect(), any))
}

fn some_rules() -> impl Strategy<Value = Vec<String>> {
    let classes = (class_rules(standard_count().boxed()), class_rules(archive_count().boxed()));
    let ordered = classes.prop_flat_map(|((standard, standard_any), (archive, archive_any))| {
        let first: Vec<Part> = standard.into_iter().chain(archive).collect();
        let last: Vec<Part> = standard_any.into_iter().chain(archive_any).collect();
        (Just(first).prop_shuffle(), Just(last).prop_shuffle())
    });
    let numbered = ordered.prop_map(|(first, last)| {
        let parts = (1..).zip(first.into_iter().chain(last));
        parts.map(|(at, (tags, (count, action)))| rule(at * 3, &format!("{tags},{count}"), action)).collect::<Vec<_>>()
    });
    numbered.prop_filter("a policy has a rule", |rules| !rules.is_empty())
}

fn half_days_ago(half_days: u32) -> Timestamp {
    NOW.minus(HOUR * 12 * half_days)
}

fn some_image() -> impl Strategy<Value = Image> {
    let tags = proptest::collection::btree_set(select(&TAGS), 0..3);
    let parents = proptest::collection::btree_set(
        prop_oneof![Just(GONE.to_string()), (0..40u32).prop_map(|i| format!("i{i}"))],
        0..2,
    );
    let moment = || option::weighted(0.8, (0..20u32).prop_map(half_days_ago));
    let archived = option::weighted(0.3, option::weighted(0.9, (85..97u32).prop_map(days_ago)));
    let rare = || option::weighted(0.2, (0..20u32).prop_map(half_days_ago));
    (tags, parents, moment(), rare(), rare(), archived, 0..1000u64).prop_map(
        |(tags, parents, pushed_at, last_pulled_at, activated_at, archived, size_bytes)| {
            let tags: Vec<&str> = tags.into_iter().collect();
            let mut image = image("").tags(&tags).with(|facts| {
                facts.pushed_at = pushed_at;
                facts.last_pulled_at = last_pulled_at;
                facts.activated_at = activated_at;
                facts.size_bytes = size_bytes;
                if let Some(since) = archived {
                    facts.storage_class = StorageClass::Archive;
                    facts.transitioned_at = since;
                }
            });
            image.parents = parents.into_iter().collect();
            image
        },
    )
}

fn some_images() -> impl Strategy<Value = Vec<Image>> {
    proptest::collection::vec(some_image(), 0..16).prop_map(|mut images| {
        for (at, image) in images.iter_mut().enumerate() {
            image.digest = format!("i{at}");
        }
        images
    })
}

fn some_protected(images: Vec<Image>) -> impl Strategy<Value = Vec<Image>> {
    let count = images.len();
    proptest::collection::vec(0..12u8, count).prop_map(move |marks| {
        let mut images = images.clone();
        for (image, mark) in images.iter_mut().zip(marks) {
            image.facts.is_in_use = mark == 0;
            image.facts.is_held = mark == 1;
        }
        images
    })
}

/// Returns rule and action by digest.
fn decide(policy: &Policy, images: &[Image]) -> BTreeMap<String, (u32, Action)> {
    let images = list(images);
    let decisions = evaluate(policy, &images, NOW, &[]);
    let act = |place| match decisions.get(place) {
        Decision::Act { rule, action, .. } => Some((images.digest(place).to_string(), (rule, action))),
        Decision::Keep(_) => None,
    };
    (0..images.len()).filter_map(act).collect()
}

/// What the user guide says, step by step: every rule marks by itself, then they are applied in order.
mod guide {
    use super::*;

    fn is_meant(pattern: &str, tag: &str) -> bool {
        match pattern.chars().next() {
            None => tag.is_empty(),
            Some('*') => (0..=tag.len()).any(|at| is_meant(&pattern[1..], &tag[at..])),
            Some(letter) => tag.starts_with(letter) && is_meant(&pattern[1..], &tag[1..]),
        }
    }

    pub(super) fn selects(rule: &Rule, image: &Image) -> bool {
        let all = |patterns: &[Pattern], end: &str| {
            let meets = |pattern: &Pattern| image.tags.iter().any(|tag| is_meant(&format!("{pattern}{end}"), tag));
            patterns.iter().all(meets)
        };
        rule.storage_class() == image.facts.storage_class
            && match rule.tags() {
                TagSelection::Patterns(patterns) => all(patterns, ""),
                TagSelection::Prefixes(prefixes) => all(prefixes, "*"),
                TagSelection::Untagged => image.tags.is_empty(),
                TagSelection::Any => true,
            }
    }

    pub(super) fn is_root(image: &Image, images: &[Image]) -> bool {
        let reaches = |other: &&Image| other.digest != image.digest && image.parents.contains(&other.digest);
        !images.iter().filter(reaches).any(|parent| parent.facts.storage_class == StorageClass::Standard)
    }

    pub(super) fn is_over(days: u32, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| NOW.millis() - since.millis() > i64::from(days) * 86_400_000)
    }

    fn mark<'i>(rule: &Rule, images: &'i [Image]) -> Vec<&'i Image> {
        let mut seen: Vec<&Image> =
            images.iter().filter(|image| is_root(image, images) && selects(rule, image)).collect();
        let pushed = |image: &Image| image.facts.activated_at.or(image.facts.pushed_at);
        seen.sort_by_key(|image| (pushed(image).map_or(i64::MAX, Timestamp::millis), image.digest.clone()));
        match rule.count() {
            Count::MoreThan(count) => seen.truncate(seen.len().saturating_sub(count as usize)),
            Count::DaysSincePushed(days) => seen.retain(|image| is_over(days, pushed(image))),
            Count::DaysSincePulled(days) => seen.retain(|image| {
                let facts = &image.facts;
                is_over(days, facts.last_pulled_at.max(facts.activated_at).or(facts.pushed_at))
            }),
            Count::DaysSinceTransitioned(days) => seen.retain(|image| is_over(days, image.facts.transitioned_at)),
        }
        seen
    }

    pub(super) fn apply(policy: &Policy, images: &[Image]) -> BTreeMap<String, (u32, Action)> {
        let rules = policy.rules_by_priority();
        let mut acted = BTreeMap::new();
        for (at, rule) in rules.iter().enumerate() {
            for image in mark(rule, images) {
                if !rules[..at].iter().any(|earlier| selects(earlier, image)) {
                    let twice = acted.insert(image.digest.clone(), (rule.priority(), rule.action()));
                    assert_eq!(twice, None);
                }
            }
        }
        acted
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn decisions_are_those_of_the_user_guide(rules in some_rules(), images in some_images()) {
        let policy = policy(&rules);

        prop_assert_eq!(decide(&policy, &images), guide::apply(&policy, &images));
    }

    #[test]
    fn an_image_is_touched_by_at_most_one_rule(rules in some_rules(), images in some_images()) {
        let (policy, images) = (policy(&rules), list(&images));

        let acted = acts(&evaluate(&policy, &images, NOW, &[]), &images);

        let digests: BTreeSet<_> = acted.iter().map(|(digest, _)| digest).collect();
        prop_assert_eq!(digests.len(), acted.len());
    }

    #[test]
    fn a_later_rule_never_touches_what_an_earlier_one_selects(rules in some_rules(), images in some_images()) {
        let policy = policy(&rules);

        for (digest, (priority, _)) in decide(&policy, &images) {
            let image = images.iter().find(|image| image.digest == digest).unwrap();
            for rule in policy.rules().iter().filter(|rule| rule.priority() < priority) {
                prop_assert!(!guide::selects(rule, image), "rule {} selects {digest}", rule.priority());
            }
        }
    }

    #[test]
    fn what_no_rule_names_never_goes(rules in some_rules(), images in some_images()) {
        let policy = policy(&rules);

        for (digest, (priority, action)) in decide(&policy, &images) {
            let image = images.iter().find(|image| image.digest == digest).unwrap();
            let rule = policy.rules().iter().find(|rule| rule.priority() == priority).unwrap();
            prop_assert!(guide::selects(rule, image));
            prop_assert_eq!(rule.action(), action);
        }
    }

    #[test]
    fn what_something_living_reaches_never_goes(
        rules in some_rules(), images in some_images().prop_flat_map(some_protected),
    ) {
        let decided = decide(&policy(&rules), &images);

        for digest in decided.keys() {
            let image = images.iter().find(|image| image.digest == *digest).unwrap();
            prop_assert!(guide::is_root(image, &images), "{digest}");
        }
    }

    #[test]
    fn what_is_protected_never_goes_nor_does_what_it_needs(
        rules in some_rules(), images in some_images().prop_flat_map(some_protected),
    ) {
        let mut protected: BTreeSet<&str> =
            images.iter().filter(|image| image.facts.is_held || image.facts.is_in_use).map(|image| &*image.digest).collect();
        while let Some(more) = images.iter().find(|image| {
            !protected.contains(&*image.digest) && image.parents.iter().any(|parent| protected.contains(&**parent))
        }) {
            protected.insert(&more.digest);
        }
        let goings = forecast(&policy(&rules), &list(&images), NOW, &[], 200);

        for going in goings {
            prop_assert!(!protected.contains(list(&images).digest(going.place)));
        }
    }

    #[test]
    fn the_order_of_images_means_nothing(
        rules in some_rules(),
        (images, shuffled) in some_images().prop_flat_map(some_protected).prop_flat_map(|images| (Just(images.clone()), Just(images).prop_shuffle())),
    ) {
        let policy = policy(&rules);
        let said = |images: &[Image]| -> BTreeMap<String, String> {
            let images = list(images);
            let decisions = evaluate(&policy, &images, NOW, &[]);
            let say = |place| match decisions.get(place) {
                // Which of several it lives with is named is open.
                Decision::Keep(Reason::Protected { protection, .. }) => protection.to_string(),
                _ => decisions.explain(place),
            };
            (0..images.len()).map(|place| (images.digest(place).to_string(), say(place))).collect()
        };

        prop_assert_eq!(said(&images), said(&shuffled));
    }

    #[test]
    fn adding_a_kept_image_removes_no_other_through_an_age_rule(
        rules in some_rules(), images in some_images(), added in some_image(), at in 0..16usize,
    ) {
        let policy = policy(&rules);
        let mut more = images.clone();
        more.insert(at.min(images.len()), Image { digest: "added".into(), ..added });
        let (before, after) = (decide(&policy, &images), decide(&policy, &more));
        prop_assume!(!after.contains_key("added"));

        let by_age = |priority: u32| {
            let rule = policy.rules().iter().find(|rule| rule.priority() == priority).unwrap();
            !matches!(rule.count(), Count::MoreThan(_))
        };
        for (digest, decision) in after.into_iter().filter(|(_, (priority, _))| by_age(*priority)) {
            prop_assert_eq!(before.get(&digest), Some(&decision), "{}", digest);
        }
    }

    #[test]
    fn printing_after_parsing_gives_the_policy_back(rules in some_rules()) {
        let policy = policy(&rules);

        let printed = policy.to_string();

        prop_assert_eq!(&printed, &format!(r#"{{"rules":[{}]}}"#, rules.join(",")));
        prop_assert_eq!(Policy::parse(&printed, &Settings { expire_since_pulled: true }), Ok(policy));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_forecast_agrees_with_running_day_by_day(
        rules in some_rules(), images in some_images().prop_flat_map(some_protected), days in 0..110u32,
    ) {
        let policy = policy(&rules);
        let all = list(&images);

        let foretold: Vec<_> = forecast(&policy, &all, NOW, &[], days)
            .into_iter()
            .map(|going| (going.at, all.digest(going.place).to_string(), going.rule))
            .collect();

        prop_assert_eq!(foretold, run_day_by_day(&policy, images, days));
    }
}

fn run_day_by_day(policy: &Policy, mut images: Vec<Image>, days: u32) -> Vec<(Timestamp, String, u32)> {
    let mut gone = Vec::new();
    for day in 0..=days {
        let now = NOW.plus(DAY * day);
        let before = list(&images);
        let decisions = evaluate(policy, &before, now, &[]);
        gone.extend(acts(&decisions, &before).into_iter().map(|(digest, rule)| (now, digest, rule)));
        images = (0..)
            .zip(images)
            .filter_map(|(place, image)| match decisions.get(place) {
                Decision::Keep(_) => Some(image),
                Decision::Act { action: Action::Expire, .. } => None,
                Decision::Act { action: Action::Transition, .. } => Some(image.with(|facts| {
                    facts.storage_class = StorageClass::Archive;
                    facts.transitioned_at = Some(now);
                })),
            })
            .collect();
    }
    gone
}
