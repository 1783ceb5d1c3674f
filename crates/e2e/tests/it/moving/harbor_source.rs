//! Harbor cannot run here: it is a dozen services, which come as images of Docker. A front answers for its API from documents in the
//! shapes that Harbor publishes, and hands all else, the images, on to a registry, as Harbor's own front does.

use crate::commands::Person;
use gantry_e2e::{Image, PASSWORD, Server, USER, run_with};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// What the API answers by the begin of what is asked.
type Answers = Vec<(&'static str, Value)>;

/// Starts a front before a registry; returns its address. It ends with the process.
fn start_front(registry: &str, answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, registry) = (listener.local_addr().unwrap().to_string(), registry.to_owned());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Whoever breaks off is of no interest.
            let _ = serve(&stream, &registry, &answers);
        }
    });
    address
}

/// Answers one request, which has no body.
fn serve(mut stream: &TcpStream, registry: &str, answers: &Answers) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut head, mut line) = (String::new(), String::new());
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut line)? > 2 {
        if !line.to_ascii_lowercase().starts_with("connection:") {
            head.push_str(&line);
        }
        line.clear();
    }
    let target = head.split(' ').nth(1).unwrap_or_default();
    if let Some(asked) = target.strip_prefix("/api/v2.0") {
        let found = answers.iter().find(|(begin, _)| asked.starts_with(begin));
        let (status, body) = match found {
            Some((_, answer)) => ("200 OK", answer.to_string()),
            None => ("404 Not Found", r#"{"errors":[{"code":"NOT_FOUND","message":"not found"}]}"#.to_owned()),
        };
        let length = body.len();
        return write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    }
    let mut behind = TcpStream::connect(registry)?;
    write!(behind, "{head}connection: close\r\n\r\n")?;
    io::copy(&mut behind, &mut stream)?;
    stream.shutdown(Shutdown::Write)
}

/// The answers of a Harbor with the project `team` and the repository `team/nested/app` in it.
fn answers(tagged: &Image, untagged: &Image) -> Answers {
    let times = json!({"push_time": "2025-05-02T08:14:21.000Z", "pull_time": "0001-01-01T00:00:00.000Z"});
    let artifact = |image: &Image, tags: Value| {
        json!({
            "id": 1, "type": "IMAGE", "digest": image.digest(), "manifest_media_type": Image::MEDIA_TYPE, "project_id": 1,
            "push_time": times["push_time"], "pull_time": times["pull_time"], "tags": tags, "references": null,
            "labels": [{"id": 1, "name": "approved", "scope": "g"}], "accessories": null,
        })
    };
    let tags = json!([{"id": 5, "name": "v1", "immutable": false, "artifact_id": 1,
        "push_time": "2025-05-02T08:14:22.000Z", "pull_time": "0001-01-01T00:00:00.000Z"}]);
    let selector = |decoration: &str| json!({"kind": "doublestar", "decoration": decoration, "pattern": "**"});
    let rule = |template: &str, number: u32| {
        json!({
            "id": 1, "template": template, "action": "retain", "params": {template: number},
            "tag_selectors": [selector("matches")], "scope_selectors": {"repository": [selector("repoMatches")]},
        })
    };
    let retention = json!({"id": 7, "algorithm": "or", "rules": [rule("latestPushedK", 1)],
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}}});
    let log = json!([{"id": 3, "username": "alice", "operation": "create", "resource_type": "artifact",
        "resource": "team/nested/app:v1", "op_time": "2025-05-02T08:14:22.000Z", "operation_result": true}]);
    vec![
        ("/systeminfo", json!({"auth_mode": "db_auth", "harbor_version": "v2.14.0"})),
        (
            "/projects/team/repositories/nested%252Fapp/artifacts",
            json!([artifact(tagged, tags), artifact(untagged, Value::Null)]),
        ),
        ("/projects/team/repositories", json!([{"id": 1, "name": "team/nested/app", "artifact_count": 2}])),
        ("/projects/team/immutabletagrules", json!([])),
        ("/projects/team/auditlog-exts", log),
        ("/projects/team/logs", json!([])),
        (
            "/projects/team",
            json!({"name": "team", "project_id": 1, "metadata": {"public": "false", "retention_id": "7"}}),
        ),
        ("/projects", json!([{"name": "team", "project_id": 1}])),
        ("/retentions/7", retention),
    ]
}

#[test]
fn a_harbor_is_known_by_its_answers_and_moves_in_with_times_people_and_rules() {
    let (registry, person) = (Server::start(), Person::logged_in());
    let [untagged, tagged] = [722, 723].map(Image::small);
    for image in [&untagged, &tagged] {
        image.push(&registry.client(), "team/nested/app", "v1").unwrap();
    }
    let front = start_front(registry.address(), answers(&tagged, &untagged));
    let (home, place) = (person.home.path(), format!("docker+http://{front}"));
    let credentials = home.join("source");
    fs::write(&credentials, format!("{USER}:{PASSWORD}\n")).unwrap();
    let arguments = ["import", &place, "--source-credentials-file", credentials.to_str().unwrap()];

    let (code, said, errors) =
        run_with(&arguments, &[("DOCKER_CONFIG", home.to_str().unwrap()), ("GANTRY_SERVER", person.server.address())]);

    assert_eq!(code, 0, "{said}{errors}");
    let client = person.server.client();
    tagged.check(&client, "team/nested/app", "v1").unwrap();
    untagged.check(&client, "team/nested/app", &untagged.digest()).unwrap();
    let listed = client.get("/api/v1/repositories/team/nested/app/images").json();
    for image in listed["images"].as_array().unwrap() {
        assert_eq!(image["pushedAt"], "2025-05-02T08:14:21.000Z", "{image}");
        assert_eq!(image["pushedAtPrecision"], "exact", "{image}");
        let is_by_alice = image["pushedBy"].as_str().is_some_and(|by| by.ends_with("harbor:alice"));
        assert_eq!(is_by_alice, image["digest"] == tagged.digest(), "{image}");
    }
    assert!(said.contains("not switched on; it would delete 1 of 2 images"), "{said}");
    let listed = listed["images"].as_array().unwrap();
    let labels = &listed.iter().find(|image| image["digest"] == tagged.digest()).unwrap()["labels"];
    assert_eq!(labels, &json!({"harbor/approved": ""}));
}
