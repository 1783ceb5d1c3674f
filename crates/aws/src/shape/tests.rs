use super::*;
use crate::model::{Input, *};
use serde_json::json;

/// What is said of a request.
fn said<I: Input>(request: Value) -> Result<(), String> {
    check(&request, I::SHAPE).map_err(|fault| format!("{:?}: {fault}", fault.kind))
}

fn invalid(member: &str, constraint: &str) -> Result<(), String> {
    Err(format!("InvalidParameter: Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'"))
}

const NAME: &str =
    r"must satisfy regular expression '[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'";

#[test]
fn a_well_formed_request_passes() {
    let request = json!({
        "repositoryName": "team/app", "imageTagMutability": "IMMUTABLE",
        "tags": [{"Key": "team", "Value": ""}], "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "AES256"}, "unknown": [1, {"a": null}], "registryId": null,
    });

    assert_eq!(said::<CreateRepositoryRequest>(request), Ok(()));
    assert_eq!(said::<DescribeRegistryRequest>(json!({})), Ok(()));
}

#[test]
fn names_are_refused_in_the_words_ecr_has_for_them() {
    let named = |name: &str| said::<CreateRepositoryRequest>(json!({"repositoryName": name}));

    assert_eq!(named("Team/App"), invalid("repositoryName", NAME));
    assert_eq!(named("a___b"), invalid("repositoryName", NAME));
    assert_eq!(named("team/app\n"), invalid("repositoryName", NAME));
    assert_eq!(named("a"), invalid("repositoryName", "must have length greater than or equal to 2"));
    assert_eq!(named(&"a".repeat(257)), invalid("repositoryName", "must have length less than or equal to 256"));
    let listed = said::<DescribeRepositoriesRequest>(json!({"repositoryNames": ["ok", "No", "Nor this"]}));
    assert_eq!(listed, invalid("repositoryName", NAME));
}

#[test]
fn a_registry_is_twelve_digits() {
    let request = said::<ListImagesRequest>(json!({"repositoryName": "ab", "registryId": "123456789"}));
    assert_eq!(request, invalid("registryId", "must satisfy regular expression '[0-9]{12}'"));

    let request = said::<GetAuthorizationTokenRequest>(json!({"registryIds": ["123456789012", "x"]}));
    let constraint = "Member must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]{12}]";
    assert_eq!(request, invalid("registryIds", constraint));
}

#[test]
fn numbers_have_their_range() {
    let most = |count: Value| said::<DescribeImagesRequest>(json!({"repositoryName": "ab", "maxResults": count}));

    assert_eq!(most(json!(1)), Ok(()));
    assert_eq!(most(json!(1000)), Ok(()));
    assert_eq!(most(json!(0)), invalid("maxResults", "Member must have value greater than or equal to 1"));
    assert_eq!(most(json!(1001)), invalid("maxResults", "Member must have value less than or equal to 1000"));
    assert_eq!(most(json!(u64::MAX)), invalid("maxResults", "Member must have value less than or equal to 1000"));
    for wrong in [json!("5"), json!(1.5), json!(1e30), json!([1])] {
        assert!(most(wrong).unwrap_err().starts_with("Malformed: 'maxResults' is "));
    }
}

#[test]
fn lists_have_their_length() {
    let images = |count: usize| {
        let ids = vec![json!({"imageTag": "v1"}); count];
        said::<BatchGetImageRequest>(json!({"repositoryName": "ab", "imageIds": ids}))
    };

    assert_eq!(images(100), Ok(()));
    assert_eq!(images(101), invalid("imageIds", "Member must have length less than or equal to 100"));
    assert_eq!(images(0), invalid("imageIds", "Member must have length greater than or equal to 1"));
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        said::<PutImageRequest>(json!({"repositoryName": "ab"})),
        invalid("imageManifest", "Member must not be null")
    );
    assert_eq!(
        said::<TagResourceRequest>(json!({"resourceArn": "a", "tags": [{"Key": "a"}]})),
        invalid("Value", "Member must not be null")
    );
    assert_eq!(
        said::<UntagResourceRequest>(json!({"resourceArn": "a", "tagKeys": ["a", null]})),
        invalid("tagKeys", "Member must not be null")
    );
}

#[test]
fn a_choice_names_what_there_is() {
    let request = said::<PutImageTagMutabilityRequest>(json!({"repositoryName": "ab", "imageTagMutability": "NEVER"}));

    let names = "MUTABLE, IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION";
    assert_eq!(request, invalid("imageTagMutability", &format!("Member must satisfy enum value set: [{names}]")));
}

#[test]
fn lengths_are_counted_in_characters() {
    let policy =
        |text: String| said::<PutLifecyclePolicyRequest>(json!({"repositoryName": "ab", "lifecyclePolicyText": text}));

    assert_eq!(policy("ä".repeat(100)), Ok(()));
    assert_eq!(
        policy("ä".repeat(99)),
        invalid("lifecyclePolicyText", "Member must have length greater than or equal to 100")
    );
    assert_eq!(
        policy("ä".repeat(30_721)),
        invalid("lifecyclePolicyText", "Member must have length less than or equal to 30720")
    );
}

#[test]
fn bytes_are_counted_as_they_will_be() {
    let part = |length: usize| {
        let blob = STANDARD.encode(vec![0; length]);
        said::<UploadLayerPartRequest>(json!({
            "repositoryName": "ab", "uploadId": "00000000-0000-0000-0000-000000000000",
            "partFirstByte": 0, "partLastByte": 0, "layerPartBlob": blob,
        }))
    };
    use base64::{Engine, engine::general_purpose::STANDARD};

    for length in [0, 1, 2, 3, 20_971_520] {
        assert_eq!(part(length), Ok(()), "{length}");
    }
    assert_eq!(part(20_971_521), invalid("layerPartBlob", "Member must have length less than or equal to 20971520"));
}

#[test]
fn all_that_is_wrong_is_told_and_the_same_only_once() {
    let names: Vec<String> = (0..50).map(|number| format!("No{number}")).collect();
    let request = json!({"registryId": "1", "repositoryNames": names, "maxResults": 0});

    let told = said::<DescribeRepositoriesRequest>(request).unwrap_err();

    assert_eq!(told.matches("failed to satisfy").count(), 3, "{told}");
}

#[test]
fn another_type_is_json_that_cannot_be_read() {
    for (request, sentence) in [
        (json!([]), "Malformed: The request is a list; it must be an object"),
        (json!({"repositoryName": 7}), "Malformed: 'repositoryName' is a number; it must be a string"),
        (json!({"repositoryName": "ab", "tags": {}}), "Malformed: 'tags' is an object; it must be a list"),
        (json!({"repositoryName": "ab", "tags": ["a"]}), "Malformed: 'tags' is a string; it must be an object"),
    ] {
        assert_eq!(said::<CreateRepositoryRequest>(request), Err(sentence.into()));
    }
}

#[test]
fn no_text_keeps_a_pattern_busy() {
    let filter = format!("{}!", "a-".repeat(120));
    let rules =
        json!([{"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": filter, "filterType": "WILDCARD"}]}]);

    let told =
        said::<PutRegistryScanningConfigurationRequest>(json!({"scanType": "BASIC", "rules": rules})).unwrap_err();

    assert!(told.contains("Invalid parameter at 'filter'"), "{told}");
}

/// Goes through every shape that any request has.
fn each_text(shape: &'static Shape, look: &mut impl FnMut(&'static Text)) {
    match shape {
        Shape::Text(text) => look(text),
        Shape::List(_, _, of) => each_text(of, look),
        Shape::Map(of_names, of_values) => [of_names, of_values].into_iter().for_each(|of| each_text(of, look)),
        Shape::Structure(members) => members.iter().for_each(|member| each_text(member.shape, look)),
        Shape::Choice(_) | Shape::Whole(..) | Shape::Flag | Shape::Bytes(..) => {}
    }
}

#[test]
fn every_pattern_of_the_model_can_be_matched() {
    let mut count = 0;
    for shape in [
        BatchGetRepositoryScanningConfigurationRequest::SHAPE,
        CompleteLayerUploadRequest::SHAPE,
        CreatePullThroughCacheRuleRequest::SHAPE,
        CreateRepositoryCreationTemplateRequest::SHAPE,
        CreateRepositoryRequest::SHAPE,
        GetAuthorizationTokenRequest::SHAPE,
        PutRegistryScanningConfigurationRequest::SHAPE,
        PutReplicationConfigurationRequest::SHAPE,
        PutSigningConfigurationRequest::SHAPE,
        RegisterPullTimeUpdateExclusionRequest::SHAPE,
        StopReplicationBackfillRequest::SHAPE,
        UploadLayerPartRequest::SHAPE,
    ] {
        each_text(shape, &mut |text| {
            if let Some(pattern) = &text.pattern {
                count += 1;
                assert!(!pattern.matches("\u{1}"), "{}", pattern.text);
            }
        });
    }
    assert!(count >= 20, "{count}");
}

#[test]
fn every_pattern_of_iam_can_be_matched() {
    use crate::iam::model::*;

    let mut count = 0;
    for shape in [
        CreateAccessKeyRequest::SHAPE,
        CreateGroupRequest::SHAPE,
        CreatePolicyRequest::SHAPE,
        CreateRoleRequest::SHAPE,
        CreateUserRequest::SHAPE,
        DeleteAccessKeyRequest::SHAPE,
        GetPolicyVersionRequest::SHAPE,
        ListUsersRequest::SHAPE,
        PutUserPolicyRequest::SHAPE,
        UpdateRoleDescriptionRequest::SHAPE,
    ] {
        each_text(shape, &mut |text| {
            if let Some(pattern) = &text.pattern {
                count += 1;
                assert!(!pattern.matches("\u{1}"), "{}", pattern.text);
            }
        });
    }

    assert!(count >= 20, "{count}");
}

#[test]
fn every_pattern_of_kms_can_be_matched() {
    use crate::kms::model::*;

    let mut count = 0;
    for shape in [
        CreateAliasRequest::SHAPE,
        CreateGrantRequest::SHAPE,
        CreateKeyRequest::SHAPE,
        GenerateRandomRequest::SHAPE,
        ListKeysRequest::SHAPE,
        PutKeyPolicyRequest::SHAPE,
    ] {
        each_text(shape, &mut |text| {
            if let Some(pattern) = &text.pattern {
                count += 1;
                assert!(!pattern.matches("\u{1}"), "{}", pattern.text);
            }
        });
    }

    assert!(count >= 8, "{count}");
}

#[test]
fn what_a_map_holds_is_looked_at() {
    use crate::kms::model::EncryptRequest;

    let asked = |context: Value| {
        check_young(&json!({"KeyId": "a", "Plaintext": "YQ==", "EncryptionContext": context}), EncryptRequest::SHAPE)
    };

    assert!(asked(json!({"a": "1"})).is_ok());
    assert_eq!(asked(json!({"a": 1})).unwrap_err().kind, FaultKind::Malformed);
    assert_eq!(asked(json!(["a"])).unwrap_err().kind, FaultKind::Malformed);
}
