use super::Boto;
use gantry_e2e::{Client, Image, Server};
use serde_json::json;

const INVALID: &str = "InvalidParameterException";
const PULL: &str = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}"#;
const EXPIRE: &str = r#"{"rules": [{"rulePriority": 1, "description": "keep ten", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}]}"#;

fn server() -> (Server, Boto) {
    // As in ECR: a push creates nothing unless a template says so.
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "false")]);
    let boto = Boto::of(&server);
    (server, boto)
}

#[test]
fn a_repository_that_a_push_makes_is_what_its_template_says() {
    let (server, mut boto) = server();
    let template = json!({
        "prefix": "prod/", "appliedFor": ["CREATE_ON_PUSH"], "description": "for production",
        "encryptionConfiguration": {"encryptionType": "KMS"}, "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest"}],
        "resourceTags": [{"Key": "team", "Value": "blue"}], "repositoryPolicy": PULL, "lifecyclePolicy": EXPIRE,
    });
    boto.done("create_repository_creation_template", template);
    boto.done(
        "create_repository_creation_template",
        json!({"prefix": "prod/cache", "appliedFor": ["PULL_THROUGH_CACHE"]}),
    );

    assert_eq!(Image::small(1).push(&server.client(), "prod/team/app", "v1").unwrap().status, 201);
    assert_eq!(
        Image::small(1).push(&server.client(), "prod/cache/app", "v1").unwrap().status,
        201,
        "the longest prefix is for another occasion"
    );
    assert_eq!(
        Image::small(1).push(&server.client(), "production/app", "v1").unwrap().status,
        404,
        "a prefix ends at a slash"
    );

    let made =
        boto.done("describe_repositories", json!({"repositoryNames": ["prod/team/app"]}))["repositories"][0].clone();
    assert_eq!(made["imageTagMutability"], "IMMUTABLE_WITH_EXCLUSION");
    assert!(made["encryptionConfiguration"]["kmsKey"].as_str().unwrap().starts_with("arn:aws:kms:"), "{made}");
    assert_eq!(
        boto.done("list_tags_for_resource", json!({"resourceArn": made["repositoryArn"]}))["tags"],
        json!([{"Key": "team", "Value": "blue"}])
    );
    assert_eq!(boto.done("get_repository_policy", json!({"repositoryName": "prod/team/app"}))["policyText"], PULL);
    assert_eq!(
        boto.done("get_lifecycle_policy", json!({"repositoryName": "prod/team/app"}))["lifecyclePolicyText"],
        EXPIRE
    );
    assert_eq!(Image::small(2).push(&server.client(), "prod/team/app", "v1").unwrap().code(), "TAG_INVALID");
}

#[test]
fn the_key_of_a_template_is_looked_up_and_asked_for_when_a_repository_is_made() {
    let (server, mut boto) = server();
    let key = boto.ask("kms", "create_key", json!({})).unwrap()["KeyMetadata"].clone();
    let named = json!({"KeyId": key["KeyId"]});
    let encryption = json!({"encryptionType": "KMS", "kmsKey": key["Arn"]});
    let template = json!({"prefix": "prod", "appliedFor": ["CREATE_ON_PUSH"], "encryptionConfiguration": encryption});
    let shown = boto.done("create_repository_creation_template", template);
    assert_eq!(shown["repositoryCreationTemplate"]["encryptionConfiguration"], encryption);
    let mut policy = |actions: &[&str]| {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let put = json!({"UserName": "ann", "PolicyName": "push", "PolicyDocument": document});
        boto.ask("iam", "put_user_policy", put).unwrap();
    };
    let mut iam = Boto::of(&server);
    iam.ask("iam", "create_user", json!({"UserName": "ann"})).unwrap();
    policy(&["ecr:*"]);
    let her = iam.ask("iam", "create_access_key", json!({"UserName": "ann"})).unwrap()["AccessKey"].clone();
    let text = |name: &str| her[name].as_str().unwrap();
    let ann = Client::new(server.address(), text("AccessKeyId"), text("SecretAccessKey"));

    let refused = Image::small(1).push(&ann, "prod/app", "v1").unwrap();
    assert!(refused.status == 403 && refused.text().contains("kms:CreateGrant"), "{}", refused.text());
    policy(&["ecr:*", "kms:DescribeKey", "kms:CreateGrant"]);
    iam.ask("kms", "disable_key", named.clone()).unwrap();
    assert_eq!(Image::small(1).push(&ann, "prod/app", "v1").unwrap().status, 400);
    iam.ask("kms", "enable_key", named).unwrap();
    assert_eq!(Image::small(1).push(&ann, "prod/app", "v1").unwrap().status, 201);

    let made = iam.done("describe_repositories", json!({}))["repositories"][0]["encryptionConfiguration"].clone();
    assert_eq!(made, json!({"encryptionType": "KMS", "kmsKey": key["Arn"]}));
}

#[test]
fn the_root_is_for_all_other_repositories() {
    let (server, mut boto) = server();
    boto.done(
        "create_repository_creation_template",
        json!({"prefix": "ROOT", "appliedFor": ["CREATE_ON_PUSH"], "imageTagMutability": "IMMUTABLE"}),
    );

    assert_eq!(Image::small(1).push(&server.client(), "any/thing", "v1").unwrap().status, 201);

    let made = boto.done("describe_repositories", json!({}))["repositories"][0].clone();
    assert_eq!((&made["repositoryName"], &made["imageTagMutability"]), (&json!("any/thing"), &json!("IMMUTABLE")));
}

#[test]
fn a_template_is_changed_member_by_member() {
    let (mut server, mut boto) = server();
    let created = boto.done("create_repository_creation_template", json!({"prefix": "prod", "appliedFor": ["CREATE_ON_PUSH"], "description": "first", "resourceTags": [{"Key": "a", "Value": "1"}]}));
    for unset in [
        "encryptionConfiguration",
        "repositoryPolicy",
        "lifecyclePolicy",
        "customRoleArn",
        "imageTagMutabilityExclusionFilters",
    ] {
        assert!(created["repositoryCreationTemplate"].get(unset).is_none(), "{unset} is left out");
    }

    let updated = boto.done("update_repository_creation_template", json!({"prefix": "prod", "appliedFor": ["REPLICATION", "PULL_THROUGH_CACHE"], "imageTagMutability": "IMMUTABLE"}))["repositoryCreationTemplate"].clone();
    server.restart();
    let described = boto.done("describe_repository_creation_templates", json!({"prefixes": ["prod", "none"]}));
    let deleted = boto.done("delete_repository_creation_template", json!({"prefix": "prod"}));

    assert_eq!((&updated["description"], &updated["imageTagMutability"]), (&json!("first"), &json!("IMMUTABLE")));
    assert_eq!(updated["appliedFor"], json!(["REPLICATION", "PULL_THROUGH_CACHE"]));
    assert_eq!(updated["resourceTags"], json!([{"Key": "a", "Value": "1"}]));
    assert_eq!(described, json!({"registryId": "000000000000", "repositoryCreationTemplates": [updated]}));
    assert_eq!(deleted["repositoryCreationTemplate"], updated);
    assert_eq!(
        boto.done("describe_repository_creation_templates", json!({}))["repositoryCreationTemplates"],
        json!([])
    );
}

#[test]
fn templates_are_refused_by_member_and_come_in_pages() {
    let (_server, mut boto) = server();
    for prefix in ["b", "a", "c/d"] {
        boto.done("create_repository_creation_template", json!({"prefix": prefix, "appliedFor": ["REPLICATION"]}));
    }

    let page = boto.done("describe_repository_creation_templates", json!({"maxResults": 2}));
    let rest =
        boto.done("describe_repository_creation_templates", json!({"maxResults": 2, "nextToken": page["nextToken"]}));
    let prefixes: Vec<_> = [page, rest]
        .iter()
        .flat_map(|page| page["repositoryCreationTemplates"].as_array().unwrap().clone())
        .map(|one| one["prefix"].clone())
        .collect();
    assert_eq!(prefixes, ["a", "b", "c/d"]);
    for (operation, arguments, code, words) in [
        (
            "create_repository_creation_template",
            json!({"prefix": "a/", "appliedFor": ["REPLICATION"]}),
            "TemplateAlreadyExistsException",
            "'a/'",
        ),
        (
            "create_repository_creation_template",
            json!({"prefix": "Prod", "appliedFor": ["REPLICATION"]}),
            INVALID,
            "'prefix'",
        ),
        ("create_repository_creation_template", json!({"prefix": "e"}), INVALID, "'appliedFor'"),
        (
            "create_repository_creation_template",
            json!({"prefix": "e", "appliedFor": ["NEVER"]}),
            INVALID,
            "'appliedFor'",
        ),
        (
            "create_repository_creation_template",
            json!({"prefix": "e", "appliedFor": [], "repositoryPolicy": "{"}),
            INVALID,
            "'PolicyText'",
        ),
        (
            "create_repository_creation_template",
            json!({"prefix": "e", "appliedFor": [], "lifecyclePolicy": "{}"}),
            INVALID,
            "'lifecyclePolicy'",
        ),
        ("update_repository_creation_template", json!({"prefix": "none"}), "TemplateNotFoundException", "'none'"),
        ("delete_repository_creation_template", json!({"prefix": "none"}), "TemplateNotFoundException", "'none'"),
    ] {
        let refused = boto.refused(operation, arguments.clone());
        assert_eq!(refused.code, code, "{operation} {arguments}: {refused:?}");
        assert!(refused.message.contains(words), "{operation} {arguments}: {refused:?}");
    }
}

#[test]
fn a_lifecycle_policy_comes_back_as_it_was_written() {
    let (mut server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));
    let name = json!({"repositoryName": "team/app"});
    let whole = json!({"registryId": "000000000000", "repositoryName": "team/app", "lifecyclePolicyText": EXPIRE});

    let missing = boto.refused("get_lifecycle_policy", name.clone());
    assert_eq!(
        (missing.code.as_str(), missing.message.as_str()),
        (
            "LifecyclePolicyNotFoundException",
            "Lifecycle policy does not exist for the repository with name 'team/app' in the registry with id '000000000000'"
        )
    );
    assert_eq!(
        boto.done("put_lifecycle_policy", json!({"repositoryName": "team/app", "lifecyclePolicyText": EXPIRE})),
        whole
    );
    server.restart();
    assert_eq!(boto.done("get_lifecycle_policy", name.clone()), whole);
    assert_eq!(boto.done("delete_lifecycle_policy", name.clone()), whole);
    assert_eq!(boto.refused("delete_lifecycle_policy", name).code, "LifecyclePolicyNotFoundException");
    for (arguments, words) in [
        (
            json!({"repositoryName": "team/app", "lifecyclePolicyText": "{}"}),
            "Member must have length greater than or equal to 100",
        ),
        (
            json!({"repositoryName": "team/app", "lifecyclePolicyText": " ".repeat(100)}),
            "Lifecycle policy validation failure",
        ),
        (
            json!({"repositoryName": "team/app", "lifecyclePolicyText": format!("{{\"rules\": []}}{}", " ".repeat(100))}),
            "the policy has 0 rules",
        ),
    ] {
        let refused = boto.refused("put_lifecycle_policy", arguments);
        assert!(refused.code == INVALID && refused.message.contains(words), "{refused:?}");
    }
    assert_eq!(
        boto.refused("put_lifecycle_policy", json!({"repositoryName": "other", "lifecyclePolicyText": EXPIRE})).code,
        "RepositoryNotFoundException"
    );
}

#[test]
fn backfills_are_kept_and_say_that_nothing_was_copied() {
    let (_server, mut boto) = server();
    let destination = json!({"region": "eu-west-1", "registryId": "000000000000"});
    let refused = boto.refused("start_replication_backfill", json!({"destination": destination}));
    assert!(refused.code == INVALID && refused.message.contains("'destination'"), "{refused:?}");
    boto.done(
        "put_replication_configuration",
        json!({"replicationConfiguration": {"rules": [{"destinations": [destination]}]}}),
    );

    let started = boto.done("start_replication_backfill", json!({"destination": destination}));
    let id = started["replicationBackfillId"].clone();
    let listed = boto.done("list_replication_backfills", json!({"maxResults": 1}));
    let results = boto.done("describe_replication_backfill_results", json!({"replicationBackfillId": id}));

    assert_eq!((&started["status"], &started["destination"]), (&json!("FAILED"), &destination));
    assert_eq!(listed["backfills"][0]["replicationBackfillId"], id);
    assert_eq!((&results["failureCode"], &results["results"]), (&json!("ReplicationNotAvailable"), &json!([])));
    assert_eq!(
        boto.refused("stop_replication_backfill", json!({"replicationBackfillId": id})).code,
        "ReplicationBackfillInvalidStatusException"
    );
    let nobody = json!({"replicationBackfillId": "00000000-0000-0000-0000-000000000000"});
    for operation in ["stop_replication_backfill", "describe_replication_backfill_results"] {
        assert_eq!(boto.refused(operation, nobody.clone()).code, "ReplicationBackfillNotFoundException");
        assert_eq!(boto.refused(operation, json!({"replicationBackfillId": "x"})).code, INVALID);
    }
}
