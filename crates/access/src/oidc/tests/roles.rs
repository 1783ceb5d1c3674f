//! Tokens as GitHub, GitLab, Kubernetes and others shape them, and the roles that they open.

use super::maker::*;
use crate::oidc::{
    Expected, IdentityToken, RoleAsked, SessionNameError, SessionSecondsError, UnverifiedToken, decide_trust,
    session_name, session_seconds,
};
use crate::policy::{Attached, Policy, PolicyPlace};
use serde_json::{Value, json};

const ACCOUNT: &str = "111111111111";
const ROLE: &str = "arn:aws:iam::111111111111:role/ci";

fn provider(issuer: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{}", issuer.split_once("://").unwrap().1)
}

fn token(issuer: &str, changes: Value) -> IdentityToken {
    let mut claims = claims(changes);
    claims["iss"] = issuer.into();
    let text = RSA.token("RS256", &claims);
    let client_ids = [CLIENT.into()];
    UnverifiedToken::parse(&text)
        .unwrap()
        .verify(&RSA.keys(), &Expected { issuer, client_ids: &client_ids }, NOW)
        .unwrap()
}

/// Whether a role that trusts `trusted` under `condition` is opened by a token.
fn opens(token: &IdentityToken, trusted: &str, condition: &Value) -> bool {
    let statement = json!({
        "Effect": "Allow", "Principal": {"Federated": trusted}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    });
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let policy = Policy::parse(&text, PolicyPlace::Trust).unwrap();
    let trust = Attached { name: "trust", policy: &policy };
    let role = RoleAsked { arn: ROLE, account: ACCOUNT.parse().unwrap(), trust, account_wide: &[] };
    let vouched_by = provider(&token.issuer);
    decide_trust(&role, &vouched_by, &token.context(&vouched_by)).is_allowed()
}

#[test]
fn the_claims_of_github_are_keys_of_conditions() {
    let issuer = "https://token.actions.githubusercontent.com";
    let token = token(
        issuer,
        json!({
            "repository_id": "74", "repository_owner_id": "65", "event_name": "push", "ref_protected": "true",
            "job_workflow_ref": "team/ci/.github/workflows/push.yml@refs/heads/main", "runner_environment": "self-hosted",
        }),
    );
    let key = |claim: &str| format!("token.actions.githubusercontent.com:{claim}");

    for (operator, claim, value, is_open) in [
        ("StringEquals", "sub", "repo:team/app:ref:refs/heads/main", true),
        ("StringLike", "sub", "repo:team/app:*", true),
        ("StringEquals", "sub", "repo:team/app:ref:refs/heads/dev", false),
        ("StringLike", "sub", "repo:team-evil/*", false),
        ("StringEquals", "aud", CLIENT, true),
        ("StringEquals", "repository_id", "74", true),
        ("NumericEquals", "repository_id", "74", true),
        ("StringEquals", "repository_id", "75", false),
        ("StringEquals", "event_name", "pull_request", false),
        ("Bool", "ref_protected", "true", true),
        ("StringLike", "job_workflow_ref", "team/ci/.github/workflows/*@refs/heads/main", true),
        ("StringEquals", "environment", "prod", false),
    ] {
        let condition = json!({operator: {key(claim): value}});
        assert_eq!(opens(&token, &provider(issuer), &condition), is_open, "{condition}");
    }
}

#[test]
fn an_issuer_with_a_path_has_keys_with_the_path() {
    let issuer = "https://gitlab.example.com/sub";
    let token = token(issuer, json!({"sub": "project_path:grp/proj:ref_type:branch:ref:main", "project_id": 7}));

    let condition = json!({"StringEquals": {
        "gitlab.example.com/sub:sub": "project_path:grp/proj:ref_type:branch:ref:main",
        "gitlab.example.com/sub:project_id": "7",
    }});

    assert!(opens(&token, &provider(issuer), &condition));
}

#[test]
fn nested_claims_of_kubernetes_are_keys_with_dots() {
    let issuer = "https://kubernetes.default.svc";
    let token = token(
        issuer,
        json!({
            "sub": "system:serviceaccount:shop:web", "aud": [CLIENT],
            "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "web", "uid": "u1"}, "pod": {"name": "web-1", "uid": "u2"}},
        }),
    );
    let key = |claim: &str| format!("kubernetes.default.svc:{claim}");

    for (claim, value, is_open) in [
        ("kubernetes.io.namespace", "shop", true),
        ("kubernetes.io.serviceaccount.uid", "u1", true),
        ("kubernetes.io.serviceaccount.uid", "u9", false),
        ("sub", "system:serviceaccount:shop:web", true),
        ("aud", CLIENT, true),
    ] {
        assert_eq!(opens(&token, &provider(issuer), &json!({"StringEquals": {key(claim): value}})), is_open, "{claim}");
    }
    assert_eq!(token.claim("kubernetes.io.pod.name"), Some("web-1"));
}

#[test]
fn lists_are_keys_with_several_values() {
    let token = token(ISSUER, json!({"groups": ["dev", "ops"], "amr": [], "x": [{"a": 1}]}));
    let asks = |operator: &str, claim: &str, values: Value| {
        opens(&token, &provider(ISSUER), &json!({operator: {format!("issuer.example.com:{claim}"): values}}))
    };

    assert!(asks("ForAnyValue:StringEquals", "groups", json!(["ops", "x"])));
    assert!(!asks("ForAnyValue:StringEquals", "groups", json!(["admin"])));
    assert!(!asks("ForAllValues:StringEquals", "groups", json!(["ops"])));
    assert!(asks("Null", "amr", json!("true")));
    assert!(asks("Null", "x", json!("true")));
}

#[test]
fn a_token_of_google_is_for_whom_it_was_given_to() {
    let issuer = "https://accounts.google.com";
    let token = token(issuer, json!({"azp": "app", "sub": "117"}));

    assert!(opens(
        &token,
        &provider(issuer),
        &json!({"StringEquals": {"accounts.google.com:aud": "app", "accounts.google.com:oaud": CLIENT}})
    ));
    assert!(!opens(&token, &provider(issuer), &json!({"StringEquals": {"accounts.google.com:aud": CLIENT}})));
}

/// Threat 11.
#[test]
fn the_same_subject_of_another_issuer_opens_nothing() {
    let issuers =
        ["https://a.example.com", "https://b.example.com", "https://a.example.com/", "https://a.example.com/x"];
    for of_token in issuers {
        for trusted in issuers {
            let host = trusted.split_once("://").unwrap().1;
            let condition = json!({"StringEquals": {format!("{host}:sub"): "repo:team/app:ref:refs/heads/main"}});
            let token = token(of_token, json!({}));
            assert_eq!(opens(&token, &provider(trusted), &condition), of_token == trusted, "{of_token} {trusted}");
        }
    }
}

#[test]
fn a_provider_of_another_account_is_not_trusted() {
    let elsewhere = provider(ISSUER).replace(ACCOUNT, "222222222222");
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": elsewhere}, "Action": "sts:AssumeRoleWithWebIdentity",
    }});
    let policy = Policy::parse(&text.to_string(), PolicyPlace::Trust).unwrap();
    let trust = Attached { name: "trust", policy: &policy };
    let role = RoleAsked { arn: ROLE, account: ACCOUNT.parse().unwrap(), trust, account_wide: &[] };

    assert!(!decide_trust(&role, &elsewhere, &token(ISSUER, json!({})).context(&elsewhere)).is_allowed());
}

#[test]
fn a_role_that_trusts_accounts_is_not_open_to_tokens() {
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:*",
    }});
    let policy = Policy::parse(&text.to_string(), PolicyPlace::Trust).unwrap();
    let trust = Attached { name: "trust", policy: &policy };
    let role = RoleAsked { arn: ROLE, account: ACCOUNT.parse().unwrap(), trust, account_wide: &[] };
    let vouched_by = provider(ISSUER);

    assert!(!decide_trust(&role, &vouched_by, &token(ISSUER, json!({})).context(&vouched_by)).is_allowed());
}

#[test]
fn a_denial_for_the_account_counts() {
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}"#;
    let deny = Policy::parse(deny, PolicyPlace::AccountWide).unwrap();
    let trusted = provider(ISSUER);
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": trusted}, "Action": "sts:AssumeRoleWithWebIdentity",
    }});
    let policy = Policy::parse(&text.to_string(), PolicyPlace::Trust).unwrap();
    let (trust, wide) = (Attached { name: "trust", policy: &policy }, [Attached { name: "wide", policy: &deny }]);
    let context = token(ISSUER, json!({})).context(&trusted);
    let role = RoleAsked { arn: ROLE, account: ACCOUNT.parse().unwrap(), trust, account_wide: &[] };

    assert!(decide_trust(&role, &trusted, &context).is_allowed());
    assert!(!decide_trust(&RoleAsked { account_wide: &wide, ..role }, &trusted, &context).is_allowed());
}

#[test]
fn a_session_has_the_name_asked_for_or_one_made_of_its_subject() {
    let (one, other) = (token(ISSUER, json!({})), token(ISSUER, json!({"sub": "b"})));

    let made = session_name(None, &one).unwrap();
    assert_eq!(session_name(Some(&made), &one), session_name(None, &one));
    assert_ne!(session_name(None, &one), session_name(None, &other));
    assert_eq!(session_name(Some("build-7@main"), &one).as_deref(), Ok("build-7@main"));
    for name in ["", "a", "a b", "a/b", "a:b", "ä-ä", &"a".repeat(65)] {
        assert_eq!(session_name(Some(name), &one), Err(SessionNameError), "{name}");
    }
}

#[test]
fn a_session_lives_as_long_as_asked_but_no_longer_than_its_role_lets_it() {
    for (asked, most, wanted) in [
        (None, 43_200, Ok(3600)),
        (None, 1800, Ok(1800)),
        (Some(900), 3600, Ok(900)),
        (Some(3600), 3600, Ok(3600)),
        (Some(899), 3600, Err(SessionSecondsError::TooShort)),
        (Some(3601), 3600, Err(SessionSecondsError::TooLong)),
    ] {
        assert_eq!(session_seconds(asked, most), wanted, "{asked:?} of {most}");
    }
}
