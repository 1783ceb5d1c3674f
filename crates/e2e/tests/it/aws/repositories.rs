use super::Boto;
use gantry_e2e::{Image, Server};
use serde_json::json;

fn server() -> (Server, Boto) {
    let server = Server::start();
    let boto = Boto::of(&server);
    (server, boto)
}

#[test]
fn a_repository_is_created_described_and_deleted() {
    let (server, mut boto) = server();

    let created = boto.done("create_repository", json!({"repositoryName": "team/app"}))["repository"].clone();

    assert_eq!(created["repositoryArn"], "arn:aws:ecr:us-east-1:000000000000:repository/team/app");
    assert_eq!(created["registryId"], "000000000000");
    assert_eq!(created["repositoryUri"], format!("{}/team/app", server.address()));
    assert_eq!(created["imageTagMutability"], "MUTABLE");
    assert_eq!(created["imageScanningConfiguration"], json!({"scanOnPush": false}));
    assert!(created["createdAt"].as_f64().unwrap() > 1.7e9);
    for unset in ["encryptionConfiguration", "imageTagMutabilityExclusionFilters"] {
        assert!(created.get(unset).is_none(), "{unset} is left out");
    }
    let described = boto.done("describe_repositories", json!({"repositoryNames": ["team/app"]}));
    assert_eq!(described["repositories"], json!([created]));
    let deleted = boto.done("delete_repository", json!({"repositoryName": "team/app"}));
    assert_eq!(deleted["repository"], created);
    assert_eq!(boto.done("describe_repositories", json!({}))["repositories"], json!([]));
}

#[test]
fn a_repository_is_what_it_was_created_as_also_after_a_crash() {
    let (mut server, mut boto) = server();
    let asked = json!({
        "repositoryName": "team/app", "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}],
        "imageScanningConfiguration": {"scanOnPush": true}, "encryptionConfiguration": {"encryptionType": "KMS"},
        "tags": [{"Key": "team", "Value": "blue"}],
    });

    let created = boto.done("create_repository", asked)["repository"].clone();
    server.restart();

    let key = created["encryptionConfiguration"]["kmsKey"].as_str().unwrap();
    assert!(key.starts_with("arn:aws:kms:us-east-1:000000000000:key/"), "{key}");
    assert_eq!(created["imageTagMutabilityExclusionFilters"][0]["filter"], "dev-*");
    let described = boto.done("describe_repositories", json!({"repositoryNames": ["team/app"]}));
    assert_eq!(described["repositories"][0], created);
    let tags = boto.done("list_tags_for_resource", json!({"resourceArn": created["repositoryArn"]}));
    assert_eq!(tags["tags"], json!([{"Key": "team", "Value": "blue"}]));
}

#[test]
fn what_is_wrong_with_a_repository_is_said_as_ecr_says_it() {
    let (_server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));

    for (operation, arguments, code, words) in [
        (
            "create_repository",
            json!({"repositoryName": "team/app"}),
            "RepositoryAlreadyExistsException",
            "The repository with name 'team/app' already exists in the registry with id '000000000000'",
        ),
        (
            "create_repository",
            json!({"repositoryName": "Team"}),
            "InvalidParameterException",
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '",
        ),
        ("create_repository", json!({}), "InvalidParameterException", "'repositoryName'"),
        (
            "create_repository",
            json!({"repositoryName": "ab", "imageTagMutability": "NEVER"}),
            "InvalidParameterException",
            "Member must satisfy enum value set",
        ),
        (
            "create_repository",
            json!({"repositoryName": "ab", "imageTagMutability": "MUTABLE_WITH_EXCLUSION"}),
            "InvalidParameterException",
            "'imageTagMutabilityExclusionFilters'",
        ),
        (
            "create_repository",
            json!({"repositoryName": "ab", "tags": [{"Key": "aws:a", "Value": ""}]}),
            "InvalidTagParameterException",
            "reserved",
        ),
        (
            "create_repository",
            json!({"repositoryName": "ab", "registryId": "222222222222"}),
            "InvalidParameterException",
            "'registryId'",
        ),
        (
            "create_repository",
            json!({"repositoryName": "ab", "registryId": "1234"}),
            "InvalidParameterException",
            "'registryId'",
        ),
        (
            "create_repository",
            json!({"repositoryName": "ab", "encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "x"}}),
            "InvalidParameterException",
            "'kmsKey'",
        ),
        (
            "describe_repositories",
            json!({"repositoryNames": ["team/app", "other"]}),
            "RepositoryNotFoundException",
            "The repository with name 'other' does not exist in the registry with id '000000000000'",
        ),
        (
            "describe_repositories",
            json!({"repositoryNames": ["team/app"], "registryId": "222222222222"}),
            "RepositoryNotFoundException",
            "in the registry with id '222222222222'",
        ),
        ("describe_repositories", json!({"maxResults": 1001}), "InvalidParameterException", "'maxResults'"),
        ("describe_repositories", json!({"nextToken": "x"}), "InvalidParameterException", "'nextToken'"),
        ("delete_repository", json!({"repositoryName": "other"}), "RepositoryNotFoundException", "'other'"),
        (
            "put_image_tag_mutability",
            json!({"repositoryName": "other", "imageTagMutability": "MUTABLE"}),
            "RepositoryNotFoundException",
            "'other'",
        ),
        (
            "put_image_scanning_configuration",
            json!({"repositoryName": "other", "imageScanningConfiguration": {}}),
            "RepositoryNotFoundException",
            "'other'",
        ),
        ("tag_resource", json!({"resourceArn": "team/app", "tags": []}), "InvalidParameterException", "'resourceArn'"),
        (
            "list_tags_for_resource",
            json!({"resourceArn": "arn:aws:ecr:us-east-1:000000000000:repository/other"}),
            "RepositoryNotFoundException",
            "'other'",
        ),
    ] {
        let refused = boto.refused(operation, arguments.clone());
        assert_eq!(refused.code, code, "{operation} {arguments}: {refused:?}");
        assert!(refused.message.contains(words), "{operation} {arguments}: {refused:?}");
    }
}

#[test]
fn a_repository_with_images_is_deleted_only_with_force() {
    let (server, mut boto) = server();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();

    let refused = boto.refused("delete_repository", json!({"repositoryName": "team/app"}));
    assert_eq!(refused.code, "RepositoryNotEmptyException");
    boto.done("delete_repository", json!({"repositoryName": "team/app", "force": true}));

    assert_eq!(server.client().get("/v2/team/app/tags/list").status, 404);
}

#[test]
fn settings_of_a_repository_are_changed() {
    let (_server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));
    let filters = json!([{"filterType": "WILDCARD", "filter": "v*"}]);

    let mutability = boto.done("put_image_tag_mutability", json!({"repositoryName": "team/app", "imageTagMutability": "MUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}));
    let scanning = boto.done(
        "put_image_scanning_configuration",
        json!({"repositoryName": "team/app", "imageScanningConfiguration": {"scanOnPush": true}}),
    );

    assert_eq!(
        mutability,
        json!({"registryId": "000000000000", "repositoryName": "team/app", "imageTagMutability": "MUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters})
    );
    assert_eq!(scanning["imageScanningConfiguration"], json!({"scanOnPush": true}));
    let described = boto.done("describe_repositories", json!({}))["repositories"][0].clone();
    assert_eq!(described["imageTagMutabilityExclusionFilters"], filters);
    assert_eq!(described["imageScanningConfiguration"], json!({"scanOnPush": true}));
}

#[test]
fn tags_of_a_repository_are_set_and_removed() {
    let (_server, mut boto) = server();
    let arn =
        boto.done("create_repository", json!({"repositoryName": "team/app"}))["repository"]["repositoryArn"].clone();

    boto.done(
        "tag_resource",
        json!({"resourceArn": arn, "tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]}),
    );
    boto.done("tag_resource", json!({"resourceArn": arn, "tags": [{"Key": "b", "Value": "2"}]}));
    boto.done("untag_resource", json!({"resourceArn": arn, "tagKeys": ["a", "never"]}));

    let tags = boto.done("list_tags_for_resource", json!({"resourceArn": arn}));
    assert_eq!(tags["tags"], json!([{"Key": "b", "Value": "2"}]));
    let many: Vec<_> = (0..50).map(|number| json!({"Key": format!("key{number}"), "Value": ""})).collect();
    let refused = boto.refused("tag_resource", json!({"resourceArn": arn, "tags": many}));
    assert_eq!(refused.code, "TooManyTagsException");
}

#[test]
fn who_calls_and_which_registry_this_is_are_told() {
    let (_server, mut boto) = server();

    let caller = boto.ask("sts", "get_caller_identity", json!({})).unwrap();
    let registry = boto.done("describe_registry", json!({}));

    assert_eq!(
        caller,
        json!({"UserId": "000000000000", "Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root"})
    );
    assert_eq!(registry, json!({"registryId": "000000000000", "replicationConfiguration": {"rules": []}}));
}
