//! Advisories as an artifact in a registry: trivy-db, which a Gantry holds for other Gantries as for trivy itself.

use flate2::{Compression, write::GzEncoder};
use gantry_e2e::{Client, PASSWORD, Server, USER, digest, run_with, until};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const DATABASE: &[u8] = include_bytes!("../../../scan/fixtures/trivy/trivy.db");
const LAYER: &str = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The artifact's layer: the database, and what is said of it.
fn layer(updated_at: &str) -> Vec<u8> {
    let metadata = json!({"Version": 2, "UpdatedAt": updated_at}).to_string();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in [("trivy.db", DATABASE), ("metadata.json", metadata.as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Pushes an artifact whose layer is of this type.
fn push(client: &Client, kind: &str, layer: &[u8]) {
    assert_eq!(client.push_blob("mirror/trivy-db", layer).unwrap().status, 201);
    assert_eq!(client.push_blob("mirror/trivy-db", b"{}").unwrap().status, 201);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.aquasec.trivy.config.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": kind, "digest": digest(layer), "size": layer.len()}],
    });
    let body = manifest.to_string().into_bytes();
    let pushed = client.send("PUT", "/v2/mirror/trivy-db/manifests/2", &[("content-type", MANIFEST)], &body);
    assert_eq!(pushed.status, 201, "{}", pushed.text());
}

/// Has another data folder updated from the artifact; returns the exit code and what became of the source.
fn update(server: &Server, data: &Path, credentials: Option<&Path>) -> (i32, Value) {
    let sources = format!("advisories.sources=oci+http://{}/mirror/trivy-db:2", server.address());
    let login = credentials.map(|file| format!("advisories.credentials_file={}", file.display()));
    let mut arguments = vec!["advisories", "update", "--data-dir", data.to_str().unwrap(), "--output", "json"];
    arguments.extend(["--set", "outbound.allow=127.0.0.1", "--set", &sources]);
    arguments.extend(login.iter().flat_map(|login| ["--set", login]));
    let (code, output, errors) = run_with(&arguments, &[]);
    (code, serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{errors}")))
}

#[test]
fn trivy_db_is_taken_from_a_registry_and_not_again_while_it_stays_the_same() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (data, credentials) = (folder.path().join("other"), folder.path().join("credentials"));
    fs::write(&credentials, format!("{USER}:{PASSWORD}\n")).unwrap();
    push(&server.client(), LAYER, &layer("2026-11-20T00:00:00Z"));

    let stranger = update(&server, &data, None);
    let first = update(&server, &data, Some(&credentials));
    let second = update(&server, &data, Some(&credentials));
    push(&server.client(), LAYER, &layer("2026-11-21T00:00:00Z"));
    let third = update(&server, &data, Some(&credentials));

    let outcome = |update: &(i32, Value)| (update.0, update.1.to_string());
    assert!(outcome(&stranger).0 == 1 && outcome(&stranger).1.contains("advisories.credentials_file"), "{stranger:?}");
    assert!(outcome(&first).0 == 0 && outcome(&first).1.contains("\"taken\""), "{first:?}");
    assert!(outcome(&second).0 == 0 && outcome(&second).1.contains("\"unchanged\""), "{second:?}");
    assert!(outcome(&third).0 == 0 && outcome(&third).1.contains("\"taken\""), "{third:?}");
    let fetched = || server.log().matches("GET /v2/mirror/trivy-db/blobs/").count();
    assert!(until(Duration::from_secs(10), || fetched() >= 2) && fetched() == 2, "{}", server.log_end());
    let known = run_with(&["advisories", "status", "--data-dir", data.to_str().unwrap(), "--output", "json"], &[]).1;
    assert!(known.contains("Debian:12") && known.contains("Alpine:v3.17"), "{known}");
}

#[test]
fn an_artifact_that_is_no_trivy_db_is_refused_and_what_was_known_stays() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (data, credentials) = (folder.path().join("other"), folder.path().join("credentials"));
    fs::write(&credentials, format!("{USER}:{PASSWORD}")).unwrap();
    push(&server.client(), LAYER, &layer("2026-11-20T00:00:00Z"));
    assert_eq!(update(&server, &data, Some(&credentials)).0, 0);

    push(&server.client(), "application/vnd.oci.image.layer.v1.tar+gzip", &layer("2026-11-21T00:00:00Z"));
    let other = update(&server, &data, Some(&credentials));
    push(&server.client(), LAYER, b"no archive at all");
    let broken = update(&server, &data, Some(&credentials));

    assert!(other.0 == 1 && other.1.to_string().contains("it has no layer of type"), "{other:?}");
    assert!(broken.0 == 1 && broken.1.to_string().contains("trivy-db=oci+http://"), "{broken:?}");
    let known = run_with(&["advisories", "status", "--data-dir", data.to_str().unwrap(), "--output", "json"], &[]).1;
    assert!(known.contains("Debian:12"), "{known}");
}
