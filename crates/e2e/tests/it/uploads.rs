//! What a client is told about uploads by settings that are not the usual ones, and where blobs are mounted from.

use crate::hostile::assert_refused;
use gantry_e2e::{Client, Image, PASSWORD, Server, USER, digest, stored_uploads, until};
use std::time::Duration;

#[test]
fn the_smallest_chunk_is_told_where_it_is_set() {
    let asking = Server::with(&[("GANTRY_UPLOADS__CHUNK_BYTES_MIN", "5MiB")]);
    let usual = Server::start();
    let open = |server: &Server| server.client().send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);

    assert_eq!(open(&asking).header("oci-chunk-min-length"), Some("5242880"));
    assert_eq!(open(&usual).header("oci-chunk-min-length"), None);
    // It is a wish: smaller ones are taken.
    let location = open(&asking).header("location").unwrap().to_string();
    assert_eq!(asking.client().send("PATCH", &location, &[("content-range", "0-1")], b"ab").status, 202);
}

#[test]
fn a_push_to_a_repository_that_is_not_there_is_refused_where_it_is_not_to_be_created() {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "false")]);
    let client = server.client();
    let mount = format!("/v2/team/app/blobs/uploads/?mount={}&from=team/other", digest(b"x"));
    let whole = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"x"));

    for path in ["/v2/team/app/blobs/uploads/", mount.as_str(), &whole] {
        assert_refused(&client.send("POST", path, &[], b"x"), 404, "NAME_UNKNOWN", path);
    }
    let manifest = client.send(
        "PUT",
        "/v2/team/app/manifests/v1",
        &[("content-type", Image::MEDIA_TYPE)],
        &Image::small(1).manifest,
    );
    assert_refused(&manifest, 404, "NAME_UNKNOWN", "a manifest");

    let created = client.send("POST", "/api/v1/repositories", &[], br#"{"name": "team/app"}"#);
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(Image::small(1).push(&client, "team/app", "v1").unwrap().status, 201);
}

#[test]
fn a_blob_is_mounted_from_where_the_caller_says_or_from_what_he_may_read() {
    let server = Server::start();
    let root = server.client();
    for name in ["secret", "mine", "target"] {
        root.push_blob(name, format!("makes {name}").as_bytes()).unwrap();
    }
    // Many hold it; the caller may read one of them.
    let shared = b"held by many";
    for number in 0..20 {
        root.push_blob(&format!("many/{number}"), shared).unwrap();
    }
    root.push_blob("secret", b"secret bytes").unwrap();
    root.push_blob("mine", shared).unwrap();
    let token = root.get("/token?scope=repository:target:pull,push&scope=repository:mine:pull").json();
    let guest = Client::new(server.address(), USER, PASSWORD)
        .with_authorization(&format!("Bearer {}", token["token"].as_str().unwrap()));
    let mount = |client: &Client, bytes: &[u8], from: &str| {
        let path = format!("/v2/target/blobs/uploads/?mount={}{from}", digest(bytes));
        let status = client.send("POST", &path, &[], &[]).status;
        // Taken back, so that it is not the target that is mounted from.
        client.send("DELETE", &format!("/v2/target/blobs/{}", digest(bytes)), &[], &[]);
        root.send("DELETE", &format!("/v2/target/blobs/{}", digest(bytes)), &[], &[]);
        status
    };

    assert_eq!(mount(&guest, shared, "&from=mine"), 201);
    assert_eq!(mount(&guest, shared, ""), 201, "what may be read is found among many");
    assert_eq!(mount(&root, shared, ""), 201);
    assert_eq!(mount(&root, b"secret bytes", "&from=secret"), 201);
    for (client, bytes, from) in [
        (&guest, shared.as_slice(), "&from=many/1"),
        (&guest, b"secret bytes", "&from=secret"),
        (&guest, b"secret bytes", ""),
        // A source that is none is no leave to look elsewhere.
        (&root, shared, "&from=BAD"),
        (&root, shared, "&from="),
        (&root, shared, "&from=no/such"),
        (&root, b"nobody has this", ""),
    ] {
        assert_eq!(mount(client, bytes, from), 202, "{from}");
    }
}

#[test]
fn an_upload_that_nobody_goes_on_with_is_given_up_in_time() {
    let server = Server::with(&[("GANTRY_UPLOADS__EXPIRE", "2s"), ("GANTRY_COLLECTION__EVERY", "1s")]);
    let client = server.client();
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], b"the beginning").status, 202);
    assert_eq!(stored_uploads(server.data()).len(), 1);

    let is_given_up = until(Duration::from_secs(30), || client.get(&location).status == 404);

    assert!(is_given_up, "{}", client.get(&location).text());
    assert!(until(Duration::from_secs(10), || stored_uploads(server.data()).is_empty()), "its bytes are still there");
    let late = client.send("PUT", &format!("{location}?digest={}", digest(b"the beginning")), &[], &[]);
    assert_refused(&late, 404, "BLOB_UPLOAD_UNKNOWN", "an upload that was given up");
}

#[test]
fn a_name_of_256_characters_is_taken_and_one_more_is_not() {
    let server = Server::start();
    let (client, image) = (server.client(), Image::small(1));
    let longest = format!("team/{}/{}", "a".repeat(125), "b".repeat(125));
    assert_eq!(longest.len(), 256);

    let pushed = image.push(&client, &longest, "v1").unwrap();
    let refused = client.send("POST", &format!("/v2/{longest}b/blobs/uploads/"), &[], &[]);

    assert_eq!(pushed.status, 201, "{}", pushed.text());
    image.check(&client, &longest, "v1").unwrap();
    assert_eq!(client.get(&format!("/v2/{longest}/tags/list")).json()["name"], longest);
    assert_refused(&refused, 400, "NAME_INVALID", "257 characters");
}
