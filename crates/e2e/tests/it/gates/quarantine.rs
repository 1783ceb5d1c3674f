//! A tag that is pushed points to its image once that passes, and not before.

use super::{FLAWED, MENDED, PATIENCE, gated, image};
use crate::{commands::Person, database::replicas};
use gantry_e2e::{Answer, Image, Postgres, Server, until};
use serde_json::{Value, json};

/// Pushes an image under a tag that waits, and returns it with the answer.
#[track_caller]
fn push(server: &Server, version: &str) -> (Image, Answer) {
    let image = image(version);
    let answer = image.push(&server.client(), "team/app", "v1").unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    (image, answer)
}

/// Where the tag points.
fn points_to(server: &Server) -> Option<String> {
    server.client().head("/v2/team/app/manifests/v1").header("docker-content-digest").map(str::to_string)
}

/// What is listed of the tag.
fn listed(server: &Server) -> Value {
    server.client().get("/api/v1/quarantine?scope=team/app").json()["tags"].get(0).cloned().unwrap_or_default()
}

#[track_caller]
fn becomes(server: &Server, image: &Image) {
    let is_so = until(PATIENCE, || points_to(server) == Some(image.digest()));
    assert!(is_so, "the tag points to {:?}; {}", points_to(server), listed(server));
}

#[track_caller]
fn is_refused(server: &Server, image: &Image) {
    let is_so = until(PATIENCE, || {
        let tag = listed(server);
        tag["state"] == "refused" && tag["digest"] == image.digest()
    });
    assert!(is_so, "{}", listed(server));
}

/// What audit records there are of an action.
fn audited(server: &Server, action: &str) -> bool {
    let asked = format!("/api/v1/audit?limit=1000&action={action}");
    server.client().get(&asked).json()["records"].as_array().is_some_and(|records| !records.is_empty())
}

#[test]
fn a_bad_image_waits_while_the_old_one_is_served_and_a_good_one_appears_by_itself() {
    let person = gated(&["--quarantine"]);
    let server = &person.server;
    let (old, answer) = push(server, MENDED);
    becomes(server, &old);

    let (flawed, told) = push(server, FLAWED);
    is_refused(server, &flawed);
    let served = server.client().get("/v2/team/app/manifests/v1");
    let by_digest = server.client().get(&format!("/v2/team/app/manifests/{}", flawed.digest()));
    let shown = person.types(&["gate", "quarantine", "ls", "team/app"]);
    let tags = server.client().get("/v2/team/app/tags/list").json();
    let (good, _) = push(server, "3.0.14-1~deb12u1");
    becomes(server, &good);

    for answer in [&answer, &told] {
        let warning = answer.header("warning").unwrap();
        assert!(warning.starts_with("299 - \"The tag v1 waits in quarantine"), "{warning}");
        assert!(warning.contains("gantry gate quarantine ls team/app"), "{warning}");
    }
    assert_eq!((served.status, served.header("docker-content-digest")), (200, Some(&*old.digest())));
    assert_eq!(by_digest.status, 403);
    for part in ["team/app:v1", &flawed.digest()[..19], "refused", "CVE-2099-0001 (HIGH) in libssl3"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert_eq!(tags["tags"], json!(["v1"]));
    assert_eq!(listed(server), Value::Null);
    let history = server.client().get("/api/v1/repositories/team/app/tags/v1/history").json();
    let moves: Vec<_> = history["moves"].as_array().unwrap().iter().map(|moved| moved["to"].clone()).collect();
    assert_eq!(moves, [json!(good.digest()), json!(old.digest())]);
    assert!(history["moves"][0]["actor"].as_str().unwrap().ends_with(":root"), "{history}");
}

#[test]
fn a_tag_is_let_out_by_hand_and_the_gate_stays_closed() {
    let person = gated(&["--quarantine"]);
    let server = &person.server;
    let (flawed, _) = push(server, FLAWED);
    is_refused(server, &flawed);
    let before = (points_to(server), server.client().get("/v2/team/app/tags/list").json()["tags"].take());

    let (silent, _, _) = person.tries(&["gate", "release", "team/app:v1"]);
    let (unknown, _, errors) = person.tries(&["gate", "release", "team/app:v2", "--reason", "tried by hand"]);
    let said = person.types(&["gate", "release", "team/app:v1", "--reason", "tried by hand"]);

    assert_eq!(before, (None, json!([])));
    assert_ne!(silent, 0, "it takes a reason");
    assert_eq!(unknown, 3);
    assert!(errors.contains("Nothing waits in quarantine under team/app:v2"), "{errors}");
    assert!(said.contains(&flawed.digest()), "{said}");
    assert_eq!(points_to(server), Some(flawed.digest()));
    assert_eq!(server.client().get("/v2/team/app/manifests/v1").status, 403, "pulls go by the policy");
    assert!(until(PATIENCE, || audited(server, "gantry:ReleaseQuarantine")), "it is audited");
}

#[test]
fn a_later_push_wins_and_an_override_opens() {
    let person = gated(&["--quarantine"]);
    let server = &person.server;
    let (first, _) = push(server, FLAWED);
    let (second, _) = push(server, "3.0.10-1");
    is_refused(server, &second);
    assert_ne!(first.digest(), second.digest());

    person.types(&["gate", "override", "begin", "team/app", "--reason", "outage 7", "--for", "1h"]);
    becomes(server, &second);
    let (third, answer) = push(server, FLAWED);

    assert_eq!((points_to(server), answer.header("warning")), (Some(third.digest()), None));
}

#[test]
fn what_waits_goes_on_after_a_restart_in_the_middle() {
    let mut person = gated(&["--quarantine"]);
    let (good, _) = push(&person.server, MENDED);
    person.server.kill();
    person.server.restart();
    becomes(&person.server, &good);

    let (flawed, _) = push(&person.server, FLAWED);
    person.server.kill();
    person.server.restart();

    is_refused(&person.server, &flawed);
    assert_eq!(points_to(&person.server), Some(good.digest()));
}

#[test]
fn of_two_servers_on_one_database_one_sets_the_tag_and_both_show_it() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let servers = replicas(&postgres, folder.path());
    let policy = json!({"licences": {"denied": ["AGPL-*"]}, "quarantine": true}).to_string();
    assert_eq!(servers[0].client().send("PUT", "/api/v1/scan-policies/*", &[], policy.as_bytes()).status, 200);
    // The other one looks at the rules once a second.
    let knows = || servers[1].client().get("/api/v1/scan-policies").text().contains("quarantine");
    assert!(until(PATIENCE, knows));

    let (image, answer) = push(&servers[1], MENDED);
    for server in &servers {
        becomes(server, &image);
    }

    assert!(answer.header("warning").is_some());
    let history = servers[0].client().get("/api/v1/repositories/team/app/tags/v1/history").json();
    assert_eq!(history["moves"].as_array().unwrap().len(), 1, "{history}");
}

#[test]
fn a_policy_that_advises_has_no_quarantine() {
    let person = Person::at(Server::start());

    let (code, _, errors) = person.tries(&["gate", "set", "*", "--severity", "HIGH", "--quarantine", "--advise"]);
    let policy = json!({"severity": "HIGH", "quarantine": true, "mode": "advise"}).to_string();
    let by_api = person.server.client().send("PUT", "/api/v1/scan-policies/*", &[], policy.as_bytes());

    assert_ne!(code, 0, "{errors}");
    assert_eq!(by_api.status, 400, "{}", by_api.text());
}
