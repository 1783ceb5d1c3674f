//! What the policies of `examples/policies/` allow.

use super::world::*;
use crate::policy::{
    Attached, Caller, Context, Policies, Policy, PolicyPlace, Request, check_policy_text, evaluate, lint_policy,
};
use std::path::PathBuf;

const PUSH: &str = "ecr:PutImage";

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn policy(name: &str, place: PolicyPlace) -> Policy {
    Policy::parse(&text(name), place).unwrap()
}

/// Whether `caller` may do `action` on `resource` of account A, with these keys besides his own.
fn may(policies: &Policies<'_>, caller: &Caller, action: &str, resource: &str, keys: &[(&str, &str)]) -> bool {
    let mut context = Context::of(caller);
    for (key, value) in keys {
        context.set(key, [*value]);
    }
    let owner = if resource == "*" { caller.account().unwrap() } else { account(A) };
    evaluate(&Request { caller, action, resource, resource_account: owner, context: &context }, policies).is_allowed()
}

fn identity<'a>(policies: &'a [Attached<'a>]) -> Policies<'a> {
    Policies { identity: policies, ..Policies::default() }
}

fn repository(name: &str) -> String {
    format!("arn:aws:ecr:us-east-1:{A}:repository/{name}")
}

#[test]
fn every_example_is_read_without_a_hint_and_stands_in_the_table() {
    let places = [
        ("ci-pushes-its-prefix.json", PolicyPlace::Identity),
        ("deploy-role-pulls.json", PolicyPlace::Repository),
        ("github-actions-role.json", PolicyPlace::Trust),
        ("only-over-tls.json", PolicyPlace::AccountWide),
        ("other-account-puller.json", PolicyPlace::Identity),
        ("other-account-pulls.json", PolicyPlace::Repository),
        ("read-only.json", PolicyPlace::Identity),
        ("robot-pushes-below-its-name.json", PolicyPlace::Identity),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    files.sort();

    assert_eq!(files, places.map(|(name, _)| name));
    for (name, place) in places {
        assert_eq!(check_policy_text(&text(name), place), Ok(vec![]), "{name}");
        if place == PolicyPlace::Trust {
            assert_eq!(lint_policy(&text(name), place), Ok(vec![]), "{name}");
        }
        assert!(text("README.md").contains(&format!("]({name})")), "{name}");
    }
}

#[test]
fn ci_may_do_everything_below_its_prefix_but_delete_it_or_open_it() {
    let policy = policy("ci-pushes-its-prefix.json", PolicyPlace::Identity);
    let attached = [Attached { name: "ci", policy: &policy }];

    for (action, resource, wanted) in [
        (LOGIN, "*", true),
        (PUSH, R, true),
        (PULL, R, true),
        ("ecr:PutLifecyclePolicy", R, true),
        ("ecr:DeleteRepository", R, false),
        ("ecr:SetRepositoryPolicy", R, false),
        (PUSH, &repository("team2/app"), false),
        (PUSH, &repository("other/team/app"), false),
        (PUSH, &R.replace(A, B), false),
    ] {
        assert_eq!(may(&identity(&attached), &user(), action, resource, &[]), wanted, "{action} {resource}");
    }
}

#[test]
fn the_deploy_role_may_pull_from_the_repository_that_says_so() {
    let policy = policy("deploy-role-pulls.json", PolicyPlace::Repository);
    let policies = Policies { repository: Some(Attached { name: "r", policy: &policy }), ..Policies::default() };

    assert!(may(&policies, &session(), PULL, R, &[]));
    assert!(!may(&policies, &session(), PUSH, R, &[]));
    assert!(!may(&policies, &user(), PULL, R, &[]));
    assert!(!may(&policies, &Caller::anonymous(), PULL, R, &[]));
}

#[test]
fn another_account_pulls_with_a_policy_on_each_side() {
    let here = policy("other-account-pulls.json", PolicyPlace::Repository);
    let there = policy("other-account-puller.json", PolicyPlace::Identity);
    let attached = [Attached { name: "puller", policy: &there }];
    let both = Policies { repository: Some(Attached { name: "r", policy: &here }), ..identity(&attached) };

    assert!(may(&both, &other(), PULL, R, &[]));
    assert!(may(&both, &other(), LOGIN, "*", &[]));
    assert!(!may(&both, &other(), PUSH, R, &[]));
    assert!(!may(&Policies { identity: &[], ..both }, &other(), PULL, R, &[]));
    assert!(!may(&Policies { repository: None, ..both }, &other(), PULL, R, &[]));
}

#[test]
fn who_only_reads_changes_nothing() {
    let policy = policy("read-only.json", PolicyPlace::Identity);
    let attached = [Attached { name: "read-only", policy: &policy }];
    let changes =
        ["Put", "Delete", "Set", "Create", "Upload", "Initiate", "Complete", "Tag", "Untag", "Start", "Update"];

    for action in crate::action::ALL {
        let verb = action.name().split_once(':').unwrap().1;
        let is_change = changes.iter().any(|change| verb.starts_with(change)) || verb == "BatchDeleteImage";
        assert!(!is_change || !may(&identity(&attached), &user(), action.name(), R, &[]), "{action}");
    }
    assert!(may(&identity(&attached), &user(), PULL, R, &[]));
    assert!(may(&identity(&attached), &user(), LOGIN, "*", &[]));
}

#[test]
fn a_robot_pushes_below_its_own_name_from_inside() {
    let policy = policy("robot-pushes-below-its-name.json", PolicyPlace::Identity);
    let attached = [Attached { name: "robot", policy: &policy }];
    let pushes =
        |name: &str, from: &str| may(&identity(&attached), &user(), PUSH, &repository(name), &[("aws:SourceIp", from)]);

    assert!(pushes("ci/app", "10.1.2.3"));
    assert!(pushes("ci/app", "fd00::1"));
    assert!(!pushes("ci/app", "192.0.2.1"));
    assert!(!pushes("other/app", "10.1.2.3"));
}

#[test]
fn without_tls_everything_is_denied_to_everybody() {
    let policy = policy("only-over-tls.json", PolicyPlace::AccountWide);
    let account_wide = [Attached { name: "tls", policy: &policy }];
    let policies = Policies { account_wide: &account_wide, ..Policies::default() };
    let root = Caller::root(account(A));

    assert!(may(&policies, &root, PULL, R, &[("aws:SecureTransport", "true")]));
    assert!(!may(&policies, &root, PULL, R, &[("aws:SecureTransport", "false")]));
}

#[test]
fn workflows_of_one_branch_become_the_role() {
    let policy = policy("github-actions-role.json", PolicyPlace::Trust);
    let policies = Policies { trust: Some(Attached { name: "ci", policy: &policy }), ..Policies::default() };
    let host = "token.actions.githubusercontent.com";
    let caller = Caller::federated(&format!("arn:aws:iam::{A}:oidc-provider/{host}"));
    let becomes = |caller: &Caller, sub: &str| {
        let keys = [("aud", "sts.amazonaws.com"), ("repository_id", "123456789"), ("sub", sub)];
        let keys = keys.map(|(claim, value)| (format!("{host}:{claim}"), value));
        let keys = keys.each_ref().map(|(key, value)| (key.as_str(), *value));
        may(&policies, caller, "sts:AssumeRoleWithWebIdentity", ROLE, &keys)
    };

    assert!(becomes(&caller, "repo:team/app:ref:refs/heads/main"));
    assert!(!becomes(&caller, "repo:team/app:pull_request"));
    assert!(!becomes(&caller, "repo:team/app:ref:refs/heads/main2"));
    assert!(!becomes(
        &Caller::federated("arn:aws:iam::111111111111:oidc-provider/other"),
        "repo:team/app:ref:refs/heads/main"
    ));
    assert!(!becomes(&user(), "repo:team/app:ref:refs/heads/main"));
}

#[test]
fn the_role_of_pods_is_a_trust_policy_that_lets_in_nobody_else() {
    let hints = lint_policy(&text("../workload/pods-role.json"), PolicyPlace::Trust);

    assert!(hints.unwrap().is_empty());
}
