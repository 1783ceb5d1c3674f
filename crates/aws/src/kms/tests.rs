//! The operations on keys in memory, asked as clients ask them.

use super::*;
use crate::json_room::{Room, code};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

impl Room {
    /// Makes a key and returns its id.
    fn key(&self) -> String {
        let made = self.ask::<create_key::CreateKey>(&json!({}));
        made["KeyMetadata"]["KeyId"].as_str().unwrap().into()
    }
}

#[test]
fn a_key_is_shown_as_it_was_made() {
    let room = Room::new();
    let asked = json!({
        "Description": "for tests", "KeyUsage": "ENCRYPT_DECRYPT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Tags": [{"TagKey": "team", "TagValue": "a"}],
    });

    let made = room.ask::<create_key::CreateKey>(&asked)["KeyMetadata"].clone();
    let id = made["KeyId"].as_str().unwrap();

    let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{id}");
    assert_eq!(
        made,
        json!({
            "AWSAccountId": "000000000000", "Arn": arn, "CreationDate": made["CreationDate"], "Description": "for tests",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Enabled": true, "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyId": id, "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled",
            "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false, "Origin": "AWS_KMS",
        })
    );
    assert!(made["CreationDate"].is_f64());
    assert_eq!(room.ask::<describe_key::DescribeKey>(&json!({"KeyId": arn}))["KeyMetadata"], made);
    let tags = room.ask::<list_resource_tags::ListResourceTags>(&json!({"KeyId": id}));
    assert_eq!(tags, json!({"Tags": [{"TagKey": "team", "TagValue": "a"}], "Truncated": false}));
    let policy = room.ask::<get_key_policy::GetKeyPolicy>(&json!({"KeyId": id}));
    assert!(policy["Policy"].as_str().unwrap().contains("Enable IAM User Permissions"));
}

#[test]
fn keys_that_are_not_made_here_are_refused() {
    let room = Room::new();

    for asked in [
        json!({"KeySpec": "RSA_2048"}),
        json!({"KeyUsage": "SIGN_VERIFY"}),
        json!({"Origin": "EXTERNAL"}),
        json!({"MultiRegion": true}),
        json!({"CustomKeyStoreId": "cks-1"}),
    ] {
        let refusal = room.ask::<create_key::CreateKey>(&asked);
        assert_eq!(code(&refusal), "UnsupportedOperationException", "{asked}");
    }
    assert_eq!(code(&room.ask::<create_key::CreateKey>(&json!({"Policy": "{}"}))), "MalformedPolicyDocumentException");
}

#[test]
fn a_policy_that_shuts_out_its_writer_is_refused_unless_told_otherwise() {
    let room = Room::new();
    let id = room.key();
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/ann"}, "Action": "kms:*", "Resource": "*"}}"#;

    let refused = room.ask::<put_key_policy::PutKeyPolicy>(&json!({"KeyId": id, "Policy": policy}));
    let forced = json!({"KeyId": id, "Policy": policy, "BypassPolicyLockoutSafetyCheck": true});

    assert_eq!(code(&refused), "MalformedPolicyDocumentException");
    assert!(refused["message"].as_str().unwrap().contains("will not allow you"), "{refused}");
    assert_eq!(room.ask::<put_key_policy::PutKeyPolicy>(&forced), json!({}));
    assert_eq!(room.ask::<get_key_policy::GetKeyPolicy>(&json!({"KeyId": id}))["Policy"], policy);
    let other = room.ask::<get_key_policy::GetKeyPolicy>(&json!({"KeyId": id, "PolicyName": "other"}));
    assert_eq!(code(&other), "NotFoundException");
}

#[test]
fn what_is_encrypted_decrypts_in_the_same_context_only() {
    let room = Room::new();
    let id = room.key();
    let context = json!({"a": "1", "b": "2"});
    let text = STANDARD.encode("short");

    let asked = json!({"KeyId": id, "Plaintext": text, "EncryptionContext": context});
    let sealed = room.ask::<encrypt::Encrypt>(&asked)["CiphertextBlob"].clone();
    let opened = room.ask::<decrypt::Decrypt>(&json!({"CiphertextBlob": sealed, "EncryptionContext": context}));
    let without = room.ask::<decrypt::Decrypt>(&json!({"CiphertextBlob": sealed}));
    let by_other = json!({"CiphertextBlob": sealed, "EncryptionContext": context, "KeyId": room.key()});

    assert_eq!(opened["Plaintext"], text);
    assert!(opened["KeyId"].as_str().unwrap().ends_with(&id));
    assert_eq!(code(&without), "InvalidCiphertextException");
    assert_eq!(code(&room.ask::<decrypt::Decrypt>(&by_other)), "IncorrectKeyException");
    let garbled = json!({"CiphertextBlob": "aGVsbG8="});
    assert_eq!(code(&room.ask::<decrypt::Decrypt>(&garbled)), "InvalidCiphertextException");
    let large = json!({"KeyId": id, "Plaintext": STANDARD.encode([0; 4097])});
    assert_eq!(code(&room.ask::<encrypt::Encrypt>(&large)), "ValidationException");
    let asymmetric = json!({"KeyId": id, "Plaintext": text, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"});
    assert_eq!(code(&room.ask::<encrypt::Encrypt>(&asymmetric)), "InvalidKeyUsageException");
}

#[test]
fn a_text_moves_to_another_key_without_being_shown() {
    let room = Room::new();
    let (from, to) = (room.key(), room.key());
    let sealed = room.ask::<encrypt::Encrypt>(&json!({"KeyId": from, "Plaintext": STANDARD.encode("short")}));

    let asked = json!({"CiphertextBlob": sealed["CiphertextBlob"], "DestinationKeyId": to});
    let moved = room.ask::<re_encrypt::ReEncrypt>(&asked);

    assert!(moved["SourceKeyId"].as_str().unwrap().ends_with(&from) && moved["KeyId"].as_str().unwrap().ends_with(&to));
    let opened = room.ask::<decrypt::Decrypt>(&json!({"CiphertextBlob": moved["CiphertextBlob"], "KeyId": to}));
    assert_eq!(opened["Plaintext"], STANDARD.encode("short"));
    assert!(moved.get("Plaintext").is_none());
}

#[test]
fn a_data_key_is_as_long_as_is_asked() {
    let room = Room::new();
    let id = room.key();
    let drawn = |more: Value| {
        let mut asked = json!({"KeyId": id});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        room.ask::<generate_data_key::GenerateDataKey>(&asked)
    };

    for (asked, bytes) in [(json!({"KeySpec": "AES_256"}), 32), (json!({"NumberOfBytes": 77}), 77)] {
        let key = drawn(asked);
        assert_eq!(STANDARD.decode(key["Plaintext"].as_str().unwrap()).unwrap().len(), bytes);
        let opened = room.ask::<decrypt::Decrypt>(&json!({"CiphertextBlob": key["CiphertextBlob"]}));
        assert_eq!(opened["Plaintext"], key["Plaintext"]);
    }
    let twice = drawn(json!({"KeySpec": "AES_256", "NumberOfBytes": 32}));
    assert_eq!(twice["message"], "Please specify either number of bytes or key spec.");
    assert_eq!(code(&drawn(json!({}))), "ValidationException");
    let tried = drawn(json!({"KeySpec": "AES_256", "DryRun": true}));
    assert_eq!(code(&tried), "UnsupportedOperationException");
    let hidden = json!({"KeyId": id, "KeySpec": "AES_128"});
    let hidden = room.ask::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>(&hidden);
    assert!(hidden["CiphertextBlob"].is_string() && hidden.get("Plaintext").is_none());
    let random = room.ask::<generate_random::GenerateRandom>(&json!({"NumberOfBytes": 9}));
    assert_eq!(STANDARD.decode(random["Plaintext"].as_str().unwrap()).unwrap().len(), 9);
}

#[test]
fn a_key_that_is_off_does_nothing_and_says_so() {
    let room = Room::new();
    let id = room.key();
    let named = json!({"KeyId": id});
    let encrypt = json!({"KeyId": id, "Plaintext": "YQ=="});

    assert_eq!(room.ask::<disable_key::DisableKey>(&named), json!({}));
    assert_eq!(code(&room.ask::<encrypt::Encrypt>(&encrypt)), "DisabledException");
    room.ask::<enable_key::EnableKey>(&named);
    let gone = room.ask::<schedule_key_deletion::ScheduleKeyDeletion>(&named);
    assert_eq!((&gone["KeyState"], &gone["PendingWindowInDays"]), (&json!("PendingDeletion"), &json!(30)));
    assert!(gone["DeletionDate"].is_f64());
    let refused = room.ask::<encrypt::Encrypt>(&encrypt);
    assert_eq!(code(&refused), "KMSInvalidStateException");
    assert!(refused["message"].as_str().unwrap().ends_with("is pending deletion."), "{refused}");
    room.ask::<cancel_key_deletion::CancelKeyDeletion>(&named);
    assert_eq!(room.ask::<describe_key::DescribeKey>(&named)["KeyMetadata"]["KeyState"], "Disabled");
    let soon = json!({"KeyId": id, "PendingWindowInDays": 1});
    assert_eq!(code(&room.ask::<schedule_key_deletion::ScheduleKeyDeletion>(&soon)), "ValidationException");
}

#[test]
fn a_key_rotates_by_itself_or_when_asked() {
    let room = Room::new();
    let id = room.key();
    let named = json!({"KeyId": id});
    let status = || room.ask::<get_key_rotation_status::GetKeyRotationStatus>(&named);

    assert_eq!((&status()["KeyRotationEnabled"], status().get("RotationPeriodInDays")), (&json!(false), None));
    room.ask::<enable_key_rotation::EnableKeyRotation>(&json!({"KeyId": id, "RotationPeriodInDays": 90}));
    assert_eq!((&status()["KeyRotationEnabled"], &status()["RotationPeriodInDays"]), (&json!(true), &json!(90)));
    assert!(status()["NextRotationDate"].is_f64());
    room.ask::<disable_key_rotation::DisableKeyRotation>(&named);
    for _ in 0..2 {
        room.ask::<rotate_key_on_demand::RotateKeyOnDemand>(&named);
    }
    let first = room.ask::<list_key_rotations::ListKeyRotations>(&json!({"KeyId": id, "Limit": 1}));
    assert_eq!((&first["Truncated"], &first["Rotations"][0]["RotationType"]), (&json!(true), &json!("ON_DEMAND")));
    let next = json!({"KeyId": id, "Marker": first["NextMarker"]});
    let last = room.ask::<list_key_rotations::ListKeyRotations>(&next);
    assert_eq!((last["Rotations"].as_array().unwrap().len(), &last["Truncated"]), (1, &json!(false)));
    let other = json!({"KeyId": id, "Marker": "x"});
    assert_eq!(code(&room.ask::<list_key_rotations::ListKeyRotations>(&other)), "InvalidMarkerException");
}

#[test]
fn names_lead_to_keys_and_are_listed() {
    let room = Room::new();
    let (one, other) = (room.key(), room.key());
    let alias = |key: &str| json!({"AliasName": "alias/app", "TargetKeyId": key});

    assert_eq!(room.ask::<create_alias::CreateAlias>(&alias(&one)), json!({}));
    assert_eq!(code(&room.ask::<create_alias::CreateAlias>(&alias(&one))), "AlreadyExistsException");
    room.ask::<update_alias::UpdateAlias>(&alias(&other));
    let named = room.ask::<describe_key::DescribeKey>(&json!({"KeyId": "alias/app"}));
    assert_eq!(named["KeyMetadata"]["KeyId"], other);
    let listed = room.ask::<list_aliases::ListAliases>(&json!({}));
    assert_eq!(listed["Aliases"][0]["TargetKeyId"], other);
    assert_eq!(listed["Aliases"][0]["AliasArn"], "arn:aws:kms:us-east-1:000000000000:alias/app");
    assert_eq!(room.ask::<list_aliases::ListAliases>(&json!({"KeyId": one}))["Aliases"], json!([]));
    let enabled = room.ask::<enable_key::EnableKey>(&json!({"KeyId": "alias/app"}));
    assert_eq!(code(&enabled), "NotFoundException");
    room.ask::<delete_alias::DeleteAlias>(&json!({"AliasName": "alias/app"}));
    let gone = room.ask::<describe_key::DescribeKey>(&json!({"KeyId": "alias/app"}));
    assert_eq!(
        (code(&gone), &gone["message"]),
        ("NotFoundException", &json!("Alias arn:aws:kms:us-east-1:000000000000:alias/app is not found."))
    );
}

#[test]
fn keys_come_in_pages() {
    let room = Room::new();
    let mut made = [room.key(), room.key(), room.key()];
    made.sort();

    let first = room.ask::<list_keys::ListKeys>(&json!({"Limit": 2}));
    let rest = room.ask::<list_keys::ListKeys>(&json!({"Marker": first["NextMarker"]}));

    let ids = |page: &Value| {
        page["Keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["KeyId"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!([ids(&first), ids(&rest)].concat(), made);
    assert_eq!((&first["Truncated"], &rest["Truncated"], rest.get("NextMarker")), (&json!(true), &json!(false), None));
}

#[test]
fn there_are_no_grants_and_nobody_is_told_otherwise() {
    let room = Room::new();
    let id = room.key();
    let grant =
        json!({"KeyId": id, "GranteePrincipal": "arn:aws:iam::000000000000:user/ann", "Operations": ["Decrypt"]});

    assert_eq!(code(&room.ask::<create_grant::CreateGrant>(&grant)), "UnsupportedOperationException");
    assert_eq!(room.ask::<list_grants::ListGrants>(&json!({"KeyId": id})), json!({"Grants": [], "Truncated": false}));
    let revoked = room.ask::<revoke_grant::RevokeGrant>(&json!({"KeyId": id, "GrantId": "a"}));
    assert_eq!(code(&revoked), "InvalidGrantIdException");
    assert_eq!(code(&room.ask::<retire_grant::RetireGrant>(&json!({"GrantId": "a"}))), "InvalidGrantIdException");
}

#[test]
fn what_is_missing_is_told_in_the_words_of_kms() {
    let room = Room::new();

    let refusal = room.ask::<describe_key::DescribeKey>(&json!({}));

    assert_eq!(
        refusal,
        json!({
            "__type": "ValidationException",
            "message": "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        })
    );
    let typed =
        room.ask::<encrypt::Encrypt>(&json!({"KeyId": "a", "Plaintext": "YQ==", "EncryptionContext": {"a": 1}}));
    assert_eq!(code(&typed), "SerializationException");
}
