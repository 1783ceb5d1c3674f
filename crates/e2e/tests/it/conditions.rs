//! Conditions and parts (RFC 9110, sections 13 and 14), on the real routes: what a cache or an interrupted client asks.

use gantry_e2e::{Answer, Image, Raw, Server, digest};

const BYTES: &[u8] = b"0123456789";

/// A server with an image and a blob; the address of each, and its entity tag.
fn server() -> (Server, [(String, String); 2]) {
    let (server, image) = (Server::start(), Image::small(1));
    image.push(&server.client(), "team/app", "v1").unwrap();
    server.client().push_blob("team/app", BYTES).unwrap();
    let blob = (format!("/v2/team/app/blobs/{}", digest(BYTES)), format!("\"{}\"", digest(BYTES)));
    let manifest = ("/v2/team/app/manifests/v1".to_string(), format!("\"{}\"", image.digest()));
    (server, [manifest, blob])
}

fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.client().send("GET", path, headers, &[])
}

#[test]
fn content_that_a_client_has_is_not_sent_again_by_get_nor_by_head() {
    let (server, contents) = server();

    for (path, tag) in &contents {
        for method in ["GET", "HEAD"] {
            for list in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let answer = server.client().send(method, path, &[("if-none-match", &list)], &[]);
                assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {path} {list}");
                assert_eq!(answer.header("etag"), Some(tag.as_str()), "{method} {path} {list}");
            }
            let changed = server.client().send(method, path, &[("if-none-match", "\"other\"")], &[]);
            assert_eq!(changed.status, 200, "{method} {path}");
        }
    }
}

#[test]
fn every_line_of_entity_tags_counts() {
    let (server, contents) = server();

    for (path, tag) in &contents {
        let mut raw = Raw::connect(server.address());
        raw.request("GET", path, &format!("If-None-Match: \"other\"\r\nIf-None-Match: {tag}\r\n"), &[]);
        assert_eq!(raw.answer().map(|answer| answer.status), Some(304), "{path}");
    }
}

#[test]
fn head_has_the_headers_of_get() {
    let (server, contents) = server();
    let of_content = |answer: &Answer| {
        let is_of_content = |name: &str| !["date", "x-request-id"].contains(&name);
        let mut headers = answer.headers.clone();
        headers.retain(|(name, _)| is_of_content(name));
        headers.sort();
        headers
    };

    for (path, _) in &contents {
        let (get, head) = (server.client().get(path), server.client().head(path));
        assert_eq!(of_content(&head), of_content(&get), "{path}");
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
    }
}

#[test]
fn a_part_of_a_blob_is_sent_with_its_place() {
    let (server, [_, (blob, _)]) = server();

    for (range, place, bytes) in [
        ("bytes=0-0", "bytes 0-0/10", b"0".as_slice()),
        ("bytes=4-", "bytes 4-9/10", b"456789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
        ("BYTES=0-1", "bytes 0-1/10", b"01"),
        ("bytes=8-99999999999999999999", "bytes 8-9/10", b"89"),
    ] {
        let part = get(&server, &blob, &[("range", range)]);
        assert_eq!((part.status, part.body.as_slice()), (206, bytes), "{range}");
        assert_eq!(part.header("content-range"), Some(place), "{range}");
    }
}

#[test]
fn a_part_is_sent_only_of_the_content_that_the_client_began_with() {
    let (server, [_, (blob, tag)]) = server();
    let part_if = |tag: &str| get(&server, &blob, &[("range", "bytes=4-"), ("if-range", tag)]).status;

    assert_eq!(part_if(&tag), 206);
    // A weak tag says that two contents may differ in their bytes; a date is none of this content's.
    for other in [format!("W/{tag}"), "\"other\"".into(), "Wed, 01 Jan 2025 00:00:00 GMT".into()] {
        assert_eq!(part_if(&other), 200, "{other}");
    }
}

#[test]
fn a_part_of_a_manifest_is_not_served_but_the_whole_is() {
    let (server, [(manifest, _), _]) = server();

    let answer = get(&server, &manifest, &[("range", "bytes=0-1")]);

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, Image::small(1).manifest);
}

#[test]
fn a_condition_is_asked_after_existence() {
    let (server, _) = server();
    let absent = format!("/v2/team/app/blobs/{}", digest(b"absent"));

    for method in ["GET", "HEAD"] {
        for path in ["/v2/team/app/manifests/nope", absent.as_str()] {
            assert_eq!(server.client().send(method, path, &[("if-none-match", "*")], &[]).status, 404, "{path}");
        }
    }
}
