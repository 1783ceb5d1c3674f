//! The engine and the second one say the same, whatever the policies: of a small vocabulary, so that statements often apply.

use super::naive;
use super::world::*;
use crate::policy::Caller;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

fn callers() -> impl Strategy<Value = Caller> {
    let deep = Caller::session(account(A), "/path/", "ci-x", "AROADEEPDEEPDEEPDEEP", "s*");
    select(vec![
        user(),
        session(),
        other(),
        deep,
        Caller::user(account(A), "/", "*", "AIDASTARSTARSTARSTAR"),
        Caller::root(account(A)),
        Caller::root(account(B)),
        Caller::anonymous(),
        Caller::federated("idp"),
        Caller::service("ecs.amazonaws.com"),
    ])
}

const ACTIONS: [&str; 6] =
    [PULL, "ecr:PutImage", "ecr:setRepositoryPolicy", LOGIN, "sts:AssumeRole", "gantry:DeleteAccountPolicy"];
const ACTION_PATTERNS: [&str; 7] =
    ["*", "ecr:*", "ecr:BATCHgetImage", "ecr:*Image", "ecr:???Image", "sts:AssumeRole", "ecr:Set*Policy"];
const RESOURCES: [&str; 5] = [
    R,
    "*",
    "arn:aws:ecr:us-east-1:111111111111:repository/ci/x",
    "arn:aws:ecr:us-east-1:111111111111:repository/*/x:y",
    "arn:aws:iam::111111111111:role/deploy",
];
const RESOURCE_PATTERNS: [&str; 9] = [
    "*",
    R,
    "arn:aws:ecr:*:*:repository/team/*",
    "arn:*:ecr:*:*:*",
    "arn:aws:ecr:us-east-?:111111111111:repository/t*/ap?",
    "arn:aws:ecr:*:*:repository/${aws:username}/*",
    "arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team, 'ci'}/x",
    "arn:aws:ecr:*:*:repository/${*}/*",
    "arn:aws:iam::*:role/*",
];
const PRINCIPALS: [&str; 9] =
    ["*", A, B, USER, ROLE, SESSION, OTHER, "arn:aws:iam::111111111111:root", "AROADEEPDEEPDEEPDEEP"];

/// Keys with the values that requests have; the operators that are made for them, and the values that policies ask for.
type Vocabulary = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);
const KEYS: [Vocabulary; 7] = [
    (
        "gantry:ImageTag",
        &["v1", "V1", "prod-é", "*", "ci", ""],
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ],
        &["v1", "v*", "prod-?", "${aws:username}", "${*}", "*", "${aws:PrincipalTag/team, 'v1'}", ""],
    ),
    (
        "aws:SourceIp",
        &["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7", "nowhere"],
        &["IpAddress", "NotIpAddress"],
        &["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::/0", "0.0.0.0/0", "192.0.2.4/30"],
    ),
    (
        "aws:x",
        &["7", "7.0", "-1", "many", "NaN"],
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["7", "0", "1e1", "-1"],
    ),
    (
        "aws:CurrentTime",
        &["2026-11-21T09:00:00Z", "1795251600", "2026-11-21T09:00:00.001Z", "soon"],
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &["2026-11-21T09:00:00Z", "1795251600", "2030-01-01T00:00:00+02:00"],
    ),
    ("aws:SecureTransport", &["true", "false", "TRUE"], &["Bool"], &["true", "false", "True"]),
    ("aws:b", &["aGk=", "aGk", "YQ=="], &["BinaryEquals"], &["aGk=", "YQ=="]),
    (
        "aws:PrincipalArn",
        &[ROLE, USER, "arn:aws:iam::111111111111:role/path/ci-x", "no ARN"],
        &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        &["*", ROLE, "arn:aws:iam::*:role/ci-*", "arn:aws:iam::*:role/*", "arn:*:*:*:*:user/${aws:username}"],
    ),
];

fn some<T: Clone + std::fmt::Debug + 'static>(of: &[T], count_max: usize) -> impl Strategy<Value = Vec<T>> + use<T> {
    subsequence(of.to_vec(), 1..=count_max.min(of.len()))
}

fn condition() -> impl Strategy<Value = Value> {
    let test = select(KEYS.to_vec()).prop_flat_map(|(key, _, operators, wanted)| {
        let quantifier = select(vec!["", "", "ForAllValues:", "ForAnyValue:"]);
        (quantifier, select(operators), select(vec!["", "", "IfExists"]), some(wanted, 3)).prop_map(
            move |(quantifier, operator, suffix, wanted)| {
                (format!("{quantifier}{operator}{suffix}"), key, json!(wanted))
            },
        )
    });
    let null = (select(KEYS.to_vec()), any::<bool>()).prop_map(|(key, asked)| ("Null".into(), key.0, json!(asked)));
    proptest::collection::vec(prop_oneof![4 => test, 1 => null], 0..3).prop_map(|tests| {
        let mut condition = Map::new();
        for (operator, key, wanted) in tests {
            condition.entry(operator).or_insert_with(|| json!({}))[key] = wanted;
        }
        condition.into()
    })
}

/// A statement; `who` and `what` say whether it names principals and resources.
fn a_statement(who: bool, what: bool, deny_only: bool) -> impl Strategy<Value = Value> {
    let effect = select(if deny_only { vec!["Deny"] } else { vec!["Allow", "Allow", "Allow", "Deny"] });
    let one_in_five = || proptest::bool::weighted(0.2);
    let action = (one_in_five(), some(&ACTION_PATTERNS, 2));
    let resource = (one_in_five(), some(&RESOURCE_PATTERNS, 2));
    let principal = (one_in_five(), some(&PRINCIPALS, 4), any::<bool>());
    (effect, action, resource, principal, condition()).prop_map(
        move |(effect, action, resource, principal, condition)| {
            let not = |is_not: bool, member: &str| if is_not { format!("Not{member}") } else { member.to_string() };
            let mut statement = json!({"Effect": effect, "Condition": condition});
            statement[not(action.0, "Action")] = json!(action.1);
            if what {
                statement[not(resource.0, "Resource")] = json!(resource.1);
            }
            if who {
                let mut named = json!({"AWS": principal.1});
                if principal.2 {
                    named["Federated"] = json!("idp");
                    named["Service"] = json!(["ecs.amazonaws.com"]);
                }
                statement[not(principal.0 && effect == "Deny", "Principal")] = named;
            }
            statement
        },
    )
}

fn a_policy(who: bool, what: bool, deny_only: bool) -> impl Strategy<Value = Value> {
    let version = select(vec!["2012-10-17", "2012-10-17", "2008-10-17"]);
    let statements = proptest::collection::vec(a_statement(who, what, deny_only), 1..4);
    (version, statements).prop_map(|(version, statements)| json!({"Version": version, "Statement": statements}))
}

/// The policy of a role knows no `NotPrincipal`.
fn without_exceptions(mut policy: Value) -> Value {
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if let Some(who) = statement.as_object_mut().unwrap().remove("NotPrincipal") {
            statement["Principal"] = who;
        }
    }
    policy
}

fn keys() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let one = |key: &'static str, values: &'static [&'static str]| {
        proptest::option::of(subsequence(values, 0..=values.len().min(2)))
            .prop_map(move |found| found.map(|found| (key.to_string(), found.into_iter().map(String::from).collect())))
    };
    let all: Vec<_> = KEYS.iter().map(|(key, values, ..)| one(key, values).boxed()).collect();
    let team = one("AWS:principaltag/TEAM", &["team", "ci", "*"]).boxed();
    (all, team).prop_map(|(all, team)| all.into_iter().chain([team]).flatten().collect())
}

fn worlds() -> impl Strategy<Value = World> {
    let asked = (callers(), select(&ACTIONS[..]), select(&RESOURCES[..]), select(vec![A, A, B]), keys(), any::<bool>());
    let several = |deny_only| proptest::collection::vec(a_policy(false, true, deny_only), 0..2);
    let seldom = |policy| proptest::option::weighted(0.2, policy);
    let of_caller = (
        proptest::collection::vec(a_policy(false, true, false), 0..3),
        seldom(a_policy(false, true, false).boxed()),
        prop_oneof![3 => Just(vec![]), 1 => several(false)],
        prop_oneof![4 => Just(vec![]), 1 => several(true)],
    );
    let of_resource = (
        proptest::option::of(prop_oneof![a_policy(true, true, false), a_policy(true, false, false)]),
        seldom(a_policy(true, false, false).prop_map(without_exceptions).boxed()),
    );
    (asked, of_caller, of_resource).prop_map(|(asked, of_caller, of_resource)| {
        let (caller, action, resource, owner, keys, is_open) = asked;
        let (identity, boundary, session, account_wide) = of_caller;
        let (repository, trust) = of_resource;
        let world = pull(caller).asks(action, resource).of(owner);
        World { keys, is_open, identity, boundary, session, account_wide, repository, trust, ..world }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn two_engines_agree(world in worlds()) {
        prop_assert_eq!(world.outcome() == "allow", naive::allows(&world), "{:#?}", world);
    }

    #[test]
    fn no_other_statement_outvotes_one_that_denies(world in worlds(), more in a_policy(false, true, false)) {
        let before = world.outcome();
        let after = World { identity: [world.identity.clone(), vec![more]].concat(), ..world }.outcome();

        prop_assert!(!before.starts_with("explicit") || after.starts_with("explicit"), "{} {}", before, after);
    }

    #[test]
    fn a_boundary_never_gives(world in worlds(), boundary in a_policy(false, true, false)) {
        let without = World { boundary: None, ..world.clone() };
        let with = World { boundary: Some(boundary), ..world };

        prop_assert!(with.outcome() != "allow" || without.outcome() == "allow");
    }
}
