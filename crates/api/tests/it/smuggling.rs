//! Requests that try to mean one thing to a proxy and another to us.

use crate::toy::Toy;
use std::sync::atomic::Ordering::Relaxed;

const HOST: &str = "host: a\r\nauthorization: Bearer good\r\n";

/// What a request is answered with when all of it is sent at once, up to the close.
async fn statuses(toy: &Toy, bytes: &str) -> Vec<u16> {
    let mut client = toy.client().await;
    client.send(bytes).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    let text = String::from_utf8_lossy(&client.rest().await).into_owned();
    let statuses = text.match_indices("HTTP/1.1 ").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    statuses.filter(|status| *status != 100).collect()
}

#[tokio::test]
async fn no_request_hides_in_the_body_of_another() {
    let toy = Toy::start().await;
    let hidden = "GET /v2/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let put = |headers: &str, body: &str| format!("PUT /v2/put HTTP/1.1\r\n{HOST}{headers}\r\n{body}");
    for (name, bytes, expected) in [
        ("two lengths", put("content-length: 0\r\ncontent-length: 39\r\n", hidden), &[400][..]),
        ("a list of lengths", put("content-length: 0, 39\r\n", hidden), &[400]),
        ("a length with a sign", put("content-length: +0\r\n", hidden), &[400]),
        ("a length beyond all numbers", put("content-length: 18446744073709551616\r\n", hidden), &[400]),
        ("chunked is not last", put("transfer-encoding: chunked, identity\r\n", &format!("0\r\n\r\n{hidden}")), &[400]),
        ("an encoding that is none", put("transfer-encoding: xchunked\r\n", &format!("0\r\n\r\n{hidden}")), &[400]),
        (
            "chunked twice",
            put("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", &format!("0\r\n\r\n{hidden}")),
            &[400],
        ),
        ("a folded header", put("x: a\r\n transfer-encoding: chunked\r\ncontent-length: 0\r\n", ""), &[400]),
        ("a blank before the colon", put("content-length : 39\r\n", hidden), &[400]),
        ("a name with a control character", put("content\u{b}-length: 39\r\n", hidden), &[400]),
        ("a bare carriage return", put("x: a\rcontent-length: 39\r\n", hidden), &[400]),
        ("a version that is none", format!("GET /v2/manifest HTTP/1.2\r\n{HOST}\r\n"), &[400]),
        ("two hosts", format!("GET /v2/manifest HTTP/1.1\r\n{HOST}host: b\r\n\r\n"), &[400]),
        ("no host", "GET /v2/manifest HTTP/1.1\r\nauthorization: Bearer good\r\n\r\n".into(), &[400]),
        ("a host that is none", "GET /v2/manifest HTTP/1.1\r\nhost: a b\r\n\r\n".into(), &[400]),
        ("a null byte", format!("GET /v2/man\0ifest HTTP/1.1\r\n{HOST}\r\n"), &[400]),
    ] {
        assert_eq!(statuses(&toy, &bytes).await, expected, "{name}");
    }
    assert_eq!(toy.room.smuggled.load(Relaxed), 0);
    assert!(toy.room.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn where_a_request_has_both_lengths_the_chunks_count_and_the_connection_ends() {
    let toy = Toy::start().await;
    let hidden = "GET /v2/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for lengths in
        ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
    {
        let bytes = format!("PUT /v2/put HTTP/1.1\r\n{HOST}{lengths}\r\n\r\n0\r\n\r\n{hidden}");

        assert_eq!(statuses(&toy, &bytes).await, [201], "{lengths}");
    }
    assert_eq!(toy.room.smuggled.load(Relaxed), 0);
    assert_eq!(*toy.room.stored.lock().unwrap(), ["", ""]);
}

#[tokio::test]
async fn a_body_of_bad_chunks_is_an_error_and_the_end_of_the_connection() {
    let toy = Toy::start().await;
    let hidden = "GET /v2/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for chunks in [
        "zz\r\nab\r\n0\r\n\r\n",
        "-1\r\nab\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "2\nab\r\n0\r\n\r\n",
        "2\r\nabc\r\n0\r\n\r\n",
        "10000000000000002\r\nab\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\nab\r\n0\r\n\r\n",
        "2;a\nb\r\nab\r\n0\r\n\r\n",
        " 2\r\nab\r\n0\r\n\r\n",
    ] {
        let bytes = format!("PUT /v2/put HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n{chunks}{hidden}");

        let found = statuses(&toy, &bytes).await;

        assert!(found.is_empty() || found == [400], "{chunks:?}: {found:?}");
    }
    assert_eq!(toy.room.smuggled.load(Relaxed), 0);
    assert!(toy.room.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn eight_digits_of_a_chunk_size_are_not_cut_to_fewer() {
    let toy = Toy::start().await;
    // 0x100000005 would be 5 in 32 bits.
    let bytes =
        format!("PUT /v2/put HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n100000005\r\nhello\r\n0\r\n\r\n");

    assert!(statuses(&toy, &bytes).await.iter().all(|status| *status >= 400));
    assert!(toy.room.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_follows_a_body_that_was_not_read_is_no_request() {
    let toy = Toy::start().await;
    let hidden = "GET /v2/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let filler = "x".repeat(300_000);
    let length = filler.len() + hidden.len();
    let bytes = format!("PUT /v2/put HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{filler}{hidden}");

    assert_eq!(statuses(&toy, &bytes).await, [401]);
    assert_eq!(toy.room.smuggled.load(Relaxed), 0);
}

#[tokio::test]
async fn ordinary_requests_still_work() {
    let toy = Toy::start().await;
    let chunked = format!(
        "PUT /v2/put HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: u\r\n\r\n"
    );
    let equal = format!("PUT /v2/put HTTP/1.1\r\n{HOST}content-length: 2\r\n\r\nab");

    assert_eq!(statuses(&toy, &format!("{chunked}{equal}")).await, [201, 201]);
    assert_eq!(*toy.room.stored.lock().unwrap(), ["abcde", "ab"]);
}

#[tokio::test]
async fn an_absolute_address_names_the_host() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let answer = client.ask("GET http://other.example:81/v2/where", &[]).await;

    assert!(answer.text().starts_with("http://other.example:81 "), "{}", answer.text());
}

#[tokio::test]
async fn tunnels_and_upgrades_are_not_for_us() {
    let toy = Toy::start().await;

    let tunnel = statuses(&toy, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n").await;
    let upgrade = format!("GET /v2/manifest HTTP/1.1\r\n{HOST}connection: upgrade\r\nupgrade: h2c\r\n\r\n");

    assert_eq!(tunnel, [404]);
    assert_eq!(statuses(&toy, &upgrade).await, [200]);
}
