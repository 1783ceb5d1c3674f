use super::*;

/// A rule that is well formed, as JSON whose parts a test replaces.
const RULE: &str = r#"{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}"#;

const UNTAGGED: &str = r#""tagStatus":"untagged""#;
const ANY: &str = r#""tagStatus":"any""#;
const PROD: &str = r#""tagStatus":"tagged","tagPatternList":["prod*"]"#;
const COUNT: &str = r#""countType":"imageCountMoreThan","countNumber":1"#;
const EXPIRE: &str = r#"{"type":"expire"}"#;
const ARCHIVE: &str = r#"{"type":"transition","targetStorageClass":"archive"}"#;

fn rule(priority: u32, tags: &str, rest: &str, action: &str) -> String {
    format!(r#"{{"rulePriority":{priority},"selection":{{{tags},{rest}}},"action":{action}}}"#)
}

fn since(count_type: &str, days: u32) -> String {
    format!(r#""countType":"{count_type}","countUnit":"days","countNumber":{days}"#)
}

fn archived(days: u32) -> String {
    format!(r#""storageClass":"archive",{}"#, since("sinceImageTransitioned", days))
}

fn policy(rules: &[String]) -> String {
    format!(r#"{{"rules":[{}]}}"#, rules.join(","))
}

fn parse(text: &str) -> Result<Policy, PolicyError> {
    Policy::parse(text, &Settings::default())
}

fn refusal(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

fn warnings(rules: &[String]) -> Vec<String> {
    parse(&policy(rules)).unwrap().warnings().iter().map(Warning::to_string).collect()
}

#[test]
fn every_selection_and_action_is_read() {
    let text = policy(&[
        rule(5, r#""tagStatus":"tagged","tagPatternList":["a*","b"]"#, &since("sinceImagePushed", 14), EXPIRE),
        rule(2, r#""tagStatus":"tagged","tagPrefixList":["a"],"storageClass":"standard""#, COUNT, ARCHIVE),
        rule(3, UNTAGGED, COUNT, EXPIRE),
        rule(9, ANY, &since("sinceImagePulled", 90), ARCHIVE),
        rule(1, ANY, &archived(90), EXPIRE),
    ]);

    let policy = parse(&text).unwrap();

    let seen: Vec<_> = policy
        .rules_by_priority()
        .into_iter()
        .map(|rule| (rule.priority(), rule.tags().status(), rule.storage_class(), rule.count(), rule.action()))
        .collect();
    use {Action::*, Count::*, StorageClass::*};
    assert_eq!(
        seen,
        [
            (1, "any", Archive, DaysSinceTransitioned(90), Expire),
            (2, "tagged", Standard, MoreThan(1), Transition),
            (3, "untagged", Standard, MoreThan(1), Expire),
            (5, "tagged", Standard, DaysSincePushed(14), Expire),
            (9, "any", Standard, DaysSincePulled(90), Transition),
        ]
    );
}

#[test]
fn a_policy_is_printed_as_it_was_written() {
    let text = policy(&[
        rule(5, PROD, &since("sinceImagePushed", 14), EXPIRE),
        rule(2, r#""tagStatus":"tagged","tagPrefixList":["a","b"],"storageClass":"standard""#, COUNT, ARCHIVE),
        RULE.replace("\"selection\"", "\"description\":\"Schönes\\n\",\"selection\""),
    ]);

    assert_eq!(parse(&text).unwrap().to_string(), text);
}

#[test]
fn archive_as_people_write_it_is_a_transition_and_is_returned_as_one() {
    let returned = policy(&[rule(1, ANY, COUNT, ARCHIVE)]);
    for action in [r#"{"type":"archive"}"#, r#"{"targetStorageClass":"archive","type":"archive"}"#, ARCHIVE] {
        let policy = parse(&policy(&[rule(1, ANY, COUNT, action)])).unwrap();

        assert_eq!(policy.rules()[0].action(), Action::Transition);
        assert_eq!(policy.to_string(), returned);
    }
}

#[test]
fn expiring_by_pulls_needs_a_setting() {
    let text = policy(&[rule(4, ANY, &since("sinceImagePulled", 30), EXPIRE)]);

    let allowed = Policy::parse(&text, &Settings { expire_since_pulled: true });

    assert!(allowed.is_ok());
    let refusal = refusal(&text);
    assert!(
        refusal.starts_with("rule 4: action.type expire may not stand with countType sinceImagePulled"),
        "{refusal}"
    );
    assert!(refusal.contains("lifecycle.expire_since_pulled = true"), "{refusal}");
}

#[test]
fn a_refusal_names_the_rule_and_the_member() {
    let edit = |from: &str, to: &str| policy(&[RULE.replace(from, to)]);
    let cases = [
        (
            edit("\"countNumber\":1", "\"countNumber\":0"),
            "rule 1: selection.countNumber is 0; it must be a whole number from 1 to 2147483647",
        ),
        (
            edit("\"countNumber\":1", "\"countNumber\":1.5"),
            "rule 1: selection.countNumber is 1.5; it must be a whole number from 1 to 2147483647",
        ),
        (
            edit("\"countNumber\":1", "\"countNumber\":\"1\""),
            "rule 1: selection.countNumber is the text \"1\"; it must be a whole number from 1 to 2147483647",
        ),
        (
            edit("\"countNumber\":1", "\"countNumber\":2147483648"),
            "rule 1: selection.countNumber is 2147483648; it must be a whole number from 1 to 2147483647",
        ),
        (
            edit(",\"countNumber\":1", ""),
            "rule 1: selection.countNumber is missing; say how many images (or days) to keep",
        ),
        (
            edit("\"rulePriority\":1", "\"rulePriority\":0"),
            "rules[0]: rulePriority is 0; it must be a whole number from 1 to 2147483647",
        ),
        (
            edit("\"rulePriority\":1,", ""),
            "rules[0]: rulePriority is missing; give the rule a number; the lowest is applied first",
        ),
        (edit("\"untagged\"", "\"all\""), "rule 1: selection.tagStatus is \"all\"; write tagged, untagged or any"),
        (
            edit("\"untagged\"", "\"UNTAGGED\""),
            "rule 1: selection.tagStatus is \"UNTAGGED\"; write tagged, untagged or any",
        ),
        (
            edit("\"tagStatus\":\"untagged\",", ""),
            "rule 1: selection.tagStatus is missing; write tagged, untagged or any",
        ),
        (
            edit("imageCountMoreThan", "imageCountLessThan"),
            "rule 1: selection.countType is \"imageCountLessThan\"; write imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned",
        ),
        (
            edit("imageCountMoreThan", "sinceImagePushed"),
            "rule 1: selection.countUnit is missing; write days, the only unit there is",
        ),
        (
            edit("\"countNumber\"", "\"countUnit\":\"days\",\"countNumber\""),
            "rule 1: selection.countUnit may not stand where countType is imageCountMoreThan; take it out",
        ),
        (
            edit("\"countNumber\"", "\"countUnit\":\"hours\",\"countNumber\""),
            "rule 1: selection.countUnit is \"hours\"; write days",
        ),
        (
            edit("\"countNumber\"", "\"countUnit\":null,\"countNumber\""),
            "rule 1: selection.countUnit is null; it must be a text",
        ),
        (
            edit("\"countNumber\"", "\"storageClass\":\"glacier\",\"countNumber\""),
            "rule 1: selection.storageClass is \"glacier\"; write standard or archive",
        ),
        (
            edit("\"countNumber\"", "\"storageClass\":\"archive\",\"countNumber\""),
            "rule 1: selection.storageClass is archive, but countType imageCountMoreThan knows standard images only; archived ones are counted by sinceImageTransitioned",
        ),
        (edit("\"expire\"", "\"delete\""), "rule 1: action.type is \"delete\"; write expire, transition or archive"),
        (
            edit("\"expire\"", "\"transition\""),
            "rule 1: action.targetStorageClass is missing; write archive, where a transition goes",
        ),
        (
            edit("\"expire\"", "\"expire\",\"targetStorageClass\":\"archive\""),
            "rule 1: action.targetStorageClass may not stand where action.type is expire; take it out",
        ),
        (
            edit("\"expire\"", "\"transition\",\"targetStorageClass\":\"standard\""),
            "rule 1: action.targetStorageClass is \"standard\"; write archive",
        ),
        (edit("{\"type\":\"expire\"}", "\"expire\""), "rule 1: action is the text \"expire\"; it must be an object"),
        (
            edit(",\"action\":{\"type\":\"expire\"}", ""),
            "rule 1: action is missing; write {\"type\": \"expire\"}, or a transition to the archive",
        ),
        (
            edit("\"action\"", "\"enabled\":true,\"action\""),
            "rule 1: enabled is not known; known are rulePriority, description, selection, action",
        ),
        (
            edit("\"countNumber\":1", "\"countNumber\":1,\"countNumber\":2"),
            "rule 1: selection.countNumber stands there twice, and programs differ in which they read; keep one",
        ),
        (
            edit("\"rulePriority\":1", "\"rulePriority\":1,\"rulePriority\":2"),
            "rules[0]: rulePriority stands there twice, and programs differ in which they read; keep one",
        ),
        (edit("\"action\"", "\"description\":5,\"action\""), "rule 1: description is 5; it must be a text"),
        (
            policy(&[rule(3, r#""tagStatus":"tagged""#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList is missing; where tagStatus is tagged, say which tags, such as [\"prod*\"] (or [\"*\"] for every tag), or write a tagPrefixList",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPatternList":[]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList is missing; where tagStatus is tagged, say which tags, such as [\"prod*\"] (or [\"*\"] for every tag), or write a tagPrefixList",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPatternList":["a"],"tagPrefixList":["b"]"#, COUNT, EXPIRE)]),
            "rule 3: selection has both a tagPatternList and a tagPrefixList; keep one, or write two rules",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"any","tagPatternList":["a"]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList may only stand where tagStatus is tagged; here it is any",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"untagged","tagPrefixList":["a"]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPrefixList may only stand where tagStatus is tagged; here it is untagged",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPatternList":["a","test*1*2*3*4*5*6"]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList[1] is \"test*1*2*3*4*5*6\" with 6 wildcards; a pattern may hold 4",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPrefixList":[""]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPrefixList[0] is empty; write \"*\" to mean every tag",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPatternList":[7]"#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList[0] is 7; it must be a text",
        ),
        (
            policy(&[rule(3, r#""tagStatus":"tagged","tagPatternList":"a""#, COUNT, EXPIRE)]),
            "rule 3: selection.tagPatternList is the text \"a\"; it must be a list of texts",
        ),
        (
            policy(&[rule(3, ANY, &since("sinceImageTransitioned", 90), EXPIRE)]),
            "rule 3: selection.storageClass must be written as archive where countType is sinceImageTransitioned, since only archived images were ever archived",
        ),
        (
            policy(&[rule(3, ANY, &archived(90), ARCHIVE)]),
            "rule 3: action.type must be expire where countType is sinceImageTransitioned: such images are archived already",
        ),
        (
            policy(&[rule(3, ANY, &archived(89), EXPIRE)]),
            "rule 3: selection.countNumber is 89; archived images stay at least 90 days, so write 90 or more",
        ),
        (r#"{"rule":[]}"#.into(), "rule is not known; known are rules"),
        ("{}".into(), "rules is missing; a policy is {\"rules\": [...]}"),
        (r#"{"rules":{}}"#.into(), "rules is an object; it must be a list of rules"),
        ("[]".into(), "the policy is a list; it must be an object"),
        (r#"{"rules":[]}"#.into(), "the policy has 0 rules; write 1 to 50"),
        (r#"{"rules":[1]}"#.into(), "rules[0] is 1; it must be an object"),
        (r#"{"rules":[}"#.into(), "the policy is no JSON: expected value at line 1 column 11"),
        (r#"{"rules":[]} x"#.into(), "the policy is no JSON: trailing characters at line 1 column 14"),
    ];
    for (text, sentence) in cases {
        assert_eq!(refusal(&text), sentence, "{text}");
    }
}

#[test]
fn rules_fit_each_other() {
    let cases = [
        (
            [rule(7, UNTAGGED, COUNT, EXPIRE), rule(7, PROD, COUNT, EXPIRE)],
            "rules[0] and rules[1] both have the rulePriority 7; give each its own",
        ),
        (
            [rule(8, UNTAGGED, COUNT, EXPIRE), rule(7, UNTAGGED, &since("sinceImagePushed", 1), ARCHIVE)],
            "rules 7 and 8 both have the tagStatus untagged for standard images; a policy may have one such rule for each storage class, join them",
        ),
        (
            [rule(8, ANY, COUNT, EXPIRE), rule(9, ANY, &since("sinceImagePushed", 1), EXPIRE)],
            "rules 8 and 9 both have the tagStatus any for standard images; a policy may have one such rule for each storage class, join them",
        ),
        (
            [rule(8, ANY, &archived(90), EXPIRE), rule(9, ANY, &archived(91), EXPIRE)],
            "rules 8 and 9 both have the tagStatus any for archive images; a policy may have one such rule for each storage class, join them",
        ),
        (
            [rule(2, PROD, COUNT, EXPIRE), rule(1, ANY, COUNT, EXPIRE)],
            "rule 1: tagStatus any must come last among the rules for standard images, but rule 2 comes after it; give it the highest rulePriority",
        ),
        (
            [
                rule(1, r#""tagStatus":"tagged","tagPrefixList":["a","b"]"#, COUNT, EXPIRE),
                rule(2, r#""tagStatus":"tagged","tagPrefixList":["b","a"]"#, &since("sinceImagePushed", 1), EXPIRE),
            ],
            "rules 1 and 2 name the same tags (a, b) for standard images; the second would never act, join them",
        ),
    ];
    for (rules, sentence) in cases {
        assert_eq!(refusal(&policy(&rules)), sentence);
    }
}

#[test]
fn standard_and_archived_images_have_rules_of_their_own() {
    let rules = [
        rule(1, ANY, &archived(90), EXPIRE),
        rule(2, UNTAGGED, COUNT, EXPIRE),
        rule(3, PROD, COUNT, EXPIRE),
        rule(5, r#""tagStatus":"any","storageClass":"standard""#, COUNT, ARCHIVE),
    ];

    assert!(parse(&policy(&rules)).is_ok());
}

#[test]
fn a_policy_has_at_most_fifty_rules() {
    let rules = |count: u32| -> Vec<String> {
        (1..=count)
            .map(|i| rule(i, &format!(r#""tagStatus":"tagged","tagPatternList":["{i}"]"#), COUNT, EXPIRE))
            .collect()
    };

    assert!(parse(&policy(&rules(50))).is_ok());
    assert_eq!(refusal(&policy(&rules(51))), "the policy has 51 rules; write 1 to 50");
}

#[test]
fn the_length_of_a_policy_is_counted_in_characters() {
    let text = |description: &str| {
        policy(&[RULE.replace("\"selection\"", &format!("\"description\":\"{description}\",\"selection\""))])
    };
    let room = POLICY_CHARS_MAX - text("").chars().count();

    assert!(parse(&text(&"ü".repeat(room))).is_ok());
    assert_eq!(
        refusal(&text(&"ü".repeat(room + 1))),
        "the policy has 30721 characters, and 30720 are allowed; shorten its descriptions, or join rules"
    );
}

#[test]
fn the_shortest_policy_is_longer_than_the_shortest_text_that_ecr_takes() {
    let shortest = policy(&[rule(1, ANY, COUNT, EXPIRE)]);

    assert!(parse(&shortest).is_ok());
    assert!(shortest.len() >= 100);
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let text = format!(r#"{{"rules":{}"#, "[".repeat(20_000));

    assert!(refusal(&text).starts_with("the policy is no JSON: recursion limit exceeded"));
}

#[test]
fn what_an_author_may_not_have_meant_is_said() {
    let tags = |list: &str| format!(r#""tagStatus":"tagged",{list}"#);
    let cases: [(&[String], &[&str]); 8] = [
        (
            &[rule(1, ANY, COUNT, EXPIRE)],
            &["rule 1 expires every image that no rule before it selects, but the newest one"],
        ),
        (&[rule(1, ANY, COUNT, ARCHIVE)], &[]),
        (&[rule(1, ANY, &since("sinceImagePushed", 1), EXPIRE)], &[]),
        (
            &[rule(1, &tags(r#""tagPatternList":["*"]"#), COUNT, EXPIRE), rule(2, PROD, COUNT, EXPIRE)],
            &["rule 2 never acts: rule 1 comes first, and selects every image that it selects"],
        ),
        (
            &[rule(1, PROD, COUNT, EXPIRE), rule(2, &tags(r#""tagPrefixList":["production"]"#), COUNT, EXPIRE)],
            &["rule 2 never acts: rule 1 comes first, and selects every image that it selects"],
        ),
        (&[rule(1, PROD, COUNT, EXPIRE), rule(2, &tags(r#""tagPatternList":["*prod*"]"#), COUNT, EXPIRE)], &[]),
        (
            &[rule(1, &tags(r#""tagPatternList":["main","latest"]"#), COUNT, EXPIRE)],
            &[
                "rule 1 selects only images that have a tag for each of main and latest; where one is enough, write a rule for each",
            ],
        ),
        (
            &[rule(1, &tags(r#""tagPrefixList":["prod*"]"#), COUNT, EXPIRE)],
            &["rule 1 selects nothing: no tag holds a '*' as the prefix \"prod*\" does; write it in a tagPatternList"],
        ),
    ];
    for (rules, expected) in cases {
        assert_eq!(warnings(rules), expected);
    }
}
