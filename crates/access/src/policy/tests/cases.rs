//! Worked cases: what is given, who asks for what, and what comes of it.

use super::naive;
use super::world::*;
use crate::policy::{
    Attached, Caller, Context, Effect, Element, Policies, Policy, PolicyPlace, Request, Side, Verdict, evaluate,
};
use serde_json::{Value, json};

fn ident(action: &str) -> Value {
    statement("Allow", action, "*")
}

fn aws(who: &[&str]) -> Value {
    json!({"AWS": who})
}

fn condition(operator: &str, key: &str, values: Value) -> Value {
    json!({operator: {key: values}})
}

fn root_of(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

fn repository(name: &str) -> String {
    format!("arn:aws:ecr:us-east-1:{A}:repository/{name}")
}

/// Every world comes to `wanted`, and a second engine agrees.
fn check(cases: impl IntoIterator<Item = (&'static str, World, &'static str)>) {
    for (case, world, wanted) in cases {
        assert_eq!(world.outcome(), wanted, "case {case}: {world:#?}");
        assert_eq!(naive::allows(&world), wanted == "allow", "case {case}, by the second engine: {world:#?}");
    }
}

#[test]
fn within_an_account_one_side_is_enough_unless_something_denies_or_narrows() {
    let lacks = || statement("Allow", "ecr:Describe*", "*");

    check([
        ("1", pull(user()), "identity"),
        ("2", pull(user()).identity(statement("Allow", PULL, R)), "allow"),
        (
            "3",
            pull(user()).identity(ident(PULL)).repository(and(to(json!("*")), "Effect", json!("Deny"))),
            "explicit in repository",
        ),
        ("4", pull(user()).repository(to(aws(&[USER]))), "allow"),
        ("5", pull(user()).repository(to(aws(&[&root_of(A)]))), "identity"),
        ("5, as a number", pull(user()).repository(to(aws(&[A]))), "identity"),
        ("6", pull(user()).repository(to(json!("*"))), "allow"),
        ("6, in a list", pull(user()).repository(to(aws(&["*"]))), "allow"),
        ("7", pull(user()).identity(ident(PULL)).boundary(lacks()), "boundary"),
        ("8", pull(user()).repository(to(aws(&[USER]))).boundary(lacks()), "allow"),
        ("9", pull(user()).repository(to(aws(&[USER]))).boundary(statement("Deny", PULL, "*")), "explicit in boundary"),
        ("10", pull(session()).repository(to(aws(&[ROLE]))), "allow"),
        ("11", pull(session()).repository(to(aws(&[ROLE]))).boundary(lacks()), "boundary"),
        ("12", pull(session()).repository(to(aws(&[ROLE]))).session(lacks()), "session"),
        ("13", pull(session()).repository(to(aws(&[SESSION]))).boundary(lacks()).session(lacks()), "allow"),
        ("14", pull(session()).repository(to(aws(&[&SESSION.replace("s1", "s2")]))), "identity"),
        (
            "15",
            pull(session()).identity(ident(PULL)).session(statement("Allow", PULL, &repository("other"))),
            "session",
        ),
        ("16", pull(session()).session(ident(PULL)), "identity"),
        (
            "17",
            pull(session())
                .repository(and(to(json!("*")), "Condition", condition("ArnEquals", "aws:PrincipalArn", json!(ROLE))))
                .boundary(lacks()),
            "allow",
        ),
        (
            "18",
            pull(session()).repository(and(
                to(json!("*")),
                "Condition",
                condition("ArnEquals", "aws:PrincipalArn", json!(SESSION)),
            )),
            "identity",
        ),
    ]);
}

#[test]
fn from_another_account_both_sides_must_allow() {
    let by_root = || pull(other()).repository(to(aws(&[&root_of(B)])));

    check([
        ("19", pull(other()).repository(to(aws(&[OTHER]))), "identity"),
        ("20", by_root().identity(statement("Allow", PULL, R)), "allow"),
        ("21", pull(other()).identity(statement("Allow", "*", "*")), "resource"),
        ("22", pull(other()).repository(to(json!("*"))), "identity"),
        ("23", by_root().identity(ident(PULL)).boundary(ident("ecr:Describe*")), "boundary"),
        (
            "24",
            by_root().identity(json!([ident(PULL), statement("Deny", "*", "arn:aws:ecr:*:*:repository/team/*"),])),
            "explicit in identity",
        ),
        ("25", by_root().identity(ident(PULL)).asks(LOGIN, "*").of(B), "identity"),
        ("25, with it", by_root().identity(ident(LOGIN)).asks(LOGIN, "*").of(B), "allow"),
        (
            "26",
            pull(other()).repository(and(to(aws(&[OTHER])), "Action", json!(LOGIN))).asks(LOGIN, "*").of(B),
            "identity",
        ),
        ("root of the other account", pull(Caller::root(account(B))).repository(to(aws(&[B]))), "allow"),
        ("root of the other account, unnamed", pull(Caller::root(account(B))), "resource"),
    ]);
}

#[test]
fn without_credentials_only_what_is_open_to_anyone_and_switched_on() {
    let anonymous = || pull(Caller::anonymous());
    let with = |operator, key, values| and(to(json!("*")), "Condition", condition(operator, key, values));

    check([
        ("27, on", anonymous().repository(to(json!("*"))).open(), "allow"),
        ("27, off", anonymous().repository(to(json!("*"))), "anonymous"),
        ("28", anonymous().repository(with("StringEquals", "aws:PrincipalOrgID", json!("o-1"))).open(), "resource"),
        (
            "29, account",
            anonymous().repository(with("StringNotEquals", "aws:PrincipalAccount", json!(B))).open(),
            "allow",
        ),
        ("29, ARN", anonymous().repository(with("ArnNotEquals", "aws:PrincipalArn", json!(ROLE))).open(), "allow"),
        ("named others only", anonymous().repository(to(aws(&[USER]))).open(), "resource"),
        ("nothing", anonymous().open(), "resource"),
    ]);
}

#[test]
fn who_is_excepted_from_a_denial_must_be_named_with_all_his_names() {
    let except = |who: &[&str]| json!({"Effect": "Deny", "NotPrincipal": {"AWS": who}, "Action": PULL});
    let allowed = |caller, who: &[&str]| pull(caller).identity(ident(PULL)).repository(except(who));

    check([
        ("30", allowed(user(), &[OTHER, &root_of(B)]), "explicit in repository"),
        ("31", allowed(user(), &[USER, &root_of(A)]), "allow"),
        ("31, boundary", allowed(user(), &[USER, &root_of(A)]).boundary(ident("*")), "explicit in repository"),
        ("user without account", allowed(user(), &[USER]), "explicit in repository"),
        ("session without its own ARN", allowed(session(), &[ROLE, A]), "explicit in repository"),
        ("session without its role", allowed(session(), &[SESSION, A]), "explicit in repository"),
        ("session with all", allowed(session(), &[ROLE, SESSION, A]), "allow"),
    ]);
}

#[test]
fn root_may_do_all_that_nothing_denies_and_can_always_mend_the_policy_of_a_repository() {
    let root = || pull(Caller::root(account(A)));
    let all = json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"});
    let account_wide = statement("Deny", "ecr:*", "*");

    check([
        ("32", root(), "allow"),
        ("33", root().repository(all.clone()), "explicit in repository"),
        ("33, delete", root().repository(all.clone()).asks("ecr:DeleteRepositoryPolicy", R), "allow"),
        ("33, set", root().repository(all.clone()).asks("ecr:SetRepositoryPolicy", R), "allow"),
        (
            "33, by a user",
            pull(user()).identity(ident("*")).repository(all).asks("ecr:SetRepositoryPolicy", R),
            "explicit in repository",
        ),
        (
            "account-wide",
            root().account_wide(account_wide).asks("ecr:SetRepositoryPolicy", R),
            "explicit in AccountWide",
        ),
        (
            "account-wide, everything",
            root().account_wide(statement("Deny", "*", "*")).asks("gantry:GetMetrics", "*"),
            "explicit in AccountWide",
        ),
        (
            "account-wide, ended",
            root().account_wide(statement("Deny", "*", "*")).asks("gantry:DeleteAccountPolicy", "*"),
            "allow",
        ),
        (
            "account-wide, ended by a user",
            pull(user())
                .identity(statement("Allow", "*", "*"))
                .account_wide(statement("Deny", "*", "*"))
                .asks("gantry:DeleteAccountPolicy", "*"),
            "explicit in AccountWide",
        ),
    ]);
}

#[test]
fn actions_and_resources_are_matched_as_they_are_written() {
    let resource = |text: &str| pull(user()).identity(statement("Allow", "ecr:*", text));
    let by_name = |version: &str, caller| {
        let mut world = pull(caller).asks(PULL, &repository("ci/x"));
        world.identity = vec![json!({
            "Version": version,
            "Statement": statement("Allow", PULL, &repository("${aws:username}/*")),
        })];
        world
    };

    check([
        ("34", pull(user()).identity(ident("ECR:batchgetIMAGE")), "allow"),
        ("35", pull(user()).identity(ident("ecr:GetImage")), "identity"),
        ("36, put", pull(user()).identity(ident("ecr:*Image")).asks("ecr:PutImage", R), "allow"),
        ("36, delete", pull(user()).identity(ident("ecr:*Image")).asks("ecr:BatchDeleteImage", R), "allow"),
        ("36, describe", pull(user()).identity(ident("ecr:*Image")).asks("ecr:DescribeImages", R), "identity"),
        ("37, below", resource(&repository("team/*")).asks(PULL, &repository("team/app/x")), "allow"),
        ("37, itself", resource(&repository("team/*")).asks(PULL, &repository("team")), "identity"),
        ("38", resource(&repository("Team/app")), "identity"),
        ("39", resource(&format!("arn:aws:ecr:*:{A}:repository/team/ap?")), "allow"),
        ("40", pull(user()).identity(statement("Allow", LOGIN, R)).asks(LOGIN, "*"), "identity"),
        (
            "41, pull",
            pull(user()).identity(json!({"Effect": "Allow", "NotAction": "ecr:DeleteRepository", "Resource": "*"})),
            "allow",
        ),
        (
            "41, create user",
            pull(user())
                .identity(json!({"Effect": "Allow", "NotAction": "ecr:DeleteRepository", "Resource": "*"}))
                .asks("iam:CreateUser", "arn:aws:iam::111111111111:user/x"),
            "allow",
        ),
        (
            "42",
            pull(user())
                .identity(json!([
                    statement("Allow", "*", "*"),
                    {"Effect": "Deny", "Action": "ecr:*", "NotResource": R},
                ]))
                .asks(LOGIN, "*"),
            "explicit in identity",
        ),
        ("43, 2012", by_name("2012-10-17", user()), "allow"),
        ("43, 2008", by_name("2008-10-17", user()), "identity"),
        ("44", by_name("2012-10-17", session()), "identity"),
        (
            "a user called *",
            by_name("2012-10-17", Caller::user(account(A), "/", "*", "AIDASTARSTARSTARSTAR")),
            "identity",
        ),
    ]);
}

#[test]
fn conditions_hold_or_do_not() {
    let on =
        |operator, key, values| pull(user()).identity(and(ident("*"), "Condition", condition(operator, key, values)));
    let denied = |operator, key, values| {
        let deny = and(statement("Deny", "*", "*"), "Condition", condition(operator, key, values));
        pull(user()).identity(json!([ident("*"), deny]))
    };
    let tag_keys = || on("ForAllValues:StringEquals", "aws:TagKeys", json!(["env", "team"]));

    check([
        (
            "45, tagged",
            on("StringEquals", "ecr:ResourceTag/env", json!("prod")).key("ecr:ResourceTag/env", &["prod"]),
            "allow",
        ),
        ("45, untagged", on("StringEquals", "ecr:ResourceTag/env", json!("prod")), "identity"),
        ("46", on("StringEquals", "ECR:resourcetag/ENV", json!("prod")).key("ecr:ResourceTag/env", &["prod"]), "allow"),
        ("47", denied("StringNotEquals", "aws:RequestTag/env", json!("prod")), "explicit in identity"),
        ("48", denied("StringNotEqualsIfExists", "aws:RequestTag/env", json!("prod")), "explicit in identity"),
        ("49, one", tag_keys().key("aws:TagKeys", &["env"]), "allow"),
        ("49, one too many", tag_keys().key("aws:TagKeys", &["env", "x"]), "identity"),
        ("49, none", tag_keys(), "allow"),
        ("49, an empty list", tag_keys().key("aws:TagKeys", &[]), "allow"),
        ("50", on("ForAnyValue:StringEquals", "aws:TagKeys", json!(["env"])), "identity"),
        ("51, named", denied("StringNotEquals", "aws:PrincipalAccount", json!([A, B])), "allow"),
        ("51, not named", denied("StringNotEquals", "aws:PrincipalAccount", json!([B])), "explicit in identity"),
        (
            "52",
            pull(user())
                .identity(and(
                    ident("*"),
                    "Condition",
                    json!({"StringEquals": {"gantry:k": ["a", "b"]}, "Bool": {"aws:SecureTransport": true}}),
                ))
                .key("gantry:k", &["b"])
                .key("aws:SecureTransport", &["false"]),
            "identity",
        ),
        ("53", on("IpAddress", "aws:SourceIp", json!("10.0.0.0/8")).key("aws:SourceIp", &["::ffff:10.1.2.3"]), "allow"),
        ("54, equals", on("StringEquals", "gantry:ImageTag", json!("v*")).key("gantry:ImageTag", &["v1"]), "identity"),
        ("54, like", on("StringLike", "gantry:ImageTag", json!("v*")).key("gantry:ImageTag", &["v1"]), "allow"),
        (
            "55",
            World {
                caller: Caller::session(account(A), "/path/", "ci-x", "AROAROLEROLEROLEROLE", "s"),
                ..on("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::*:role/ci-*"))
            },
            "identity",
        ),
        (
            "56",
            denied("StringLike", "gantry:ImageTag", json!("prod-*")).key("gantry:ImageTag", &["prod-1"]),
            "explicit in identity",
        ),
        (
            "59, session",
            World { caller: session(), ..denied("DateLessThan", "aws:TokenIssueTime", json!("2026-11-21T09:00:00Z")) }
                .key("aws:TokenIssueTime", &["2026-11-21T08:59:59.999Z"]),
            "explicit in identity",
        ),
        ("59, user", denied("DateLessThan", "aws:TokenIssueTime", json!("2026-11-21T09:00:00Z")), "allow"),
    ]);
}

#[test]
fn a_negated_operator_with_wildcards_keeps_out_what_they_fit() {
    let on = |operator: &str| {
        let condition = condition(operator, "gantry:ImageTag", json!(["v*", "prod-?"]));
        pull(user()).identity(and(ident("*"), "Condition", condition))
    };

    check([
        ("fits one", on("StringNotLike").key("gantry:ImageTag", &["v1"]), "identity"),
        ("fits the other", on("StringNotLike").key("gantry:ImageTag", &["prod-1"]), "identity"),
        ("fits none", on("StringNotLike").key("gantry:ImageTag", &["dev"]), "allow"),
        ("a plain character", on("StringNotEquals").key("gantry:ImageTag", &["v1"]), "allow"),
        ("one of several fits", on("StringNotLike").key("gantry:ImageTag", &["dev", "v1"]), "identity"),
        ("any that fits none", on("ForAnyValue:StringNotLike").key("gantry:ImageTag", &["dev", "v1"]), "allow"),
        ("all", on("ForAllValues:StringNotLike").key("gantry:ImageTag", &["dev", "v1"]), "identity"),
    ]);
}

#[test]
fn a_denial_wins_wherever_in_the_policy_it_stands() {
    let (allow, deny) = (ident("*"), statement("Deny", PULL, R));

    check([
        ("58, first", pull(user()).identity(json!([deny, allow])), "explicit in identity"),
        ("58, last", pull(user()).identity(json!([allow, deny])), "explicit in identity"),
        ("58, in another", pull(user()).identity(allow).identity(deny), "explicit in identity"),
    ]);
}

#[test]
fn a_role_lets_in_whom_it_names_and_leaves_the_rest_to_the_account_it_names() {
    let assume = |caller| pull(caller).asks("sts:AssumeRole", ROLE);
    let trust = |who: Value| json!({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"});
    let may = || ident("sts:AssumeRole");
    let provider = "arn:aws:iam::111111111111:oidc-provider/token.example.com";

    check([
        ("user named", assume(user()).trust(trust(aws(&[USER]))), "allow"),
        ("not named", assume(user()).identity(may()).trust(trust(aws(&[OTHER]))), "trust"),
        ("account named", assume(user()).trust(trust(aws(&[A]))), "identity"),
        ("account named and allowed", assume(user()).identity(may()).trust(trust(aws(&[A]))), "allow"),
        ("root is nobody by himself", assume(Caller::root(account(A))).trust(trust(aws(&[USER]))), "trust"),
        ("other account", assume(other()).trust(trust(aws(&[OTHER]))), "identity"),
        ("other account, allowed", assume(other()).identity(may()).trust(trust(aws(&[B]))), "allow"),
        ("federated", assume(Caller::federated(provider)).trust(trust(json!({"Federated": provider}))), "allow"),
        (
            "federated elsewhere",
            assume(Caller::federated("other")).trust(trust(json!({"Federated": provider}))),
            "trust",
        ),
        ("an AWS principal is no provider", assume(Caller::federated(USER)).trust(trust(aws(&[USER]))), "trust"),
        (
            "service",
            assume(Caller::service("x.amazonaws.com")).trust(trust(json!({"Service": "x.amazonaws.com"}))),
            "allow",
        ),
    ]);
}

#[test]
fn a_role_made_anew_under_an_old_name_does_not_inherit() {
    let text = document(to(aws(&[ROLE]))).to_string();
    let id = |arn: &str| (arn == ROLE).then(|| "AROAROLEROLEROLEROLE".into());
    let policy = Policy::parse(&text, PolicyPlace::Repository).unwrap().bound(id);
    let pulls = |caller: &Caller| {
        let request =
            Request { caller, action: PULL, resource: R, resource_account: account(A), context: &Context::of(caller) };
        let repository = Some(Attached { name: "team/app", policy: &policy });
        evaluate(&request, &Policies { repository, ..Policies::default() }).is_allowed()
    };

    assert!(pulls(&session()));
    assert!(!pulls(&Caller::session(account(A), "/", "deploy", "AROANEWNEWNEWNEWNEW1", "s1")));
}

#[test]
fn a_decision_tells_which_statement_made_it() {
    let named = and(statement("Allow", PULL, "*"), "Sid", json!("Pull"));
    let told = |world: World| world.decided(|verdict| verdict.to_string());

    for (world, wanted) in [
        (
            pull(user()).identity(json!([ident("ecr:PutImage"), named])),
            "statement 2 (Pull) of the identity-based policy p",
        ),
        (pull(user()).repository(to(aws(&[USER]))), "statement 1 of the resource-based policy p"),
        (
            pull(other()).identity(named.clone()).repository(to(aws(&[B]))),
            "statement 1 (Pull) of the identity-based policy p and statement 1 of the resource-based policy p",
        ),
        (pull(Caller::root(account(A))), "the root user of the account may do everything in it"),
        (pull(user()).identity(statement("Deny", "*", "*")), "statement 1 of the identity-based policy p"),
        (pull(user()), "no identity-based policy allows it"),
    ] {
        assert_eq!(told(world), wanted);
    }
}

#[test]
fn a_refusal_says_what_is_missing_in_the_words_of_aws() {
    let said = |world: World| {
        world.decided(|verdict| match verdict {
            Verdict::Denied(denial) => denial.message(world.caller.arn(), &world.action, &world.resource),
            Verdict::Allowed(_) => "allowed".into(),
        })
    };
    let start = format!("User: {USER} is not authorized to perform: {PULL} on resource: {R} ");

    for (world, end) in [
        (pull(user()), "because no identity-based policy allows the ecr:BatchGetImage action"),
        (
            pull(user()).identity(ident(PULL)).boundary(ident("ecr:PutImage")),
            "because no permissions boundary allows the ecr:BatchGetImage action",
        ),
        (
            pull(user()).identity(ident(PULL)).of(B),
            "because no resource-based policy allows the ecr:BatchGetImage action",
        ),
        (pull(user()).account_wide(statement("Deny", "*", "*")), "with an explicit deny in a service control policy"),
        (
            pull(user()).repository(and(to(json!("*")), "Effect", json!("Deny"))),
            "with an explicit deny in a resource-based policy",
        ),
    ] {
        assert_eq!(said(world), format!("{start}{end}"));
    }
}

#[test]
fn an_explanation_names_the_first_member_of_each_statement_that_does_not_apply() {
    let world = pull(user())
        .identity(json!([ident("ecr:PutImage"), statement("Deny", "*", &repository("b")), ident("*")]))
        .repository(json!([
            to(aws(&[OTHER])),
            and(to(json!("*")), "Condition", condition("Null", "aws:userid", json!(true)))
        ]));

    let found: Vec<_> = world.traced(|traced| (traced.at.number, traced.at.side, traced.effect, traced.fails_at));

    assert_eq!(
        found,
        [
            (1, Side::Identity, Effect::Allow, Some(Element::Action)),
            (2, Side::Identity, Effect::Deny, Some(Element::Resource)),
            (3, Side::Identity, Effect::Allow, None),
            (1, Side::Repository, Effect::Allow, Some(Element::Principal)),
            (2, Side::Repository, Effect::Allow, Some(Element::Condition)),
        ]
    );
}
