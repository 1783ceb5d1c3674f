use super::{from_elsewhere, replicas, shared};
use crate::resume::{begin_chunk, open, status};
use gantry_e2e::{Client, Image, Postgres, Random, Server, digest, until};
use serde_json::json;
use std::{thread, time::Duration};

#[test]
fn chunks_that_alternate_between_two_servers_make_one_blob() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let clients = replicas(&postgres, folder.path()).map(|server| (server.client(), server));
    let bytes = Random::new(1).bytes(1_500_000);
    let location = open(&clients[0].0);

    for (number, chunk) in bytes.chunks(300_000).enumerate() {
        let (client, start) = (&clients[(number + 1) % 2].0, number * 300_000);
        let range = format!("{start}-{}", start + chunk.len() - 1);
        let taken = client.send("PATCH", &location, &[("content-range", &range)], chunk);
        assert_eq!(taken.status, 202, "chunk {number}: {}", taken.text());
        assert_eq!(status(&clients[number % 2].0, &location), start + chunk.len(), "seen by the other server");
    }
    let done = clients[0].0.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);

    assert_eq!(done.status, 201, "{}", done.text());
    for (client, _) in &clients {
        assert_eq!(client.get(&format!("/v2/team/app/blobs/{}", digest(&bytes))).body, bytes);
        assert_eq!(client.get(&location).status, 404);
    }
}

#[test]
fn of_two_that_write_to_one_upload_through_two_servers_the_second_is_told() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let [one, two] = replicas(&postgres, folder.path());
    let (client, bytes) = (two.client(), Random::new(1).bytes(400_000));
    let location = open(&client);
    let mut first = begin_chunk(&one, &location, &bytes, 200_000);

    let range = format!("0-{}", bytes.len() - 1);
    let second = client.send("PATCH", &location, &[("content-range", &range)], &bytes);
    let end = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);
    let cancelled = client.send("DELETE", &location, &[], &[]);
    first.send(&bytes[200_000..]);
    let done = first.answer().expect("the first writer is answered");

    assert_eq!((second.status, end.status, cancelled.status), (409, 409, 409), "{}", second.text());
    assert_eq!(done.status, 202, "{}", done.text());
    let closed = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);
    assert_eq!(closed.status, 201, "{}", closed.text());
    assert_eq!(client.get(&format!("/v2/team/app/blobs/{}", digest(&bytes))).body, bytes);
}

#[test]
fn an_upload_whose_server_died_goes_on_at_another() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let [mut one, two] = replicas(&postgres, folder.path());
    let (client, bytes) = (two.client(), Random::new(1).bytes(1_000_000));
    let location = open(&client);
    let _broken = begin_chunk(&one, &location, &bytes, 600_000);
    assert!(until(Duration::from_secs(10), || status(&client, &location) > 0), "nothing of it was written");

    one.kill();
    let goes_on = until(Duration::from_secs(60), || {
        let offset = status(&client, &location);
        let range = format!("{offset}-{}", bytes.len() - 1);
        let answer = client.send("PATCH", &location, &[("content-range", &range)], &bytes[offset..]);
        assert!([202, 409].contains(&answer.status), "{}", answer.text());
        answer.status == 202
    });
    let done = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);

    assert!(goes_on, "the upload still belongs to a server that is dead");
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(client.get(&format!("/v2/team/app/blobs/{}", digest(&bytes))).body, bytes);
}

#[test]
fn an_upload_that_a_server_writes_to_is_given_up_by_no_tool() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let [one, two] = replicas(&postgres, folder.path());
    let (client, bytes) = (two.client(), Random::new(1).bytes(400_000));
    let location = open(&client);
    let mut writing = begin_chunk(&one, &location, &bytes, 200_000);

    let collected = from_elsewhere(&postgres, folder.path(), &["gc", "--grace", "0s"]);
    writing.send(&bytes[200_000..]);
    let done = writing.answer().expect("the writer is answered");

    assert_eq!(collected["uploads"], 0, "{collected}");
    assert_eq!(done.status, 202, "{}", done.text());
}

/// Pushes manifests that differ in a number, each under a tag of its own, without ever trying again.
fn push_numbered(client: &Client, image: &Image, numbers: std::ops::Range<usize>) {
    let manifest: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap();
    for number in numbers {
        let mut manifest = manifest.clone();
        manifest["annotations"] = json!({"number": number.to_string()});
        let path = format!("/v2/team/app/manifests/v{number:05}");
        let pushed = client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], manifest.to_string().as_bytes());
        assert_eq!(pushed.status, 201, "number {number}: {}", pushed.text());
    }
}

/// Every tag of `team/app` as a server lists it, page after page.
fn all_tags(client: &Client) -> Vec<String> {
    let (mut tags, mut path) = (Vec::new(), "/v2/team/app/tags/list?n=1000".to_string());
    loop {
        let page = client.get(&path);
        tags.extend(page.json()["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_string()));
        let Some(last) = page.header("link").map(|_| tags.last().unwrap().clone()) else { return tags };
        path = format!("/v2/team/app/tags/list?n=1000&last={last}");
    }
}

#[test]
fn ten_thousand_pushes_through_three_servers_at_once_all_succeed_at_the_first_try() {
    const PUSHES: usize = 10_000;
    const PUSHERS: usize = 6;
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let (url, blobs) = (postgres.url(), folder.path().join("blobs"));
    let servers = ["one", "two", "three"].map(|name| Server::on(&folder.path().join(name), &shared(&url, &blobs)));
    let image = Image::small(1);
    assert_eq!(image.push(&servers[0].client(), "team/app", "first").unwrap().status, 201);

    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let (client, image) = (servers[pusher % servers.len()].client(), &image);
            let numbers = PUSHES * pusher / PUSHERS..PUSHES * (pusher + 1) / PUSHERS;
            scope.spawn(move || push_numbered(&client, image, numbers));
        }
    });

    let mut expected: Vec<String> = (0..PUSHES).map(|number| format!("v{number:05}")).collect();
    expected.insert(0, "first".into());
    for server in &servers {
        assert_eq!(all_tags(&server.client()), expected);
        assert!(!server.log().contains("panic"), "{}", server.log_end());
    }
    let report = from_elsewhere(&postgres, folder.path(), &["fsck", "--quick"]);
    assert_eq!(report["damage"], 0, "{report}");
}
