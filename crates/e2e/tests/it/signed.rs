//! Who may pull only what a trusted key has signed, pulls that and nothing else: signed by cosign, in each format it writes.

use crate::{
    clients::{Home, log_in, referrers, tags},
    commands::Person,
};
use gantry_e2e::{Client, Image, PASSWORD, Server, run_with, tool};
use serde_json::{Value, json};

const LOGIN: &str = "cosign login {host} --username {user} --password-stdin";
/// What cosign writes by itself, a bundle; what it wrote before, under a tag; and the same as a referrer.
const BUNDLE: &str = "--signing-config signing.json";
const CLASSIC: &str = "--use-signing-config=false --tlog-upload=false --new-bundle-format=false";
const ARTIFACT: &str = "--registry-referrers-mode oci-1-1";

/// A server that trusts `trusted.pub`, and somebody at it who may pull only what is signed.
struct Place {
    person: Person,
    home: Home,
    node: Client,
    image: Image,
}

impl Place {
    fn new() -> Place {
        let home = Home::new();
        for name in ["trusted", "other"] {
            home.run(&format!("cosign generate-key-pair --output-key-prefix {name}")).succeeded();
        }
        home.run("cosign signing-config create --out signing.json").succeeded();
        let key = home.path("trusted.pub");
        let server = Server::with(&[("GANTRY_SIGNING__TRUSTED_KEYS", key.to_str().unwrap())]);
        log_in(&server, &home, LOGIN, PASSWORD).succeeded();
        let image = Image::small(601);
        for name in ["team/app", "other/app"] {
            assert_eq!(image.push(&server.client(), name, "v1").unwrap().status, 201);
        }
        let node = node(&server);
        Place { person: Person::at(server), home, node, image }
    }

    fn server(&self) -> &Server {
        &self.person.server
    }

    fn sign(&self, name: &str, key: &str, how: &str) {
        let image = format!("{}/{name}@{}", self.server().address(), self.image.digest());
        // Without that cosign writes no artifact.
        let cosign = format!("env COSIGN_EXPERIMENTAL=1 {}", tool("cosign").display());
        let cosign = if how.contains(ARTIFACT) { &cosign } else { "cosign" };
        self.home.run(&format!("{cosign} sign --key {key}.key {how} --allow-http-registry --yes {image}")).succeeded();
    }

    /// What becomes of a pull by tag, which is the same by digest.
    fn pull(&self, name: &str) -> u16 {
        let get = |reference: &str| self.node.get(&format!("/v2/{name}/manifests/{reference}"));
        let (by_tag, by_digest) = (get("v1"), get(&self.image.digest()));
        assert_eq!(by_tag.status, by_digest.status, "{}\n{}", by_tag.text(), by_digest.text());
        by_digest.status
    }

    /// Removes what is under a reference.
    fn remove(&self, reference: &str) {
        let path = format!("/v2/team/app/manifests/{reference}");
        assert_eq!(self.server().client().send("DELETE", &path, &[], &[]).status, 202, "{reference}");
    }

    fn referrers(&self) -> Vec<String> {
        let found = referrers(self.server(), "team/app", &self.image.digest());
        found.iter().map(|referrer| referrer["digest"].as_str().unwrap().to_string()).collect()
    }
}

/// The user `node`, who may pull what is signed.
fn node(server: &Server) -> Client {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"], "Resource": "*"},
        {"Sid": "SignedOnly", "Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*",
         "Condition": {"Bool": {"gantry:Signed": "true"}}}]});
    let send = |method: &str, path: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        let answer = server.client().send(method, path, &headers, body.to_string().as_bytes());
        assert!(answer.status < 300, "{path}: {}", answer.text());
        answer
    };
    send("POST", "/api/v1/users", json!({"name": "node"}));
    send("PUT", "/api/v1/users/node/inline-policies/own", json!({"document": policy.to_string()}));
    let key = send("POST", "/api/v1/users/node/access-keys", json!({})).json();
    Client::new(server.address(), key["accessKeyId"].as_str().unwrap(), key["secretAccessKey"].as_str().unwrap())
}

#[test]
fn a_bundle_of_a_trusted_key_lets_an_image_through_until_it_is_removed() {
    let place = Place::new();
    assert_eq!(place.pull("team/app"), 403);

    place.sign("team/app", "other", BUNDLE);
    assert_eq!(place.pull("team/app"), 403, "anybody who may push can attach such a signature");
    let of_other = place.referrers();
    place.sign("team/app", "trusted", BUNDLE);

    assert_eq!(place.pull("team/app"), 200);
    place.image.check(&place.node, "team/app", "v1").unwrap();
    assert_eq!(place.pull("other/app"), 403, "its signature lies in another repository");
    let all = place.referrers();
    assert_eq!(all.len(), 2);
    place.remove(all.iter().find(|digest| !of_other.contains(digest)).unwrap());
    assert_eq!(place.pull("team/app"), 403);
}

#[test]
fn a_classic_signature_of_a_trusted_key_lets_an_image_through_until_it_is_removed() {
    let place = Place::new();
    let tag = format!("{}.sig", place.image.digest().replace(':', "-"));

    place.sign("team/app", "other", CLASSIC);
    assert_eq!(place.pull("team/app"), 403);
    place.sign("team/app", "trusted", CLASSIC);

    assert!(tags(place.server(), "team/app").contains(&tag));
    assert_eq!(place.pull("team/app"), 200);
    place.remove(&tag);
    assert_eq!(place.pull("team/app"), 403);
}

#[test]
fn a_classic_signature_that_is_a_referrer_lets_an_image_through_until_it_is_removed() {
    let place = Place::new();

    place.sign("team/app", "trusted", &format!("{ARTIFACT} {CLASSIC}"));

    assert_eq!(place.referrers().len(), 1);
    assert_eq!(place.pull("team/app"), 200);
    place.remove(&place.referrers()[0]);
    assert_eq!(place.pull("team/app"), 403);
}

#[test]
fn an_attestation_of_a_trusted_key_is_no_signature() {
    let place = Place::new();
    place.home.write("predicate.json", r#"{"tests": "passed"}"#);
    let image = format!("{}/team/app@{}", place.server().address(), place.image.digest());
    let attest = format!("cosign attest --key trusted.key {BUNDLE} --allow-http-registry --yes");
    place.home.run(&format!("{attest} --type custom --predicate predicate.json {image}")).succeeded();

    assert_eq!(place.referrers().len(), 1);
    assert_eq!(place.pull("team/app"), 403);
}

#[test]
fn whoever_asks_why_is_told_by_the_signature_that_is_there() {
    let place = Place::new();
    let explain = || {
        let question = ["access", "explain", "user/node", "ecr:BatchGetImage", "team/app"];
        place.person.tries(&[&question[..], &["--context", "gantry:ImageTag=v1"]].concat())
    };
    let (code, told, _) = explain();
    assert!(code == 1 && told.contains("SignedOnly"), "{code} {told}");

    place.sign("team/app", "trusted", BUNDLE);

    assert_eq!(explain().0, 0);
}

#[test]
fn a_server_with_a_key_that_cannot_be_used_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cosign.key");
    std::fs::write(&file, "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n").unwrap();
    let setting = [("GANTRY_SIGNING__TRUSTED_KEYS", file.to_str().unwrap())];
    let data = folder.path().join("data");
    let data = ["--data-dir", data.to_str().unwrap()];

    for command in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let (code, _, said) = run_with(&[command, &data].concat(), &setting);

        assert_eq!(code, 2, "{command:?}: {said}");
        assert!(said.contains("cosign.key of signing.trusted_keys") && said.contains("a private key"), "{said}");
    }
}
