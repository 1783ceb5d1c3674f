//! What `/metrics` says, and what is written of it.

use crate::scan::{advisories, import};
use gantry_e2e::{Client, Image, Server, USER, until};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// The families of a scrape, named as their samples are.
fn families(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    lines.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_string() }).collect()
}

/// The value of a sample, by its name and labels.
fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn every_figure_is_in_the_documentation_and_none_else() {
    let settings = [("GANTRY_TRACING__OTLP_ENDPOINT", "http://127.0.0.1:1")];
    let server = Server::with(&settings);
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let quota = json!({"bytesHard": 1_000_000, "imagesHard": 10});
    let set = server.client().send(
        "PUT",
        "/api/v1/quotas/team/*",
        &[("Content-Type", "application/json")],
        quota.to_string().as_bytes(),
    );
    assert_eq!(set.status, 200, "{}", set.text());
    server.client().get("/v2/team/app/manifests/none");
    server.client().send("PUT", "/v2/team/app/manifests/v2", &[], b"{");
    Client::new(server.address(), USER, "wrong").get("/v2/");
    let folder = tempfile::tempdir().unwrap();
    import(&server, &advisories(folder.path()));
    let is_read = || {
        let text = server.client().get("/metrics").text();
        ["aws_ecr_repository_images{", "gantry_advisories_age_seconds{", "gantry_quota_used_bytes{"]
            .iter()
            .all(|name| text.contains(name))
    };
    assert!(
        until(Duration::from_secs(60), is_read),
        "repositories are read every ten seconds, advisories every fifteen"
    );

    let printed = families(&server.client().get("/metrics").text());

    let page = include_str!("../../../../docs/operations.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let is_figure = |name: &&str| ["gantry_", "process_", "aws_ecr_"].iter().any(|prefix| name.starts_with(prefix));
    let written: BTreeSet<String> = rows.filter(is_figure).map(str::to_string).collect();
    assert_eq!(written, printed, "left: docs/operations.md, right: /metrics");
}

#[test]
fn it_is_counted_what_the_store_holds_and_what_is_left() {
    let mut server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    image.push(&server.client(), "team/copy", "v1").unwrap();
    server.restart();
    let bytes: usize = image.layers.iter().map(Vec::len).sum::<usize>() + image.config.len();

    let scrape = || server.client().get("/metrics").text();
    let used = || value(&scrape(), "gantry_storage_used_bytes");
    let is_counted = until(Duration::from_secs(15), || used() == Some(bytes as f64));

    assert!(is_counted, "{bytes} bytes are there, counted were {:?}", used());
    assert_eq!(value(&scrape(), "gantry_storage_blobs"), Some(image.layers.len() as f64 + 1.0));
    assert!(value(&scrape(), "gantry_storage_free_bytes").is_some_and(|bytes| bytes > 1e6));
    assert!(value(&scrape(), "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));
}

#[test]
fn it_is_counted_what_each_repository_holds_and_which_pushes_failed() {
    let server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    server.client().send("PUT", "/v2/team/app/manifests/v2", &[], b"{");
    let bytes: usize = image.layers.iter().map(Vec::len).sum::<usize>() + image.config.len();

    let scrape = || server.client().get("/metrics").text();
    let images = || value(&scrape(), "aws_ecr_repository_images{account=\"000000000000\",repository=\"team/app\"}");
    let is_counted = until(Duration::from_secs(15), || images() == Some(1.0));

    let text = scrape();
    assert!(is_counted, "{text}");
    assert_eq!(
        value(&text, "aws_ecr_repository_size_bytes{account=\"000000000000\",repository=\"team/app\"}"),
        Some(bytes as f64)
    );
    let failures =
        "aws_ecr_push_failures_total{account=\"000000000000\",repository=\"team/app\",reason=\"ManifestInvalid\"}";
    assert_eq!(value(&text, failures), Some(1.0), "{text}");
}
