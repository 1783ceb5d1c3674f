//! That no operation is without a test.

use super::Boto;
use gantry_e2e::{Client, Image, MASTER_KEY, PASSWORD, Postgres, Server, USER, digest};
use serde_json::json;

/// Every test of this folder, as text.
const TESTS: &[&str] = &[
    include_str!("every.rs"),
    include_str!("../archive.rs"),
    include_str!("images.rs"),
    include_str!("lifecycle.rs"),
    include_str!("pages.rs"),
    include_str!("repositories.rs"),
    include_str!("settings.rs"),
    include_str!("templates.rs"),
];

#[test]
fn boto3_asks_for_every_operation_that_the_page_tells_of() {
    let rows = include_str!("../../../../../docs/ecr.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

    let asked = |name: &&str| {
        let quoted = format!("\"{}\"", of_boto(name));
        TESTS.iter().any(|text| text.contains(&quoted))
    };
    let without: Vec<_> = named.iter().filter(|name| !asked(name)).collect();

    assert_eq!(named.len(), 62);
    assert!(without.is_empty(), "no test asks for {without:?}");
}

/// The name that boto3 gives to an operation.
pub(crate) fn of_boto(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn a_token_is_the_password_of_docker_login_and_outlives_a_crash() {
    let mut server = Server::start();
    let mut boto = Boto::of(&server);

    let answer = boto.done("get_authorization_token", json!({}));
    server.restart();

    let data = &answer["authorizationData"][0];
    let address = server.address().to_string();
    assert!(data["proxyEndpoint"].as_str().unwrap().ends_with(&address), "{data}");
    assert!(data["expiresAt"].as_f64().unwrap() > 0.0);
    let token = data["authorizationToken"].as_str().unwrap();
    let headers = [("authorization", &*format!("Basic {token}"))];
    assert_eq!(Client::anonymous(server.address()).send("GET", "/v2/", &headers, b"").status, 200);
    let refused = Boto::with(&server, USER, &format!("{PASSWORD}x")).refused("get_authorization_token", json!({}));
    assert_eq!(refused.code, "InvalidSignatureException");
}

#[test]
fn the_api_works_on_postgresql_as_it_does_on_sqlite() {
    let postgres = Postgres::start();
    let mut server = Server::with(&[("GANTRY_DATABASE__URL", &postgres.url()), MASTER_KEY]);
    let mut boto = Boto::of(&server);
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "amd64").unwrap();
    let child = json!({"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()});
    let index =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [child]})
            .to_string();
    let named = json!({"repositoryName": "team/app"});
    let policy = r#"{"rules": [{"rulePriority": 1, "description": "keep no more than one image", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}"#;

    boto.done("put_image", json!({"repositoryName": "team/app", "imageManifest": index, "imageTag": "v1"}));
    boto.done("put_image_tag_mutability", json!({"repositoryName": "team/app", "imageTagMutability": "IMMUTABLE"}));
    boto.done("put_lifecycle_policy", json!({"repositoryName": "team/app", "lifecyclePolicyText": policy}));
    boto.done("start_lifecycle_policy_preview", named.clone());
    server.restart();

    let sizes: Vec<_> = boto.done("describe_images", named.clone())["imageDetails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["imageSizeInBytes"].clone())
        .collect();
    assert_eq!(sizes.len(), 2);
    assert_eq!(sizes[0], sizes[1], "an index is as large as its only child");
    let moved = Image::small(2).push(&server.client(), "team/app", "v1").unwrap();
    assert_eq!((moved.status, moved.code().as_str()), (400, "TAG_INVALID"));
    // The child lives with its index, and is not counted.
    assert_eq!(boto.done("get_lifecycle_policy_preview", named.clone())["previewResults"], json!([]));
    let kept =
        boto.done("batch_delete_image", json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "amd64"}]}));
    assert_eq!(kept["failures"][0]["failureCode"], "ImageReferencedByManifestList");
    let both = json!([{"imageTag": "v1"}, {"imageDigest": digest(&image.manifest)}]);
    let gone = boto.done("batch_delete_image", json!({"repositoryName": "team/app", "imageIds": both}));
    assert_eq!(gone["failures"], json!([]));
    assert_eq!(boto.done("list_images", named)["imageIds"], json!([]));
}
