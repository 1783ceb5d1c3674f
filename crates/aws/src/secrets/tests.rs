//! The operations on secrets in memory, asked as clients ask them.

use super::*;
use crate::json_room::{Room, code};
use serde_json::{Value, json};

const TOKEN: &str = "00000000-0000-0000-0000-000000000001";

impl Room {
    /// Makes a secret with a value; returns what is answered.
    fn secret(&self, name: &str, value: &str) -> Value {
        let asked = json!({"Name": name, "SecretString": value, "ClientRequestToken": TOKEN});
        self.ask::<create_secret::CreateSecret>(&asked)
    }

    fn value(&self, more: Value) -> Value {
        let mut asked = json!({"SecretId": "app"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask::<get_secret_value::GetSecretValue>(&asked)
    }
}

#[test]
fn a_secret_is_made_read_and_written_anew() {
    let room = Room::new();

    let made = room.secret("app", "one");
    let written =
        room.ask::<put_secret_value::PutSecretValue>(&json!({"SecretId": made["ARN"], "SecretBinary": "dHdv"}));

    assert_eq!((&made["Name"], &made["VersionId"]), (&json!("app"), &json!(TOKEN)));
    assert_eq!(written["VersionStages"], json!(["AWSCURRENT"]));
    let current = room.value(json!({}));
    assert_eq!((&current["SecretBinary"], current.get("SecretString")), (&json!("dHdv"), None));
    assert_eq!(current["VersionId"], written["VersionId"]);
    assert!(current["CreatedDate"].is_f64());
    assert_eq!(room.value(json!({"VersionStage": "AWSPREVIOUS"}))["SecretString"], "one");
    assert_eq!(room.value(json!({"VersionId": TOKEN}))["SecretString"], "one");
    let missing = room.value(json!({"VersionStage": "AWSPENDING"}));
    assert_eq!(
        (code(&missing), &missing["message"]),
        (
            "ResourceNotFoundException",
            &json!("Secrets Manager can't find the specified secret value for staging label: AWSPENDING")
        )
    );
}

#[test]
fn a_secret_is_described_without_its_values() {
    let room = Room::new();
    let asked = json!({
        "Name": "app", "Description": "what it is for", "SecretString": "one", "ClientRequestToken": TOKEN,
        "Tags": [{"Key": "team", "Value": "a"}],
    });
    let arn = room.ask::<create_secret::CreateSecret>(&asked)["ARN"].clone();

    let told = room.ask::<describe_secret::DescribeSecret>(&json!({"SecretId": "app"}));

    assert_eq!(
        told,
        json!({
            "ARN": arn, "Name": "app", "Description": "what it is for", "CreatedDate": told["CreatedDate"],
            "LastChangedDate": told["LastChangedDate"], "Tags": [{"Key": "team", "Value": "a"}],
            "VersionIdsToStages": {TOKEN: ["AWSCURRENT"]},
        })
    );
    let policy = room.ask::<get_resource_policy::GetResourcePolicy>(&json!({"SecretId": "app"}));
    assert_eq!(policy, json!({"ARN": arn, "Name": "app"}));
}

#[test]
fn a_request_brings_one_value() {
    let room = Room::new();
    room.secret("app", "one");

    let both = json!({"SecretId": "app", "SecretString": "a", "SecretBinary": "YQ=="});
    let none = json!({"SecretId": "app"});

    assert_eq!(code(&room.ask::<put_secret_value::PutSecretValue>(&both)), "InvalidParameterException");
    assert_eq!(code(&room.ask::<put_secret_value::PutSecretValue>(&none)), "InvalidRequestException");
    assert_eq!(code(&room.secret("app", "other")), "ResourceExistsException");
    assert_eq!(code(&room.secret("a b", "one")), "InvalidParameterException");
    let copied = json!({"Name": "b", "AddReplicaRegions": [{"Region": "eu-west-1"}]});
    assert_eq!(code(&room.ask::<create_secret::CreateSecret>(&copied)), "InvalidParameterException");
}

#[test]
fn a_deleted_secret_comes_back_until_it_is_erased() {
    let room = Room::new();
    room.secret("app", "one");
    let named = json!({"SecretId": "app"});

    let deleted = room.ask::<delete_secret::DeleteSecret>(&named);
    assert!(deleted["DeletionDate"].is_f64());
    assert_eq!(code(&room.value(json!({}))), "InvalidRequestException");
    assert!(room.ask::<describe_secret::DescribeSecret>(&named)["DeletedDate"].is_f64());
    assert_eq!(room.ask::<list_secrets::ListSecrets>(&json!({}))["SecretList"], json!([]));
    let with_deleted = room.ask::<list_secrets::ListSecrets>(&json!({"IncludePlannedDeletion": true}));
    assert_eq!(with_deleted["SecretList"][0]["Name"], "app");
    room.ask::<restore_secret::RestoreSecret>(&named);
    assert_eq!(room.value(json!({}))["SecretString"], "one");

    let both = json!({"SecretId": "app", "ForceDeleteWithoutRecovery": true, "RecoveryWindowInDays": 7});
    assert_eq!(code(&room.ask::<delete_secret::DeleteSecret>(&both)), "InvalidParameterException");
    let short = json!({"SecretId": "app", "RecoveryWindowInDays": 6});
    assert_eq!(code(&room.ask::<delete_secret::DeleteSecret>(&short)), "InvalidParameterException");
    room.ask::<delete_secret::DeleteSecret>(&json!({"SecretId": "app", "ForceDeleteWithoutRecovery": true}));
    assert_eq!(code(&room.ask::<describe_secret::DescribeSecret>(&named)), "ResourceNotFoundException");
}

#[test]
fn secrets_are_filtered_and_come_in_pages() {
    let room = Room::new();
    for name in ["a/1", "a/2", "b/1"] {
        room.secret(name, "one");
    }
    let tag = json!({"SecretId": "b/1", "Tags": [{"Key": "team", "Value": "b"}]});
    assert_eq!(room.ask::<tag_resource::TagResource>(&tag), json!({}));
    let list = |asked: Value| {
        let page = room.ask::<list_secrets::ListSecrets>(&asked);
        let names = page["SecretList"].as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap().to_string());
        (names.collect::<Vec<_>>(), page["NextToken"].as_str().map(str::to_string))
    };
    let filtered = |key: &str, value: &str| list(json!({"Filters": [{"Key": key, "Values": [value]}]})).0;

    assert_eq!(filtered("name", "a/"), ["a/1", "a/2"]);
    assert_eq!(filtered("name", "!a/"), ["b/1"]);
    assert_eq!(filtered("tag-value", "b"), ["b/1"]);
    assert_eq!(filtered("all", "team"), ["b/1"]);
    assert_eq!(list(json!({"MaxResults": 2})), (vec!["a/1".into(), "a/2".into()], Some("a/2".into())));
    assert_eq!(list(json!({"MaxResults": 2, "NextToken": "a/2"})), (vec!["b/1".into()], None));
    room.ask::<untag_resource::UntagResource>(&json!({"SecretId": "b/1", "TagKeys": ["team"]}));
    assert_eq!(filtered("tag-key", "team"), Vec::<String>::new());
}

#[test]
fn versions_are_listed_and_their_stages_moved() {
    let room = Room::new();
    room.secret("app", "one");
    let pending = json!({"SecretId": "app", "SecretString": "two", "VersionStages": ["AWSPENDING"]});
    let second = room.ask::<put_secret_value::PutSecretValue>(&pending)["VersionId"].clone();

    let moved = json!({
        "SecretId": "app", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": TOKEN, "MoveToVersionId": second,
    });
    room.ask::<update_secret_version_stage::UpdateSecretVersionStage>(&moved);
    let first = room.ask::<list_secret_version_ids::ListSecretVersionIds>(&json!({"SecretId": "app", "MaxResults": 1}));
    let next = json!({"SecretId": "app", "NextToken": first["NextToken"]});
    let rest = room.ask::<list_secret_version_ids::ListSecretVersionIds>(&next);

    let all: Vec<_> = [first, rest].iter().flat_map(|page| page["Versions"].as_array().unwrap().clone()).collect();
    let mut stages: Vec<_> = all.iter().map(|version| version["VersionStages"].to_string()).collect();
    stages.sort();
    assert_eq!(stages, [r#"["AWSPENDING","AWSCURRENT"]"#, r#"["AWSPREVIOUS"]"#]);
    let other = json!({"SecretId": "app", "NextToken": "x"});
    let refusal = room.ask::<list_secret_version_ids::ListSecretVersionIds>(&other);
    assert_eq!(code(&refusal), "InvalidNextTokenException");
}

#[test]
fn a_secret_is_updated_in_part() {
    let room = Room::new();
    room.secret("app", "one");
    let key = room.ask::<crate::kms::create_key::CreateKey>(&json!({}))["KeyMetadata"]["Arn"].clone();

    let asked = json!({"SecretId": "app", "Description": "new", "KmsKeyId": key, "SecretString": "two"});
    let updated = room.ask::<update_secret::UpdateSecret>(&asked);

    assert_eq!(room.value(json!({}))["VersionId"], updated["VersionId"]);
    let told = room.ask::<describe_secret::DescribeSecret>(&json!({"SecretId": "app"}));
    assert_eq!((&told["Description"], &told["KmsKeyId"]), (&json!("new"), &key));
    let versions = room.ask::<list_secret_version_ids::ListSecretVersionIds>(&json!({"SecretId": "app"}));
    assert!(versions["Versions"].as_array().unwrap().iter().all(|version| version["KmsKeyIds"] == json!([key])));
    let missing = json!({"SecretId": "app", "KmsKeyId": "alias/none"});
    assert_eq!(code(&room.ask::<update_secret::UpdateSecret>(&missing)), "EncryptionFailure");
}

#[test]
fn a_policy_is_kept_as_it_was_written_and_told_where_it_opens_too_much() {
    let room = Room::new();
    room.secret("app", "one");
    let policy = |principal: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}}}"#
        )
    };
    let (own, open) = (policy(r#"{"AWS": "arn:aws:iam::000000000000:root"}"#), policy(r#""*""#));
    let put = |policy: &str| {
        let asked = json!({"SecretId": "app", "ResourcePolicy": policy, "BlockPublicPolicy": true});
        room.ask::<put_resource_policy::PutResourcePolicy>(&asked)
    };

    assert_eq!(put(&own)["Name"], "app");
    let held = room.ask::<get_resource_policy::GetResourcePolicy>(&json!({"SecretId": "app"}));
    assert_eq!(held["ResourcePolicy"], own);
    assert_eq!(code(&put(&open)), "PublicPolicyException");
    assert_eq!(code(&put("{}")), "MalformedPolicyDocumentException");
    let check =
        |policy: &str| room.ask::<validate_resource_policy::ValidateResourcePolicy>(&json!({"ResourcePolicy": policy}));
    assert_eq!(check(&own), json!({"PolicyValidationPassed": true, "ValidationErrors": []}));
    assert_eq!(check(&open)["ValidationErrors"][0]["CheckName"], "PUBLIC_ACCESS");
    assert_eq!(check("{}")["ValidationErrors"][0]["CheckName"], "POLICY_SYNTAX");
    room.ask::<delete_resource_policy::DeleteResourcePolicy>(&json!({"SecretId": "app"}));
    let held = room.ask::<get_resource_policy::GetResourcePolicy>(&json!({"SecretId": "app"}));
    assert!(held.get("ResourcePolicy").is_none());
}

#[test]
fn a_password_is_like_what_is_asked() {
    let room = Room::new();
    let draw = |asked: Value| room.ask::<get_random_password::GetRandomPassword>(&asked);

    let usual = draw(json!({}))["RandomPassword"].as_str().unwrap().to_string();
    let digits =
        json!({"PasswordLength": 8, "ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludePunctuation": true});

    assert_eq!(usual.len(), 32);
    let digits = draw(digits)["RandomPassword"].as_str().unwrap().to_string();
    assert!(digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
    let none = json!({"PasswordLength": 2});
    assert_eq!(code(&draw(none)), "InvalidParameterException");
}
