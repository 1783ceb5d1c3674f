//! Uploads that break off, and go on.

use gantry_e2e::{Client, Random, Raw, Server, digest, until};
use std::time::Duration;

const NAME: &str = "team/app";

/// Opens an upload; returns its address.
pub(crate) fn open(client: &Client) -> String {
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    assert_eq!(opened.status, 202, "{}", opened.text());
    opened.header("location").expect("an upload has its address").to_string()
}

/// Returns how many bytes an upload has, as its status says.
pub(crate) fn status(client: &Client, location: &str) -> usize {
    let answer = client.get(location);
    assert_eq!(answer.status, 204, "{}", answer.text());
    let range = answer.header("range").expect("a status has a range").to_string();
    let last: usize = range.strip_prefix("0-").and_then(|last| last.parse().ok()).expect("a range of bytes");
    // An upload without bytes says 0-0 as one with a single byte does; none here has a single byte.
    if last == 0 { 0 } else { last + 1 }
}

/// Begins to send all of `bytes` in one chunk; returns once the upload is in that request's hands and `sent` bytes are off.
pub(crate) fn begin_chunk(server: &Server, location: &str, bytes: &[u8], sent: usize) -> Raw {
    let mut raw = Raw::connect(server.address());
    let range = format!("Content-Length: {}\r\nContent-Range: 0-{}\r\n", bytes.len(), bytes.len() - 1);
    raw.request("PATCH", location, &format!("{range}Expect: 100-continue\r\n"), &[]);
    assert_eq!(raw.answer().map(|answer| answer.status), Some(100));
    assert!(raw.send(&bytes[..sent]));
    raw
}

#[test]
fn a_client_that_vanished_without_a_word_can_go_on_where_its_bytes_end() {
    let server = Server::start();
    let (client, bytes) = (server.client(), Random::new(1).bytes(1_000_000));
    let location = open(&client);
    let mut vanished = begin_chunk(&server, &location, &bytes, 600_000);
    // The status is what is stored, while the other request is still there.
    assert!(until(Duration::from_secs(10), || status(&client, &location) > 0), "nothing of it was written");

    let goes_on = until(Duration::from_secs(30), || {
        let offset = status(&client, &location);
        let range = format!("{offset}-{}", bytes.len() - 1);
        let answer = client.send("PATCH", &location, &[("content-range", &range)], &bytes[offset..]);
        assert!([202, 409].contains(&answer.status), "{}", answer.text());
        answer.status == 202
    });
    let done = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);

    assert!(goes_on, "the upload is still in the hands of the one who vanished");
    assert_eq!(vanished.answer().map(|answer| answer.status), Some(409), "the silent one is told");
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(&bytes))).body, bytes);
}
