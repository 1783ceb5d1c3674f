use super::*;
use crate::moving::digest_of;
use std::{
    io::{BufRead, BufReader, Cursor, Write},
    net::TcpListener,
    thread::JoinHandle,
};

const BUSY: &str = "503 Service Unavailable\r\nretry-after: 0";
const OPENED: &str = "202 Accepted\r\nlocation: /v2/app/blobs/uploads/1?state=x";
const CREATED: &str = "201 Created";

/// A server that gives these answers, one after the other; what it was asked is told in the end: first line and body.
struct Scripted {
    address: String,
    asked: JoinHandle<Vec<(String, Vec<u8>)>>,
}

impl Scripted {
    fn start(answers: &'static [&'static str]) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = thread::spawn(move || {
            let greeting = ["200 OK"];
            let answers = greeting.iter().chain(answers);
            answers
                .map(|answer| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let asked = read_request(&mut BufReader::new(&stream));
                    let _ = write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    asked
                })
                .collect()
        });
        Scripted { address, asked }
    }

    /// What it was asked after the greeting.
    fn asked(self) -> Vec<(String, Vec<u8>)> {
        self.asked.join().unwrap().split_off(1)
    }
}

fn read_request(stream: &mut impl BufRead) -> (String, Vec<u8>) {
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut first).unwrap();
    while stream.read_line(&mut line).unwrap() > 2 {
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = Vec::new();
    // Whoever gives up sends less than it said.
    let _ = stream.take(length).read_to_end(&mut body);
    (first.trim().replace(" HTTP/1.1", ""), body)
}

/// Sends `bytes` as if they were those of `said`.
fn send(server: &Scripted, said: &[u8], bytes: &'static [u8]) -> Result<Sent, Trouble> {
    let progress = Progress::bytes("sending", None);
    let registry = OverHttp::open(Remote::of_test(&server.address), None, &progress).unwrap();
    let digest = digest_of(Algorithm::Sha256, said);
    let open = || -> std::io::Result<Box<dyn Read + Send>> { Ok(Box::new(Cursor::new(bytes))) };
    registry.send_blob("app", &Blob { digest: &digest, length: bytes.len() as u64, open: &open }, Some("team/other"))
}

#[test]
fn a_blob_is_sent_anew_to_a_server_that_was_busy() {
    let server = Scripted::start(&[BUSY, OPENED, BUSY, OPENED, CREATED]);

    let sent = send(&server, b"hello", b"hello").unwrap();

    let asked = server.asked();
    let digest = digest_of(Algorithm::Sha256, b"hello");
    assert_eq!(sent, Sent::Bytes);
    assert_eq!(asked[0].0, format!("POST /v2/app/blobs/uploads/?mount={digest}&from=team/other"));
    for (line, body) in [&asked[2], &asked[4]] {
        assert_eq!(line, &format!("PUT /v2/app/blobs/uploads/1?state=x&digest={digest}"));
        assert_eq!(body, b"hello");
    }
}

#[test]
fn a_blob_that_another_repository_has_is_not_sent() {
    let server = Scripted::start(&[CREATED]);

    assert_eq!(send(&server, b"hello", b"hello").unwrap(), Sent::Mounted);
}

#[test]
fn bytes_that_are_not_those_of_their_digest_never_arrive_whole() {
    let server = Scripted::start(&[OPENED, CREATED]);

    let refused = send(&server, b"hello", b"hallo").unwrap_err();

    assert!(matches!(refused, Trouble::Damaged(problem) if problem.starts_with("its bytes are those of")));
    assert!(server.asked()[1].1.len() < 5);
}

#[test]
fn an_upload_that_leads_to_another_server_is_not_followed() {
    let server = Scripted::start(&["202 Accepted\r\nlocation: http://elsewhere.example/v2/app/blobs/uploads/1"]);

    assert!(matches!(send(&server, b"hello", b"hello"), Err(Trouble::Stopped(_))));
}

#[test]
fn a_repository_that_is_not_there_ends_all_and_is_to_be_created() {
    let server = Scripted::start(&["404 Not Found"]);

    let refused = send(&server, b"hello", b"hello").unwrap_err();

    assert!(matches!(refused, Trouble::Stopped(failure) if failure.to_string().contains("gantry repo create")));
}
