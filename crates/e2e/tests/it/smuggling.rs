//! Requests smuggled over a connection that is kept: whatever the framing says, one request is one request.

use crate::hostile::{assert_refused, assert_unharmed};
use gantry_e2e::{Image, Raw, Server, authorization_line, digest, open_files, stored_blob, until};
use std::time::{Duration, Instant};

const NAME: &str = "team/app";
/// Ends of lines and chunks are awaited no longer than this.
const CLOSED: Duration = Duration::from_secs(10);

/// A server with an image, which the smuggled request would delete.
fn server() -> (Server, Image) {
    let server = Server::start();
    let image = Image::small(1);
    assert_eq!(image.push(&server.client(), NAME, "v1").unwrap().status, 201);
    (server, image)
}

/// The request that must never be seen as one.
fn smuggled(image: &Image) -> String {
    format!("DELETE /v2/{NAME}/manifests/{} HTTP/1.1\r\nHost: gantry\r\n{}\r\n", image.digest(), authorization_line())
}

/// The head of a request that brings a body.
fn head(headers: &str) -> String {
    format!("POST /v2/{NAME}/blobs/uploads/ HTTP/1.1\r\nHost: gantry\r\n{}{headers}\r\n", authorization_line())
}

/// Sends bytes; the server answers at most so many times, closes, and the image lives.
fn assert_not_smuggled(server: &Server, image: &Image, bytes: &str, answers_max: usize) -> Vec<u16> {
    let mut raw = Raw::connect(server.address());
    raw.send(bytes);
    let mut statuses = Vec::new();
    while let Some(answer) = raw.answer() {
        statuses.push(answer.status);
        assert!(statuses.len() <= answers_max, "{statuses:?} to {bytes:?}");
    }
    image.check(&server.client(), NAME, "v1").unwrap_or_else(|problem| panic!("{problem} after {bytes:?}"));
    statuses
}

#[test]
fn a_request_with_two_framings_is_one_request_and_the_last() {
    let (server, image) = server();
    let smuggled = smuggled(&image);
    // The body ends at once by its chunks, and holds the second request by its length.
    let length = smuggled.len() + 5;

    for headers in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\nConnection: keep-alive\r\n"),
    ] {
        assert_not_smuggled(&server, &image, &format!("{}0\r\n\r\n{smuggled}", head(&headers)), 1);
    }
    assert_unharmed(&server);
}

#[test]
fn transfer_encodings_that_two_readers_would_read_in_two_ways_are_refused() {
    let (server, image) = server();
    let smuggled = smuggled(&image);
    let length = smuggled.len() + 5;

    for encoding in [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    ] {
        let bytes = format!("{}0\r\n\r\n{smuggled}", head(&format!("Content-Length: {length}\r\n{encoding}\r\n")));
        let statuses = assert_not_smuggled(&server, &image, &bytes, 1);
        assert!(statuses.iter().all(|status| (400..600).contains(status)), "{encoding:?} answers {statuses:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn a_length_that_is_said_twice_or_is_no_number_is_refused() {
    let (server, image) = server();
    let smuggled = smuggled(&image);
    let length = smuggled.len();

    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 0"),
        format!("Content-Length: 0, {length}"),
        "Content-Length: +0".into(),
        "Content-Length: -1".into(),
        "Content-Length: 0x10".into(),
        "Content-Length: 1e1".into(),
        "Content-Length: 99999999999999999999".into(),
        "Content-Length: ".into(),
        "Content-Length : 0".into(),
    ] {
        let statuses =
            assert_not_smuggled(&server, &image, &format!("{}{smuggled}", head(&format!("{lengths}\r\n"))), 1);
        assert!(statuses.iter().all(|status| *status == 400), "{lengths:?} answers {statuses:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn chunks_of_a_wrong_size_end_the_connection_and_store_nothing() {
    let (server, image) = server();
    let smuggled = smuggled(&image);
    let body = "hello";
    let target = format!("/v2/{NAME}/blobs/uploads/?digest={}", digest(body.as_bytes()));

    for chunks in [
        "zz\r\nhello\r\n0\r\n\r\n".to_string(),
        "-5\r\nhello\r\n0\r\n\r\n".into(),
        "0x5\r\nhello\r\n0\r\n\r\n".into(),
        "+5\r\nhello\r\n0\r\n\r\n".into(),
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n".into(),
        "10000000000000005\r\nhello\r\n0\r\n\r\n".into(),
        "5\r\nhelloX\r\n0\r\n\r\n".into(),
        "5\r\nhello0\r\n\r\n".into(),
        "\r\nhello\r\n0\r\n\r\n".into(),
        format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(1 << 20)),
    ] {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: gantry\r\n{}Transfer-Encoding: chunked\r\n\r\n",
            authorization_line()
        );
        let statuses = assert_not_smuggled(&server, &image, &format!("{head}{chunks}{smuggled}"), 1);
        let shown: String = chunks.chars().take(40).collect();
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{shown:?} answers {statuses:?}");
        assert_eq!(stored_blob(server.data(), body.as_bytes()), None, "{shown:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn garbage_behind_a_body_is_no_request_and_does_not_harm_the_one_before() {
    let (server, image) = server();
    let target = format!("/v2/{NAME}/blobs/uploads/?digest={}", digest(b"hello"));
    let request =
        format!("POST {target} HTTP/1.1\r\nHost: gantry\r\n{}Content-Length: 5\r\n\r\nhello", authorization_line());

    for garbage in [
        "\u{0}\u{1}\u{2}garbage\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let statuses = assert_not_smuggled(&server, &image, &format!("{request}{garbage}"), 2);
        assert_eq!(statuses.first(), Some(&201), "{garbage:?}");
        assert!(statuses[1..].iter().all(|status| (400..600).contains(status)), "{garbage:?} answers {statuses:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_order_and_apart() {
    let (server, image) = server();
    let mut raw = Raw::connect(server.address());
    let get = format!("GET /v2/{NAME}/manifests/v1 HTTP/1.1\r\nHost: gantry\r\n{}\r\n", authorization_line());
    let absent = get.replace("manifests/v1", "manifests/v2");
    let post = format!(
        "POST /v2/{NAME}/blobs/uploads/?digest={} HTTP/1.1\r\nHost: gantry\r\n{}Content-Length: 5\r\n\r\nahead",
        digest(b"ahead"),
        authorization_line()
    );

    raw.send([get.as_str(), &absent, &post, &get].concat());
    let answers: Vec<_> = (0..4).map(|_| raw.answer().expect("each is answered")).collect();

    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 404, 201, 200]);
    assert_eq!((&answers[0].body, &answers[3].body), (&image.manifest, &image.manifest));
}

#[test]
fn a_body_that_is_refused_early_is_not_read_as_the_next_request() {
    let (server, image) = server();
    let smuggled = smuggled(&image);

    // Each is refused by its head: without credentials, with a bad name, as too large.
    for (target, headers) in [
        (format!("/v2/{NAME}/blobs/uploads/"), String::new()),
        ("/v2/BAD/blobs/uploads/".to_string(), authorization_line()),
        ("/v2/BAD/manifests/v1".to_string(), authorization_line()),
        ("/nowhere".to_string(), authorization_line()),
    ] {
        for method in ["POST", "PUT", "PATCH", "GET", "DELETE"] {
            let length = smuggled.len();
            let bytes = format!(
                "{method} {target} HTTP/1.1\r\nHost: gantry\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{smuggled}"
            );
            let mut raw = Raw::connect(server.address());
            raw.send(bytes);
            let mut statuses = Vec::new();
            while let Some(answer) = raw.answer() {
                statuses.push(answer.status);
            }
            assert_eq!(statuses.len(), 1, "{method} {target} answers {statuses:?}");
            assert!((400..500).contains(&statuses[0]), "{method} {target} answers {statuses:?}");
        }
    }
    image.check(&server.client(), NAME, "v1").unwrap();
    assert_unharmed(&server);
}

#[test]
fn headers_that_are_folded_or_malformed_are_refused() {
    let (server, image) = server();

    for header in [
        "X-Folded: a\r\n b",
        "X-Folded: a\r\n\tb",
        "X Space: a",
        "X-Nul: a\u{0}b",
        "no colon",
        ": no name",
        "X-Return: a\rb",
    ] {
        let target = format!("/v2/{NAME}/manifests/v1");
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: gantry\r\n{}{header}\r\n\r\n", authorization_line());
        let statuses = assert_not_smuggled(&server, &image, &bytes, 1);
        assert!(statuses.iter().all(|status| *status == 400), "{header:?} answers {statuses:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn request_lines_that_are_none_are_refused() {
    let (server, image) = server();

    for line in [
        "GET /v2/\u{0} HTTP/1.1",
        "GET /v2/ä HTTP/1.1",
        "GET /v2/ x HTTP/1.1",
        "GET  /v2/ HTTP/1.1",
        "GET /v2/ HTTP/2.0",
        "GET /v2/ HTTP/1.1 x",
        "\u{16}\u{3}\u{1}\u{2}\u{0}",
    ] {
        let bytes = format!("{line}\r\nHost: gantry\r\nConnection: close\r\n{}\r\n", authorization_line());
        let statuses = assert_not_smuggled(&server, &image, &bytes, 1);
        assert!(statuses.iter().all(|status| (400..600).contains(status)), "{line:?} answers {statuses:?}");
    }
    assert_unharmed(&server);
}

#[test]
fn oversized_headers_and_addresses_are_refused_with_their_status() {
    let (server, image) = server();
    let large = "x".repeat(100 << 10);
    let many: String = (0..2_000).map(|number| format!("X-Header-{number}: value\r\n")).collect();

    let mut raw = Raw::connect(server.address());
    raw.request("GET", &format!("/v2/{NAME}/manifests/v1"), &format!("X-Large: {large}\r\n"), &[]);
    let of_header = raw.answer();
    let mut raw = Raw::connect(server.address());
    raw.request("GET", &format!("/v2/{NAME}/manifests/v1"), &many, &[]);
    let of_many = raw.answer();
    let mut raw = Raw::connect(server.address());
    raw.request("GET", &format!("/v2/{NAME}/manifests/{}", &large[..20 << 10]), "", &[]);
    let of_address = raw.answer();

    assert_eq!(of_header.map(|answer| answer.status), Some(431));
    assert_eq!(of_many.map(|answer| answer.status), Some(431));
    let of_address = of_address.expect("the server answers");
    assert_eq!(of_address.status, 414, "{}", of_address.text());
    assert_refused(&of_address, of_address.status, "UNSUPPORTED", "a long address");
    image.check(&server.client(), NAME, "v1").unwrap();
    assert_unharmed(&server);
}

#[test]
fn slow_senders_of_headers_are_cut_off() {
    let server = Server::with(&[("GANTRY_HTTP__HEADER_DEADLINE", "1s")]);
    let begun = Instant::now();
    let mut slow: Vec<Raw> = (0..100).map(|_| Raw::connect(server.address())).collect();

    for raw in &mut slow {
        raw.send("GET /v2/ HTTP/1.1\r\nHost: gantry\r\nX-Slow: ");
    }
    // A byte now and then buys no time.
    let are_cut = until(CLOSED, || {
        let cut = slow.iter_mut().map(|raw| !raw.send("x")).filter(|is_cut| *is_cut).count();
        cut == slow.len()
    });

    assert!(are_cut, "after {:?} slow senders are still served", begun.elapsed());
    drop(slow);
    assert!(until(Duration::from_secs(1), || open_files(server.pid()) < 100));
    assert_unharmed(&server);
}
