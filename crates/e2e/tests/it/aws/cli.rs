use super::settle;
use crate::clients::{Home, assert_says};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_e2e::{Image, PASSWORD, Server, USER, digest, tool};
use serde_json::{Value, json};
use std::process::{Command, Output};

/// Runs the AWS command line.
fn aws(server: &Server, home: &Home, arguments: &[&str]) -> Output {
    let mut command = Command::new(tool("python-aws"));
    home.settle(&mut command);
    settle(&mut command, server, USER, PASSWORD);
    command.args(["-m", "awscli"]).args(arguments).output().unwrap()
}

/// The same; it must end well. Returns what it prints.
#[track_caller]
fn done(server: &Server, home: &Home, arguments: &[&str]) -> String {
    let output = aws(server, home, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

#[test]
fn the_whole_life_of_a_repository() {
    let (server, home) = (Server::with(&[("GANTRY_CREATE_ON_PUSH", "false")]), Home::new());
    let aws = |arguments: &[&str]| done(&server, &home, arguments);
    let image = Image::small(1);

    let created = json(&aws(&[
        "ecr",
        "create-repository",
        "--repository-name",
        "team/app",
        "--image-tag-mutability",
        "IMMUTABLE",
        "--tags",
        "Key=team,Value=blue",
    ]));
    let uri = created["repository"]["repositoryUri"].as_str().unwrap().to_string();
    let password = aws(&["ecr", "get-login-password"]);
    let login = format!("skopeo login --tls-verify=false --username AWS --password-stdin {}", server.address());
    home.feed(&login, password.trim()).succeeded();
    let layout = crate::clients::layout::Layout::image(
        200,
        crate::clients::layout::Format::Oci,
        &[crate::clients::layout::Packing::Gzip],
    );
    home.run(&format!(
        "skopeo copy --dest-tls-verify=false --preserve-digests oci:{}:v1 docker://{uri}:v1",
        layout.path()
    ))
    .succeeded();

    let listed = json(&aws(&["ecr", "list-images", "--repository-name", "team/app"]));
    assert_eq!(listed["imageIds"], json!([{"imageDigest": layout.digest(), "imageTag": "v1"}]));
    let described = aws(&[
        "ecr",
        "describe-images",
        "--repository-name",
        "team/app",
        "--query",
        "imageDetails[0].imageTags[0]",
        "--output",
        "text",
    ]);
    assert_eq!(described.trim(), "v1");
    let manifest = aws(&[
        "ecr",
        "batch-get-image",
        "--repository-name",
        "team/app",
        "--image-ids",
        "imageTag=v1",
        "--query",
        "images[0].imageManifest",
        "--output",
        "text",
    ]);
    assert_eq!(digest(manifest.trim_end_matches('\n').as_bytes()), layout.digest());
    // Retagging without a pull, as AWS's guide has it.
    aws(&[
        "ecr",
        "put-image",
        "--repository-name",
        "team/app",
        "--image-tag",
        "stable",
        "--image-manifest",
        manifest.trim_end_matches('\n'),
    ]);
    assert_eq!(
        server.client().get("/v2/team/app/manifests/stable").header("docker-content-digest"),
        Some(layout.digest()).as_deref()
    );
    let moved = image.push(&server.client(), "team/app", "v1").unwrap();
    assert_eq!((moved.status, moved.code()), (400, "TAG_INVALID".into()));

    let deleted = json(&aws(&[
        "ecr",
        "batch-delete-image",
        "--repository-name",
        "team/app",
        "--image-ids",
        "imageTag=v1",
        "imageTag=stable",
    ]));
    assert_eq!(deleted["failures"], json!([]));
    aws(&["ecr", "delete-repository", "--repository-name", "team/app"]);
    assert_eq!(json(&aws(&["ecr", "describe-repositories"]))["repositories"], json!([]));
}

#[test]
fn pages_are_walked_by_the_command_line() {
    let (server, home) = (Server::start(), Home::new());
    for number in 0..5 {
        Image::small(number).push(&server.client(), "team/app", &format!("v{number}")).unwrap();
    }

    let listed =
        json(&done(&server, &home, &["ecr", "list-images", "--repository-name", "team/app", "--page-size", "2"]));
    let some =
        json(&done(&server, &home, &["ecr", "list-images", "--repository-name", "team/app", "--max-items", "3"]));

    assert_eq!(listed["imageIds"].as_array().unwrap().len(), 5);
    assert_eq!(some["imageIds"].as_array().unwrap().len(), 3);
}

#[test]
fn errors_reach_who_types_the_command() {
    let (server, home) = (Server::start(), Home::new());

    let output = aws(&server, &home, &["ecr", "describe-images", "--repository-name", "team/none"]);

    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_says(&said, &["(RepositoryNotFoundException) when calling the DescribeImages operation"]);
}

#[test]
fn who_am_i() {
    let (server, home) = (Server::start(), Home::new());

    let caller = json(&done(&server, &home, &["sts", "get-caller-identity"]));

    assert_eq!(caller["Arn"], "arn:aws:iam::000000000000:root");
}

#[test]
fn a_password_of_get_login_password_is_good_for_docker_and_crane() {
    let (server, home) = (Server::start(), Home::new());
    let password = done(&server, &home, &["ecr", "get-login-password"]);
    let layout = crate::clients::layout::Layout::image(
        201,
        crate::clients::layout::Format::Oci,
        &[crate::clients::layout::Packing::Gzip],
    );

    home.feed(&format!("crane auth login --username AWS --password-stdin {}", server.address()), password.trim())
        .succeeded();
    home.run(&format!("crane push {} {}/team/app:v1", layout.path(), server.address())).succeeded();

    assert_eq!(home.run(&format!("crane digest {}/team/app:v1", server.address())).succeeded().text(), layout.digest());
    let wrong = home
        .feed(
            &format!("skopeo login --tls-verify=false --username AWS --password-stdin {}", server.address()),
            "gtk1.a.b",
        )
        .refused();
    assert_says(&wrong, &["invalid username/password", "unauthorized"]);
}

#[test]
fn the_command_line_encrypts_and_decrypts() {
    let (server, home) = (Server::start(), Home::new());
    let aws = |arguments: &[&str]| done(&server, &home, arguments);
    home.write("short.txt", "only for few");
    let file = format!("fileb://{}", home.path("short.txt").display());

    let key = json(&aws(&["kms", "create-key", "--description", "for tests", "--tags", "TagKey=team,TagValue=a"]));
    let id = key["KeyMetadata"]["KeyId"].as_str().unwrap();
    aws(&["kms", "create-alias", "--alias-name", "alias/app", "--target-key-id", id]);
    let encrypt = ["kms", "encrypt", "--key-id", "alias/app", "--plaintext", &file, "--query", "CiphertextBlob"];
    let sealed = STANDARD.decode(json(&aws(&encrypt)).as_str().unwrap()).unwrap();
    home.write("sealed", sealed);
    let file = format!("fileb://{}", home.path("sealed").display());
    let opened = json(&aws(&["kms", "decrypt", "--ciphertext-blob", &file]));

    assert_eq!(opened["Plaintext"], "b25seSBmb3IgZmV3");
    assert_says(&aws(&["kms", "list-aliases"]), &["alias/app", id]);
}

#[test]
fn policies_are_tried_before_they_are_written() {
    let (server, home) = (Server::start(), Home::new());
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }]})
    .to_string();
    let simulate = |context: &[&str]| {
        let asked =
            ["iam", "simulate-custom-policy", "--action-names", "ecr:BatchGetImage", "--policy-input-list", &policy];
        json(&done(&server, &home, &[&asked[..], context].concat()))["EvaluationResults"][0].clone()
    };

    let outside = simulate(&[]);
    let within =
        simulate(&["--context-entries", "ContextKeyName=aws:SourceIp,ContextKeyType=ip,ContextKeyValues=10.1.2.3"]);
    let keys = done(&server, &home, &["iam", "get-context-keys-for-custom-policy", "--policy-input-list", &policy]);

    assert_eq!((&outside["EvalDecision"], &within["EvalDecision"]), (&json!("implicitDeny"), &json!("allowed")));
    assert_eq!(outside["MissingContextValues"], json!(["aws:SourceIp"]));
    assert_eq!(json(&keys)["ContextKeyNames"], json!(["aws:SourceIp"]));
}
