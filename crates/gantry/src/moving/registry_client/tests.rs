use super::*;
use crate::moving::{ListBytes, digest_of};
use gantry_oci::Algorithm;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread::JoinHandle,
};

pub(crate) const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
const GONE: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/// A server that gives these answers, one after the other, each over a connection of its own, which it cuts behind it. `{here}` in an
/// answer is its own address.
pub(crate) struct Scripted {
    host: String,
    asked: JoinHandle<Vec<Asked>>,
}

/// What it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Method and path.
    line: String,
    authorization: Option<String>,
    range: Option<String>,
}

impl Scripted {
    pub(crate) fn start(answers: Vec<String>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let here = host.clone();
        let asked = thread::spawn(move || {
            let answer = |answer: String| {
                let (mut stream, _) = listener.accept().unwrap();
                let asked = read_request(&mut BufReader::new(&stream));
                let answer = answer.replacen("\r\n", "\r\nconnection: close\r\n", 1).replace("{here}", &here);
                // Whoever has seen enough may be gone.
                let _ = stream.write_all(answer.as_bytes());
                asked
            };
            answers.into_iter().map(answer).collect()
        });
        Scripted { host, asked }
    }

    pub(crate) fn client(&self, login: Option<&str>) -> Arc<RegistryClient> {
        let access = RegistryAccess {
            is_tls: false,
            host: &self.host,
            login: login.map(str::to_owned),
            authorities: None,
            pace: None,
            paces_blobs: false,
        };
        Arc::new(RegistryClient::new(access).unwrap())
    }

    pub(crate) fn asked(self) -> Vec<Asked> {
        self.asked.join().unwrap()
    }
}

fn read_request(stream: &mut impl BufRead) -> Asked {
    let (mut asked, mut line) = (Asked::default(), String::new());
    stream.read_line(&mut asked.line).unwrap();
    asked.line = asked.line.trim().replace(" HTTP/1.1", "");
    while stream.read_line(&mut line).unwrap() > 2 {
        let (name, value) = line.split_once(':').unwrap();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => asked.authorization = Some(value.trim().to_owned()),
            "range" => asked.range = Some(value.trim().to_owned()),
            _ => {}
        }
        line.clear();
    }
    asked
}

pub(crate) fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn refusal(challenge: &str) -> String {
    format!("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: {challenge}\r\ncontent-length: 0\r\n\r\n")
}

fn tags(client: &RegistryClient) -> Result<Option<Vec<String>>, RegistryError> {
    let listed = client.list_tags("team/app")?;
    Ok(listed.map(|listed| listed.into_iter().map(|tag| tag.unwrap().to_string()).collect()))
}

#[test]
fn a_list_is_read_page_by_page_from_a_server_that_was_busy() {
    let second = "link: <http://{here}/v2/team/app/tags/list?n=1000&last=v2>; rel=\"next\"\r\n";
    let server = Scripted::start(vec![
        BUSY.into(),
        ok(second, r#"{"tags":["v1","v2"]}"#),
        ok("", r#"{"tags":["v3"]}"#),
        GONE.into(),
    ]);
    let client = server.client(None);

    let listed = tags(&client).unwrap();
    let gone = tags(&client).unwrap();

    assert_eq!(listed.unwrap(), ["v1", "v2", "v3"]);
    assert_eq!(gone, None);
    assert_eq!(server.asked()[2].line, "GET /v2/team/app/tags/list?n=1000&last=v2");
}

#[test]
fn a_registry_that_was_waited_for_in_vain_is_not_asked_for_anything_more() {
    let server = Scripted::start(vec![BUSY.into(); ATTEMPTS_MAX as usize]);
    let client = server.client(None);

    let refused = tags(&client).unwrap_err();
    assert_eq!(server.asked().len(), ATTEMPTS_MAX as usize);
    let other = client.manifest("team/other", "v1", 1 << 20).err().unwrap();

    assert!(matches!(refused, RegistryError::Status { status: 503, .. }), "{refused}");
    assert_eq!((&other, client.check()), (&refused, Err(refused.clone())));
}

#[test]
fn a_refusal_of_one_thing_is_none_of_the_others() {
    let broken = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    let server = Scripted::start(vec![broken.to_owned(), ok("", r#"{"tags":["v1"]}"#)]);
    let client = server.client(None);

    let refused = client.manifest("team/app", "v1", 1 << 20).err().unwrap();

    assert!(matches!(refused, RegistryError::Status { status: 403, .. }), "{refused}");
    assert_eq!((tags(&client).unwrap().unwrap(), client.check()), (vec!["v1".to_owned()], Ok(())));
}

#[test]
fn a_next_page_elsewhere_or_the_same_again_is_not_followed() {
    for link in ["<https://elsewhere.example/v2/>", "</v2/team/app/tags/list?n=1000>"] {
        let server = Scripted::start(vec![ok(&format!("link: {link}; rel=\"next\"\r\n"), r#"{"tags":[]}"#)]);

        let refused = tags(&server.client(None)).unwrap_err();

        assert!(matches!(refused, RegistryError::Answer { .. }), "{refused}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[test]
fn a_list_is_not_read_on_once_its_pages_are_too_long_together() {
    let next = "link: </v2/team/app/tags/list?last=v1>; rel=\"next\"\r\n";
    let page = r#"{"tags":["v1"]}"#;
    let server = Scripted::start(vec![ok(next, page), ok(next, page)]);
    let bytes = ListBytes::at_most(2 * page.len() as u64 - 1);

    let refused = server.client(None).pages_within(bytes, "/v2/team/app/tags/list".into(), "", "tags", read_tags);

    assert!(refused.unwrap_err().to_string().ends_with("the list is longer than 29 bytes"));
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_token_is_fetched_with_the_password_and_another_one_when_it_is_refused() {
    let wanted = r#"Bearer realm="http://{here}/token",service="s",scope="repository:team/app:pull""#;
    let server = Scripted::start(vec![
        refusal(wanted),
        ok("", r#"{"token":"one","expires_in":300}"#),
        ok("", r#"{"tags":["v1"]}"#),
        refusal(wanted),
        ok("", r#"{"access_token":"two"}"#),
        ok("", r#"{"tags":["v2"]}"#),
    ]);
    let client = server.client(Some("Basic eDp5"));

    let listed = [tags(&client).unwrap().unwrap(), tags(&client).unwrap().unwrap()];

    assert_eq!(listed, [["v1"], ["v2"]]);
    let asked = server.asked();
    assert_eq!(asked[1].line, "GET /token?scope=repository%3Ateam%2Fapp%3Apull&service=s");
    let told: Vec<Option<&str>> = asked.iter().map(|asked| asked.authorization.as_deref()).collect();
    let basic = Some("Basic eDp5");
    assert_eq!(told, [None, basic, Some("Bearer one"), Some("Bearer one"), basic, Some("Bearer two")]);
}

#[test]
fn a_password_that_is_refused_is_told_and_not_tried_for_ever() {
    let server = Scripted::start(vec![refusal("Basic realm=\"r\""), refusal("Basic realm=\"r\"")]);

    let refused = tags(&server.client(Some("Basic eDp5"))).unwrap_err();

    assert!(refused.to_string().contains("--source-credentials-file"), "{refused}");
    assert_eq!(server.asked()[1].authorization.as_deref(), Some("Basic eDp5"));
}

#[test]
fn another_host_is_not_told_who_asks() {
    let elsewhere = Scripted::start(vec![ok("", "hello")]);
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/x\r\ncontent-length: 0\r\n\r\n",
        elsewhere.host
    );
    let server = Scripted::start(vec![refusal("Basic realm=\"r\""), redirect]);
    let digest = digest_of(Algorithm::Sha256, b"hello");

    let mut bytes = String::new();
    let client = server.client(Some("Basic eDp5"));
    client.open_blob("team/app", &digest).unwrap().unwrap().read_to_string(&mut bytes).unwrap();

    assert_eq!(bytes, "hello");
    assert_eq!(server.asked()[1].authorization.as_deref(), Some("Basic eDp5"));
    assert_eq!(elsewhere.asked(), [Asked { line: "GET /x".into(), ..Asked::default() }]);
}

#[test]
fn another_host_that_wants_to_know_who_asks_is_not_met_then_or_later() {
    let elsewhere = Scripted::start(vec![refusal(r#"Bearer realm="http://{here}/token""#)]);
    let host = elsewhere.host.clone();
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{host}/x\r\ncontent-length: 0\r\n\r\n");
    let server = Scripted::start(vec![redirect, ok("", r#"{"tags":["v1"]}"#)]);
    let (client, digest) = (server.client(Some("Basic eDp5")), digest_of(Algorithm::Sha256, b"hello"));

    let refused = client.open_blob("team/app", &digest).err().unwrap();
    let listed = tags(&client).unwrap().unwrap();

    assert!(matches!(&refused, RegistryError::Status { host: said, status: 401, .. } if *said == host), "{refused}");
    assert_eq!(listed, ["v1"]);
    assert!(server.asked().iter().all(|asked| asked.authorization.is_none()));
    assert_eq!(elsewhere.asked(), [Asked { line: "GET /x".into(), ..Asked::default() }]);
}

#[test]
fn a_blob_that_is_cut_off_goes_on_where_it_was() {
    let part = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 6-10/11\r\ncontent-length: 5\r\n\r\nworld";
    let server =
        Scripted::start(vec!["HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello ".to_owned(), part.to_owned()]);
    let digest = digest_of(Algorithm::Sha256, b"hello world");

    let mut bytes = String::new();
    server.client(None).open_blob("team/app", &digest).unwrap().unwrap().read_to_string(&mut bytes).unwrap();

    assert_eq!(bytes, "hello world");
    assert_eq!(server.asked()[1].range.as_deref(), Some("bytes=6-"));
}

#[test]
fn a_server_without_ranges_sends_again_what_was_read_and_other_parts_are_refused() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello ".to_owned();
    let other = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-4/11\r\ncontent-length: 5\r\n\r\nhello";
    let (without, odd) =
        (Scripted::start(vec![cut.clone(), ok("", "hello world")]), Scripted::start(vec![cut, other.to_owned()]));
    let digest = digest_of(Algorithm::Sha256, b"hello world");
    let read = |server: &Scripted| {
        let mut bytes = String::new();
        let mut blob = server.client(None).open_blob("team/app", &digest).unwrap().unwrap();
        blob.read_to_string(&mut bytes).map(|_| bytes)
    };

    assert_eq!(read(&without).unwrap(), "hello world");
    assert!(read(&odd).unwrap_err().to_string().contains("other bytes"));
}

#[test]
fn what_is_not_there_is_none_and_what_is_refused_says_why() {
    let said = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;
    let denied = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{said}", said.len());
    let server = Scripted::start(vec![GONE.into(), denied]);
    let (client, digest) = (server.client(None), digest_of(Algorithm::Sha256, b"hello"));

    let gone = client.blob_length("team/app", &digest).unwrap();
    let refused = client.manifest("team/app", "v1", 1 << 20).err().unwrap();

    assert_eq!(gone, None);
    assert!(refused.to_string().ends_with("answers 403 to /v2/team/app/manifests/v1: not for you"), "{refused}");
}

#[test]
fn a_document_that_is_too_long_is_none() {
    let server = Scripted::start(vec![ok("", "0123456789")]);

    let refused = server.client(None).manifest("team/app", "v1", 9).err().unwrap();

    assert!(refused.to_string().contains("longer than 9 bytes"), "{refused}");
}
