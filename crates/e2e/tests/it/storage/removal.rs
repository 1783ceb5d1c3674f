use super::{NAME, fsck, gc, push, without_trash};
use crate::hostile::assert_refused;
use gantry_e2e::{Client, Image, Random, Server, digest, seed, stored_blobs, stored_digests, stored_uploads};
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

fn remove_repository(client: &Client, name: &str) -> u16 {
    client.send("DELETE", &format!("/api/v1/repositories/{name}?force=true"), &[], &[]).status
}

fn open(client: &Client) -> String {
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    opened.header("location").expect("an upload has its address").to_string()
}

#[test]
fn a_repository_that_is_removed_amid_pushes_leaves_nothing_behind() {
    let mut server = without_trash();
    let (seed, is_over) = (seed(), AtomicBool::new(false));
    let mut random = Random::new(seed);

    thread::scope(|scope| {
        for number in 0..4_u64 {
            let (mut random, client, is_over) = (random.fork(), server.client(), &is_over);
            scope.spawn(move || {
                for count in 0.. {
                    let image = Image::new(number << 32 | count, vec![vec![7; 5_000], random.bytes(3_000)]);
                    let answer = push(&client, &image, &format!("t{}", random.below(9)));
                    // The client may find that what it pushed a moment ago went with the repository.
                    assert!(matches!(answer.status, 201 | 404), "{} {}", answer.status, answer.text());
                    if is_over.load(SeqCst) {
                        return;
                    }
                }
            });
        }
        let (begun, client) = (Instant::now(), server.client());
        let mut statuses = Vec::new();
        while begun.elapsed() < Duration::from_secs(3) {
            statuses.push(remove_repository(&client, NAME));
        }
        // First the others are told to end: nobody must wait for them if this fails.
        is_over.store(true, SeqCst);
        assert!(statuses.iter().all(|status| matches!(status, 200..=204 | 404)), "{statuses:?}");
        assert!(statuses.iter().any(|status| *status != 404), "there was never a repository to remove");
    });
    remove_repository(&server.client(), NAME);
    server.stop();

    let (code, report) = fsck(&server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "seed {seed}: {report}");
    gc(&server, &["--grace", "0s"]);
    assert_eq!((stored_blobs(server.data()).len(), stored_uploads(server.data()).len()), (0, 0), "seed {seed}");
}

#[test]
fn an_upload_ends_with_its_repository() {
    let server = Server::start();
    let client = server.client();
    let location = open(&client);
    client.send("PATCH", &location, &[], b"bytes");

    let removed = remove_repository(&client, NAME);
    let end = client.send("PUT", &format!("{location}?digest={}", digest(b"bytes")), &[], &[]);
    client.push_blob(NAME, b"makes it again").unwrap();
    let later = client.send("PUT", &format!("{location}?digest={}", digest(b"bytes")), &[], &[]);

    assert!(matches!(removed, 200..=204), "{removed}");
    assert_eq!((end.status, later.status), (404, 404), "{} {}", end.text(), later.text());
    assert_eq!(stored_digests(server.data()), [digest(b"makes it again")]);
}

#[test]
fn of_many_who_end_one_upload_at_once_one_succeeds_and_nobody_breaks_it() {
    let server = Server::start();
    let client = server.client();
    let bytes = Random::new(1).bytes(300_000);

    for _ in 0..5 {
        let location = open(&client);
        assert_eq!(client.send("PATCH", &location, &[], &bytes).status, 202);
        let path = format!("{location}?digest={}", digest(&bytes));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let end = || server.client().send("PUT", &path, &[], &[]).status;
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(end)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 201 | 404 | 409)), "{statuses:?}");
        assert!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(&bytes))).body == bytes);
    }
    assert_eq!(stored_blobs(server.data()).len(), 1);
}

#[test]
fn an_upload_goes_on_and_ends_with_sha512_after_a_kill() {
    let mut server = Server::start();
    let location = open(&server.client());
    assert_eq!(server.client().send("PATCH", &location, &[], b"abc").status, 202);
    // FIPS 180-4, appendix C.1 (published example): SHA-512 of "abc".
    let digest = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                  2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    server.restart();
    let done = server.client().send("PUT", &format!("{location}?digest={digest}"), &[], &[]);

    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(server.client().get(&format!("/v2/{NAME}/blobs/{digest}")).body, b"abc");
    let (code, report) = fsck(&server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "{report}");
}

#[test]
fn a_child_of_a_living_index_is_refused_with_405_and_told_why() {
    let server = without_trash();
    let (client, child) = (server.client(), Image::small(1));
    assert_eq!(push(&client, &child, "child").status, 201);
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type,
        "manifests": [{"mediaType": Image::MEDIA_TYPE, "digest": child.digest(), "size": child.manifest.len()}],
    })
    .to_string();
    let put =
        client.send("PUT", &format!("/v2/{NAME}/manifests/all"), &[("content-type", media_type)], index.as_bytes());
    assert_eq!(put.status, 201, "{}", put.text());
    let of_child = format!("/v2/{NAME}/manifests/{}", child.digest());

    let refused = client.send("DELETE", &of_child, &[], &[]);
    let removed = client.send("DELETE", &format!("/v2/{NAME}/manifests/{}", digest(index.as_bytes())), &[], &[]);
    let then = client.send("DELETE", &of_child, &[], &[]);

    assert_refused(&refused, 405, "UNSUPPORTED", "a child");
    assert!(refused.text().contains("is a child of the index"), "{}", refused.text());
    assert_eq!((removed.status, then.status), (202, 202), "{}", then.text());
}
