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

#[test]
fn what_is_wrong_is_told_with_the_line_of_its_member() {
    let text = "{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"},\n  \
                {\"Effect\": \"Allow\",\n   \"Action\": \"*\",\n   \"Resource\": \"team/app\"}]}";

    let error = Policy::parse(text, PolicyPlace::Identity).unwrap_err();

    assert_eq!(error.to_string(), "statement 2: its Resource \"team/app\" is neither an ARN nor \"*\" (line 6)");
    assert!(matches!(error, PolicyTextError::Statement { number: 2, line: 6, .. }));
    for (text, line) in [
        ("{\n\"Version\": \"2012-10-17\",\n\"Stetement\": []}", 3),
        ("{\"Id\": \"a\",\n\"Version\": 1}", 2),
        ("{\n\"Statement\":\n{\"Effect\": \"Allow\",\n\"Principal\":\n\"x\"}}", 5),
    ] {
        let said = Policy::parse(text, PolicyPlace::Repository).unwrap_err().to_string();
        assert!(said.ends_with(&format!("(line {line})")), "{said}");
    }
}

#[test]
fn what_may_be_in_a_policy_depends_on_where_it_stands() {
    let base = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
    let with = |members: Value| {
        let mut statement = base.clone();
        statement.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"Version": "2012-10-17", "Statement": statement})
    };
    let user = json!({"AWS": "arn:aws:iam::123456789012:user/ci"});
    for (place, document, words) in [
        (PolicyPlace::Identity, with(json!({"Resource": "*", "Principal": "*"})), "it has a Principal"),
        (PolicyPlace::Identity, with(json!({})), "it has no Resource"),
        (
            PolicyPlace::Identity,
            json!({"Id": "a", "Statement": with(json!({"Resource": "*"}))["Statement"]}),
            "has an Id",
        ),
        (PolicyPlace::Trust, with(json!({"Principal": user, "Resource": "*"})), "Has prohibited field Resource"),
        (PolicyPlace::Trust, with(json!({})), "it has no Principal"),
        (PolicyPlace::Trust, with(json!({"NotPrincipal": user})), "NotPrincipal"),
        (PolicyPlace::Repository, with(json!({"NotPrincipal": user})), "allows with NotPrincipal"),
        (PolicyPlace::AccountWide, with(json!({"Resource": "*"})), "only denies"),
    ] {
        let said = at(place, &document.to_string()).expect_err(&document.to_string());
        assert!(said.contains(words), "{place:?} {document}: {said}");
    }
    assert_eq!(at(PolicyPlace::Identity, &with(json!({"Resource": "*"})).to_string()), Ok(vec![]));
    assert_eq!(at(PolicyPlace::Trust, &with(json!({"Principal": user})).to_string()), Ok(vec![]));
}

#[test]
fn the_names_of_statements_are_unique_where_iam_wants_that() {
    let statement = json!({"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*"});
    let text = json!({"Statement": [statement, statement]}).to_string();

    assert!(at(PolicyPlace::Identity, &text).unwrap_err().starts_with("statement 2: Statement IDs (SID)"));
}

#[test]
fn conditions_resources_and_variables_that_could_never_hold_are_refused() {
    let condition = |operator: &str, key: &str, value: Value| with("Condition", json!({operator: {key: value}}));
    for (document, words) in [
        (condition("StringEqual", "aws:userid", json!("a")), "is no operator"),
        (condition("ForSomeValues:StringEquals", "aws:userid", json!("a")), "is no operator"),
        (condition("StringEquals", "userid", json!("a")), "is about no key"),
        (condition("NumericLessThan", "aws:x", json!("many")), "not a number"),
        (condition("NumericLessThan", "aws:x", json!("inf")), "not a number"),
        (condition("NumericLessThan", "aws:x", json!("${aws:userid}")), "not a number"),
        (condition("DateLessThan", "aws:CurrentTime", json!("tomorrow")), "not a time"),
        (condition("IpAddress", "aws:SourceIp", json!("10.0.0.0/33")), "not an address or a network"),
        (condition("Bool", "aws:SecureTransport", json!("yes")), "not \"true\" or \"false\""),
        (condition("BinaryEquals", "aws:x", json!("*")), "not base64"),
        (condition("ArnLike", "aws:PrincipalArn", json!("role/ci")), "not an ARN"),
        (condition("Null", "aws:x", json!("maybe")), "neither \"true\" nor \"false\""),
        (condition("NullIfExists", "aws:x", json!("true")), "leave IfExists"),
        (condition("StringEquals", "aws:x", json!("${aws:username")), "does not end"),
        (condition("StringEquals", "aws:x", json!("${username}")), "is no variable"),
        (with("Resource", json!("arn:aws:*:us-east-1:123456789012:repository/a")), "names no service"),
        (
            with("Resource", json!("arn:aws:ecr:us-east-1:${aws:PrincipalAccount}:repository/a")),
            "before the fifth colon",
        ),
        (with("Action", json!("e*:PutImage")), "is none"),
        (with("Action", json!("ecr:Put:Image")), "is none"),
    ] {
        let said = refused(document.clone());
        assert!(said.contains(words), "{document}: {said}");
    }
}

proptest! {
    #[test]
    fn any_text_is_checked_without_panic(text in "\\PC{0,200}") {
        let _ = at(PolicyPlace::Repository, &text);
        let _ = at(PolicyPlace::Registry, &text);
    }
}
