//! The cases that AWS's user guide works through ("Examples of lifecycle policies in Amazon ECR", "Lifecycle policy
//! evaluation rules", as of 2026), in words of ours.

use crate::given::{Image, acted, image, more_than, rule, since, tagged};

struct Case {
    what: &'static str,
    rules: Vec<String>,
    images: Vec<Image>,
    /// Digest and rule.
    acted: &'static [(&'static str, u32)],
}

fn untagged(count: &str) -> String {
    format!(r#""tagStatus":"untagged",{count}"#)
}

fn any(count: &str) -> String {
    format!(r#""tagStatus":"any",{count}"#)
}

fn tags(patterns: &[&str], count: &str) -> String {
    format!("{},{count}", tagged(patterns))
}

fn archived(days: u32) -> String {
    any(&format!(r#""storageClass":"archive",{}"#, since("Transitioned", days)))
}

fn shared_tags() -> Vec<Image> {
    vec![
        image("A").tags(&["beta-1", "prod-1"]).pushed(10),
        image("B").tags(&["beta-2", "prod-2"]).pushed(9),
        image("C").tags(&["beta-3"]).pushed(8),
    ]
}

fn ages_and_counts() -> Vec<Case> {
    vec![
        Case {
            what: "filtering on image age",
            rules: vec![rule(1, &tags(&["prod*"], &since("Pushed", 14)), "expire")],
            images: vec![
                image("A").tags(&["prod"]).pushed(15),
                image("B").tags(&["prod-7"]).pushed(14),
                image("C").tags(&["dev"]).pushed(15),
                image("D").pushed(15),
            ],
            acted: &[("A", 1)],
        },
        Case {
            what: "filtering on last pulled time",
            rules: vec![rule(1, &any(&since("Pulled", 90)), "transition")],
            images: vec![
                image("A").tags(&["v1"]).pushed(300).pulled(91),
                image("B").tags(&["v2"]).pushed(300).pulled(90),
                image("C").pushed(91),
                image("D").pushed(89),
                image("E").pushed(300).pulled(300).archived(100),
            ],
            acted: &[("A", 1), ("C", 1)],
        },
        Case {
            what: "filtering on archive transition time",
            rules: vec![rule(1, &archived(365), "expire")],
            images: vec![
                image("A").pushed(800).archived(366),
                image("B").pushed(800).archived(365),
                image("C").pushed(800),
            ],
            acted: &[("A", 1)],
        },
        Case {
            what: "filtering on image count",
            rules: vec![rule(1, &untagged(&more_than(1)), "expire")],
            images: vec![
                image("A").pushed(3),
                image("B").pushed(2),
                image("C").tags(&["v1"]).pushed(4),
                image("D").pushed(1),
            ],
            acted: &[("A", 1), ("B", 1)],
        },
    ]
}

fn several_rules() -> Vec<Case> {
    vec![
        Case {
            what: "filtering on multiple rules, example A",
            rules: vec![
                rule(1, &tags(&["prod*"], &more_than(1)), "expire"),
                rule(2, &tags(&["beta*"], &more_than(1)), "expire"),
            ],
            images: shared_tags(),
            acted: &[("A", 1)],
        },
        Case {
            what: "filtering on multiple rules, example B",
            rules: vec![
                rule(1, &tags(&["beta*"], &more_than(1)), "expire"),
                rule(2, &tags(&["prod*"], &more_than(1)), "expire"),
            ],
            images: shared_tags(),
            acted: &[("A", 1), ("B", 1)],
        },
        Case {
            what: "filtering on multiple tags in a single rule, example A",
            rules: vec![rule(1, &tags(&["alpha*", "beta*"], &since("Pushed", 5)), "expire")],
            images: vec![
                image("A").tags(&["alpha-1"]).pushed(12),
                image("B").tags(&["beta-1"]).pushed(11),
                image("C").tags(&["alpha-2", "beta-2"]).pushed(10),
                image("D").tags(&["alpha-3"]).pushed(4),
                image("E").tags(&["beta-3"]).pushed(3),
                image("F").tags(&["alpha-4", "beta-4"]).pushed(2),
            ],
            acted: &[("C", 1)],
        },
        Case {
            what: "filtering on multiple tags in a single rule, example B",
            rules: vec![rule(1, &tags(&["alpha*", "beta*"], &more_than(1)), "expire")],
            images: vec![
                image("A").tags(&["alpha-1", "beta-1", "gamma-1"]).pushed(10),
                image("B").tags(&["alpha-2", "beta-2"]).pushed(9),
                image("C").tags(&["alpha-3", "beta-3", "gamma-2"]).pushed(8),
            ],
            acted: &[("A", 1), ("B", 1)],
        },
        Case {
            what: "filtering on all images, example A",
            rules: vec![rule(1, &any(&more_than(1)), "expire")],
            images: vec![
                image("A").tags(&["alpha-1"]).pushed(4),
                image("B").tags(&["beta-1"]).pushed(3),
                image("C").pushed(2),
                image("D").tags(&["alpha-2"]).pushed(1),
            ],
            acted: &[("A", 1), ("B", 1), ("C", 1)],
        },
        Case {
            what: "filtering on all images, example B",
            rules: vec![
                rule(1, &tags(&["alpha*"], &more_than(1)), "expire"),
                rule(2, &untagged(&since("Pushed", 1)), "expire"),
                rule(3, &any(&more_than(1)), "expire"),
            ],
            images: vec![
                image("A").tags(&["alpha-1", "beta-1"]).pushed(4),
                image("B").pushed(3),
                image("C").tags(&["alpha-2"]).pushed(2),
                image("D").tags(&["git hash"]).pushed(1),
                image("E").pushed(1),
            ],
            // D and E are equally old. The guide takes E for the newest, as the greater digest does here.
            acted: &[("A", 1), ("B", 2), ("D", 3)],
        },
    ]
}

fn the_archive() -> Vec<Case> {
    vec![
        Case {
            what: "archiving images older than a number of days",
            rules: vec![rule(1, &tags(&["prod*"], &since("Pushed", 30)), "transition")],
            images: vec![
                image("A").tags(&["prod-1"]).pushed(31),
                image("B").tags(&["prod-2"]).pushed(29),
                image("C").tags(&["prod-3"]).pushed(400).archived(200),
            ],
            acted: &[("A", 1)],
        },
        Case {
            what: "archive and expire rules together",
            rules: vec![rule(1, &any(&since("Pushed", 30)), "transition"), rule(2, &archived(365), "expire")],
            images: vec![
                image("A").pushed(500).archived(366),
                image("B").pushed(500).archived(365),
                image("C").pushed(31),
                image("D").pushed(30),
            ],
            acted: &[("A", 2), ("C", 1)],
        },
        Case {
            what: "prefixes are patterns that end in a wildcard",
            rules: vec![rule(
                1,
                &format!(r#""tagStatus":"tagged","tagPrefixList":["prod"],{}"#, more_than(1)),
                "expire",
            )],
            images: vec![
                image("A").tags(&["prod"]).pushed(3),
                image("B").tags(&["production"]).pushed(2),
                image("C").tags(&["pre-prod"]).pushed(9),
            ],
            acted: &[("A", 1)],
        },
        Case {
            what: "an image restored from the archive is as old as its restoration",
            rules: vec![rule(1, &any(&since("Pulled", 90)), "transition")],
            images: vec![
                image("A").pushed(400).pulled(300).with(|facts| facts.activated_at = Some(crate::given::days_ago(91))),
                image("B").pushed(400).pulled(300).with(|facts| facts.activated_at = Some(crate::given::days_ago(10))),
                image("C").pushed(400).pulled(10).with(|facts| facts.activated_at = Some(crate::given::days_ago(91))),
            ],
            acted: &[("A", 1)],
        },
    ]
}

#[test]
fn the_examples_of_the_user_guide_come_out_as_it_says() {
    for case in [ages_and_counts(), several_rules(), the_archive()].into_iter().flatten() {
        let mut seen = acted(&case.rules, &case.images);

        seen.sort();
        let expected: Vec<_> = case.acted.iter().map(|(digest, rule)| (digest.to_string(), *rule)).collect();
        assert_eq!(seen, expected, "{}", case.what);
    }
}
