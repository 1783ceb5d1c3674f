use super::*;
use crate::{
    action, explain,
    policy::{Caller, Context},
};
use gantry_words::{AccountId, Region};
use std::sync::Arc;

const ACCOUNT: AccountId = AccountId::DEFAULT;

fn user() -> Principal {
    Principal::user(ACCOUNT, Arc::new(Caller::user(ACCOUNT, "/", "ci", "AIDAUSERUSERUSERUSER")), "".into())
}

fn policy(text: &str, place: PolicyPlace) -> Policy {
    Policy::parse(&format!("{{\"Version\": \"2012-10-17\", \"Statement\": {text}}}"), place).unwrap()
}

/// What is said to a principal who wants to push, with what is attached to it and stands at the repository.
fn told(principal: &Principal, attached: Option<&str>, standing: Option<&str>) -> Vec<String> {
    let attached = attached.map(|text| policy(text, PolicyPlace::Identity));
    let standing = standing.map(|text| policy(text, PolicyPlace::Repository));
    let identity: Vec<_> = attached.iter().map(|policy| Attached { name: "own", policy }).collect();
    let repository = standing.as_ref().map(|policy| Attached { name: "team/app", policy });
    let (region, context) = (Region::default(), Context::of(&principal.caller));
    let policies = Policies { identity: &identity, repository, ..Policies::default() };
    let facts = Facts { account: ACCOUNT, region: &region, policies, context: &context };
    let access = Access::on(action::ECR_PUT_IMAGE, &"team/app".parse().unwrap());
    advice(principal, &access, &facts, &explain(principal, &access, &facts))
}

#[test]
fn whom_nothing_allows_it_gets_the_smallest_role_that_would() {
    let told = told(&user(), None, None);

    assert_eq!(told.len(), 1);
    assert!(told[0].contains("run: gantry access grant user/ci push --prefix team/app;"), "{told:?}");
    assert!(told[0].contains(r#""Resource":"arn:aws:ecr:us-east-1:000000000000:repository/team/app""#), "{told:?}");
}

#[test]
fn a_statement_that_nearly_allows_it_is_named() {
    let elsewhere =
        r#"{"Effect": "Allow", "Action": "ecr:PutImage", "Resource": "arn:aws:ecr:*:*:repository/other/*"}"#;
    let by_day = r#"{"Sid": "Day", "Effect": "Allow", "Action": "ecr:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}}"#;

    let on_other = told(&user(), Some(elsewhere), None);
    let at_night = told(&user(), Some(by_day), None);

    assert!(
        on_other[1].starts_with("statement 1 of the identity-based policy own speaks of this action, but of other")
    );
    assert!(
        at_night[1].starts_with("statement 1 (Day) of the identity-based policy own would apply but for its Condition")
    );
}

#[test]
fn what_is_denied_names_the_statement_that_has_to_go() {
    let all = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
    let denied = r#"{"Sid": "Frozen", "Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"}"#;

    let told = told(&user(), Some(all), Some(denied));

    assert_eq!(
        told,
        [
            "statement 1 (Frozen) of the resource-based policy team/app denies it, and no other statement can allow that: \
          narrow it, or remove it"
        ]
    );
}

#[test]
fn of_another_account_both_sides_are_told_one_after_the_other() {
    let other: AccountId = "222222222222".parse().unwrap();
    let stranger = Principal::stranger(other, Caller::user(other, "/", "ub", "unknown"));
    let root = Principal::stranger(other, Caller::root(other));

    let at_home = told(&stranger, None, None);
    let here = told(&root, None, None);

    assert!(at_home[0].starts_with("No policy of its own account allows ecr:PutImage"), "{at_home:?}");
    assert!(here[0].contains(r#""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#), "{here:?}");
}

#[test]
fn what_is_allowed_needs_no_advice() {
    assert!(told(&Principal::root(ACCOUNT), None, None).is_empty());
}
