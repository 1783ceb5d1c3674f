//! The table: a row for each operation, in an order in which the good calls can be made one after the other. The refused
//! ones are made before, so that nothing is there yet but what [`World::make`] makes.

use super::Case;
use crate::aws::Boto;
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_e2e::{Image, Server, digest};
use serde_json::{Value, json};

const INVALID: &str = "InvalidParameterException";
/// As many as a registry may have.
const CACHE_RULES_MAX: usize = 50;
const TEMPLATES_MAX: usize = 50;
const EXCLUSIONS_MAX: usize = 100;
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
const POLICY: &str =
    r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "ecr:BatchGetImage"}]}"#;
const REGISTRY_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/*"}]}"#;
const LIFECYCLE: &str = r#"{"rules": [{"rulePriority": 1, "description": "keep two", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}, "action": {"type": "expire"}}]}"#;

/// Arguments by a number, so that no two are the same.
pub(super) type Arguments = fn(usize) -> Value;

/// An operation.
pub(super) struct Row {
    /// As boto3 calls it.
    pub(super) operation: &'static str,
    /// Arguments that are answered.
    pub(super) good: Value,
    /// How others are refused; those of `registryId`, `repositoryName`, `maxResults` and `nextToken` come by themselves.
    pub(super) refused: Vec<Case>,
    /// How often it can be done at most, with the arguments of each time.
    pub(super) limit: Option<(usize, Arguments)>,
    /// Whether there is anything that it answers.
    pub(super) is_answered: bool,
}

fn row(operation: &'static str, good: Value) -> Row {
    Row { operation, good, refused: vec![], limit: None, is_answered: true }
}

impl Row {
    /// It is refused with this exception where these arguments are other.
    fn refuses(mut self, code: &'static str, change: Value) -> Row {
        self.refused.push((code, change));
        self
    }

    /// It can be done so often, and no more.
    fn at_most(mut self, times: usize, arguments: Arguments) -> Row {
        self.limit = Some((times, arguments));
        self
    }

    /// It is refused also with the arguments given first.
    fn never_answered(mut self) -> Row {
        self.is_answered = false;
        self
    }
}

/// What is there before the table is gone through.
pub(super) struct World {
    /// `team/app:v1`.
    app: Image,
    /// `team/fixed:v1`, whose tags do not move; it was scanned, and a policy was tried on it.
    fixed: Image,
    /// Its blobs are in `team/fixed`, its manifest is not.
    ready: Image,
    /// Uploads to `team/app`: two without a byte, one of `whole`, one of `other`, and one of a layer of `app`.
    uploads: [Value; 5],
    /// A backfill that has ended.
    backfill: Value,
}

impl World {
    pub(super) fn make(server: &Server, boto: &mut Boto) -> World {
        let [app, fixed, ready] = [1, 2, 3].map(Image::small);
        app.push(&server.client(), "team/app", "v1").unwrap();
        fixed.push(&server.client(), "team/fixed", "v1").unwrap();
        for blob in ready.layers.iter().chain([&ready.config]) {
            server.client().push_blob("team/fixed", blob).unwrap();
        }
        let of_fixed = json!({"repositoryName": "team/fixed", "imageId": {"imageTag": "v1"}});
        boto.done("create_repository", json!({"repositoryName": "team/cold"}));
        app.push(&server.client(), "team/cold", "v1").unwrap();
        let archived =
            json!({"repositoryName": "team/cold", "imageId": {"imageTag": "v1"}, "targetStorageClass": "ARCHIVE"});
        boto.done("update_image_storage_class", archived);
        boto.done("create_repository", json!({"repositoryName": "team/list"}));
        app.push(&server.client(), "team/list", "v1").unwrap();
        boto.done("put_image", json!({"repositoryName": "team/list", "imageManifest": index(&app), "imageTag": "all"}));
        boto.done(
            "put_image_tag_mutability",
            json!({"repositoryName": "team/fixed", "imageTagMutability": "IMMUTABLE"}),
        );
        boto.done("start_image_scan", of_fixed);
        let tried = json!({"repositoryName": "team/fixed", "lifecyclePolicyText": LIFECYCLE});
        boto.done("start_lifecycle_policy_preview", tried);
        boto.done(
            "create_pull_through_cache_rule",
            json!({"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "hub.example"}),
        );
        let secret = json!({"Name": "ecr-pullthroughcache/hub", "SecretString": "{}"});
        boto.ask("secretsmanager", "create_secret", secret).unwrap();
        boto.done("create_repository_creation_template", json!({"prefix": "prod", "appliedFor": ["REPLICATION"]}));
        boto.done("register_pull_time_update_exclusion", principal("known"));
        let rules = json!({"rules": [{"destinations": [destination("eu-west-1")]}]});
        boto.done("put_replication_configuration", json!({"replicationConfiguration": rules}));
        let backfill = boto.done("start_replication_backfill", json!({"destination": destination("eu-west-1")}));
        let layer = app.layers[0].clone();
        let uploads = [&b""[..], b"", b"whole", b"other", &layer].map(|bytes| upload(boto, bytes));
        World { app, fixed, ready, uploads, backfill: backfill["replicationBackfillId"].clone() }
    }
}

/// Begins an upload with some bytes.
fn upload(boto: &mut Boto, bytes: &[u8]) -> Value {
    let id = boto.done("initiate_layer_upload", json!({"repositoryName": "team/app"}))["uploadId"].clone();
    if !bytes.is_empty() {
        let (last, blob) = (bytes.len() - 1, STANDARD.encode(bytes));
        boto.done("upload_layer_part", json!({"repositoryName": "team/app", "uploadId": id, "partFirstByte": 0, "partLastByte": last, "layerPartBlob": blob}));
    }
    id
}

fn principal(name: impl std::fmt::Display) -> Value {
    json!({"principalArn": format!("arn:aws:iam::000000000000:role/{name}")})
}

fn destination(region: &str) -> Value {
    json!({"region": region, "registryId": "000000000000"})
}

fn arn(name: &str) -> Value {
    json!({"resourceArn": format!("arn:aws:ecr:us-east-1:000000000000:repository/{name}")})
}

fn tags(count: usize) -> Value {
    let tags: Vec<_> = (0..count).map(|number| json!({"Key": format!("key{number}"), "Value": ""})).collect();
    json!({"tags": tags})
}

fn manifest(image: &Image) -> String {
    String::from_utf8(image.manifest.clone()).unwrap()
}

/// An index of one image.
fn index(image: &Image) -> String {
    let child = json!({"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()});
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [child]})
        .to_string()
}

/// Every operation.
pub(super) fn rows(world: &World) -> Vec<Row> {
    [repositories(), images(world), layers(world), policies(), registry(world), ends()].into_iter().flatten().collect()
}

fn repositories() -> Vec<Row> {
    let (app, reserved) = (json!({"repositoryName": "team/app"}), json!({"tags": [{"Key": "aws:a", "Value": ""}]}));
    let with = |more: Value| super::merged(&app, &more);
    vec![
        row("create_repository", json!({"repositoryName": "team/new"}))
            .refuses("RepositoryAlreadyExistsException", app.clone())
            .refuses("InvalidTagParameterException", reserved.clone())
            .refuses("TooManyTagsException", tags(51))
            .refuses("KmsException", json!({"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": NOBODY}})),
        row("describe_repositories", json!({}))
            .refuses("RepositoryNotFoundException", json!({"repositoryNames": ["team/none"]})),
        row("put_image_scanning_configuration", with(json!({"imageScanningConfiguration": {"scanOnPush": true}}))),
        row("put_image_tag_mutability", with(json!({"imageTagMutability": "MUTABLE"}))),
        row("tag_resource", super::merged(&arn("team/app"), &tags(1)))
            .refuses(INVALID, json!({"resourceArn": "team/app"}))
            .refuses("RepositoryNotFoundException", arn("team/none"))
            .refuses("InvalidTagParameterException", reserved)
            .refuses("TooManyTagsException", tags(51)),
        row("list_tags_for_resource", arn("team/app"))
            .refuses(INVALID, json!({"resourceArn": "team/app"}))
            .refuses("RepositoryNotFoundException", arn("team/none")),
        row("untag_resource", super::merged(&arn("team/app"), &json!({"tagKeys": ["key0"]})))
            .refuses(INVALID, json!({"resourceArn": "team/app"}))
            .refuses("RepositoryNotFoundException", arn("team/none")),
        row("batch_get_repository_scanning_configuration", json!({"repositoryNames": ["team/app"]}))
            .refuses(INVALID, json!({"repositoryNames": []})),
    ]
}

fn images(world: &World) -> Vec<Row> {
    let v1 = |name: &str| json!({"repositoryName": name, "imageId": {"imageTag": "v1"}});
    let none = || json!({"imageId": {"imageTag": "none"}});
    let ids = || json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]});
    let put = json!({"repositoryName": "team/fixed", "imageManifest": manifest(&world.ready), "imageTag": "v3"});
    vec![
        row("put_image", put)
            .refuses("ImageAlreadyExistsException", json!({"imageManifest": manifest(&world.fixed), "imageTag": "v1"}))
            .refuses("ImageTagAlreadyExistsException", json!({"imageTag": "v1"}))
            .refuses("LayersNotFoundException", json!({"imageManifest": manifest(&Image::small(9))}))
            .refuses("ReferencedImagesNotFoundException", json!({"imageManifest": index(&Image::small(9))}))
            .refuses("ImageDigestDoesNotMatchException", json!({"imageDigest": digest(b"other")})),
        row("batch_get_image", ids()),
        row("describe_images", json!({"repositoryName": "team/app"}))
            .refuses("ImageNotFoundException", json!({"imageIds": [{"imageTag": "none"}]})),
        row("list_images", json!({"repositoryName": "team/app"})),
        row(
            "list_image_referrers",
            json!({"repositoryName": "team/app", "subjectId": {"imageDigest": world.app.digest()}}),
        ),
        row("describe_image_replication_status", v1("team/app")).refuses("ImageNotFoundException", none()),
        row("describe_image_signing_status", v1("team/app")).refuses("ImageNotFoundException", none()),
        row("start_image_scan", v1("team/app"))
            .refuses("ImageNotFoundException", none())
            .refuses("ImageArchivedException", json!({"repositoryName": "team/cold"}))
            .refuses("LimitExceededException", json!({"repositoryName": "team/fixed"})),
        row("describe_image_scan_findings", v1("team/fixed"))
            .refuses("ImageNotFoundException", none())
            .refuses("ScanNotFoundException", json!({"repositoryName": "team/app"})),
        row("update_image_storage_class", super::merged(&v1("team/app"), &json!({"targetStorageClass": "STANDARD"})))
            .refuses("ImageNotFoundException", none())
            .refuses(
                "ImageStorageClassUpdateNotSupportedException",
                json!({"repositoryName": "team/list", "targetStorageClass": "ARCHIVE"}),
            ),
        row("batch_delete_image", ids()),
    ]
}

fn layers(world: &World) -> Vec<Row> {
    let [begun, empty, whole, other, known] = &world.uploads;
    let layer = digest(&world.app.layers[0]);
    let part = json!({"repositoryName": "team/app", "uploadId": begun, "partFirstByte": 0, "partLastByte": 3, "layerPartBlob": STANDARD.encode("0123")});
    let complete = json!({"repositoryName": "team/app", "uploadId": whole, "layerDigests": [digest(b"whole")]});
    vec![
        row("initiate_layer_upload", json!({"repositoryName": "team/app"})),
        row("upload_layer_part", part)
            .refuses("InvalidLayerPartException", json!({"partFirstByte": 5, "partLastByte": 8}))
            .refuses("UploadNotFoundException", json!({"uploadId": NOBODY})),
        row("complete_layer_upload", complete)
            .refuses("UploadNotFoundException", json!({"uploadId": NOBODY}))
            .refuses("EmptyUploadException", json!({"uploadId": empty}))
            .refuses("InvalidLayerException", json!({"uploadId": other}))
            .refuses("LayerAlreadyExistsException", json!({"uploadId": known, "layerDigests": [layer]})),
        row("batch_check_layer_availability", json!({"repositoryName": "team/app", "layerDigests": [layer]})),
        row("get_download_url_for_layer", json!({"repositoryName": "team/app", "layerDigest": layer}))
            .refuses("LayersNotFoundException", json!({"layerDigest": digest(b"none")})),
    ]
}

fn policies() -> Vec<Row> {
    let app = || json!({"repositoryName": "team/app"});
    let (unchanged, without) = (|| json!({}), "LifecyclePolicyNotFoundException");
    let with = |member: &str, text: &str| json!({"repositoryName": "team/app", member: text});
    let unsigned = "SigningConfigurationNotFoundException";
    let profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/release";
    vec![
        row("put_lifecycle_policy", with("lifecyclePolicyText", LIFECYCLE)),
        row("get_lifecycle_policy", app()).refuses(without, unchanged()),
        row("start_lifecycle_policy_preview", with("lifecyclePolicyText", LIFECYCLE))
            .refuses(without, json!({"lifecyclePolicyText": null})),
        row("get_lifecycle_policy_preview", json!({"repositoryName": "team/fixed"}))
            .refuses("LifecyclePolicyPreviewNotFoundException", app()),
        row("delete_lifecycle_policy", app()).refuses(without, unchanged()),
        row("set_repository_policy", with("policyText", POLICY)),
        row("get_repository_policy", app()).refuses("RepositoryPolicyNotFoundException", unchanged()),
        row("delete_repository_policy", app()).refuses("RepositoryPolicyNotFoundException", unchanged()),
        row("put_registry_policy", json!({"policyText": REGISTRY_POLICY})).refuses(INVALID, json!({"policyText": "{"})),
        row("get_registry_policy", json!({})).refuses("RegistryPolicyNotFoundException", unchanged()),
        row("delete_registry_policy", json!({})).refuses("RegistryPolicyNotFoundException", unchanged()),
        row("put_signing_configuration", json!({"signingConfiguration": {"rules": [{"signingProfileArn": profile}]}}))
            .refuses(INVALID, json!({"signingConfiguration": {"rules": [{"signingProfileArn": "release"}]}})),
        row("get_signing_configuration", json!({})).refuses(unsigned, unchanged()),
        row("delete_signing_configuration", json!({})).refuses(unsigned, unchanged()),
    ]
}

fn registry(world: &World) -> Vec<Row> {
    let backfill = || json!({"replicationBackfillId": world.backfill});
    let nobody = || json!({"replicationBackfillId": NOBODY});
    let no_id = || json!({"replicationBackfillId": "x"});
    let no_arn = || json!({"principalArn": "scanner"});
    vec![
        row("describe_registry", json!({})),
        row("get_authorization_token", json!({})).refuses(INVALID, json!({"registryIds": ["1"]})),
        row("put_account_setting", json!({"name": "BLOB_MOUNTING", "value": "ENABLED"}))
            .refuses(INVALID, json!({"value": "MAYBE"})),
        row("get_account_setting", json!({"name": "BLOB_MOUNTING"})).refuses(INVALID, json!({"name": "MOUNTING"})),
        row("put_registry_scanning_configuration", json!({"scanType": "BASIC"}))
            .refuses(INVALID, json!({"scanType": "DEEP"})),
        row("get_registry_scanning_configuration", json!({})),
        row("register_pull_time_update_exclusion", principal("mirror"))
            .refuses(INVALID, no_arn())
            .refuses("ExclusionAlreadyExistsException", principal("known"))
            .at_most(EXCLUSIONS_MAX, principal),
        row("list_pull_time_update_exclusions", json!({})),
        row("deregister_pull_time_update_exclusion", principal("mirror"))
            .refuses(INVALID, no_arn())
            .refuses("ExclusionNotFoundException", principal("nobody")),
        row("start_replication_backfill", json!({"destination": destination("eu-west-1")}))
            .refuses(INVALID, json!({"destination": destination("eu-north-1")})),
        row("list_replication_backfills", json!({})),
        row("describe_replication_backfill_results", backfill())
            .refuses(INVALID, no_id())
            .refuses("ReplicationBackfillNotFoundException", nobody()),
        row("stop_replication_backfill", backfill())
            .refuses(INVALID, no_id())
            .refuses("ReplicationBackfillNotFoundException", nobody())
            .refuses("ReplicationBackfillInvalidStatusException", json!({}))
            .never_answered(),
        row("put_replication_configuration", json!({"replicationConfiguration": {"rules": []}}))
            .refuses(INVALID, json!({"replicationConfiguration": {}})),
    ]
}

/// What is made with a prefix, and what ends the life of things.
fn ends() -> Vec<Row> {
    let credential = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/hub";
    let none_such = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ecr-pullthroughcache/none";
    let (hub, none) = (json!({"ecrRepositoryPrefix": "hub"}), json!({"ecrRepositoryPrefix": "none"}));
    let (exists, missing) = ("PullThroughCacheRuleAlreadyExistsException", "PullThroughCacheRuleNotFoundException");
    let prefix = |prefix: &str| json!({"prefix": prefix});
    vec![
        row(
            "create_pull_through_cache_rule",
            json!({"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.example"}),
        )
        .refuses(exists, hub.clone())
        .refuses("SecretNotFoundException", json!({"credentialArn": none_such}))
        .at_most(
            CACHE_RULES_MAX,
            |number| json!({"ecrRepositoryPrefix": format!("rule{number}"), "upstreamRegistryUrl": "quay.example"}),
        ),
        row("describe_pull_through_cache_rules", json!({}))
            .refuses(missing, json!({"ecrRepositoryPrefixes": ["none"]})),
        row("update_pull_through_cache_rule", json!({"ecrRepositoryPrefix": "hub", "credentialArn": credential}))
            .refuses(missing, none.clone())
            .refuses("SecretNotFoundException", json!({"credentialArn": none_such})),
        row("validate_pull_through_cache_rule", hub).refuses(missing, none.clone()),
        row("delete_pull_through_cache_rule", json!({"ecrRepositoryPrefix": "quay"})).refuses(missing, none),
        row("create_repository_creation_template", json!({"prefix": "dev", "appliedFor": ["REPLICATION"]}))
            .refuses(INVALID, prefix("Dev"))
            .refuses("TemplateAlreadyExistsException", prefix("prod"))
            .at_most(TEMPLATES_MAX, |number| json!({"prefix": format!("t{number}"), "appliedFor": ["REPLICATION"]})),
        row("describe_repository_creation_templates", json!({})),
        row("update_repository_creation_template", json!({"prefix": "prod", "description": "for production"}))
            .refuses(INVALID, json!({"appliedFor": ["NEVER"]}))
            .refuses("TemplateNotFoundException", prefix("none")),
        row("delete_repository_creation_template", prefix("dev"))
            .refuses(INVALID, prefix("Dev"))
            .refuses("TemplateNotFoundException", prefix("none")),
        row("delete_repository", json!({"repositoryName": "team/new"}))
            .refuses("RepositoryNotEmptyException", json!({"repositoryName": "team/app"})),
    ]
}
