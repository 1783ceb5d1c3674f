//! Scan policies keep bad images from being pulled, and let them through again when they should.

mod quarantine;

use crate::{
    aws::Boto,
    clients::logged_in,
    commands::Person,
    scan::{advisories, image, import},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_e2e::{Answer, Client, Image, Server, digest, until};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What the flaw of the tests is mended in.
const MENDED: &str = "3.0.13-1~deb12u1";
const FLAWED: &str = "3.0.11-1~deb12u2";
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of advisories that speak of the distribution's package alone.
fn one_advisory(folder: &Path) -> PathBuf {
    let all = advisories(folder);
    std::fs::remove_dir_all(all.join("PyPI")).unwrap();
    all
}

/// A person at a server with advisories, in whose `team/` no flaw of severity HIGH may be.
fn gated(more: &[&str]) -> Person {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let folder = tempfile::tempdir().unwrap();
    import(&person.server, &one_advisory(folder.path()));
    person.types(&[&["gate", "set", "team/*", "--severity", "HIGH"], more].concat());
    person
}

fn push(server: &Server, name: &str, version: &str) -> Image {
    let image = image(version);
    assert_eq!(image.push(&server.client(), name, "v1").unwrap().status, 201);
    image
}

fn pull(server: &Server, name: &str) -> Answer {
    server.client().get(&format!("/v2/{name}/manifests/v1"))
}

/// Waits until a pull is answered so.
#[track_caller]
fn pulls(server: &Server, name: &str, status: u16, word: &str) -> Answer {
    let mut last = pull(server, name);
    let is_so = until(PATIENCE, || {
        last = pull(server, name);
        let told = format!("{}{}", last.text(), last.header("warning").unwrap_or_default());
        last.status == status && told.contains(word)
    });
    assert!(is_so, "{name} answers {} {}", last.status, last.text());
    last
}

#[test]
fn an_image_with_a_flaw_is_kept_back_with_what_is_wrong_and_what_to_do() {
    let person = gated(&[]);
    let server = &person.server;
    let flawed = push(server, "team/app", FLAWED);
    push(server, "team/clean", MENDED);
    push(server, "other/app", FLAWED);

    let refused = pulls(server, "team/app", 403, "CVE-2099-0001");
    let by_digest = server.client().get(&format!("/v2/team/app/manifests/{}", flawed.digest()));
    let looked_at = server.client().head("/v2/team/app/manifests/v1");
    let unchanged = [("if-none-match", &*format!("\"{}\"", flawed.digest()))];
    let had_already = server.client().send("GET", "/v2/team/app/manifests/v1", &unchanged, &[]);
    let (code, explained, _) = person.tries(&["gate", "explain", "team/app:v1"]);
    let ids = json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]});
    let by_ecr = Boto::of(server).done("batch_get_image", ids);

    assert_eq!(refused.code(), "DENIED");
    let said = refused.json()["errors"][0].take();
    let message = said["message"].as_str().unwrap();
    for part in
        ["scan policy of team/*", "CVE-2099-0001 (HIGH) in libssl3 3.0.11", "fixed in 3.0.13", "gantry gate explain"]
    {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(said["detail"]["reasons"][0]["fixedVersion"], MENDED);
    assert_eq!([by_digest.status, looked_at.status, had_already.status], [403, 200, 403]);
    assert_eq!(code, 1, "{explained}");
    assert!(explained.contains("CVE-2099-0001"), "{explained}");
    assert_eq!(by_ecr["failures"][0]["failureCode"], "ImageInaccessible");
    pulls(server, "team/clean", 200, "");
    assert_eq!(pull(server, "other/app").status, 200);
}

#[test]
fn a_pull_with_crane_says_what_is_wrong() {
    let (server, home) = logged_in("crane auth login {host} --username {user} --password-stdin");
    let folder = tempfile::tempdir().unwrap();
    import(&server, &one_advisory(folder.path()));
    let policy = json!({"severity": "HIGH"}).to_string();
    assert_eq!(server.client().send("PUT", "/api/v1/scan-policies/*", &[], policy.as_bytes()).status, 200);
    push(&server, "team/app", FLAWED);
    push(&server, "team/clean", MENDED);
    pulls(&server, "team/app", 403, "CVE-2099-0001");
    pulls(&server, "team/clean", 200, "");

    let target = home.path("pulled");
    let line = |name: &str| format!("crane pull {}/{name}:v1 {}", server.address(), target.display());
    let refused = home.run(&line("team/app")).refused();
    home.run(&line("team/clean")).succeeded();

    assert!(refused.contains("CVE-2099-0001"), "{refused}");
}

#[test]
fn what_is_not_known_yet_is_kept_back_unless_the_policy_lets_it_through() {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let server = &person.server;
    push(server, "team/app", FLAWED);
    assert_eq!(pull(server, "team/app").status, 200, "there is no policy");

    person.types(&["gate", "set", "*", "--severity", "HIGH"]);
    let unjudged = pulls(server, "team/app", 403, "there are no advisories");
    person.types(&["gate", "set", "*", "--severity", "HIGH", "--pass-unscanned"]);
    let passed = pull(server, "team/app");
    let folder = tempfile::tempdir().unwrap();
    import(server, &one_advisory(folder.path()));

    assert!(!unjudged.text().contains("CVE"), "{}", unjudged.text());
    assert_eq!(passed.status, 200);
    pulls(server, "team/app", 403, "CVE-2099-0001");
}

#[test]
fn an_exception_an_override_and_the_end_of_a_policy_let_an_image_through_at_once() {
    let person = gated(&[]);
    let server = &person.server;
    push(server, "team/app", FLAWED);
    pulls(server, "team/app", 403, "CVE-2099-0001");
    let id = |printed: String| -> String {
        let made: Value = serde_json::from_str(&printed).unwrap();
        made["id"].as_str().unwrap().into()
    };

    let except = ["gate", "except", "add", "team/*", "--vulnerability", "CVE-2099-0001", "--package", "libssl*"];
    let made = [&except[..], &["--reason", "not reached", "--for", "30d", "--output", "json"]].concat();
    let exception = id(person.types(&made));
    let excepted = pull(server, "team/app");
    let listed = person.types(&["gate", "except", "ls"]);
    person.types(&["gate", "except", "rm", &exception]);
    let refused = pull(server, "team/app");
    let begin = ["gate", "override", "begin", "team/app", "--reason", "outage 7", "--for", "1h", "--output", "json"];
    let open = id(person.types(&begin));
    let overridden = pull(server, "team/app");
    person.types(&["gate", "override", "end", &open]);
    let closed = pull(server, "team/app");
    let (too_long, _, errors) = person.tries(&["gate", "override", "begin", "*", "--reason", "r", "--for", "8d"]);
    person.types(&["gate", "rm", "team/*"]);
    let ungoverned = pull(server, "team/app");

    assert_eq!([excepted.status, refused.status, overridden.status], [200, 403, 200]);
    assert!(listed.contains(&exception) && listed.contains("not reached"), "{listed}");
    let warning = overridden.header("warning").unwrap();
    assert!(warning.starts_with("299 - \"") && warning.contains("outage 7"), "{warning}");
    assert_eq!([closed.status, ungoverned.status], [403, 200]);
    assert_eq!(too_long, 3);
    assert!(errors.contains("168 hours"), "{errors}");
    let asked = "/api/v1/audit?limit=1000&action=gantry:CreateScanOverride";
    let audited = || server.client().get(asked).json()["records"].as_array().is_some_and(|records| !records.is_empty());
    assert!(until(PATIENCE, audited), "an override is audited");
}

#[test]
fn a_policy_that_advises_warns_and_the_most_specific_policy_governs() {
    let person = gated(&["--advise"]);
    let server = &person.server;
    push(server, "team/app", FLAWED);

    let warned = pulls(server, "team/app", 200, "CVE-2099-0001");
    let policy = json!({"severity": "CRITICAL"}).to_string();
    let written = server.client().send("PUT", "/api/v1/scan-policies/team/app", &[], policy.as_bytes());
    let governed = pull(server, "team/app");
    let listed = person.types(&["gate", "ls"]);

    assert!(warned.header("warning").unwrap().starts_with("299 - \"The scan policy of team/* does not let"));
    assert_eq!((written.status, governed.header("warning")), (200, None));
    let scopes: Vec<_> = listed.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(scopes, ["team/app", "team/*"]);
}

#[test]
fn where_two_people_are_asked_for_who_made_an_exception_cannot_approve_it() {
    let person = gated(&["--two-person"]);
    let server = &person.server;
    let mut root = Boto::of(server);
    root.ask("iam", "create_user", json!({"UserName": "bob"})).unwrap();
    let key = root.ask("iam", "create_access_key", json!({"UserName": "bob"})).unwrap()["AccessKey"].take();
    let word = |member: &str| key[member].as_str().unwrap();
    let bob = Client::new(server.address(), word("AccessKeyId"), word("SecretAccessKey"));
    person.types(&["access", "grant", "user/bob", "admin"]);
    push(server, "team/app", FLAWED);
    pulls(server, "team/app", 403, "CVE-2099-0001");

    let body = json!({"scope": "team/app", "vulnerability": "CVE-2099-0001", "reason": "r", "holdsFor": "1d"});
    let made = server.client().send("POST", "/api/v1/scan-exceptions", &[], body.to_string().as_bytes());
    let path = format!("/api/v1/scan-exceptions/{}/approve", made.json()["id"].as_str().unwrap());
    let alone = pull(server, "team/app");
    let own = server.client().send("POST", &path, &[], &[]);
    let other = bob.send("POST", &path, &[], &[]);
    let together = pull(server, "team/app");

    assert_eq!([made.status, alone.status, own.status, other.status, together.status], [201, 403, 403, 200, 200]);
    assert!(other.json()["approvedBy"].as_str().unwrap().ends_with("user/bob"), "{}", other.text());
}

#[test]
fn what_holds_no_packages_passes_and_somebody_exempt_pulls_everything() {
    let person = gated(&["--require-sbom", "--exempt", "*:root"]);
    let server = &person.server;
    let flawed = push(server, "team/app", FLAWED);
    let pushed = |manifest: Value, media_type: &str, reference: &str| {
        let path = format!("/v2/team/app/manifests/{reference}");
        let put = server.client().send("PUT", &path, &[("content-type", media_type)], manifest.to_string().as_bytes());
        assert_eq!(put.status, 201, "{}", put.text());
    };
    let index_type = "application/vnd.oci.image.index.v1+json";
    let child = json!({"mediaType": Image::MEDIA_TYPE, "digest": flawed.digest(), "size": flawed.manifest.len()});
    pushed(json!({"schemaVersion": 2, "mediaType": index_type, "manifests": [child]}), index_type, "index");

    assert_eq!(pull(server, "team/app").status, 200, "root is exempt");
    person.types(&["gate", "set", "team/*", "--severity", "HIGH"]);

    assert_eq!(
        server.client().get("/v2/team/app/manifests/index").status,
        200,
        "each of its images is judged by itself"
    );
    pulls(server, "team/app", 403, "CVE-2099-0001");
}

#[test]
fn a_bill_of_materials_that_comes_later_lets_an_image_through() {
    let person = gated(&[]);
    let server = &person.server;
    person.types(&["gate", "set", "team/*", "--require-sbom"]);
    let image = push(server, "team/app", MENDED);
    pulls(server, "team/app", 403, "no bill of materials");

    let empty = b"{}";
    server.client().push_blob("team/app", empty).unwrap();
    let blob = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(empty), "size": 2});
    let sbom = json!({
        "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "artifactType": "application/spdx+json",
        "config": blob, "layers": [blob],
        "subject": {"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()},
    });
    let bytes = sbom.to_string().into_bytes();
    let path = format!("/v2/team/app/manifests/{}", digest(&bytes));
    assert_eq!(server.client().send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &bytes).status, 201);

    // It may still be being scanned, which was another reason.
    pulls(server, "team/app", 200, "");
    assert_eq!(server.client().get(&path).status, 200, "it holds no packages itself");
}

#[test]
fn an_attested_bill_of_materials_lets_an_image_through_while_its_attestation_is_there() {
    let person = gated(&[]);
    let server = &person.server;
    person.types(&["gate", "set", "team/*", "--require-sbom"]);
    let image = push(server, "team/app", MENDED);
    pulls(server, "team/app", 403, "no bill of materials");

    let hex = image.digest().replace("sha256:", "");
    let tag = format!("/v2/team/app/manifests/sha256-{hex}.att");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "team/app", "digest": {"sha256": hex}}],
        "predicate": {"spdxVersion": "SPDX-2.3", "packages": []},
    });
    let payload = STANDARD.encode(statement.to_string());
    let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []});
    put_attestation(&server.client(), &tag, envelope.to_string().as_bytes());

    pulls(server, "team/app", 200, "");
    assert_eq!(server.client().send("DELETE", &tag, &[], &[]).status, 202);
    pulls(server, "team/app", 403, "no bill of materials");
}

/// Pushes an attestation as cosign does, under a tag.
fn put_attestation(client: &Client, path: &str, envelope: &[u8]) {
    let config = b"{}";
    for blob in [&config[..], envelope] {
        assert!(client.push_blob("team/app", blob).unwrap().status < 300);
    }
    let described = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()});
    let mut layer = described("application/vnd.dsse.envelope.v1+json", envelope);
    layer["annotations"] =
        json!({"dev.cosignproject.cosign/signature": "", "predicateType": "https://spdx.dev/Document"});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE,
        "config": described("application/vnd.oci.image.config.v1+json", config), "layers": [layer],
    });
    let put = client.send("PUT", path, &[("content-type", Image::MEDIA_TYPE)], manifest.to_string().as_bytes());
    assert_eq!(put.status, 201, "{}", put.text());
}

#[test]
fn a_gate_holds_from_the_first_pull_after_a_start() {
    let mut person = gated(&[]);
    push(&person.server, "team/app", FLAWED);
    pulls(&person.server, "team/app", 403, "CVE-2099-0001");

    person.server.kill();
    person.server.restart();

    let first = pull(&person.server, "team/app");
    assert_eq!(first.status, 403, "{}", first.text());
}

#[test]
fn a_role_whose_policy_denies_what_is_bad_pulls_the_rest_and_is_told_why_not() {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let (server, folder) = (&person.server, tempfile::tempdir().unwrap());
    import(server, &one_advisory(folder.path()));
    let mut boto = Boto::of(server);
    for name in ["team/app", "team/clean"] {
        boto.done(
            "create_repository",
            json!({"repositoryName": name, "imageScanningConfiguration": {"scanOnPush": true}}),
        );
    }
    let flawed = push(server, "team/app", FLAWED);
    push(server, "team/clean", MENDED);
    push(server, "other/app", FLAWED);
    let post = |path: &str, body: Value| {
        let answer =
            server.client().send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes());
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer
    };
    let put = |path: &str, document: &Value| {
        let body = json!({"document": document.to_string()}).to_string();
        let answer = server.client().send("PUT", path, &[("content-type", "application/json")], body.as_bytes());
        assert!(answer.status < 300, "{path}: {}", answer.text());
    };
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}});
    post("/api/v1/roles", json!({"name": "node", "trustPolicy": trust.to_string()}));
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
        {"Sid": "NothingBad", "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*",
         "Condition": {"StringEquals": {"gantry:FindingSeverity": ["HIGH", "CRITICAL"]}}}]});
    put("/api/v1/roles/node/inline-policies/own", &policy);
    post("/api/v1/users", json!({"name": "node"}));
    put("/api/v1/users/node/inline-policies/own", &policy);
    let key = post("/api/v1/users/node/access-keys", json!({})).json();
    let text = |member: &str| key[member].as_str().unwrap().to_string();
    let node = Client::new(server.address(), &text("accessKeyId"), &text("secretAccessKey"));
    let get = |reference: &str| node.get(&format!("/v2/{reference}"));

    let is_known = until(PATIENCE, || get("team/app/manifests/v1").status == 403);

    let refused = get("team/app/manifests/v1");
    assert!(is_known, "{} {}", refused.status, refused.text());
    assert!(refused.text().contains("with an explicit deny in an identity-based policy"), "{}", refused.text());
    assert_eq!(get(&format!("team/app/manifests/{}", flawed.digest())).status, 403);
    assert_eq!(get("team/clean/manifests/v1").status, 200);
    assert_eq!(get("other/app/manifests/v1").status, 200, "it was never scanned");
    assert_eq!(pull(server, "team/app").status, 200, "no policy of root asks for it");
    let explain = |more: &[&str]| {
        person.tries(&[&["access", "explain", "role/node", "ecr:BatchGetImage", "team/app"], more].concat())
    };
    let (code, told, _) = explain(&["--context", "gantry:ImageTag=v1"]);
    assert!(code == 1 && told.contains("NothingBad"), "{code} {told}");
    assert_eq!(explain(&["--context", "gantry:FindingSeverity=LOW"]).0, 0);
    assert_eq!(explain(&[]).0, 0, "of no image nothing is known");
}
