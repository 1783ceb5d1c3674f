//! Documents that hang on an image say which of its flaws matter and what else it holds, while they hang there.

use crate::{
    clients::{Home, log_in, referrers},
    commands::Person,
    scan::{OS_RELEASE, advisories, import, layer, status},
};
use gantry_e2e::{Client, Image, PASSWORD, Server, digest, until};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const COUNTS: (&str, &str) = ("GANTRY_SCANNING__VEX_REFERRERS", "true");
const FINDINGS: &str = "/api/v1/repositories/team/app/images/v1/findings";
const OPENVEX: &str = "application/vnd.openvex+json";

/// A person at a server with advisories, to which an image with the flawed package was pushed and scanned.
fn person(settings: &[(&str, &str)]) -> (Person, Image) {
    let person = Person::at(Server::with(settings));
    let folder = tempfile::tempdir().unwrap();
    import(&person.server, &advisories(folder.path()));
    let files = [("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status", &status("3.0.11-1~deb12u2"))];
    let image = Image::new(1, vec![layer(&files)]);
    assert_eq!(image.push(&person.server.client(), "team/app", "v1").unwrap().status, 201);
    person.types(&["scan", "team/app:v1"]);
    let is_matched = || findings(&person.server)["advisoriesAt"].is_string();
    assert!(until(PATIENCE, is_matched), "{}", findings(&person.server));
    (person, image)
}

fn findings(server: &Server) -> Value {
    serde_json::from_str(&server.client().get(FINDINGS).text()).unwrap_or_default()
}

/// Waits until a finding is so, `Null` being none; returns it.
#[track_caller]
fn waits_for(server: &Server, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let is_known = until(PATIENCE, || {
        let found = findings(server);
        // While an image is read again nothing is said of it.
        let Some(all) = found["findings"].as_array() else { return false };
        last = all.iter().find(|one| one["id"] == id).cloned().unwrap_or_default();
        is_so(&last)
    });
    assert!(is_known, "{id} is {last}");
    last
}

/// A statement about whatever it hangs on.
fn openvex(id: &str) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "ann",
        "timestamp": "2026-11-20T00:00:00Z", "version": 1,
        "statements": [{"vulnerability": {"name": id}, "status": "not_affected", "justification": "vulnerable_code_not_present"}],
    })
}

/// Attaches a document to an image; returns the digest of the artifact.
fn attach(client: &Client, image: &Image, kind: &str, document: &Value) -> String {
    let (empty, document) = (b"{}".to_vec(), document.to_string().into_bytes());
    for blob in [&empty, &document] {
        assert!(client.push_blob("team/app", blob).unwrap().status < 300);
    }
    let described = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "artifactType": kind,
        "config": described("application/vnd.oci.empty.v1+json", &empty), "layers": [described(kind, &document)],
        "subject": described(Image::MEDIA_TYPE, &image.manifest),
    });
    let bytes = manifest.to_string().into_bytes();
    let path = format!("/v2/team/app/manifests/{}", digest(&bytes));
    assert_eq!(client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &bytes).status, 201);
    digest(&bytes)
}

fn remove(client: &Client, artifact: &str) {
    assert_eq!(client.send("DELETE", &format!("/v2/team/app/manifests/{artifact}"), &[], b"").status, 202);
}

/// Waits until a pull is answered so.
#[track_caller]
fn pulls(server: &Server, status: u16) {
    let pull = || server.client().get("/v2/team/app/manifests/v1");
    assert!(until(PATIENCE, || pull().status == status), "{} {}", pull().status, pull().text());
}

#[test]
fn a_vex_document_that_hangs_on_an_image_lets_it_through_a_gate_while_it_hangs_there() {
    let (person, image) = person(&[COUNTS]);
    let client = person.server.client();
    person.types(&["gate", "set", "team/*", "--severity", "HIGH"]);
    pulls(&person.server, 403);

    let artifact = attach(&client, &image, OPENVEX, &openvex("CVE-2099-0001"));
    pulls(&person.server, 200);
    let suppressed = waits_for(&person.server, "CVE-2099-0001", |one| one["suppressed"].is_string());
    // What was just looked at may be shown for a second.
    let is_found = || person.types(&["findings", "ls", "--suppressed"]).contains(&format!("referrer {artifact}"));
    assert!(until(PATIENCE, is_found), "{}", person.types(&["findings", "ls", "--suppressed"]));
    remove(&client, &artifact);

    pulls(&person.server, 403);
    let again = waits_for(&person.server, "CVE-2099-0001", |one| one.is_object() && one["suppressed"].is_null());
    let reason = format!("VEX: not affected: vulnerable_code_not_present, says ann (referrer {artifact})");
    assert_eq!(suppressed["suppressed"], json!(reason));
    assert_eq!(again["package"], "libssl3");
}

#[test]
fn a_vex_document_that_hangs_on_an_image_does_nothing_unless_that_is_switched_on() {
    let (person, image) = person(&[]);
    person.types(&["gate", "set", "team/*", "--severity", "HIGH"]);
    let artifact = attach(&person.server.client(), &image, OPENVEX, &openvex("CVE-2099-0001"));
    let inventory = "/api/v1/repositories/team/app/images/v1/sbom?format=inventory";
    let is_read = || person.server.client().get(inventory).text().contains(&artifact);
    assert!(until(PATIENCE, is_read), "{}", person.server.client().get(inventory).text());

    let finding = waits_for(&person.server, "CVE-2099-0001", Value::is_object);

    assert_eq!(finding["suppressed"], Value::Null);
    pulls(&person.server, 403);
}

#[test]
fn packages_that_only_an_attached_bill_of_materials_names_are_found_with_its_digest() {
    let (person, image) = person(&[]);
    let client = person.server.client();
    let bill = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"type": "library", "name": "left-pad", "version": "1.0", "purl": "pkg:pypi/left-pad@1.0"},
        {"type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u2",
         "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&upstream=openssl"}]});

    let artifact = attach(&client, &image, "application/vnd.cyclonedx+json", &bill);
    let found = waits_for(&person.server, "CVE-2099-0002", Value::is_object);
    let report: Value = serde_json::from_str(&person.types(&["scan", "team/app:v1", "--format", "json"])).unwrap();
    remove(&client, &artifact);
    waits_for(&person.server, "CVE-2099-0002", Value::is_null);

    assert_eq!((&found["paths"], &found["layers"]), (&json!([format!("referrer {artifact}")]), &json!([])));
    assert_eq!((&report["packages"], report["findings"].as_array().unwrap().len()), (&json!(2), 2), "{report}");
    let of_layer = report["findings"].as_array().unwrap().iter().find(|one| one["id"] == "CVE-2099-0001").unwrap();
    assert_eq!(of_layer["paths"], json!(["var/lib/dpkg/status"]));
}

#[test]
fn what_cosign_attests_counts_in_its_new_form_and_in_its_old_one() {
    const LOGIN: &str = "cosign login {host} --username {user} --password-stdin";
    const NEW: &str = "--signing-config signing.json";
    const OLD: &str = "--use-signing-config=false --tlog-upload=false --new-bundle-format=false";
    for form in [NEW, OLD] {
        let (person, image) = person(&[COUNTS]);
        let (server, home) = (&person.server, Home::new());
        log_in(server, &home, LOGIN, PASSWORD).succeeded();
        home.run("cosign generate-key-pair").succeeded();
        home.run("cosign signing-config create --out signing.json").succeeded();
        home.write("vex.json", openvex("CVE-2099-0001").to_string());
        let name = format!("{}/team/app@{}", server.address(), image.digest());

        let attest = format!("cosign attest --key cosign.key {form} --allow-http-registry --yes");
        home.run(&format!("{attest} --type openvex --predicate vex.json {name}")).succeeded();

        let suppressed = waits_for(server, "CVE-2099-0001", |one| one["suppressed"].is_string());
        let reason = suppressed["suppressed"].as_str().unwrap();
        assert!(reason.contains("says ann (referrer sha256:"), "{form}: {reason}");
    }
}

#[test]
fn what_oras_attaches_counts() {
    const LOGIN: &str = "oras login --plain-http --username {user} --password-stdin {host}";
    let (person, image) = person(&[COUNTS]);
    let (server, home) = (&person.server, Home::new());
    log_in(server, &home, LOGIN, PASSWORD).succeeded();
    home.write("vex.json", openvex("CVE-2099-0001").to_string());
    let name = format!("{}/team/app@{}", server.address(), image.digest());

    home.run(&format!("oras attach --plain-http --artifact-type {OPENVEX} {name} vex.json:application/json"))
        .succeeded();

    let suppressed = waits_for(server, "CVE-2099-0001", |one| one["suppressed"].is_string());
    let artifact = referrers(server, "team/app", &image.digest())[0]["digest"].clone();
    assert!(suppressed["suppressed"].as_str().unwrap().contains(artifact.as_str().unwrap()), "{suppressed}");
}

#[test]
fn what_hangs_on_an_image_is_read_in_a_layout_as_on_a_server() {
    let (person, image) = person(&[]);
    let client = person.server.client();
    let bill = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
        {"type": "library", "name": "left-pad", "version": "1.0", "purl": "pkg:pypi/left-pad@1.0"}]});
    let artifact = attach(&client, &image, "application/vnd.cyclonedx+json", &bill);
    attach(&client, &image, OPENVEX, &openvex("CVE-2099-0001"));
    let folder = tempfile::tempdir().unwrap();
    let (layout, known) = (folder.path().join("layout"), advisories(folder.path()));
    let (layout, known) = (layout.to_str().unwrap(), known.to_str().unwrap());
    person.types(&["export", "team/app:v1", layout]);

    let scan = ["scan", "--input", layout, "--advisories", known, "--format", "json"];
    let report: Value = serde_json::from_str(&person.types(&scan)).unwrap();
    let trusting: Value = serde_json::from_str(&person.types(&[&scan[..], &["--vex-referrers"]].concat())).unwrap();

    let told = |report: &Value| -> Vec<(Value, bool, Value)> {
        let all = report["findings"].as_array().unwrap().iter();
        all.map(|one| (one["id"].clone(), one["suppressed"].is_string(), one["paths"][0].clone())).collect()
    };
    let of_bill = (json!("CVE-2099-0002"), false, json!(format!("referrer {artifact}")));
    let of_layer = |is_suppressed| (json!("CVE-2099-0001"), is_suppressed, json!("var/lib/dpkg/status"));
    for (report, is_suppressed) in [(&report, false), (&trusting, true)] {
        let mut found = told(report);
        found.sort_by_key(|(id, ..)| id.to_string());
        assert_eq!(found, [of_layer(is_suppressed), of_bill.clone()], "{report}");
    }
}
