//! Many and slow clients: they cost next to nothing, and others do not notice.

use crate::hostile::{assert_refused, assert_unharmed};
use gantry_e2e::{
    Image, Random, Raw, Server, digest, open_files, raise_open_files_max, resident_bytes, stored_blob, until,
};
use std::time::{Duration, Instant};

/// So many of them ask at once.
const AT_ONCE: usize = 500;
const IDLE: usize = 10_000;
/// Large manifests that stop before their end.
const STALLED: usize = 320;

#[test]
fn ten_thousand_idle_connections_do_not_stop_others() {
    // Each has a descriptor here and one there, which inherits this limit.
    let open_files_max = raise_open_files_max();
    assert!(open_files_max > IDLE as u64 + 500, "{open_files_max} descriptors are too few: ulimit -Hn");
    let server = Server::with(&[("GANTRY_HTTP__CONNECTIONS_MAX", "12000")]);
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let before = resident_bytes(server.pid());

    let mut idle: Vec<Raw> = (0..IDLE).map(|_| Raw::connect(server.address())).collect();
    let mut answers = Vec::new();
    // All at once would be more requests than are served at once: each is a login, answered when its audit record is on the disk.
    for crowd in idle.chunks_mut(AT_ONCE) {
        for raw in &mut *crowd {
            raw.request("GET", "/v2/", "", &[]);
        }
        answers.extend(crowd.iter_mut().map(|raw| raw.answer().map(|answer| answer.status)));
    }
    let begun = Instant::now();
    image.check(&server.client(), "team/app", "v1").unwrap();
    let pulled_in = begun.elapsed();
    let pushed = Image::small(2).push(&server.client(), "team/app", "v2").unwrap();

    assert!(answers.iter().all(|status| *status == Some(200)), "not every connection was served");
    assert_eq!(pushed.status, 201);
    assert!(pulled_in < Duration::from_secs(2), "a pull took {pulled_in:?}");
    let grown = resident_bytes(server.pid()).saturating_sub(before);
    assert!(grown < 200 << 20, "{IDLE} idle connections cost {} MiB", grown >> 20);
    drop(idle);
    assert_unharmed(&server);
}

#[test]
fn large_manifests_that_stop_before_their_end_do_not_fill_memory() {
    raise_open_files_max();
    let server = Server::start();
    let client = server.client();
    client.push_blob("team/app", b"makes the repository").unwrap();
    let (path, large) = ("/v2/team/app/manifests/large", vec![b' '; (4 << 20) - 1]);

    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut raw = Raw::connect(server.address());
        raw.request("PUT", path, &format!("Content-Length: {}\r\n", 4 << 20), &[]);
        // Whoever is refused may be cut off while it still sends.
        raw.send(&large);
        stalled.push(raw);
    }
    let resident = resident_bytes(server.pid());
    let small = Image::small(1).push(&client, "team/app", "v1").unwrap();
    let one_more = client.send("PUT", path, &[("content-type", Image::MEDIA_TYPE)], &large);

    assert!(resident < 400 << 20, "{} MiB are resident beside {STALLED} stalled manifests", resident >> 20);
    assert_eq!(small.status, 201, "an everyday manifest passes: {}", small.text());
    assert_eq!(one_more.status, 503, "{}", one_more.text());
    assert!(one_more.header("retry-after").is_some(), "{:?}", one_more.headers);
    drop(stalled);
    let is_taken = || client.send("PUT", path, &[("content-type", Image::MEDIA_TYPE)], &large).status == 400;
    assert!(until(Duration::from_secs(10), is_taken), "what the stalled ones kept is not given back");
    assert_unharmed(&server);
}

#[test]
fn probes_answer_while_requests_are_turned_away() {
    let server = Server::with(&[("GANTRY_HTTP__REQUESTS_MAX", "2")]);
    let client = server.client();
    client.push_blob("team/app", b"makes the repository").unwrap();
    let mut busy: Vec<Raw> = (0..2).map(|_| Raw::connect(server.address())).collect();
    for raw in &mut busy {
        let target = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"0123456789"));
        raw.request("POST", &target, "Content-Length: 10\r\nExpect: 100-continue\r\n", &[]);
        assert_eq!(raw.answer().map(|answer| answer.status), Some(100));
    }

    let refused = client.get("/v2/");
    let probes = ["/healthz", "/readyz", "/metrics"].map(|path| client.get(path).status);

    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{}", refused.text());
    assert_eq!(probes, [200, 200, 200]);
    drop(busy);
    assert!(until(Duration::from_secs(5), || client.get("/v2/").status == 200));
}

#[test]
fn slow_readers_do_not_stop_others_nor_fill_memory() {
    raise_open_files_max();
    let server = Server::start();
    let image = Image::new(1, vec![Random::new(1).bytes(32 << 20)]);
    assert_eq!(image.push(&server.client(), "team/app", "v1").unwrap().status, 201);
    let layer = format!("/v2/team/app/blobs/{}", digest(&image.layers[0]));

    let mut slow: Vec<Raw> = (0..500).map(|_| Raw::connect(server.address())).collect();
    for raw in &mut slow {
        raw.request("GET", &layer, "", &[]);
    }
    let begun = Instant::now();
    image.check(&server.client(), "team/app", "v1").unwrap();
    let pulled_in = begun.elapsed();

    assert!(pulled_in < Duration::from_secs(5), "a pull beside slow readers took {pulled_in:?}");
    let resident = resident_bytes(server.pid());
    assert!(resident < 200 << 20, "{} MiB are resident beside {} slow readers", resident >> 20, slow.len());
    drop(slow);
    assert_unharmed(&server);
}

#[test]
fn a_reader_that_takes_nothing_for_too_long_is_cut_off() {
    let server = Server::with(&[("GANTRY_HTTP__WRITE_IDLE", "4s")]);
    let image = Image::new(1, vec![Random::new(1).bytes(32 << 20)]);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let mut slow: Vec<Raw> = (0..20).map(|_| Raw::connect(server.address())).collect();
    for raw in &mut slow {
        raw.request("GET", &format!("/v2/team/app/blobs/{}", digest(&image.layers[0])), "", &[]);
    }

    // Nobody reads: the descriptors of connections and files go all the same.
    let are_taken = until(Duration::from_secs(5), || open_files(server.pid()) > 30);
    let are_cut = until(Duration::from_secs(30), || open_files(server.pid()) < 30);

    assert!(are_taken, "the readers were never served");
    assert!(are_cut, "{} descriptors are open", open_files(server.pid()));
    drop(slow);
    assert_unharmed(&server);
}

#[test]
fn a_body_that_stops_is_given_up() {
    let server = Server::with(&[("GANTRY_HTTP__BODY_IDLE", "1s")]);
    server.client().push_blob("team/app", b"makes the repository").unwrap();
    let target = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"0123456789"));
    let mut raw = Raw::connect(server.address());

    raw.request("POST", &target, "Content-Length: 10\r\n", b"01234");
    let answer = raw.answer();
    let closed = raw.until_closed(Duration::from_secs(10));

    assert_eq!(answer.map(|answer| answer.status), Some(408), "a body that stopped is told so");
    assert!(closed.is_some(), "the connection of a body that stopped is still open");
    assert_eq!(stored_blob(server.data(), b"0123456789"), None);
    assert_unharmed(&server);
}

#[test]
fn a_chunk_that_stops_is_told_so_and_the_upload_goes_on() {
    let server = Server::with(&[("GANTRY_HTTP__BODY_IDLE", "1s")]);
    let client = server.client();
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    let mut raw = Raw::connect(server.address());

    raw.request("PATCH", &location, "Content-Length: 10\r\nContent-Range: 0-9\r\n", b"01234");
    let stopped = raw.answer().expect("the client is still there");
    let rest = client.send("PATCH", &location, &[("content-range", "5-9")], b"56789");
    let done = client.send("PUT", &format!("{location}?digest={}", digest(b"0123456789")), &[], &[]);

    assert_refused(&stopped, 408, "UNSUPPORTED", "a chunk that stops");
    assert_eq!((rest.status, done.status), (202, 201), "{}{}", rest.text(), done.text());
    assert_unharmed(&server);
}

#[test]
fn a_body_that_dribbles_below_the_least_rate_is_given_up() {
    let server = Server::with(&[("GANTRY_HTTP__BODY_IDLE", "2s"), ("GANTRY_HTTP__BODY_RATE_MIN", "10KiB")]);
    server.client().push_blob("team/app", b"makes the repository").unwrap();
    let target = format!("/v2/team/app/blobs/uploads/?digest={}", digest(&[b'x'; 1_000_000]));
    let mut raw = Raw::connect(server.address());

    raw.request("POST", &target, "Content-Length: 1000000\r\n", b"x");
    let is_given_up = until(Duration::from_secs(15), || !raw.send("x"));

    assert!(is_given_up, "a body of a few bytes a second is still waited for");
    assert_unharmed(&server);
}

#[test]
fn connections_beyond_the_limit_are_told_to_come_later_and_the_others_go_on() {
    let server = Server::with(&[("GANTRY_HTTP__CONNECTIONS_MAX", "50")]);
    let mut first = Raw::connect(server.address());
    first.request("GET", "/healthz", "", &[]);
    assert_eq!(first.answer().map(|answer| answer.status), Some(200));

    let mut crowd: Vec<Raw> = (0..100).map(|_| Raw::connect(server.address())).collect();
    let answers: Vec<Option<u16>> = crowd
        .iter_mut()
        .map(|raw| {
            raw.request("GET", "/healthz", "Connection: close\r\n", &[]);
            raw.answer().map(|answer| answer.status)
        })
        .collect();
    first.request("GET", "/healthz", "", &[]);

    assert_eq!(first.answer().map(|answer| answer.status), Some(200), "a connection that was there goes on");
    assert!(answers.iter().all(|status| matches!(status, Some(200 | 503) | None)), "{answers:?}");
    assert!(answers.contains(&Some(503)) || answers.contains(&None), "the limit was never felt: {answers:?}");
    drop(crowd);
    let comes_in = || {
        let mut raw = Raw::connect(server.address());
        raw.request("GET", "/healthz", "", &[]);
        raw.answer().is_some_and(|answer| answer.status == 200)
    };
    assert!(until(Duration::from_secs(5), comes_in), "nobody comes in after the crowd left");
}

#[test]
fn a_stopped_server_lets_running_transfers_finish() {
    let mut server = Server::start();
    let bytes = Random::new(1).bytes(16 << 20);
    server.client().push_blob("team/app", &bytes).unwrap();
    let mut raw = Raw::connect(server.address());
    raw.request("GET", &format!("/v2/team/app/blobs/{}", digest(&bytes)), "", &[]);
    // More than socket buffers hold is still to come when the server is told to stop.
    let mut first = raw.answer_head().expect("the transfer begins");

    let stopping = std::thread::spawn(move || server.stop());
    first.body = raw.rest_of(&first);
    stopping.join().unwrap();

    assert_eq!(first.status, 200);
    assert!(first.body == bytes, "{} of {} bytes came", first.body.len(), bytes.len());
}
