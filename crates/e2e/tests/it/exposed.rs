//! Secrets in layers: searched across images, and asked about by scan policies.

use crate::{commands::Person, scan::layer};
use gantry_e2e::{Image, Server, until};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// An image with this text in a file; `seed` makes it its own.
fn image(seed: u64, path: &str) -> Image {
    let token = ["TOKEN=ghp_", "k7Wq9ZxT3vRb5YnM1pLc8JdF2hGs6KaE4uQo\n"].concat();
    Image::new(seed, vec![layer(&[(path, &token)])])
}

fn push(person: &Person, name: &str, image: &Image) {
    assert_eq!(image.push(&person.server.client(), name, "v1").unwrap().status, 201);
    person.types(&["scan", &format!("{name}:v1")]);
}

fn listed(person: &Person, more: &[&str]) -> Value {
    let arguments = [&["findings", "ls", "--secrets", "--output", "json"], more].concat();
    serde_json::from_str(&person.types(&arguments)).unwrap()
}

#[test]
fn a_secret_is_found_in_all_images_that_hold_it() {
    let person = Person::at(Server::start());
    push(&person, "team/app", &image(1, "app/.env"));
    push(&person, "other/app", &image(2, "srv/.env"));
    push(&person, "team/docs", &image(3, "app/docs/env"));
    // What is searched may be a second old.
    assert!(until(PATIENCE, || listed(&person, &[])[0]["imageCount"] == 2), "{}", listed(&person, &[]));

    let found = listed(&person, &[]);
    let of_team = listed(&person, &["--repository", "team/", "--kind", "github-token"]);
    let with_examples = listed(&person, &["--examples"]);
    let others = listed(&person, &["--kind", "private-key"]);
    let table = person.types(&["findings", "ls", "--secrets", "--images"]);
    let (code, _, errors) = person.tries(&["findings", "ls", "--secrets", "--fixable"]);

    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    let told = ["rule", "severity", "preview", "confidence"].map(|member| found[0][member].clone());
    assert_eq!(told, [json!("github-token"), json!("CRITICAL"), json!("ghp_…"), json!("high")]);
    assert_eq!((&of_team[0]["imageCount"], &of_team[0]["images"][0]["paths"]), (&json!(1), &json!(["app/.env:1"])));
    assert_eq!(of_team[0]["images"][0]["tags"], json!(["v1"]));
    assert_eq!(with_examples[0]["imageCount"], 3);
    assert_eq!(others, json!([]));
    assert!(table.contains("other/app:v1") && table.contains("srv/.env:1") && !table.contains("k7Wq9Z"), "{table}");
    assert!(code == 2 && errors.contains("--fixable"), "{errors}");
}

#[test]
fn a_scan_policy_keeps_images_with_secrets_back_until_one_is_excepted() {
    let person = Person::at(Server::start());
    let pulls = |name: &str| person.server.client().get(&format!("/v2/{name}/manifests/v1"));
    push(&person, "team/app", &image(1, "app/.env"));
    push(&person, "team/docs", &image(2, "app/docs/env"));

    let set = person.types(&["gate", "set", "team/*", "--no-secrets"]);
    assert!(until(PATIENCE, || pulls("team/docs").status == 200), "{}", pulls("team/docs").text());
    let refused = pulls("team/app");
    let explained = person.tries(&["gate", "explain", "team/app:v1"]).1;
    let fingerprint = listed(&person, &[])[0]["fingerprint"].as_str().unwrap().to_owned();
    let except =
        ["gate", "except", "add", "team/app", "--vulnerability", &fingerprint, "--reason", "void", "--for", "1d"];
    person.types(&except);

    assert!(set.contains("no secret in a layer"), "{set}");
    assert_eq!(refused.status, 403, "{}", refused.text());
    let reason = refused.json()["errors"][0]["detail"]["reasons"][0].take();
    assert_eq!((&reason["kind"], &reason["rule"]), (&json!("secret"), &json!("github-token")));
    assert!(refused.text().contains("Make the secret void"), "{}", refused.text());
    assert!(explained.contains("in app/.env:1 of layer 1"), "{explained}");
    assert!(until(PATIENCE, || pulls("team/app").status == 200), "{}", pulls("team/app").text());
}
