//! A database that goes away, and comes back.

use gantry_e2e::{Answer, Image, Postgres, Server, digest, until};
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

#[test]
fn everything_works_on_postgresql_as_it_does_on_sqlite() {
    let postgres = Postgres::start();
    let server = Server::with(&[("GANTRY_DATABASE__URL", &postgres.url())]);
    let (client, first, second) = (server.client(), Image::small(1), Image::small(2));
    for (image, tag) in [(&first, "v1"), (&second, "v2"), (&first, "stable")] {
        let pushed = image.push(&client, "team/app", tag).unwrap();
        assert_eq!(pushed.status, 201, "{}", pushed.text());
    }
    let layer = digest(&first.layers[0]);
    client.push_blob("team/other", b"makes the repository").unwrap();

    let mounted = client.send("POST", &format!("/v2/team/other/blobs/uploads/?mount={layer}&from=team/app"), &[], &[]);
    let tags = client.get("/v2/team/app/tags/list?n=2");
    let refused = client.send("DELETE", &format!("/v2/team/app/blobs/{layer}"), &[], &[]);
    let removed = client.send("DELETE", &format!("/v2/team/app/manifests/{}", second.digest()), &[], &[]);
    let (code, freed, errors) = server.tool(&["gc", "--grace", "0s", "--output", "json"]);
    let (checked, report, _) = server.tool(&["fsck", "--output", "json"]);

    assert_eq!(mounted.status, 201, "{}", mounted.text());
    assert_eq!(tags.json()["tags"], serde_json::json!(["stable", "v1"]));
    assert!(tags.header("link").is_some_and(|link| link.contains("last=v1")), "{:?}", tags.headers);
    assert_eq!((refused.status, refused.code().as_str(), removed.status), (405, "UNSUPPORTED", 202));
    assert_eq!(code, 0, "{errors}");
    let freed: serde_json::Value = serde_json::from_str(&freed).unwrap();
    // The layer and config of the removed image, and the two blobs of the other repository that nothing names there.
    assert_eq!(freed["links"], 4, "{freed}");
    assert_eq!(checked, 0, "{report}");
    first.check(&client, "team/app", "stable").unwrap();
    assert_eq!(client.get("/v2/team/app/manifests/v2").status, 404);
}

#[test]
fn two_servers_on_one_database_and_folder_serve_no_stale_tag() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let url = postgres.url();
    let blobs = folder.path().join("blobs");
    let settings = [("GANTRY_DATABASE__URL", url.as_str()), ("GANTRY_STORAGE__PATH", blobs.to_str().unwrap())];
    let one = Server::on(&folder.path().join("one"), &settings);
    let two = Server::on(&folder.path().join("two"), &settings);

    for number in 0..20 {
        let image = Image::small(number);
        let (pushing, pulling) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let pushed = image.push(&pushing.client(), "team/app", "latest").unwrap();
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        image.check(&pulling.client(), "team/app", "latest").unwrap();
    }

    let image = Image::small(19);
    assert_eq!(one.client().send("DELETE", "/v2/team/app/manifests/latest", &[], &[]).status, 202);
    assert_eq!(two.client().get("/v2/team/app/manifests/latest").status, 404);
    assert_eq!(two.client().get(&format!("/v2/team/app/manifests/{}", image.digest())).status, 200);
}

#[test]
fn pushes_of_one_tag_through_two_servers_leave_one_whole_image_and_right_counts() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let url = postgres.url();
    let blobs = folder.path().join("blobs");
    let settings = [("GANTRY_DATABASE__URL", url.as_str()), ("GANTRY_STORAGE__PATH", blobs.to_str().unwrap())];
    let servers =
        [Server::on(&folder.path().join("one"), &settings), Server::on(&folder.path().join("two"), &settings)];
    servers[0].client().push_blob("team/app", b"makes the repository").unwrap();

    std::thread::scope(|scope| {
        for pusher in 0..4_u64 {
            let client = servers[pusher as usize % 2].client();
            scope.spawn(move || {
                for number in 0..10 {
                    // The layer is the same for all, so that its copies and links are fought for as well.
                    let image = Image::new(pusher << 32 | number, vec![b"shared".to_vec()]);
                    let pushed = image.push(&client, "team/app", "latest").unwrap();
                    assert_eq!(pushed.status, 201, "{}", pushed.text());
                }
            });
        }
    });

    let (code, report, errors) = servers[0].tool(&["fsck", "--output", "json"]);
    assert_eq!(code, 0, "{report}{errors}");
    let found = servers[1].client().get("/v2/team/app/manifests/latest");
    assert_eq!(found.status, 200, "{}", found.text());
}
