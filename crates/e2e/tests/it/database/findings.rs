//! What is found in an image does not depend on the database.

use crate::{
    commands::Person,
    scan::{OS_RELEASE, advisories, import, layer, side_tables, status},
};
use gantry_e2e::{Image, Postgres, Server, until};
use serde_json::Value;
use std::{path::Path, time::Duration};

const FINDINGS: &str = "/api/v1/repositories/team/app/images/v1/findings";

/// Debian 12 with one package, two Python packages of one name and a secret, each in a layer of its own: there is something to order.
fn image() -> Image {
    let base = layer(&[("etc/os-release", OS_RELEASE), ("var/lib/dpkg/status", &status("3.0.11-1~deb12u2"))]);
    let python = |version: &str| format!("Metadata-Version: 2.1\nName: Left_Pad\nVersion: {version}\n");
    let app = layer(&[
        ("opt/app/left_pad-1.0.dist-info/METADATA", &python("1.0")),
        ("opt/tool/left_pad-0.9.dist-info/METADATA", &python("0.9")),
    ]);
    let token = ["TOKEN=ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo\n"].concat();
    Image::new(1, vec![base, app, layer(&[("app/.env", &token)])])
}

/// Has a server know these advisories and scan the image; returns what it tells of it, each document by its name, without its times.
fn scanned(server: Server, known: &Path) -> Vec<(&'static str, String)> {
    import(&server, known);
    let (client, host) = (server.client(), server.address().to_owned());
    assert_eq!(image().push(&client, "team/app", "v1").unwrap().status, 201);
    let person = Person::at(server);
    person.types(&["scan", "team/app:v1"]);
    // A running server takes advisories within a second.
    let has_advisories = || client.get(FINDINGS).json()["advisoriesAt"].is_string();
    assert!(until(Duration::from_secs(20), has_advisories), "{}", client.get(FINDINGS).text());

    let documents = [
        ("findings", client.get(FINDINGS).text()),
        ("inventory", client.get("/api/v1/repositories/team/app/images/v1/sbom?format=inventory").text()),
        ("report", person.types(&["scan", "team/app:v1", "--format", "json"])),
        ("sarif", person.types(&["scan", "team/app:v1", "--format", "sarif"])),
    ];
    documents.map(|(name, text)| (name, without_times(&text.replace(&host, "HOST")))).into()
}

/// A text in which each time of RFC 3339 is `TIME`.
fn without_times(text: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let (mut rest, mut kept) = (text, String::new());
    while let Some(first) = rest.chars().next() {
        if rest.len() >= SHAPE.len() && rest.as_bytes().iter().zip(SHAPE).all(fits) {
            kept.push_str("TIME");
            rest = rest[SHAPE.len()..].trim_start_matches(|next: char| next == '.' || next.is_ascii_digit());
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

#[test]
fn what_is_found_in_an_image_is_the_same_on_both_databases_to_the_byte() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let known = advisories(folder.path());
    side_tables(&known, "CVE-2099-0001");

    let on_sqlite = scanned(Server::start(), &known);
    let on_postgresql = scanned(Server::with(&[("GANTRY_DATABASE__URL", &postgres.url())]), &known);

    for ((name, one), (_, other)) in on_sqlite.iter().zip(&on_postgresql) {
        assert_eq!(one, other, "{name}");
    }
    let findings: Value = serde_json::from_str(&on_sqlite[0].1).unwrap();
    let [flaws, secrets] = ["findings", "secrets"].map(|list| findings[list].as_array().unwrap().len());
    assert!(flaws >= 2 && secrets == 1, "{findings}");
}
