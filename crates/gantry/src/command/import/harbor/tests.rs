//! Harbor cannot run here (it is a dozen services on Docker): a server answers as its API description says, from documents in the
//! shapes that Harbor publishes.

use super::*;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
const SIGNATURE: &str = "sha256:3333333333333333333333333333333333333333333333333333333333333333";

/// A server that answers what is asked by path and query, and 404 to all else; and what it was asked.
struct Mock {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// By the begin of path and query: the status line with headers, and the body.
type Answers = Vec<(&'static str, &'static str, String)>;

impl Mock {
    fn start(answers: Answers) -> Mock {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (mut first, mut line, mut user) = (String::new(), String::new(), String::new());
                {
                    let mut reader = BufReader::new(&stream);
                    reader.read_line(&mut first).unwrap();
                    while reader.read_line(&mut line).unwrap() > 2 {
                        if let Some(value) = line.strip_prefix("authorization: ") {
                            user = value.trim().to_owned();
                        }
                        line.clear();
                    }
                }
                let target = first.split(' ').nth(1).unwrap().replace("/api/v2.0", "");
                told.lock().unwrap().push(format!("{target} {user}"));
                let found = answers.iter().find(|(begin, ..)| target.starts_with(begin));
                let (status, body) = found.map_or(("404 Not Found", ""), |(_, status, body)| (*status, body.as_str()));
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
                    .unwrap();
            }
        });
        Mock { base, asked }
    }

    fn harbor(&self) -> Harbor {
        Harbor::new(&self.base, Some("Basic cm9ib3Q6c2VjcmV0".into()), None).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn repository(name: &str) -> RepositoryName {
    name.parse().unwrap()
}

fn artifact(digest: &str, tag: &str, more: &str) -> String {
    format!(
        r#"{{"id":1,"digest":"{digest}","push_time":"2026-05-02T08:14:21.123Z","pull_time":"2026-06-01T00:00:00.000Z",
        "labels":[{{"name":"approved"}}],"tags":[{{"name":"{tag}","push_time":"2026-05-02T08:14:22.000Z",
        "pull_time":"0001-01-01T00:00:00.000Z","immutable":false}}]{more}}}"#
    )
}

const RETENTION: &str = r#"{"algorithm":"or","id":7,"trigger":{"kind":"Schedule","settings":{"cron":"0 0 0 * * *"}},"rules":[
    {"id":1,"template":"latestPushedK","params":{"latestPushedK":10},"action":"retain",
    "tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"**","extras":"{\"untagged\":true}"}],
    "scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}]}"#;

fn answers() -> Answers {
    let accessory = format!(
        r#","accessories":[{{"digest":"{SIGNATURE}","creation_time":"2026-05-02T08:15:00Z","type":"signature.cosign"}}]"#
    );
    let artifacts = format!("[{},{}]", artifact(ONE, "v1", &accessory), artifact(TWO, "v2", ""));
    let log = r#"[{"id":3,"op_time":"2026-05-02T08:14:23.000Z","operation":"create","operation_result":true,
        "resource":"team/nested/app:v1","resource_type":"artifact","username":"alice"}]"#;
    vec![
        ("/projects/team/repositories/nested%252Fapp/artifacts", "200 OK\r\nx-total-count: 2", artifacts),
        ("/projects/team/repositories", "200 OK", r#"[{"name":"team/nested/app"},{"name":"team/tool"}]"#.into()),
        ("/projects/team/immutabletagrules", "200 OK", "[]".into()),
        ("/projects/team/auditlog-exts", "200 OK", log.into()),
        ("/projects/team/logs", "404 Not Found", String::new()),
        ("/projects/team", "200 OK", r#"{"name":"team","metadata":{"public":"true","retention_id":"7"}}"#.into()),
        ("/projects", "200 OK", r#"[{"name":"team","project_id":1}]"#.into()),
        ("/retentions/7", "200 OK", RETENTION.into()),
    ]
}

#[test]
fn repositories_are_those_of_all_projects() {
    let mock = Mock::start(answers());

    let found = mock.harbor().repositories().unwrap().unwrap();

    assert_eq!(found, [repository("team/nested/app"), repository("team/tool")]);
    assert!(mock.asked()[0].starts_with("/projects?page=1&page_size=100&with_detail=false Basic cm9ib3Q6c2VjcmV0"));
}

#[test]
fn images_are_those_without_a_tag_and_accessories_too() {
    let mock = Mock::start(answers());

    let found = mock.harbor().images(&repository("team/nested/app")).unwrap().unwrap();

    assert_eq!(found.iter().map(Digest::as_str).collect::<Vec<_>>(), [ONE, TWO, SIGNATURE]);
}

#[test]
fn the_past_is_that_of_images_tags_and_rules_and_is_asked_for_once() {
    let mock = Mock::start(answers());
    let (harbor, repository) = (mock.harbor(), repository("team/nested/app"));

    harbor.images(&repository).unwrap();
    let past = harbor.past(&repository).unwrap();
    harbor.past(&repository).unwrap();

    let (one, two) = (&past.images[&ONE.parse().unwrap()], &past.images[&TWO.parse().unwrap()]);
    assert_eq!(one.pushed.unwrap().at.to_string(), "2026-05-02T08:14:21.123Z");
    assert_eq!(one.pulled.unwrap().at.to_string(), "2026-06-01T00:00:00.000Z");
    assert_eq!((one.pushed_by.as_deref(), two.pushed_by.as_deref()), (Some("alice"), None));
    assert_eq!(past.tags[&"v1".parse().unwrap()].set_by.as_deref(), Some("alice"));
    assert!(past.repository.lifecycle.unwrap().contains(r#""countType":"imageCountMoreThan","countNumber":10"#));
    assert_eq!(past.repository.is_immutable, None);
    assert_eq!(past.repository.remarks.len(), 1, "{:?}", past.repository.remarks);
    assert!(past.repository.remarks[0].contains("is public"));
    let count = |begin: &str| mock.asked().iter().filter(|asked| asked.starts_with(begin)).count();
    assert_eq!((count("/retentions/7"), count("/projects/team/repositories/nested%252Fapp/artifacts")), (1, 1));
}

#[test]
fn what_a_user_may_not_know_is_a_remark() {
    let refused = || r#"{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}"#.to_owned();
    let mut answers = answers();
    for answer in &mut answers {
        if ["immutabletagrules", "auditlog-exts", "retentions"].iter().any(|part| answer.0.contains(part)) {
            (answer.1, answer.2) = ("403 Forbidden", refused());
        }
    }

    let past = Mock::start(answers).harbor().past(&repository("team/nested/app")).unwrap();

    let remarks = past.repository.remarks.join("\n");
    for part in ["which tags of project team are immutable", "the retention of project team", "who pushed is not told"]
    {
        assert!(remarks.contains(part), "{part} is not in:\n{remarks}");
    }
    assert_eq!(past.images.len(), 3);
}

#[test]
fn images_that_may_not_be_listed_end_all_with_what_harbor_says() {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized\u001b"}]}"#.to_owned();
    let mock = Mock::start(vec![("/projects/team/repositories/app/artifacts", "401 Unauthorized", body)]);

    let error = mock.harbor().images(&repository("team/app")).unwrap_err().to_string();

    assert!(error.contains("refuses /projects/team/repositories/app/artifacts"), "{error}");
    assert!(error.contains(": unauthorized  (status 401)"), "{error}");
    assert!(mock.harbor().images(&repository("app")).unwrap_err().to_string().contains("is in no project"));
}

#[test]
fn pages_are_read_to_the_last() {
    let full =
        (0..PAGE_ENTRIES_MAX).map(|number| format!(r#"{{"name":"team/app{number}"}}"#)).collect::<Vec<_>>().join(",");
    let mock = Mock::start(vec![
        ("/projects/team/repositories?page=1&", "200 OK", format!("[{full}]")),
        ("/projects/team/repositories?page=2&", "200 OK", r#"[{"name":"team/app7"},{"name":"team/last"}]"#.into()),
        ("/projects", "200 OK", r#"[{"name":"team"}]"#.into()),
    ]);

    let found = mock.harbor().repositories().unwrap().unwrap();

    assert_eq!(found.len(), PAGE_ENTRIES_MAX + 1);
}
