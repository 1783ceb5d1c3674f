use super::*;
use crate::moving::bucket::{BucketAccess, BucketAddress};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread::JoinHandle,
};

const BUSY: &str = "503 Slow Down\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
const BROKEN: &str = "200 OK\r\ncontent-length: 10\r\n\r\nhello";
const REST: &str = "206 Partial Content\r\ncontent-length: 5\r\n\r\nworld";
const EXPIRED: &str = "400 Bad Request\r\ncontent-length: 40\r\n\r\n<Error><Code>ExpiredToken</Code></Error>";
const DENIED: &str = "403 Forbidden\r\ncontent-length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>";
const GONE: &str = "404 Not Found\r\ncontent-length: 37\r\n\r\n<Error><Code>NoSuchKey</Code></Error>";

/// A store that gives these answers, one after the other, and ends the connection after each: a real one does not break off when a
/// test wants it. What it was asked is told in the end: first line and headers.
struct Scripted {
    client: Arc<Client>,
    asked: JoinHandle<Vec<String>>,
}

impl Scripted {
    fn start(answers: &'static [&'static str]) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let access = BucketAccess::of_test(format!("http://{}", listener.local_addr().unwrap()));
        let asked = thread::spawn(move || {
            let answer = |answer: &&str| {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let asked = lines.collect::<Vec<_>>().join("\n");
                write!(stream, "HTTP/1.1 {}", answer.replacen("\r\n", "\r\nconnection: close\r\n", 1)).unwrap();
                asked
            };
            answers.iter().map(answer).collect()
        });
        let address: BucketAddress = "s3://registry/some place".parse().unwrap();
        Scripted { client: Arc::new(Client::open(&address, access, None).unwrap()), asked }
    }

    fn open(&self) -> Result<Option<ObjectReader>, BucketError> {
        open(&self.client, "some place/key".into(), 10, None)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open().unwrap().unwrap().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[test]
fn an_object_goes_on_where_the_connection_broke() {
    let store = Scripted::start(&[BROKEN, REST]);

    let bytes = store.read().unwrap();

    let asked = store.asked.join().unwrap();
    assert_eq!(bytes, b"helloworld");
    assert!(asked[0].starts_with("GET /registry/some%20place/key HTTP/1.1\n"), "{}", asked[0]);
    assert!(!asked[0].contains("range: ") && asked[1].contains("range: bytes=5-"), "{}", asked[1]);
}

#[test]
fn every_request_is_signed_and_none_holds_the_secret() {
    let store = Scripted::start(&[BROKEN, REST]);

    store.read().unwrap();

    for asked in store.asked.join().unwrap() {
        let signed = "Credential=AKIDEXAMPLE/";
        assert!(asked.contains(signed) && asked.contains("/us-east-1/s3/aws4_request, SignedHeaders=host;"), "{asked}");
        assert!(!asked.contains("wJalrXUtnFEMI"), "{asked}");
    }
}

#[test]
fn bytes_from_the_begin_are_not_taken_for_the_rest() {
    let store = Scripted::start(&[BROKEN, BROKEN]);

    assert!(store.read().is_err());
}

#[test]
fn a_store_that_is_busy_is_asked_again() {
    let store = Scripted::start(&[BUSY, BROKEN, BUSY, REST]);

    assert_eq!(store.read().unwrap(), b"helloworld");
}

#[test]
fn a_page_of_the_list_that_breaks_off_is_asked_for_again() {
    let store = Scripted::start(&[BROKEN, "200 OK\r\ncontent-length: 5\r\n\r\n<all>"]);

    assert_eq!(store.client.list("list-type=2").unwrap(), b"<all>");
    assert!(store.client.lost().is_none());
}

#[test]
fn a_list_that_breaks_off_each_time_is_lost_and_not_misunderstood() {
    let store = Scripted::start(&[BROKEN, BROKEN, BROKEN]);

    let refused = store.client.list("list-type=2").unwrap_err();

    assert!(refused.to_string().contains("broke off its list 3 times"), "{refused}");
    assert_eq!(store.client.lost().map(|lost| lost.to_string()), Some(refused.to_string()));
}

#[test]
fn an_object_that_is_gone_is_none_and_one_that_is_refused_says_why() {
    let store = Scripted::start(&[GONE, DENIED]);

    assert!(store.open().unwrap().is_none());
    assert!(matches!(store.open(), Err(BucketError::Refused { refusal, .. }) if refusal.to_string() == "AccessDenied"));
    assert!(store.client.lost().is_none());
}

#[test]
fn who_may_not_ask_any_more_does_not_ask_any_more() {
    let store = Scripted::start(&[EXPIRED]);

    assert!(matches!(store.open(), Err(BucketError::Lost { .. })));
    store.asked.join().unwrap();

    let refused = store.client.load("some place/other", 0).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("refuses: ExpiredToken"), "{refused}");
    assert!(store.client.lost().is_some());
}
