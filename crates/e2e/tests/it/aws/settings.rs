use super::Boto;
use gantry_e2e::{Image, Server, digest};
use serde_json::{Value, json};
use std::time::Duration;

fn server() -> (Server, Boto) {
    let server = Server::start();
    let boto = Boto::of(&server);
    (server, boto)
}

/// Calls each, and asserts exception and words.
#[track_caller]
fn refuses(boto: &mut Boto, cases: &[(&str, Value, &str, &str)]) {
    for (operation, arguments, code, words) in cases {
        let refused = boto.refused(operation, arguments.clone());
        assert_eq!(refused.code, *code, "{operation} {arguments}: {refused:?}");
        assert!(refused.message.contains(words), "{operation} {arguments}: {refused:?}");
    }
}

const INVALID: &str = "InvalidParameterException";

#[test]
fn the_policy_of_a_repository_comes_back_as_it_was_written() {
    let (mut server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "team/app"}));
    let name = json!({"repositoryName": "team/app"});
    let text = r#"{ "Version": "2008-10-17",
  "Statement": [{"Sid": "allow pull", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": ["ecr:BatchGetImage", "ecr:GetImage"]}] }"#;
    let whole = json!({"registryId": "000000000000", "repositoryName": "team/app", "policyText": text});

    assert_eq!(
        boto.refused("get_repository_policy", name.clone()).message,
        "Repository policy does not exist for the repository with name 'team/app' in the registry with id '000000000000'"
    );
    assert_eq!(
        boto.done("set_repository_policy", json!({"repositoryName": "team/app", "policyText": text, "force": true})),
        whole
    );
    server.restart();
    assert_eq!(boto.done("get_repository_policy", name.clone()), whole);
    assert_eq!(boto.done("delete_repository_policy", name.clone()), whole);
    assert_eq!(boto.refused("delete_repository_policy", name.clone()).code, "RepositoryPolicyNotFoundException");
    assert!(server.log().contains("did you mean ecr:BatchGetImage?"), "the log says what was probably meant");

    let set = |text: &str| json!({"repositoryName": "team/app", "policyText": text});
    refuses(
        &mut boto,
        &[
            ("set_repository_policy", set("{"), INVALID, "cannot be read"),
            (
                "set_repository_policy",
                set(r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789"}, "Action": "ecr:*"}]}"#),
                INVALID,
                "statement 1: Invalid principal",
            ),
            (
                "set_repository_policy",
                set(r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:*", "Resource": ""}]}"#),
                INVALID,
                "leave Resource out",
            ),
            ("set_repository_policy", set(&"x".repeat(10_241)), INVALID, "'policyText'"),
            (
                "set_repository_policy",
                json!({"repositoryName": "other", "policyText": text}),
                "RepositoryNotFoundException",
                "'other'",
            ),
            ("get_repository_policy", json!({"repositoryName": "other"}), "RepositoryNotFoundException", "'other'"),
            ("delete_repository_policy", json!({"repositoryName": "other"}), "RepositoryNotFoundException", "'other'"),
        ],
    );
    let message = boto.refused("set_repository_policy", set("{}")).message;
    assert!(!message.contains("Invalid repository policy provided"), "Terraform would wait for minutes: {message}");
}

#[test]
fn a_policy_goes_with_its_repository() {
    let (_server, mut boto) = server();
    let policy = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}"#;
    boto.done("create_repository", json!({"repositoryName": "team/app", "tags": [{"Key": "a", "Value": "b"}]}));
    boto.done("set_repository_policy", json!({"repositoryName": "team/app", "policyText": policy}));

    boto.done("delete_repository", json!({"repositoryName": "team/app"}));
    let arn =
        boto.done("create_repository", json!({"repositoryName": "team/app"}))["repository"]["repositoryArn"].clone();

    assert_eq!(
        boto.refused("get_repository_policy", json!({"repositoryName": "team/app"})).code,
        "RepositoryPolicyNotFoundException"
    );
    assert_eq!(boto.done("list_tags_for_resource", json!({"resourceArn": arn}))["tags"], json!([]));
}

#[test]
fn the_policy_of_the_registry_comes_back_as_it_was_written() {
    let (_server, mut boto) = server();
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/*"}]}"#;
    let whole = json!({"registryId": "000000000000", "policyText": text});

    assert_eq!(boto.refused("get_registry_policy", json!({})).code, "RegistryPolicyNotFoundException");
    assert_eq!(boto.done("put_registry_policy", json!({"policyText": text})), whole);
    assert_eq!(boto.done("get_registry_policy", json!({})), whole);
    assert_eq!(boto.done("delete_registry_policy", json!({})), whole);
    assert_eq!(boto.refused("delete_registry_policy", json!({})).code, "RegistryPolicyNotFoundException");
    refuses(
        &mut boto,
        &[(
            "put_registry_policy",
            json!({"policyText": text.replace("ReplicateImage", "PutImage")}),
            INVALID,
            "none of these",
        )],
    );
}

#[test]
fn replication_is_kept_and_its_status_is_honest() {
    let (mut server, mut boto) = server();
    Image::small(1).push(&server.client(), "prod/app", "v1").unwrap();
    let configuration = json!({"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "000000000000"}], "repositoryFilters": [{"filter": "prod/", "filterType": "PREFIX_MATCH"}]}]});

    let put = boto.done("put_replication_configuration", json!({"replicationConfiguration": configuration}));
    server.restart();
    let registry = boto.done("describe_registry", json!({}));
    let status = boto.done(
        "describe_image_replication_status",
        json!({"repositoryName": "prod/app", "imageId": {"imageTag": "v1"}}),
    );

    assert_eq!(put["replicationConfiguration"], configuration);
    assert_eq!(registry["replicationConfiguration"], configuration);
    assert_eq!(
        status["replicationStatuses"],
        json!([{"region": "eu-west-1", "registryId": "000000000000", "status": "FAILED", "failureCode": "ReplicationNotAvailable"}])
    );
    assert_eq!(status["imageId"], json!({"imageDigest": Image::small(1).digest(), "imageTag": "v1"}));
    let to = |region: &str, count: usize| json!({"replicationConfiguration": {"rules": vec![json!({"destinations": [{"region": region, "registryId": "000000000000"}]}); count]}});
    refuses(
        &mut boto,
        &[
            (
                "put_replication_configuration",
                to("us-east-1", 1),
                INVALID,
                "Replication destination cannot be the same as the source registry",
            ),
            ("put_replication_configuration", to("eu-west-1", 11), INVALID, "at most 10 rules"),
            ("put_replication_configuration", to("EU", 1), INVALID, "'region'"),
            ("put_replication_configuration", json!({"replicationConfiguration": {}}), INVALID, "'rules'"),
            (
                "describe_image_replication_status",
                json!({"repositoryName": "prod/app", "imageId": {"imageTag": "v2"}}),
                "ImageNotFoundException",
                "imageTag:'v2'",
            ),
            (
                "describe_image_replication_status",
                json!({"repositoryName": "other", "imageId": {"imageTag": "v2"}}),
                "RepositoryNotFoundException",
                "'other'",
            ),
        ],
    );
    boto.done("put_replication_configuration", json!({"replicationConfiguration": {"rules": []}}));
    assert_eq!(boto.done("describe_registry", json!({}))["replicationConfiguration"], json!({"rules": []}));
}

#[test]
fn scanning_is_set_for_the_registry_and_holds_for_repositories() {
    let (_server, mut boto) = server();
    boto.done("create_repository", json!({"repositoryName": "prod/app"}));
    boto.done(
        "create_repository",
        json!({"repositoryName": "dev/app", "imageScanningConfiguration": {"scanOnPush": true}}),
    );
    boto.done("create_repository", json!({"repositoryName": "dev/other"}));
    let filters = json!([{"filter": "prod/*", "filterType": "WILDCARD"}]);

    let first = boto.done("get_registry_scanning_configuration", json!({}));
    let put = boto.done(
        "put_registry_scanning_configuration",
        json!({"scanType": "ENHANCED", "rules": [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": filters}]}),
    );
    let read = boto.done("get_registry_scanning_configuration", json!({}));
    let each = boto.done(
        "batch_get_repository_scanning_configuration",
        json!({"repositoryNames": ["prod/app", "dev/app", "dev/other", "none"]}),
    );

    assert_eq!(
        first,
        json!({"registryId": "000000000000", "scanningConfiguration": {"scanType": "BASIC", "rules": []}})
    );
    assert_eq!(put["registryScanningConfiguration"], read["scanningConfiguration"]);
    let arn = |name: &str| format!("arn:aws:ecr:us-east-1:000000000000:repository/{name}");
    assert_eq!(
        each["scanningConfigurations"],
        json!([
            {"repositoryArn": arn("prod/app"), "repositoryName": "prod/app", "scanOnPush": true, "scanFrequency": "CONTINUOUS_SCAN", "appliedScanFilters": filters},
            {"repositoryArn": arn("dev/app"), "repositoryName": "dev/app", "scanOnPush": true, "scanFrequency": "SCAN_ON_PUSH", "appliedScanFilters": []},
            {"repositoryArn": arn("dev/other"), "repositoryName": "dev/other", "scanOnPush": false, "scanFrequency": "MANUAL", "appliedScanFilters": []},
        ])
    );
    assert_eq!(
        each["failures"],
        json!([{"repositoryName": "none", "failureCode": "REPOSITORY_NOT_FOUND", "failureReason": "The repository with name 'none' does not exist in the registry with id '000000000000'"}])
    );
    let rule = |frequency: &str| json!({"scanFrequency": frequency, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]});
    refuses(
        &mut boto,
        &[
            (
                "put_registry_scanning_configuration",
                json!({"scanType": "BASIC", "rules": [rule("CONTINUOUS_SCAN")]}),
                INVALID,
                "SCAN_ON_PUSH and MANUAL",
            ),
            (
                "put_registry_scanning_configuration",
                json!({"scanType": "BASIC", "rules": [rule("MANUAL"), rule("MANUAL")]}),
                INVALID,
                "join their filters",
            ),
            (
                "put_registry_scanning_configuration",
                json!({"scanType": "DEEP"}),
                INVALID,
                "enum value set: [BASIC, ENHANCED]",
            ),
            (
                "batch_get_repository_scanning_configuration",
                json!({"repositoryNames": []}),
                INVALID,
                "'repositoryNames'",
            ),
        ],
    );
}

#[test]
fn a_scan_that_cannot_be_done_says_why_and_is_not_asked_for_twice() {
    let (server, mut boto) = server();
    let image = Image::small(2);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let asked = json!({"repositoryName": "team/app", "imageId": {"imageTag": "v1"}});

    let never = boto.refused("describe_image_scan_findings", asked.clone());
    let started = boto.done("start_image_scan", asked.clone());
    let again = boto.refused("start_image_scan", asked.clone());
    let findings = scan_ended(&mut boto, &asked);

    assert_eq!(never.code, "ScanNotFoundException");
    assert!(never.message.contains("imageDigest:'null', imageTag:'v1'"), "{}", never.message);
    assert_eq!(started["imageId"], json!({"imageDigest": image.digest(), "imageTag": "v1"}));
    assert_eq!(started["imageScanStatus"]["status"], "IN_PROGRESS");
    assert_eq!(
        (again.code.as_str(), again.message.as_str()),
        ("LimitExceededException", "The scan quota per image has been exceeded. Wait and try again.")
    );
    // The layers of these images are any bytes.
    assert_eq!(findings["imageScanStatus"]["status"], "FAILED");
    let why = findings["imageScanStatus"]["description"].as_str().unwrap();
    assert!(why.contains("is no tar archive that can be read"), "{why}");
    refuses(
        &mut boto,
        &[
            (
                "start_image_scan",
                json!({"repositoryName": "team/app", "imageId": {"imageTag": "v2"}}),
                "ImageNotFoundException",
                "'v2'",
            ),
            (
                "start_image_scan",
                json!({"repositoryName": "other", "imageId": {"imageTag": "v2"}}),
                "RepositoryNotFoundException",
                "'other'",
            ),
            (
                "describe_image_scan_findings",
                json!({"repositoryName": "team/app", "imageId": {}}),
                INVALID,
                "both tag and digest",
            ),
        ],
    );
}

#[test]
fn switches_of_the_account_are_kept_and_mounting_is_really_switched_off() {
    let (server, mut boto) = server();
    let client = server.client();
    let image = Image::small(3);
    image.push(&client, "team/one", "v1").unwrap();
    boto.done("create_repository", json!({"repositoryName": "team/two"}));
    let mount = || {
        client
            .send(
                "POST",
                &format!("/v2/team/two/blobs/uploads/?mount={}&from=team/one", digest(&image.layers[0])),
                &[],
                &[],
            )
            .status
    };

    let first = boto.done("get_account_setting", json!({"name": "BLOB_MOUNTING"}));
    boto.done("put_account_setting", json!({"name": "BLOB_MOUNTING", "value": "DISABLED"}));
    let switched_off = mount();
    boto.done("put_account_setting", json!({"name": "BLOB_MOUNTING", "value": "ENABLED"}));
    let switched_on = mount();

    assert_eq!(first, json!({"name": "BLOB_MOUNTING", "value": "ENABLED"}));
    assert_eq!((switched_off, switched_on), (202, 201));
    let scan = boto.done("put_account_setting", json!({"name": "BASIC_SCAN_TYPE_VERSION", "value": "CLAIR"}));
    assert_eq!(boto.done("get_account_setting", json!({"name": "BASIC_SCAN_TYPE_VERSION"})), scan);
    refuses(
        &mut boto,
        &[
            ("get_account_setting", json!({"name": "BLOB_MOUNT"}), INVALID, "BLOB_MOUNTING"),
            ("put_account_setting", json!({"name": "BLOB_MOUNTING", "value": "MAYBE"}), INVALID, "ENABLED, DISABLED"),
        ],
    );
}

#[test]
fn pull_through_cache_rules_are_kept_and_do_not_pretend_to_work() {
    let (_server, mut boto) = server();
    let prefix = json!({"ecrRepositoryPrefix": "hub"});
    let credential =
        |name: &str| format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/{name}");
    for name in ["a", "b"] {
        let secret = json!({"Name": format!("ecr-pullthroughcache/{name}"), "SecretString": "{}"});
        boto.ask("secretsmanager", "create_secret", secret).unwrap();
    }

    let created = boto.done(
        "create_pull_through_cache_rule",
        json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "hub.example", "credentialArn": credential("a")}),
    );
    let described = boto.done("describe_pull_through_cache_rules", json!({"ecrRepositoryPrefixes": ["hub"]}))["pullThroughCacheRules"][0].clone();
    let updated = boto.done(
        "update_pull_through_cache_rule",
        json!({"ecrRepositoryPrefix": "hub", "credentialArn": credential("b")}),
    );
    let validated = boto.done("validate_pull_through_cache_rule", prefix.clone());

    assert_eq!(described, created);
    assert!(described.get("upstreamRepositoryPrefix").is_none() && described.get("updatedAt").is_none(), "{described}");
    assert_eq!(updated["credentialArn"], credential("b"));
    assert_eq!(validated["isValid"], false);
    assert!(validated["failure"].as_str().unwrap().contains("does not fetch"), "{validated}");
    for number in 0..3 {
        boto.done("create_pull_through_cache_rule", json!({"ecrRepositoryPrefix": format!("mirror{number}"), "upstreamRegistryUrl": "hub.example", "upstreamRegistry": "ecr", "upstreamRepositoryPrefix": "ROOT"}));
    }
    let page = boto.done("describe_pull_through_cache_rules", json!({"maxResults": 2}));
    let rest = boto.done("describe_pull_through_cache_rules", json!({"maxResults": 2, "nextToken": page["nextToken"]}));
    let prefixes: Vec<_> = [page, rest]
        .iter()
        .flat_map(|page| page["pullThroughCacheRules"].as_array().unwrap().clone())
        .map(|rule| rule["ecrRepositoryPrefix"].clone())
        .collect();
    assert_eq!(prefixes, ["hub", "mirror0", "mirror1", "mirror2"]);
    let deleted = boto.done("delete_pull_through_cache_rule", prefix.clone());
    assert_eq!(deleted["credentialArn"], credential("b"));
    refuses(
        &mut boto,
        &[
            (
                "create_pull_through_cache_rule",
                json!({"ecrRepositoryPrefix": "mirror0", "upstreamRegistryUrl": "hub.example"}),
                "PullThroughCacheRuleAlreadyExistsException",
                "'mirror0'",
            ),
            (
                "create_pull_through_cache_rule",
                json!({"ecrRepositoryPrefix": "Hub", "upstreamRegistryUrl": "hub.example"}),
                INVALID,
                "'ecrRepositoryPrefix'",
            ),
            (
                "create_pull_through_cache_rule",
                json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "http://hub.example/v2"}),
                INVALID,
                "'upstreamRegistryUrl'",
            ),
            (
                "create_pull_through_cache_rule",
                json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "hub.example", "credentialArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:other/a-longer-name"}),
                INVALID,
                "'credentialArn'",
            ),
            (
                "describe_pull_through_cache_rules",
                json!({"ecrRepositoryPrefixes": ["hub"]}),
                "PullThroughCacheRuleNotFoundException",
                "'hub'",
            ),
            (
                "update_pull_through_cache_rule",
                json!({"ecrRepositoryPrefix": "hub", "credentialArn": credential("a")}),
                "PullThroughCacheRuleNotFoundException",
                "'hub'",
            ),
            ("update_pull_through_cache_rule", json!({"ecrRepositoryPrefix": "mirror0"}), INVALID, "'credentialArn'"),
            ("validate_pull_through_cache_rule", prefix.clone(), "PullThroughCacheRuleNotFoundException", "'hub'"),
            ("delete_pull_through_cache_rule", prefix, "PullThroughCacheRuleNotFoundException", "'hub'"),
        ],
    );
}

#[test]
fn whose_pulls_do_not_count_is_kept() {
    let (_server, mut boto) = server();
    let arn = |name: &str| json!({"principalArn": format!("arn:aws:iam::000000000000:role/{name}")});

    let registered = boto.done("register_pull_time_update_exclusion", arn("scanner"));
    boto.done("register_pull_time_update_exclusion", arn("mirror"));
    let page = boto.done("list_pull_time_update_exclusions", json!({"maxResults": 1}));
    let rest = boto.done("list_pull_time_update_exclusions", json!({"nextToken": page["nextToken"]}));

    assert_eq!(registered["principalArn"], arn("scanner")["principalArn"]);
    assert_eq!(page["pullTimeUpdateExclusions"], json!([arn("mirror")["principalArn"]]));
    assert_eq!(rest, json!({"pullTimeUpdateExclusions": [arn("scanner")["principalArn"]]}));
    refuses(
        &mut boto,
        &[
            ("register_pull_time_update_exclusion", arn("scanner"), "ExclusionAlreadyExistsException", "role/scanner"),
            ("register_pull_time_update_exclusion", json!({"principalArn": "scanner"}), INVALID, "'principalArn'"),
            ("deregister_pull_time_update_exclusion", arn("nobody"), "ExclusionNotFoundException", "role/nobody"),
        ],
    );
    boto.done("deregister_pull_time_update_exclusion", arn("scanner"));
    assert_eq!(
        boto.refused("deregister_pull_time_update_exclusion", arn("scanner")).code,
        "ExclusionNotFoundException"
    );
}

#[test]
fn signing_is_kept_and_its_status_is_honest() {
    let (server, mut boto) = server();
    Image::small(4).push(&server.client(), "prod/app", "v1").unwrap();
    let profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/release";
    let configuration = json!({"rules": [{"signingProfileArn": profile, "repositoryFilters": [{"filter": "prod/*", "filterType": "WILDCARD_MATCH"}]}]});
    let image = json!({"repositoryName": "prod/app", "imageId": {"imageTag": "v1"}});

    assert_eq!(boto.refused("get_signing_configuration", json!({})).code, "SigningConfigurationNotFoundException");
    assert_eq!(boto.done("describe_image_signing_status", image.clone())["signingStatuses"], json!([]));
    assert_eq!(
        boto.done("put_signing_configuration", json!({"signingConfiguration": configuration}))["signingConfiguration"],
        configuration
    );
    assert_eq!(
        boto.done("get_signing_configuration", json!({})),
        json!({"registryId": "000000000000", "signingConfiguration": configuration})
    );
    let status = boto.done("describe_image_signing_status", image)["signingStatuses"][0].clone();
    assert_eq!((&status["status"], &status["signingProfileArn"]), (&json!("FAILED"), &json!(profile)));
    assert!(status["failureReason"].as_str().unwrap().contains("does not sign"), "{status}");
    assert_eq!(boto.done("delete_signing_configuration", json!({}))["signingConfiguration"], configuration);
    refuses(
        &mut boto,
        &[
            ("delete_signing_configuration", json!({}), "SigningConfigurationNotFoundException", "000000000000"),
            (
                "put_signing_configuration",
                json!({"signingConfiguration": {"rules": [{"signingProfileArn": "release"}]}}),
                INVALID,
                "'signingProfileArn'",
            ),
            (
                "put_signing_configuration",
                json!({"signingConfiguration": {"rules": vec![json!({"signingProfileArn": profile}); 11]}}),
                INVALID,
                "'rules'",
            ),
            (
                "describe_image_signing_status",
                json!({"repositoryName": "prod/app", "imageId": {"imageTag": "v2"}}),
                "ImageNotFoundException",
                "'v2'",
            ),
        ],
    );
}

#[test]
fn referrers_are_listed_by_type_and_in_pages() {
    let (server, mut boto) = server();
    let image = Image::small(5);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let mut digests = Vec::new();
    for number in 0..5 {
        let kind = if number < 3 { "application/vnd.example.sbom" } else { "application/vnd.example.signature" };
        let config = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2});
        server.client().push_blob("team/app", b"{}").unwrap();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "artifactType": kind, "config": config, "layers": [config],
            "annotations": {"number": number.to_string()},
            "subject": {"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()},
        }).to_string();
        boto.done("put_image", json!({"repositoryName": "team/app", "imageManifest": manifest}));
        digests.push((digest(manifest.as_bytes()), kind));
    }
    digests.sort();
    let mut list = |arguments: Value| {
        let mut whole = json!({"repositoryName": "team/app", "subjectId": {"imageDigest": image.digest()}});
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        boto.done("list_image_referrers", whole)
    };
    let of = |answer: &Value| {
        answer["referrers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["digest"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };

    let all = list(json!({}));
    assert_eq!(of(&all), digests.iter().map(|(digest, _)| digest.clone()).collect::<Vec<_>>());
    let first = &all["referrers"][0];
    assert_eq!((&first["artifactType"], &first["artifactStatus"]), (&json!(digests[0].1), &json!("ACTIVE")));
    let (mut found, mut token) = (Vec::new(), json!(null));
    for _ in 0..5 {
        let page = list(
            json!({"maxResults": 1, "filter": {"artifactTypes": ["application/vnd.example.sbom"]}, "nextToken": token}),
        );
        found.extend(of(&page));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let wanted: Vec<_> =
        digests.iter().filter(|(_, kind)| kind.ends_with("sbom")).map(|(digest, _)| digest.clone()).collect();
    assert_eq!(found, wanted);
    assert_eq!(list(json!({"filter": {"artifactStatus": "ARCHIVED"}}))["referrers"], json!([]));
    assert_eq!(
        boto.done(
            "describe_images",
            json!({"repositoryName": "team/app", "imageIds": [{"imageDigest": digests[0].0}]})
        )["imageDetails"][0]["subjectManifestDigest"],
        image.digest()
    );
    refuses(
        &mut boto,
        &[
            (
                "list_image_referrers",
                json!({"repositoryName": "other", "subjectId": {"imageDigest": image.digest()}}),
                "RepositoryNotFoundException",
                "'other'",
            ),
            (
                "list_image_referrers",
                json!({"repositoryName": "team/app", "subjectId": {"imageDigest": "x"}}),
                INVALID,
                "'imageDigest'",
            ),
            ("list_image_referrers", json!({"repositoryName": "team/app", "subjectId": {}}), INVALID, "'imageDigest'"),
        ],
    );
}

#[test]
fn a_setting_lets_an_image_be_scanned_again_at_once() {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_SCANNING__REPEAT_AFTER", "0s")]);
    let mut boto = Boto::of(&server);
    Image::small(6).push(&server.client(), "team/app", "v1").unwrap();
    let asked = json!({"repositoryName": "team/app", "imageId": {"imageTag": "v1"}});

    boto.done("start_image_scan", asked.clone());
    let again = boto.done("start_image_scan", asked);

    assert_eq!(again["imageScanStatus"]["status"], "IN_PROGRESS");
}

/// Waits until a scan has ended.
fn scan_ended(boto: &mut Boto, asked: &Value) -> Value {
    for _ in 0..200 {
        let found = boto.done("describe_image_scan_findings", asked.clone());
        if found["imageScanStatus"]["status"] != "IN_PROGRESS" {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the scan of {asked} has not ended");
}
