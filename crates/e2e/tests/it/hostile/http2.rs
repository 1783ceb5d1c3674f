//! What is tried over HTTP/2 (RFC 9113): frames that no client sends, and the bad requests of HTTP/1.1 once more.

use super::assert_unharmed;
use gantry_e2e::{PASSWORD, Raw, Server, USER, digest, resident_bytes, stored_blobs, tool};
use std::{process::Command, time::Duration};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Whoever sends what cannot be is left within this.
const CLOSED: Duration = Duration::from_secs(20);

// Types and flags of frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What a server says to a request.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// 200, 204 or 206 (static entries of RFC 7541, appendix A).
    Success,
    /// Another status.
    Refused,
    /// The stream is reset, the connection is gone, or soon will be.
    Gone,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A string as it is (RFC 7541, section 5.2).
fn string(text: &str) -> Vec<u8> {
    let mut coded = Vec::new();
    match u8::try_from(text.len()) {
        Ok(length) if length < 127 => coded.push(length),
        _ => {
            coded.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                coded.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            coded.push(rest as u8);
        }
    }
    coded.extend(text.as_bytes());
    coded
}

/// A field that is kept in no table (RFC 7541, section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    [vec![0], string(name), string(value)].concat()
}

/// The fields of a request with the root credentials, and more of them.
fn fields(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let authorization = gantry_e2e::authorization_line();
    let authorization = authorization.trim().split_once(": ").expect("a header").1.to_string();
    let usual = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "gantry")];
    let all = usual.into_iter().chain([("authorization", authorization.as_str())]).chain(more.iter().copied());
    all.flat_map(|(name, value)| field(name, value)).collect()
}

/// A connection that has begun as every client begins it.
fn connect(server: &Server) -> Raw {
    let mut raw = Raw::connect(server.address());
    assert!(raw.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()));
    raw
}

/// Reads frames until one tells what became of the request.
fn said(raw: &mut Raw) -> Said {
    loop {
        let Some(head) = raw.bytes(9) else { return Said::Gone };
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let Some(payload) = raw.bytes(length) else { return Said::Gone };
        match head[3] {
            HEADERS if matches!(payload.first(), Some(0x88..=0x8a)) => return Said::Success,
            HEADERS => return Said::Refused,
            RST_STREAM | GOAWAY => return Said::Gone,
            _ => {}
        }
    }
}

/// The server closes, whatever it says before, and is well.
fn assert_closes(server: &Server, raw: &mut Raw, what: &str) {
    assert!(raw.until_closed(CLOSED).is_some(), "{what}: the connection is still open after {CLOSED:?}");
    assert_unharmed(server);
}

#[test]
fn requests_that_are_refused_over_http_1_are_refused_alike_over_http_2() {
    let server = Server::start();
    server.client().push_blob("team/app", b"0123456789").unwrap();
    let blob = format!("/v2/team/app/blobs/{}", digest(b"0123456789"));
    let (long, wide) = (format!("/v2/{}/tags/list", "a/".repeat(6_000)), format!("x-wide: {}", "x".repeat(40_000)));
    let post = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"promised"));

    for (path, arguments, expected) in [
        (long.as_str(), &[][..], "414"),
        ("/v2/", &["--header", &wide], "431"),
        ("/v2/team/../../etc/passwd/tags/list", &[], "400"),
        ("/v2/team/%2e%2e/app/tags/list", &[], "400"),
        ("/v2/team/app/manifests/-v1", &["--request", "PUT", "--data", "{}"], "400"),
        ("/v2/team/app/manifests/v1", &["--request", "PATCH"], "405"),
        (blob.as_str(), &["--header", "range: bytes=10-"], "416"),
        (post.as_str(), &["--data-binary", "something else"], "400"),
        ("/v2/team/app", &[], "404"),
        ("/v2/", &["--user", "nobody:nothing"], "401"),
    ] {
        let over_1 = status(&server, "--http1.1", path, arguments);
        let over_2 = status(&server, "--http2-prior-knowledge", path, arguments);
        let shown = &path[..path.len().min(60)];
        assert_eq!(
            (over_1.as_str(), over_2.as_str()),
            (&*format!("{expected} 1.1"), &*format!("{expected} 2")),
            "{shown}"
        );
    }
    assert_unharmed(&server);
}

/// What curl is answered, with the version of HTTP: `404 2`.
fn status(server: &Server, version: &str, path: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(tool("curl"));
    command.args(["--silent", "--show-error", "--path-as-is", "--max-time", "20", "--output", "/dev/null", version]);
    command.args(["--write-out", "%{http_code} %{http_version}", "--user", &format!("{USER}:{PASSWORD}")]);
    let output = command.args(arguments).arg(format!("http://{}{path}", server.address())).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn fields_that_a_request_over_http_2_must_not_have_are_refused() {
    let server = Server::start();
    let mut well = connect(&server);
    well.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields("GET", "/v2/", &[])));
    assert_eq!(said(&mut well), Said::Success, "a request of this kind is usually taken");

    for (what, more) in [
        ("transfer-encoding", ("transfer-encoding", "chunked")),
        ("connection", ("connection", "keep-alive")),
        ("a name in capitals", ("X-Capital", "x")),
        ("a line end in a value", ("x-smuggled", "a\r\nAuthorization: Basic eA==")),
        ("a colon in a name", ("x:smuggled", "a")),
        ("a pseudo field behind a field", (":path", "/v2/_catalog")),
        ("an unknown pseudo field", (":secret", "x")),
        ("a body that is not sent", ("content-length", "10")),
    ] {
        let mut raw = connect(&server);
        raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields("GET", "/v2/", &[more])));
        assert_ne!(said(&mut raw), Said::Success, "{what}");
    }
    assert_unharmed(&server);
}

#[test]
fn a_body_of_another_length_than_it_says_is_no_blob() {
    let server = Server::start();
    server.client().push_blob("team/app", b"makes the repository").unwrap();
    let path = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"short"));

    for length in ["4", "6"] {
        let mut raw = connect(&server);
        let head = fields("POST", &path, &[("content-length", length)]);
        raw.send([frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, b"short")].concat());
        assert_ne!(said(&mut raw), Said::Success, "content-length {length}");
    }

    assert_eq!(server.client().get(&format!("/v2/team/app/blobs/{}", digest(b"short"))).status, 404);
    assert_eq!(stored_blobs(server.data()).len(), 1);
    assert_unharmed(&server);
}

#[test]
fn whoever_resets_each_request_at_once_is_sent_away() {
    let server = Server::start();
    let mut raw = connect(&server);
    let (head, cancel) = (fields("GET", "/v2/_catalog", &[]), 8_u32.to_be_bytes());

    for number in 0..50_000 {
        let stream = 2 * number + 1;
        let begun = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
        if !raw.send([begun, frame(RST_STREAM, 0, stream, &cancel)].concat()) {
            break;
        }
    }

    assert_closes(&server, &mut raw, "50,000 requests, each reset");
}

#[test]
fn fields_that_never_end_are_not_collected() {
    let server = Server::start();
    let mut raw = connect(&server);
    let before = resident_bytes(server.pid());
    raw.send(frame(HEADERS, END_STREAM, 1, &fields("GET", "/v2/", &[])));
    let more = field("x-more", &"x".repeat(16_000));

    for _ in 0..20_000 {
        if !raw.send(frame(CONTINUATION, 0, 1, &more)) {
            break;
        }
    }

    assert_closes(&server, &mut raw, "320 MB of fields");
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more are resident");
}

#[test]
fn a_small_block_of_fields_that_unpacks_to_many_megabytes_is_not_unpacked() {
    let server = Server::start();
    let mut raw = connect(&server);
    let before = resident_bytes(server.pid());
    // A field of 3,000 bytes goes into the table once (0x40), and is named 10,000 times by its place there (0xbe).
    let once = [vec![0x40], string("x-packed"), string(&"x".repeat(3_000))].concat();
    let head = [fields("GET", "/v2/", &[]), once, vec![0xbe; 10_000]].concat();

    raw.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head));

    assert_ne!(said(&mut raw), Said::Success);
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more are resident");
    assert_unharmed(&server);
}

#[test]
fn frames_that_cannot_be_end_the_connection_and_nothing_else() {
    let server = Server::start();
    let largest = 0x7fff_ffff_u32.to_be_bytes();
    let window = [frame(WINDOW_UPDATE, 0, 0, &largest), frame(WINDOW_UPDATE, 0, 0, &largest)].concat();

    for (what, bytes) in [
        ("a frame of 16 MiB", [&[0xff, 0xff, 0xff, DATA, 0][..], &1_u32.to_be_bytes(), &[0; 4096]].concat()),
        ("a window beyond its largest", window),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &fields("GET", "/v2/", &[]))),
        ("data of no stream", frame(DATA, 0, 0, b"x")),
        ("settings of five bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("a place beyond the table", frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff, 0xff, 0xff, 0x7f])),
        ("a stream of the server's", frame(HEADERS, END_STREAM | END_HEADERS, 2, &fields("GET", "/v2/", &[]))),
        ("nonsense", b"GET /v2/ HTTP/1.1\r\nHost: gantry\r\n\r\n".repeat(4)),
    ] {
        let mut raw = connect(&server);
        raw.send(bytes);
        assert!(raw.until_closed(CLOSED).is_some(), "{what}: the connection is still open after {CLOSED:?}");
    }
    assert_unharmed(&server);
}
