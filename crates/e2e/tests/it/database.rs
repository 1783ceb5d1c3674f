//! A database that goes away, and comes back.

use gantry_e2e::{Answer, Image, Postgres, Server, until};
use std::time::Duration;

fn assert_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    let seconds: Option<u64> = answer.header("retry-after").and_then(|value| value.parse().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{what} does not say when to try again: {:?}", answer.headers);
    assert!(answer.json()["errors"][0]["message"].is_string(), "{what}: {}", answer.text());
}

#[test]
fn a_database_that_goes_away_is_said_and_its_return_is_noticed() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let server = Server::with(&[("GANTRY_DATABASE__URL", &url), ("GANTRY_DATABASE__WAIT_MAX", "1s")]);
    let (client, image) = (server.client(), Image::small(1));
    let pushed = image.push(&client, "team/app", "v1").unwrap();
    assert_eq!(pushed.status, 201, "{}", pushed.text());

    postgres.kill();
    let is_said = until(Duration::from_secs(15), || client.get("/readyz").status == 503);
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let manifest =
        client.send("PUT", "/v2/team/app/manifests/v2", &[("content-type", Image::MEDIA_TYPE)], &image.manifest);
    let alive = client.get("/healthz").status;

    assert!(is_said, "/readyz answers {} while the database is gone", client.get("/readyz").status);
    assert_unavailable(&opened, "an upload");
    assert_unavailable(&manifest, "a manifest");
    assert_eq!(alive, 200, "the process itself is well");

    postgres.resume();
    let is_back = until(Duration::from_secs(15), || client.get("/readyz").status == 200);
    let works =
        until(Duration::from_secs(15), || Image::small(2).push(&client, "team/app", "v2").unwrap().status == 201);

    assert!(is_back && works, "the database is back, but: ready {is_back}, pushes {works}");
    image.check(&client, "team/app", "v1").unwrap();
    assert!(!server.log().contains("panic"), "{}", server.log());
}
