use super::*;
use serde_json::{Value, json};

fn hints(place: PolicyPlace, statement: Value) -> Vec<String> {
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let hints = lint_policy(&text, place).unwrap_or_else(|error| panic!("{error}: {text}"));
    hints.into_iter().map(|hint| hint.sentence).collect()
}

/// A statement for identities that is right but for what is set.
fn with(members: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "ecr:PutImage", "Resource": "*"});
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(statement.as_object_mut().unwrap().remove(name)),
            value => statement[name] = value.clone(),
        }
    }
    statement
}

/// The only hint on a statement for identities, or `""`.
fn hint(members: Value) -> String {
    match &hints(PolicyPlace::Identity, with(members.clone()))[..] {
        [] => String::new(),
        [hint] => hint.clone(),
        hints => panic!("{members}: {hints:?}"),
    }
}

#[test]
fn what_is_usual_gets_no_hint() {
    for members in [
        json!({}),
        json!({"Effect": "Deny", "NotAction": "ecr:*", "Action": null}),
        json!({"Resource": "arn:aws:ecr:*:111111111111:repository/team/*"}),
        json!({"Resource": "arn:aws:ecr:*:*:repository/${aws:username}/*"}),
        json!({"Condition": {"StringLike": {"gantry:ImageTag": "v*", "AWS:principaltag/Team": "a"}}}),
        json!({"Condition": {
            "ForAllValues:StringEquals": {"aws:TagKeys": ["a"]},
            "Null": {"aws:TagKeys": "false"},
        }}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": ["111111111111", "anonymous"]}}}),
    ] {
        assert_eq!(hint(members.clone()), "", "{members}");
    }
}

#[test]
fn what_was_probably_meant_otherwise_is_told() {
    for (members, words) in [
        (json!({"Action": "ecr:GetImage"}), "did you mean ecr:BatchGetImage?"),
        (json!({"Action": null, "NotAction": "ecr:DeleteRepository"}), "it allows with NotAction"),
        (json!({"Resource": null, "NotResource": "arn:aws:ecr:*:*:repository/a"}), "it allows with NotResource"),
        (json!({"Resource": "arn:aws:ecr:us-east-1:123456789:repository/a"}), "which has 9 digits; an account has 12"),
        (json!({"Resource": "arn:aws:ecr:us-east-1:team:repository/a"}), "is none; an account has 12 digits"),
        (json!({"Resource": "arn:aws:ecr:us-east-1:111111111111:repository/"}), "names no repository"),
        (json!({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789"}}}), "has 9 digits"),
        (json!({"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}), "no request has the key aws:SourceVpc"),
        (json!({"Condition": {"StringEquals": {"ecr:ImageTag": "v1"}}}), "did you mean gantry:ImageTag?"),
        (json!({"Condition": {"StringEquals": {"gantry:ImageTag": "v*"}}}), "StringLike knows wildcards"),
        (json!({"Condition": {"StringEquals": {"aws:TagKeys": "a"}}}), "say ForAllValues:StringEquals or ForAnyValue"),
        (
            json!({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}}),
            "\"Null\": {\"aws:TagKeys\": \"false\"}",
        ),
    ] {
        let said = hint(members.clone());
        assert!(said.contains(words), "{members}: {said}");
    }
}

#[test]
fn a_variable_in_an_old_document_is_told_to_be_text() {
    let text = r#"{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:PutImage",
        "Resource": "arn:aws:ecr:*:*:repository/${aws:username}/*"}}"#;

    let hints = lint_policy(text, PolicyPlace::Identity).unwrap();

    assert!(hints[0].sentence.contains("is plain text unless"), "{hints:?}");
}

#[test]
fn what_is_open_to_anyone_is_called_public_unless_it_asks_who_they_are() {
    let with = |effect: &str, condition: Value| json!({"Effect": effect, "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage", "Condition": condition});
    for (condition, is_public) in [
        (json!({}), true),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false),
        (json!({"StringNotEquals": {"aws:PrincipalAccount": "222222222222"}}), true),
        (json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}), true),
        (
            json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}, "Null": {"aws:PrincipalOrgID": false}}),
            true,
        ),
        (json!({"StringLike": {"aws:PrincipalOrgID": "*"}}), true),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), false),
        (json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}), true),
        (json!({"Bool": {"aws:SecureTransport": true}}), true),
        (json!({"StringEquals": {"aws:PrincipalTag/team": "a"}}), false),
    ] {
        let hints = hints(PolicyPlace::Repository, with("Allow", condition.clone()));
        assert_eq!(hints.iter().any(|hint| hint.contains("it is public")), is_public, "{condition}: {hints:?}");
    }
    assert_eq!(hints(PolicyPlace::Repository, with("Deny", json!({}))), [""; 0]);
}

#[test]
fn a_role_that_asks_a_provider_too_little_is_told() {
    let trust = |condition: Value| {
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::111111111111:oidc-provider/token.example.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        });
        hints(PolicyPlace::Trust, statement).join(" ")
    };
    let aud = json!({"token.example.com:aud": "sts"});
    let sub = |operator: &str, value: &str| {
        trust(json!({operator: {"token.example.com:sub": value}, "StringEqualsIgnoreCase": aud}))
    };

    assert_eq!(sub("StringEquals", "repo:team/app:ref:refs/heads/main"), "");
    assert_eq!(sub("StringLike", "repo:team/app:ref:refs/heads/release-*"), "");
    assert_eq!(sub("StringLike", "repo:team/*:environment:prod"), "");
    assert!(sub("StringLike", "repo:team/app:*").contains("every pull request"));
    assert!(trust(json!({"StringEquals": aud})).contains("ask for its sub"));
    assert!(sub("StringLike", "*").contains("ask for its sub"));
    assert!(sub("StringLike", "repo:*").contains("fits other projects too"));
    assert!(sub("StringLike", "*:main").contains("fits other projects too"));
}

/// Threats 12 and 13.
#[test]
fn every_bad_example_is_told_what_is_wrong_with_it() {
    use HintSeverity::{Error, Warning};
    let bad = [
        ("actor.json", Error, "it asks for actor"),
        ("any-service-account.json", Error, "other namespaces too"),
        ("aud-for-all-values.json", Error, "ask for token.actions.githubusercontent.com:aud"),
        ("email-unverified.json", Error, "email_verified too"),
        ("every-branch.json", Warning, "every branch and every pull request"),
        ("group-that-begins-alike.json", Error, "fits other projects too"),
        ("names-without-ids.json", Warning, "belong to others once"),
        ("owner-that-begins-alike.json", Error, "fits other projects too"),
        ("preferred-username.json", Error, "it asks for preferred_username"),
        ("providers-of-two-accounts.json", Error, "of several accounts"),
        ("pull-requests.json", Warning, "let it pull only"),
        ("shared-provider.json", Error, "everybody in the world"),
        ("sub-if-exists.json", Error, "asked for with StringEqualsIfExists"),
        ("sub-negated.json", Error, "asked for with StringNotEquals"),
        ("sub-of-all-repositories.json", Error, "fits other projects too"),
        ("sub-of-anybody.json", Error, "everybody in the world"),
        ("wildcard-under-equals.json", Warning, "is a plain character under StringEquals"),
        ("without-aud.json", Error, "made for other services"),
        ("without-sub.json", Error, "whoever the provider knows"),
        ("workflow-without-ref.json", Error, "end it in @refs/heads/NAME"),
    ];
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/bad");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut files: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();

    assert_eq!(files[1..], bad.map(|(name, _, _)| name), "besides README.md");
    for (name, severity, fragment) in bad {
        let hints = lint_policy(&read(name), PolicyPlace::Trust).unwrap();
        let is_told = hints.iter().any(|hint| hint.severity == severity && hint.sentence.contains(fragment));
        assert!(is_told && (hints.len() == 1 || name == "aud-for-all-values.json"), "{name}: {hints:?}");
        assert!(read("README.md").contains(&format!("]({name})")), "{name}");
    }
}

#[test]
fn trust_that_says_enough_is_without_a_hint() {
    let github = "token.actions.githubusercontent.com";
    let trust = |condition: Value| {
        let statement = json!({
            "Effect": "Allow",
            "Principal": {"Federated": format!("arn:aws:iam::111111111111:oidc-provider/{github}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        });
        hints(PolicyPlace::Trust, statement)
    };
    let key = |claim: &str| format!("{github}:{claim}");

    let by_id = json!({"StringEquals": {key("aud"): "sts", key("repository_id"): "74", key("environment"): "prod"}});
    let by_new_sub = json!({"StringEquals": {key("aud"): "sts", key("sub"): "repo:team-65/app-74:environment:prod"}});
    let by_workflow = json!({"StringEquals": {
        key("aud"): "sts", key("repository_owner_id"): "65",
        key("job_workflow_ref"): "team/ci/.github/workflows/push.yml@refs/heads/main",
    }});

    for condition in [by_id, by_new_sub, by_workflow] {
        assert_eq!(trust(condition.clone()), [""; 0], "{condition}");
    }
}

#[test]
fn a_repository_cannot_let_people_log_in() {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": "111111111111"},
        "Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"],
    });

    assert!(hints(PolicyPlace::Repository, statement)[0].contains("allow it in a policy of the user or role"));
}
