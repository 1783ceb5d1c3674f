use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn check(document: Value) -> Result<Vec<String>, String> {
    at(PolicyPlace::Repository, &document.to_string())
}

fn at(place: PolicyPlace, text: &str) -> Result<Vec<String>, String> {
    let hints = check_policy_text(text, place).map_err(|error| error.to_string())?;
    Ok(hints.into_iter().map(|hint| format!("{}: {}", hint.statement, hint.sentence)).collect())
}

/// A policy of one statement that is right but for what is set.
fn with(member: &str, value: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"});
    statement[member] = value;
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn refused(document: Value) -> String {
    check(document.clone()).expect_err(&document.to_string())
}

#[test]
fn policies_as_people_write_them_are_taken() {
    for document in [
        json!({"Version": "2008-10-17", "Statement": [{
            "Sid": "allow pull", "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "123456789012"]},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }]}),
        json!({"Statement": {"Effect": "Deny", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "ecr:*"}}),
        with("Principal", json!({"AWS": "arn:aws:iam::123456789012:role/path/deploy"})),
        with("Principal", json!({"AWS": "arn:aws:sts::123456789012:assumed-role/deploy/session"})),
        with(
            "Condition",
            json!({"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}, "Bool": {"aws:SecureTransport": false}}),
        ),
        with("Resource", json!("*")),
        with("Resource", json!("arn:aws:ecr:us-east-1:123456789012:repository/team/app")),
    ] {
        assert_eq!(check(document.clone()), Ok(vec![]), "{document}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_statement() {
    for (document, words) in [
        (json!([]), "no JSON object"),
        (json!({}), "no Statement"),
        (json!({"Statement": []}), "no statement"),
        (json!({"Version": "2020-01-01", "Statement": []}), "Version"),
        (json!({"Version": 1, "Statement": []}), "Version"),
        (json!({"Statment": []}), "\"Statment\""),
        (with("Effect", json!("allow")), "statement 1: its Effect"),
        (with("Principle", json!("*")), "\"Principle\" is no member"),
        (with("Principal", Value::Null), "its Principal"),
        (
            with("Principal", json!({"AWS": "arn:aws:iam::123456789:root"})),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789:root\"",
        ),
        (with("Principal", json!({"AWS": "123456789"})), "account of 12 digits"),
        (with("Principal", json!({"AWS": "arn:aws:iam::123456789012:role/ci-*"})), "without wildcards"),
        (with("Principal", json!({"AWS": "arn:aws:iam::123456789012:group/team"})), "Invalid principal"),
        (with("Principal", json!({"Users": "a"})), "kind of principal"),
        (with("Action", json!("BatchGetImage")), "\"BatchGetImage\" is none"),
        (with("Action", json!([])), "its Action"),
        (with("Action", json!([1])), "its Action"),
        (with("NotAction", json!("ecr:*")), "both Action and NotAction"),
        (with("Resource", json!("")), "leave Resource out"),
        (with("Resource", json!("team/app")), "neither an ARN"),
        (with("Condition", json!({"StringEquals": "a"})), "its Condition"),
        (with("Sid", json!(1)), "its Sid"),
    ] {
        let said = refused(document.clone());
        assert!(said.contains(words), "{document}: {said}");
    }
    let second = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*"}, {"Effect": "Allow"}]});
    assert!(refused(second).starts_with("statement 2: "));
}

#[test]
fn an_action_that_does_not_exist_is_taken_with_a_hint() {
    let hints = check(with("Action", json!(["ecr:GetImage", "ecr:PutImage", "ecr:putimage", "s3:GetObject"]))).unwrap();

    assert_eq!(hints, ["1: \"ecr:GetImage\" is no action of ECR and allows nothing; did you mean ecr:BatchGetImage?"]);
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let text = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Effect": "Allow"}}"#;

    assert!(at(PolicyPlace::Repository, text).unwrap_err().contains("\"Effect\" stands twice"));
}

#[test]
fn the_policy_of_a_registry_names_its_resources_and_few_actions() {
    let policy = |action: &str, resource: Value| {
        let statement =
            json!({"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": action, "Resource": resource});
        at(PolicyPlace::Registry, &json!({"Statement": [statement]}).to_string())
    };
    let resource = json!("arn:aws:ecr:us-east-1:000000000000:repository/*");

    assert_eq!(policy("ecr:ReplicateImage", resource.clone()), Ok(vec![]));
    assert!(policy("ecr:PutImage", resource).unwrap_err().contains("none of these"));
    let without = with("Action", json!("ecr:ReplicateImage")).to_string();
    assert!(at(PolicyPlace::Registry, &without).unwrap_err().contains("no Resource"));
}

#[test]
fn a_policy_is_neither_long_nor_deep() {
    let long = format!("{{\"Id\": \"{}\"}}", "a".repeat(POLICY_BYTES_MAX));
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));

    assert!(at(PolicyPlace::Repository, &long).unwrap_err().contains("may have 10240"));
    assert!(at(PolicyPlace::Repository, &deep).is_err());
}

proptest! {
    #[test]
    fn any_text_is_checked_without_panic(text in "\\PC{0,200}") {
        let _ = at(PolicyPlace::Repository, &text);
        let _ = at(PolicyPlace::Registry, &text);
    }
}
