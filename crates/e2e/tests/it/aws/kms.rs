//! The KMS API, spoken by boto3 and the command line.

use super::{Boto, Refused};
use gantry_e2e::{MASTER_KEY, Postgres, Server};
use serde_json::{Value, json};

/// A short text that is to be encrypted, in base64.
const FEW: &str = "b25seSBmb3IgZmV3";

/// A client that asks KMS only.
struct Kms(Boto);

impl Kms {
    fn of(server: &Server) -> Kms {
        Kms(Boto::of(server))
    }

    #[track_caller]
    fn done(&mut self, operation: &str, arguments: Value) -> Value {
        let told = arguments.to_string();
        self.0.ask("kms", operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    }

    /// Status and code of a refusal.
    #[track_caller]
    fn refused(&mut self, operation: &str, arguments: Value) -> (u64, String) {
        let told = arguments.to_string();
        match self.0.ask("kms", operation, arguments) {
            Ok(answer) => panic!("{operation} {told} was answered: {answer}"),
            Err(Refused { status, code, .. }) => (status, code),
        }
    }

    /// Makes a key; returns its id.
    fn key(&mut self) -> Value {
        self.done("create_key", json!({"Description": "for tests"}))["KeyMetadata"]["KeyId"].clone()
    }
}

fn refused(code: &str) -> (u64, String) {
    (400, code.into())
}

#[test]
fn boto3_asks_for_every_operation_on_keys_that_the_page_tells_of() {
    let rows = include_str!("../../../../../docs/kms.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

    let asked = |name: &&str| include_str!("kms.rs").contains(&format!("\"{}\"", super::every::of_boto(name)));
    let without: Vec<_> = named.iter().filter(|name| !asked(name)).collect();

    assert_eq!(named.len(), 33);
    assert!(without.is_empty(), "no test asks for {without:?}");
}

#[test]
fn the_life_of_a_key_from_its_making_to_its_erasure() {
    let server = Server::start();
    let mut kms = Kms::of(&server);
    let tags = json!([{"TagKey": "team", "TagValue": "größe 1"}]);

    let made = kms.done("create_key", json!({"Description": "images", "Tags": tags}))["KeyMetadata"].clone();
    let (id, arn) = (made["KeyId"].clone(), made["Arn"].clone());
    let named = json!({"KeyId": id});
    assert_eq!(kms.done("describe_key", json!({"KeyId": arn}))["KeyMetadata"]["Description"], "images");
    assert_eq!(kms.done("list_resource_tags", named.clone())["Tags"], tags);
    assert_eq!(kms.done("list_keys", json!({}))["Keys"], json!([{"KeyId": id, "KeyArn": arn}]));

    kms.done("tag_resource", json!({"KeyId": id, "Tags": [{"TagKey": "env", "TagValue": "prod"}]}));
    kms.done("untag_resource", json!({"KeyId": id, "TagKeys": ["team"]}));
    assert_eq!(kms.done("list_resource_tags", named.clone())["Tags"], json!([{"TagKey": "env", "TagValue": "prod"}]));
    kms.done("update_key_description", json!({"KeyId": id, "Description": "images of a"}));

    kms.done("create_alias", json!({"AliasName": "alias/app", "TargetKeyId": id}));
    let other = kms.key();
    kms.done("update_alias", json!({"AliasName": "alias/app", "TargetKeyId": other}));
    assert_eq!(kms.done("describe_key", json!({"KeyId": "alias/app"}))["KeyMetadata"]["KeyId"], other);
    assert_eq!(kms.done("list_aliases", json!({}))["Aliases"][0]["AliasName"], "alias/app");
    kms.done("delete_alias", json!({"AliasName": "alias/app"}));
    assert_eq!(kms.refused("describe_key", json!({"KeyId": "alias/app"})), refused("NotFoundException"));

    kms.done("enable_key_rotation", json!({"KeyId": id, "RotationPeriodInDays": 100}));
    let status = kms.done("get_key_rotation_status", named.clone());
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(100)));
    kms.done("disable_key_rotation", named.clone());
    kms.done("rotate_key_on_demand", named.clone());
    let rotations = kms.done("list_key_rotations", named.clone())["Rotations"].clone();
    assert_eq!((rotations.as_array().unwrap().len(), &rotations[0]["RotationType"]), (1, &json!("ON_DEMAND")));

    kms.done("disable_key", named.clone());
    assert_eq!(kms.refused("encrypt", json!({"KeyId": id, "Plaintext": FEW})), refused("DisabledException"));
    kms.done("enable_key", named.clone());
    let gone = kms.done("schedule_key_deletion", json!({"KeyId": id, "PendingWindowInDays": 7}));
    assert_eq!((&gone["KeyId"], &gone["KeyState"]), (&arn, &json!("PendingDeletion")));
    assert_eq!(kms.refused("encrypt", json!({"KeyId": id, "Plaintext": FEW})), refused("KMSInvalidStateException"));
    kms.done("cancel_key_deletion", named.clone());
    assert_eq!(kms.done("describe_key", named)["KeyMetadata"]["KeyState"], "Disabled");
}

/// Encrypts, rotates, restarts, decrypts.
fn crypt(server: &mut Server) {
    let mut kms = Kms::of(server);
    let (id, other) = (kms.key(), kms.key());
    let context = json!({"repository": "team/app"});

    let asked = json!({"KeyId": id, "Plaintext": FEW, "EncryptionContext": context});
    let sealed = kms.done("encrypt", asked)["CiphertextBlob"].clone();
    let data_key = kms.done("generate_data_key", json!({"KeyId": id, "KeySpec": "AES_256"}));
    kms.done("rotate_key_on_demand", json!({"KeyId": id}));
    server.restart();
    let mut kms = Kms::of(server);

    let opened = kms.done("decrypt", json!({"CiphertextBlob": sealed, "EncryptionContext": context}));
    assert_eq!(opened["Plaintext"], FEW);
    let opened = kms.done("decrypt", json!({"CiphertextBlob": data_key["CiphertextBlob"], "KeyId": id}));
    assert_eq!(opened["Plaintext"], data_key["Plaintext"]);
    assert_eq!(kms.refused("decrypt", json!({"CiphertextBlob": sealed})), refused("InvalidCiphertextException"));
    let moved = json!({
        "CiphertextBlob": sealed, "SourceEncryptionContext": context, "DestinationKeyId": other,
    });
    let moved = kms.done("re_encrypt", moved)["CiphertextBlob"].clone();
    assert_eq!(kms.done("decrypt", json!({"CiphertextBlob": moved}))["Plaintext"], FEW);
    assert_eq!(kms.refused("decrypt", json!({"CiphertextBlob": moved, "KeyId": id})), refused("IncorrectKeyException"));
    let hidden = kms.done("generate_data_key_without_plaintext", json!({"KeyId": id, "NumberOfBytes": 64}));
    assert!(hidden["CiphertextBlob"].is_string());
    assert!(kms.done("generate_random", json!({"NumberOfBytes": 16}))["Plaintext"].is_string());
}

#[test]
fn what_is_encrypted_outlives_rotation_and_restart_on_sqlite() {
    crypt(&mut Server::start());
}

#[test]
fn what_is_encrypted_outlives_rotation_and_restart_on_postgresql() {
    let postgres = Postgres::start();
    crypt(&mut Server::with(&[("GANTRY_DATABASE__URL", &postgres.url()), MASTER_KEY]));
}

#[test]
fn a_key_lets_in_only_whom_its_policy_names() {
    let server = Server::start();
    let mut kms = Kms::of(&server);
    let mut iam = Boto::of(&server);
    let all = json!({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
    });
    let mut user = |name: &str| {
        iam.ask("iam", "create_user", json!({"UserName": name})).unwrap();
        let policy = json!({"UserName": name, "PolicyName": "all", "PolicyDocument": all.to_string()});
        iam.ask("iam", "put_user_policy", policy).unwrap();
        let key = iam.ask("iam", "create_access_key", json!({"UserName": name})).unwrap()["AccessKey"].clone();
        Kms(Boto::with(&server, key["AccessKeyId"].as_str().unwrap(), key["SecretAccessKey"].as_str().unwrap()))
    };
    let (mut ann, mut bob) = (user("ann"), user("bob"));
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/bob"},
             "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
             "Action": ["kms:PutKeyPolicy", "kms:GetKeyPolicy", "kms:ListKeyPolicies", "kms:*Grant*"], "Resource": "*"},
        ],
    })
    .to_string();

    let id = kms.key();
    kms.done("put_key_policy", json!({"KeyId": id, "Policy": policy}));

    assert_eq!(kms.done("get_key_policy", json!({"KeyId": id}))["Policy"], policy);
    assert_eq!(kms.done("list_key_policies", json!({"KeyId": id}))["PolicyNames"], json!(["default"]));
    let sealed = bob.done("encrypt", json!({"KeyId": id, "Plaintext": FEW}))["CiphertextBlob"].clone();
    assert_eq!(bob.done("decrypt", json!({"CiphertextBlob": sealed}))["Plaintext"], FEW);
    for other in [&mut ann, &mut kms] {
        assert_eq!(other.refused("decrypt", json!({"CiphertextBlob": sealed})), refused("AccessDeniedException"));
    }
    let grant =
        json!({"KeyId": id, "GranteePrincipal": "arn:aws:iam::000000000000:user/ann", "Operations": ["Decrypt"]});
    assert_eq!(kms.refused("create_grant", grant), refused("UnsupportedOperationException"));
    assert_eq!(kms.done("list_grants", json!({"KeyId": id}))["Grants"], json!([]));
    assert_eq!(kms.refused("revoke_grant", json!({"KeyId": id, "GrantId": "a"})), refused("InvalidGrantIdException"));
    assert_eq!(kms.refused("retire_grant", json!({"GrantToken": "a"})), refused("InvalidGrantIdException"));
}

#[test]
fn a_repository_is_encrypted_under_a_key_that_is_there_and_encrypts() {
    let server = Server::start();
    let mut kms = Kms::of(&server);
    let id = kms.key();
    kms.done("create_alias", json!({"AliasName": "alias/app", "TargetKeyId": id}));
    let asked = |name: &str, key: &str| json!({"repositoryName": name, "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key}});

    let made = kms.0.done("create_repository", asked("team/app", "alias/app"));
    let other = kms.key();
    kms.done("update_alias", json!({"AliasName": "alias/app", "TargetKeyId": other}));
    let described = kms.0.done("describe_repositories", json!({}));
    kms.done("disable_key", json!({"KeyId": id}));
    let disabled = kms.0.refused("create_repository", asked("team/off", id.as_str().unwrap()));
    let missing = kms.0.refused("create_repository", asked("team/none", "alias/none"));

    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{}", id.as_str().unwrap());
    assert_eq!(made["repository"]["encryptionConfiguration"]["kmsKey"], arn);
    assert_eq!(described["repositories"][0]["encryptionConfiguration"]["kmsKey"], arn);
    assert_eq!((&*disabled.code, &disabled.more["kmsError"]), ("KmsException", &json!("DisabledException")));
    assert_eq!((&*missing.code, &missing.more["kmsError"]), ("KmsException", &json!("NotFoundException")));
}

#[test]
fn the_keys_of_services_and_their_names_are_nobodys_to_change() {
    let server = Server::start();
    let mut kms = Kms::of(&server);
    let encryption = json!({"encryptionType": "KMS"});
    kms.0.done("create_repository", json!({"repositoryName": "app", "encryptionConfiguration": encryption}));
    let id = kms.done("describe_key", json!({"KeyId": "alias/aws/ecr"}))["KeyMetadata"]["KeyId"].clone();
    let own = kms.key();
    kms.done("create_alias", json!({"AliasName": "alias/own", "TargetKeyId": own}));

    for (operation, arguments) in [
        ("rotate_key_on_demand", json!({"KeyId": id})),
        ("enable_key_rotation", json!({"KeyId": id})),
        ("disable_key", json!({"KeyId": id})),
        ("schedule_key_deletion", json!({"KeyId": id})),
        ("update_key_description", json!({"KeyId": id, "Description": "mine"})),
        ("tag_resource", json!({"KeyId": id, "Tags": [{"TagKey": "a", "TagValue": "b"}]})),
        ("create_alias", json!({"AliasName": "alias/mine", "TargetKeyId": id})),
        ("update_alias", json!({"AliasName": "alias/own", "TargetKeyId": id})),
    ] {
        assert_eq!(kms.refused(operation, arguments), refused("UnsupportedOperationException"), "{operation}");
    }
    let taken = json!({"AliasName": "alias/aws/mine", "TargetKeyId": own});
    assert_eq!(kms.refused("create_alias", taken), refused("InvalidAliasNameException"));
    let moved = json!({"AliasName": "alias/aws/ecr", "TargetKeyId": own});
    assert_eq!(kms.refused("update_alias", moved), refused("InvalidAliasNameException"));
}
