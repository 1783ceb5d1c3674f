//! The Secrets Manager API, spoken by boto3.

use super::{Boto, Refused};
use gantry_e2e::{MASTER_KEY, Postgres, Server};
use serde_json::{Value, json};

const FIRST: &str = "00000000-0000-0000-0000-000000000001";
/// A secret that must be found in no file.
const CANARY: &str = "canary-7b90-of-an-upstream";

/// A client that asks Secrets Manager only.
struct Manager(Boto);

impl Manager {
    fn of(server: &Server) -> Manager {
        Manager(Boto::of(server))
    }

    #[track_caller]
    fn done(&mut self, operation: &str, arguments: Value) -> Value {
        let told = arguments.to_string();
        let said = self.0.ask("secretsmanager", operation, arguments);
        said.unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    }

    /// Status and code of a refusal.
    #[track_caller]
    fn refused(&mut self, operation: &str, arguments: Value) -> (u64, String) {
        let told = arguments.to_string();
        match self.0.ask("secretsmanager", operation, arguments) {
            Ok(answer) => panic!("{operation} {told} was answered: {answer}"),
            Err(Refused { status, code, .. }) => (status, code),
        }
    }
}

fn refused(code: &str) -> (u64, String) {
    (400, code.into())
}

#[test]
fn boto3_asks_for_every_operation_on_secrets_that_the_page_tells_of() {
    let rows = include_str!("../../../../../docs/secrets.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

    let asked = |name: &&str| include_str!("secrets.rs").contains(&format!("\"{}\"", super::every::of_boto(name)));
    let without: Vec<_> = named.iter().filter(|name| !asked(name)).collect();

    assert_eq!(named.len(), 17);
    assert!(without.is_empty(), "no test asks for {without:?}");
}

/// The life of a secret from its making to its erasure.
fn live(server: &mut Server) {
    let mut manager = Manager::of(server);
    let name = "ecr-pullthroughcache/docker-hub";
    let named = json!({"SecretId": name});

    let made = json!({
        "Name": name, "SecretString": CANARY, "ClientRequestToken": FIRST, "Description": "pulls",
        "Tags": [{"Key": "team", "Value": "a"}],
    });
    let arn = manager.done("create_secret", made.clone())["ARN"].clone();
    assert_eq!(manager.done("create_secret", made)["ARN"], arn, "sent again");
    let second = manager.done("put_secret_value", json!({"SecretId": arn, "SecretString": "two"}))["VersionId"].clone();
    server.restart();
    let mut manager = Manager::of(server);

    let current = manager.done("get_secret_value", named.clone());
    assert_eq!((&current["SecretString"], &current["VersionId"]), (&json!("two"), &second));
    let before = manager.done("get_secret_value", json!({"SecretId": name, "VersionStage": "AWSPREVIOUS"}));
    assert_eq!(before["SecretString"], CANARY);
    let back = json!({
        "SecretId": name, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second, "MoveToVersionId": FIRST,
    });
    manager.done("update_secret_version_stage", back);
    assert_eq!(manager.done("get_secret_value", named.clone())["SecretString"], CANARY);
    assert_eq!(manager.done("list_secret_version_ids", named.clone())["Versions"].as_array().unwrap().len(), 2);

    manager.done(
        "update_secret",
        json!({"SecretId": name, "Description": "pulls from there", "SecretBinary": "dGhyZWU="}),
    );
    assert_eq!(manager.done("get_secret_value", named.clone())["SecretBinary"], "dGhyZWU=");
    manager.done("tag_resource", json!({"SecretId": name, "Tags": [{"Key": "env", "Value": "prod"}]}));
    manager.done("untag_resource", json!({"SecretId": name, "TagKeys": ["team"]}));
    let told = manager.done("describe_secret", named.clone());
    assert_eq!(
        (&told["Description"], &told["Tags"]),
        (&json!("pulls from there"), &json!([{"Key": "env", "Value": "prod"}]))
    );
    let listed = json!({"Filters": [{"Key": "name", "Values": ["ecr-pullthroughcache/"]}]});
    assert_eq!(manager.done("list_secrets", listed)["SecretList"][0]["ARN"], arn);

    manager.done("delete_secret", json!({"SecretId": name, "RecoveryWindowInDays": 7}));
    assert_eq!(manager.refused("get_secret_value", named.clone()), refused("InvalidRequestException"));
    manager.done("restore_secret", named.clone());
    manager.done("delete_secret", json!({"SecretId": name, "ForceDeleteWithoutRecovery": true}));
    assert_eq!(manager.refused("describe_secret", named), refused("ResourceNotFoundException"));
    let password = manager.done("get_random_password", json!({"PasswordLength": 20}));
    assert_eq!(password["RandomPassword"].as_str().unwrap().len(), 20);
}

#[test]
fn the_life_of_a_secret_on_sqlite() {
    live(&mut Server::start());
}

#[test]
fn the_life_of_a_secret_on_postgresql() {
    let postgres = Postgres::start();
    live(&mut Server::with(&[("GANTRY_DATABASE__URL", &postgres.url()), MASTER_KEY]));
}

#[test]
fn the_policies_of_secret_and_key_let_in_whom_they_name() {
    let server = Server::start();
    let mut manager = Manager::of(&server);
    let mut boto = Boto::of(&server);
    boto.ask("iam", "create_user", json!({"UserName": "ann"})).unwrap();
    let key = boto.ask("iam", "create_access_key", json!({"UserName": "ann"})).unwrap()["AccessKey"].clone();
    let mut ann =
        Manager(Boto::with(&server, key["AccessKeyId"].as_str().unwrap(), key["SecretAccessKey"].as_str().unwrap()));
    let allowing = |action: &str, more: Value| {
        let statement = json!({
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/ann"}, "Action": action, "Resource": "*",
        });
        json!({"Version": "2012-10-17", "Statement": [statement, more]}).to_string()
    };
    let of_root = json!({
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "*", "Resource": "*",
    });
    let id = boto.ask("kms", "create_key", json!({})).unwrap()["KeyMetadata"]["KeyId"].clone();
    manager.done("create_secret", json!({"Name": "app", "SecretString": CANARY, "KmsKeyId": id}));
    let named = json!({"SecretId": "app"});
    assert_eq!(ann.refused("get_secret_value", named.clone()), refused("AccessDeniedException"));

    let policy = allowing("secretsmanager:GetSecretValue", of_root.clone());
    let valid = manager.done("validate_resource_policy", json!({"SecretId": "app", "ResourcePolicy": policy}));
    assert_eq!(valid["PolicyValidationPassed"], true);
    manager
        .done("put_resource_policy", json!({"SecretId": "app", "ResourcePolicy": policy, "BlockPublicPolicy": true}));
    assert_eq!(manager.done("get_resource_policy", named.clone())["ResourcePolicy"], policy);
    assert_eq!(
        ann.refused("get_secret_value", named.clone()),
        refused("AccessDeniedException"),
        "the key keeps her out"
    );
    let of_key = json!({"KeyId": id, "Policy": allowing("kms:Decrypt", of_root)});
    boto.ask("kms", "put_key_policy", of_key).unwrap();
    assert_eq!(ann.done("get_secret_value", named.clone())["SecretString"], CANARY);

    manager.done("delete_resource_policy", named.clone());
    assert_eq!(ann.refused("get_secret_value", named.clone()), refused("AccessDeniedException"));
    boto.ask("kms", "disable_key", json!({"KeyId": id})).unwrap();
    assert_eq!(manager.refused("get_secret_value", named), refused("DecryptionFailure"));
    assert!(!server.log().contains(CANARY));
}

#[test]
fn a_secret_that_gets_another_key_needs_the_one_before_no_longer_but_for_versions_without_a_stage() {
    let server = Server::start();
    let (mut manager, mut boto) = (Manager::of(&server), Boto::of(&server));
    let mut key = || boto.ask("kms", "create_key", json!({})).unwrap()["KeyMetadata"]["KeyId"].clone();
    let (before, after) = (key(), key());
    let made = manager.done("create_secret", json!({"Name": "app", "SecretString": "one", "KmsKeyId": before}));
    for value in ["two", "three"] {
        manager.done("put_secret_value", json!({"SecretId": "app", "SecretString": value}));
    }

    manager.done("update_secret", json!({"SecretId": "app", "KmsKeyId": after}));
    boto.ask("kms", "disable_key", json!({"KeyId": before})).unwrap();

    for (stage, value) in [("AWSCURRENT", "three"), ("AWSPREVIOUS", "two")] {
        let told = manager.done("get_secret_value", json!({"SecretId": "app", "VersionStage": stage}));
        assert_eq!(told["SecretString"], value);
    }
    let unstaged = json!({"SecretId": "app", "VersionId": made["VersionId"]});
    assert_eq!(manager.refused("get_secret_value", unstaged).1, "DecryptionFailure");
    boto.ask("kms", "enable_key", json!({"KeyId": before})).unwrap();
    boto.ask("kms", "disable_key", json!({"KeyId": after})).unwrap();
    assert_eq!(manager.refused("get_secret_value", json!({"SecretId": "app"})).1, "DecryptionFailure");
}
