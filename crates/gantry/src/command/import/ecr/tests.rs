//! A server that answers what it is told to, in the shapes of the service model: the real one is asked in the tests of the whole
//! program, by another Gantry that speaks ECR's API.

use super::*;
use gantry_access::sigv4::Signature;
use gantry_words::{Secret, Timestamp};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// What a request said.
#[derive(Clone)]
struct Asked {
    headers: Vec<(String, String)>,
    body: Value,
}

impl Asked {
    fn operation(&self) -> &str {
        let target = self.headers.iter().find(|(name, _)| name == "x-amz-target").unwrap();
        target.1.strip_prefix("AmazonEC2ContainerRegistry_V20150921.").unwrap()
    }

    fn is_signed(&self, session_token: Option<&str>) -> bool {
        let body = self.body.to_string();
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            public_host: None,
            body: body.as_bytes(),
            is_tls: false,
        };
        let signature = Signature::find(&request).unwrap().unwrap();
        let realm = Realm { region: "eu-west-1", service: "ecr", path: PathForm::Normalised };
        let date = self.headers.iter().find(|(name, _)| name == "x-amz-date").unwrap();
        assert_eq!(signature.access_key_id, "AKIDEXAMPLE");
        let sent = self.headers.iter().find(|(name, _)| name == "x-amz-security-token");
        assert_eq!(sent.map(|(_, token)| token.as_str()), session_token);
        signature.verify(&request, &Secret::new(SECRET.into()), &realm, moment(&date.1)).is_ok()
    }
}

/// Reads `20260502T081421Z`.
fn moment(date: &str) -> Timestamp {
    let (day, time) = date.split_at(9);
    let day = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..8]);
    format!("{day}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..6]).parse().unwrap()
}

/// A registry that answers an operation in its turn: by its name, the status and the body.
struct Mock {
    base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Mock {
    fn start(answers: Vec<(&'static str, u16, String)>) -> Mock {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        thread::spawn(move || {
            let mut answers = answers;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read_request(&mut BufReader::new(&stream));
                let at = answers.iter().position(|(operation, ..)| *operation == request.operation());
                let (status, body) = match at {
                    Some(at) => {
                        let (_, status, body) = answers.remove(at);
                        (status, body)
                    }
                    None => (400, r#"{"__type":"AccessDeniedException","message":"no"}"#.to_owned()),
                };
                told.lock().unwrap().push(request);
                let length = body.len();
                write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
                    .unwrap();
            }
        });
        Mock { base, asked }
    }

    fn ecr(&self, session_token: Option<&str>) -> Ecr {
        let session_token = session_token.map(|token| Secret::new(token.to_owned()));
        let keys = Keys { id: "AKIDEXAMPLE".into(), secret: Secret::new(SECRET.into()), session_token };
        Ecr::new(&self.base, "eu-west-1", Some("012345678910".into()), keys, None).unwrap()
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut impl BufRead) -> Asked {
    let (mut headers, mut line) = (Vec::new(), String::new());
    stream.read_line(&mut line).unwrap();
    line.clear();
    while stream.read_line(&mut line).unwrap() > 2 {
        let (name, value) = line.split_once(':').unwrap();
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        line.clear();
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.parse().unwrap();
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).unwrap();
    Asked { headers, body: serde_json::from_slice(&body).unwrap() }
}

fn repository() -> RepositoryName {
    "team/app".parse().unwrap()
}

fn image(number: u32) -> String {
    format!(
        r#"{{"imageDigest":"{DIGEST}","imageTags":["v{number}"],"imagePushedAt":1.7e9,"lastRecordedPullTime":1.71e9}}"#
    )
}

#[test]
fn what_is_asked_is_signed_as_our_own_verifier_wants_it() {
    let mock = Mock::start(vec![("DescribeRepositories", 200, r#"{"repositories":[]}"#.into()); 2]);

    assert_eq!(mock.ecr(None).repositories().unwrap(), Some(vec![]));
    assert_eq!(mock.ecr(Some("session")).repositories().unwrap(), Some(vec![]));

    let asked = mock.asked();
    assert!(asked[0].is_signed(None) && asked[1].is_signed(Some("session")));
    assert_eq!(asked[0].body, json!({"registryId": "012345678910", "maxResults": 1000}));
}

#[test]
fn images_are_read_page_by_page_and_once() {
    let pages = vec![
        ("DescribeImages", 200, format!(r#"{{"imageDetails":[{}],"nextToken":"more"}}"#, image(1))),
        ("DescribeImages", 200, format!(r#"{{"imageDetails":[{}]}}"#, image(2))),
    ];
    let mock = Mock::start(pages);
    let ecr = mock.ecr(None);

    assert_eq!(ecr.images(&repository()).unwrap().unwrap().len(), 2);
    assert_eq!(ecr.images(&repository()).unwrap().unwrap().len(), 2);

    let asked = mock.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].body["filter"], json!({"imageStatus": "ANY"}));
    assert_eq!((&asked[0].body["nextToken"], &asked[1].body["nextToken"]), (&Value::Null, &json!("more")));
}

#[test]
fn the_past_is_that_of_images_policies_and_tags() {
    let lifecycle = r#"{"rules":[]}"#;
    let missing = r#"{"__type":"RepositoryPolicyNotFoundException","message":"none"}"#;
    let arn = "arn:aws:ecr:eu-west-1:012345678910:repository/team/app";
    let found = json!({"repositoryName": "team/app", "repositoryArn": arn, "imageTagMutability": "IMMUTABLE"});
    let mock = Mock::start(vec![
        ("DescribeImages", 200, format!(r#"{{"imageDetails":[{}]}}"#, image(1))),
        ("GetLifecyclePolicy", 200, json!({"lifecyclePolicyText": lifecycle}).to_string()),
        ("GetRepositoryPolicy", 400, missing.into()),
        ("DescribeRepositories", 200, json!({"repositories": [found]}).to_string()),
        ("ListTagsForResource", 200, r#"{"tags":[{"Key":"team","Value":"a"}]}"#.into()),
    ]);

    let past = mock.ecr(None).past(&repository()).unwrap();

    assert_eq!(past.images[&DIGEST.parse().unwrap()].pushed.unwrap().at, Timestamp::from_millis(1_700_000_000_000));
    assert_eq!(past.repository.lifecycle.as_deref(), Some(lifecycle));
    assert_eq!(past.repository.policy, None);
    assert_eq!(past.repository.is_immutable, Some(true));
    assert_eq!(past.repository.resource_tags["team"], "a");
    assert_eq!(past.repository.remarks, [""; 0]);
    assert_eq!(mock.asked().last().unwrap().body, json!({"resourceArn": arn}));
}

#[test]
fn what_keys_may_not_ask_is_a_remark_and_images_they_may_not_list_end_all() {
    let mock = Mock::start(vec![("DescribeImages", 200, r#"{"imageDetails":[]}"#.into())]);
    let ecr = mock.ecr(None);

    let past = ecr.past(&repository()).unwrap();
    let error = ecr.images(&"other".parse().unwrap()).unwrap_err().to_string();

    assert_eq!(past.repository.remarks.len(), 3, "{:?}", past.repository.remarks);
    assert!(past.repository.remarks[0].contains("lack ecr:GetLifecyclePolicy"));
    assert!(error.contains("refuses DescribeImages: AccessDeniedException no (status 400)"), "{error}");
}

#[test]
fn the_password_for_images_is_that_of_a_token() {
    // base64 of `AWS:pass`
    let answer = json!({"authorizationData": [{"authorizationToken": "QVdTOnBhc3M="}]}).to_string();
    let mock = Mock::start(vec![("GetAuthorizationToken", 200, answer)]);

    assert_eq!(mock.ecr(None).credentials().unwrap(), Some(("AWS".into(), "pass".into())));
}

#[test]
fn a_host_is_written_as_clients_write_it() {
    for (endpoint, host) in [
        ("https://api.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com"),
        ("http://127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://[::1]:80/", "[::1]"),
        ("https://registry.example:443", "registry.example"),
    ] {
        assert_eq!(host_of(endpoint), host);
    }
}
