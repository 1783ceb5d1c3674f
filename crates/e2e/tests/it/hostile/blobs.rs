use super::assert_refused;
use gantry_e2e::{Answer, Client, Image, PASSWORD, Raw, Server, USER, digest, stored_blob, until};
use std::time::Duration;

const NAME: &str = "hostile/blobs";

fn open(client: &Client) -> String {
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    assert_eq!(opened.status, 202, "{}", opened.text());
    opened.header("location").expect("an upload has its address").to_string()
}

fn patch(client: &Client, location: &str, range: &str, bytes: &[u8]) -> Answer {
    client.send("PATCH", location, &[("content-range", range)], bytes)
}

fn close(client: &Client, location: &str, digest: &str) -> Answer {
    client.send("PUT", &format!("{location}?digest={digest}"), &[], &[])
}

fn assert_absent(server: &Server, bytes: &[u8]) {
    let client = server.client();
    let path = format!("/v2/{NAME}/blobs/{}", digest(bytes));
    assert_refused(&client.get(&path), 404, "BLOB_UNKNOWN", &path);
    assert_eq!(client.head(&path).status, 404, "{path}");
    assert_eq!(stored_blob(server.data(), bytes), None, "{path}");
}

pub(super) fn a_wrong_digest(server: &Server) {
    let client = server.client();
    let (bytes, promised) = (b"these bytes".as_slice(), b"other bytes".as_slice());
    let location = open(&client);

    let in_two = client.send("PUT", &format!("{location}?digest={}", digest(promised)), &[], bytes);
    let in_one = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/?digest={}", digest(promised)), &[], bytes);
    let unnamed = client.send("PUT", &open(&client), &[], bytes);

    for answer in [&in_two, &in_one] {
        assert_refused(answer, 400, "DIGEST_INVALID", "a wrong digest");
        assert!(answer.text().contains(&digest(promised)), "{} does not name the digest", answer.text());
    }
    assert_refused(&unnamed, 400, "DIGEST_INVALID", "an end without a digest");
    assert_absent(server, promised);
    assert_absent(server, bytes);
    assert_refused(&client.get(&location), 404, "BLOB_UPLOAD_UNKNOWN", "an upload that was refused");
}

pub(super) fn a_body_that_is_cut_short(server: &Server) {
    let client = server.client();
    let (location, bytes) = (open(&client), b"0123456789".as_slice());
    let path = format!("/v2/{NAME}/blobs/uploads/?digest={}", digest(&bytes[..5]));

    for target in [format!("{location}?digest={}", digest(&bytes[..5])), path] {
        let method = if target.contains("uploads/?") { "POST" } else { "PUT" };
        let mut raw = Raw::connect(server.address());
        raw.request(method, &target, "Content-Length: 10\r\n", &bytes[..5]);
        raw.finish();
        if let Some(answer) = raw.answer() {
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        assert_absent(server, &bytes[..5]);
    }

    // The upload goes on where its bytes end.
    let mut status = client.get(&location);
    until(Duration::from_secs(5), || {
        status = client.get(&location);
        status.status != 409
    });
    let start = if status.header("range") == Some("0-4") { 5 } else { 0 };
    assert_eq!(patch(&client, &location, &format!("{start}-9"), &bytes[start..]).status, 202);
    assert_eq!(close(&client, &location, &digest(bytes)).status, 201);
}

pub(super) fn a_chunk_of_another_length_than_its_range(server: &Server) {
    let client = server.client();
    let (location, bytes) = (open(&client), b"of another length".as_slice());

    for range in
        ["0-3", "0-99", "0-18446744073709551615", "5-2", "-", "a-b", "bytes 0-15/16", "0-16,20-30", "-5-11", "0"]
    {
        let answer = patch(&client, &location, range, bytes);
        assert!(matches!(answer.status, 400 | 416), "{range}: {} {}", answer.status, answer.text());
        assert!(answer.json()["errors"][0]["code"].is_string(), "{range}");
    }
    let mut raw = Raw::connect(server.address());
    let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", bytes.len(), String::from_utf8_lossy(bytes));
    raw.request("PATCH", &location, "Content-Range: 0-3\r\nTransfer-Encoding: chunked\r\n", chunked.as_bytes());
    let longer = raw.answer().expect("the server answers");

    assert_refused(&longer, 400, "SIZE_INVALID", "a stream that is longer than its range");
    assert_short_streams_are_refused(server, &location);
    assert_eq!(patch(&client, &location, &format!("0-{}", bytes.len() - 1), bytes).status, 202);
    assert_eq!(close(&client, &location, &digest(bytes)).status, 201);
}

/// With chunked encoding nothing but `Content-Range` says how much comes. The upload is empty before and after.
fn assert_short_streams_are_refused(server: &Server, location: &str) {
    let stream = |method: &str, target: &str, range: &str, bytes: &[u8]| {
        let mut raw = Raw::connect(server.address());
        let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", bytes.len(), String::from_utf8_lossy(bytes));
        let headers = format!("Content-Range: {range}\r\nTransfer-Encoding: chunked\r\n");
        raw.request(method, target, &headers, body.as_bytes());
        raw.answer().expect("the server answers")
    };
    let end = format!("{location}?digest={}", digest(b"01234"));

    for (method, target, range, bytes) in [
        ("PATCH", location, "0-99", b"0123456789".as_slice()),
        ("PUT", &end, "0-9", b"01234"),
        ("PUT", &end, "0-1", b"01234"),
    ] {
        assert_refused(&stream(method, target, range, bytes), 400, "SIZE_INVALID", &format!("{method} {range}"));
        assert_eq!(server.client().get(location).header("range"), Some("0-0"), "{method} {range}");
    }
}

pub(super) fn chunks_out_of_order(server: &Server) {
    let client = server.client();
    let (location, bytes) = (open(&client), b"chunks out of order".as_slice());
    assert_eq!(patch(&client, &location, "0-9", &bytes[..10]).status, 202);

    for (range, chunk) in
        [("0-9", &bytes[..10]), ("5-14", &bytes[5..15]), ("11-18", &bytes[11..]), ("9-9", &bytes[9..10])]
    {
        let answer = patch(&client, &location, range, chunk);
        assert_refused(&answer, 416, "BLOB_UPLOAD_INVALID", range);
        assert_eq!(answer.header("range"), Some("0-9"), "{range}");
        assert_eq!(answer.header("location"), Some(location.as_str()), "{range}");
    }
    let headers = [("content-range", "5-18")];
    let end = client.send("PUT", &format!("{location}?digest={}", digest(bytes)), &headers, &bytes[5..]);

    assert_refused(&end, 416, "BLOB_UPLOAD_INVALID", "an end out of order");
    assert_eq!(patch(&client, &location, "10-18", &bytes[10..]).status, 202);
    assert_eq!(close(&client, &location, &digest(bytes)).status, 201);
    assert_eq!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(bytes))).body, bytes);
}

pub(super) fn two_writers_on_one_upload(server: &Server) {
    let client = server.client();
    let (location, bytes) = (open(&client), b"two writers".as_slice());
    let mut first = Raw::connect(server.address());
    // The server asks for the body once the upload is in this request's hands.
    first.request("PATCH", &location, "Content-Length: 11\r\nContent-Range: 0-10\r\nExpect: 100-continue\r\n", &[]);
    assert_eq!(first.answer().map(|answer| answer.status), Some(100));
    first.send(&bytes[..6]);

    let second = patch(&client, &location, "0-10", b"other bytes");
    let end = client.send("PUT", &format!("{location}?digest={}", digest(b"other bytes")), &[], b"other bytes");
    let cancelled = client.send("DELETE", &location, &[], &[]);
    first.send(&bytes[6..]);
    let done = first.answer().expect("the first writer is answered");

    for (answer, what) in [(&second, "a second writer"), (&end, "a second end"), (&cancelled, "a cancellation")] {
        assert_refused(answer, 409, "BLOB_UPLOAD_INVALID", what);
    }
    assert_eq!((done.status, done.header("range")), (202, Some("0-10")), "{}", done.text());
    assert_eq!(close(&client, &location, &digest(bytes)).status, 201);
    assert_eq!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(bytes))).body, bytes);
}

pub(super) fn an_upload_of_another_repository(server: &Server) {
    let client = server.client();
    let location = open(&client);
    client.push_blob("hostile/other", b"makes the other repository").unwrap();
    let elsewhere = location.replace(NAME, "hostile/other");

    for (method, target) in [
        ("GET", elsewhere.clone()),
        ("PATCH", elsewhere.clone()),
        ("PUT", format!("{elsewhere}?digest={}", digest(b"bytes"))),
        ("DELETE", elsewhere.clone()),
    ] {
        assert_refused(&client.send(method, &target, &[], b"bytes"), 404, "BLOB_UPLOAD_UNKNOWN", &target);
    }
    assert_eq!(client.send("PUT", &format!("{location}?digest={}", digest(b"mine")), &[], b"mine").status, 201);
}

pub(super) fn a_mount_without_the_right(server: &Server) {
    let image = Image::small(77);
    image.push(&server.client(), "secret/app", "v1").unwrap();
    let token = server.client().get("/token?service=gantry&scope=repository:guest/app:pull,push").json();
    let token = token["token"].as_str().expect("the token service answers a token").to_string();
    let guest = Client::new(server.address(), USER, PASSWORD).with_authorization(&format!("Bearer {token}"));
    server.client().push_blob("guest/app", b"makes the repository").unwrap();
    let held = digest(&image.layers[0]);

    let no_such = digest(b"nobody has this");
    for mount in [held.as_str(), no_such.as_str(), "sha256:..", "", "..%2f.."] {
        for from in ["&from=secret/app", "&from=..%2fsecret", "&from=no/such", "&from=", ""] {
            let answer = guest.send("POST", &format!("/v2/guest/app/blobs/uploads/?mount={mount}{from}"), &[], &[]);
            assert_eq!(answer.status, 202, "mount={mount}{from}: {}", answer.text());
            let location = answer.header("location").expect("an upload has its address");
            assert_eq!(guest.send("DELETE", location, &[], &[]).status, 204, "mount={mount}{from}");
        }
    }
    assert_eq!(guest.get(&format!("/v2/guest/app/blobs/{held}")).status, 404);
    assert!(matches!(guest.get(&format!("/v2/secret/app/blobs/{held}")).status, 401 | 403));
}

pub(super) fn ranges_that_cannot_be(server: &Server) {
    let (client, bytes) = (server.client(), b"0123456789".as_slice());
    client.push_blob(NAME, bytes).unwrap();
    let path = format!("/v2/{NAME}/blobs/{}", digest(bytes));

    for range in ["bytes=10-", "bytes=99999999999999999999-", "bytes=100-200", "Bytes=10-", "bytes=5-2"] {
        let answer = client.send("GET", &path, &[("range", range)], &[]);
        assert_refused(&answer, 416, "UNSUPPORTED", range);
        assert_eq!(answer.header("content-range"), Some("bytes */10"), "{range}");
    }
    // What is no range, or more than one, is ignored (RFC 9110, section 14.2): the whole is sent.
    for range in ["bytes=-", "bytes=a-b", "lines=1-2", "bytes", "bytes=0-1,", "bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0"] {
        let answer = client.send("GET", &path, &[("range", range)], &[]);
        assert_eq!((answer.status, answer.body.as_slice()), (200, bytes), "{range}");
        assert_eq!(answer.header("content-range"), None, "{range}");
    }
    let suffix = client.send("GET", &path, &[("range", "bytes=-99")], &[]);
    assert_eq!((suffix.status, suffix.body.as_slice()), (206, bytes));
}
