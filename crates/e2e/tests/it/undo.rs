//! What was deleted comes back, and what was moved goes back.

use crate::commands::{Person, open_terminal};
use gantry_e2e::{Client, Image, MASTER_KEY, Server, program, stored_blobs, until};
use serde_json::Value;
use std::{
    io::{Read, Write},
    process::Stdio,
    time::Duration,
};

const NAME: &str = "team/app";

fn pushed(person: &Person, seed: u64, tag: &str) -> Image {
    let image = Image::small(seed);
    let answer = image.push(&person.server.client(), NAME, tag).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    image
}

/// Deletes an image as a docker client does.
fn delete(person: &Person, image: &Image) {
    let path = format!("/v2/{NAME}/manifests/{}", image.digest());
    assert_eq!(person.server.client().send("DELETE", &path, &[], &[]).status, 202);
}

fn collect(person: &Person) -> u64 {
    let (code, output, errors) = person.server.tool(&["gc", "--grace", "0s", "--output", "json"]);
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str::<Value>(&output).unwrap()["blobs"].as_u64().unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

#[test]
fn an_image_that_was_deleted_comes_back_whole_and_with_its_tags() {
    let person = Person::logged_in();
    let image = pushed(&person, 1, "v1");
    person.types(&["image", "tag", "team/app:v1", "stable"]);

    delete(&person, &image);
    let deleted = ["v1", "stable", &image.digest()]
        .map(|reference| person.server.client().get(&format!("/v2/{NAME}/manifests/{reference}")).status);
    let collected = collect(&person);
    let listed = person.types(&["trash", "ls", NAME]);
    person.types(&["trash", "restore", "team/app:v1"]);

    assert_eq!((deleted, collected), ([404; 3], 0));
    assert!(listed.contains("stable, v1") && listed.contains(&image.digest()[..19]), "{listed}");
    for tag in ["v1", "stable"] {
        image.check(&person.server.client(), NAME, tag).unwrap();
    }
    assert_eq!(json(&person.types(&["trash", "ls", "--output", "json"])), serde_json::json!([]));
}

#[test]
fn a_tag_that_is_taken_stays_where_it_is_and_the_answer_names_it() {
    let person = Person::logged_in();
    let old = pushed(&person, 1, "v1");
    delete(&person, &old);
    let new = pushed(&person, 2, "v1");

    let restored = person.types(&["trash", "restore", &format!("{NAME}@{}", old.digest()), "--output", "json"]);

    let restored = &json(&restored)["images"][0];
    assert_eq!((&restored["digest"], &restored["tags"]), (&old.digest().into(), &serde_json::json!([])));
    assert_eq!(restored["takenTags"], serde_json::json!([{"tag": "v1", "digest": new.digest()}]));
    new.check(&person.server.client(), NAME, "v1").unwrap();
    old.check(&person.server.client(), NAME, &old.digest()).unwrap();
}

#[test]
fn a_repository_that_was_deleted_with_its_images_is_made_again_of_the_trash() {
    let person = Person::logged_in();
    let image = pushed(&person, 1, "v1");
    person.types(&["repo", "rm", NAME, "--force"]);
    collect(&person);

    let (code, _, errors) = person.tries(&["trash", "restore", "team/app:v1"]);
    person.types(&["repo", "create", NAME]);
    person.types(&["trash", "restore", "team/app:v1"]);

    assert_eq!(code, 3);
    assert!(errors.contains("gantry repo create team/app"), "{errors}");
    image.check(&person.server.client(), NAME, "v1").unwrap();
}

#[test]
fn the_trash_is_emptied_only_by_who_says_that_he_means_it() {
    let person = Person::logged_in();
    let image = pushed(&person, 1, "v1");
    delete(&person, &image);

    let (code, _, errors) = person.tries(&["trash", "empty"]);
    let refused = answer_on_a_terminal(&person, "n");
    let listed = person.types(&["trash", "ls", "--output", "json"]);
    let emptied = answer_on_a_terminal(&person, "y");

    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("--yes"), "{errors}");
    assert!(refused.contains("Nothing was destroyed"), "{refused}");
    assert_eq!(json(&listed).as_array().unwrap().len(), 1);
    assert!(emptied.contains("Destroyed 1 image"), "{emptied}");
    assert_eq!(collect(&person), 2);
    assert_eq!(stored_blobs(person.server.data()).len(), 0);
}

/// Empties the trash at a terminal, and answers what is asked there; returns what is printed.
fn answer_on_a_terminal(person: &Person, answer: &str) -> String {
    let (mut terminal, of_child) = open_terminal();
    let mut child = program()
        .args(["trash", "empty", NAME, "--server", person.server.address()])
        .env("DOCKER_CONFIG", person.home.path())
        .stdin(Stdio::from(of_child))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asked = [0; "Destroy 1 image of team/app for good?".len()];
    child.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
    assert_eq!(String::from_utf8_lossy(&asked), "Destroy 1 image of team/app for good?");
    terminal.write_all(format!("{answer}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_server_destroys_what_was_in_the_trash_for_its_time() {
    let settings =
        [("GANTRY_TRASH__KEEP", "1s"), ("GANTRY_COLLECTION__GRACE", "0s"), ("GANTRY_COLLECTION__EVERY", "1s")];
    let person = Person::at(Server::with(&settings));
    let image = pushed(&person, 1, "v1");

    delete(&person, &image);

    let is_gone = || stored_blobs(person.server.data()).is_empty();
    assert!(until(Duration::from_secs(20), is_gone), "{}", person.server.log_end());
    let (code, _, errors) = person.tries(&["trash", "restore", "team/app:v1"]);
    assert_eq!(code, 3, "{errors}");
}

#[test]
fn a_tag_goes_back_to_where_it_pointed_and_its_history_tells_of_it() {
    let person = Person::logged_in();
    let (old, new) = (pushed(&person, 1, "stable"), pushed(&person, 2, "stable"));

    let said = person.types(&["tag", "rollback", "team/app:stable"]);
    let history = json(&person.types(&["tag", "history", "team/app:stable", "--output", "json"]));
    let printed = person.types(&["tag", "history", "team/app:stable"]);

    assert!(said.contains(&old.digest()), "{said}");
    old.check(&person.server.client(), NAME, "stable").unwrap();
    let moves: Vec<_> = history.as_array().unwrap().iter().map(|moved| (&moved["from"], &moved["to"])).collect();
    let (first, second) = (Value::from(old.digest()), Value::from(new.digest()));
    assert_eq!(moves, [(&second, &first), (&first, &second), (&Value::Null, &first)]);
    assert!(history[0]["actor"].as_str().is_some_and(|actor| !actor.is_empty()), "{history}");
    assert!(printed.starts_with("WHEN") && printed.lines().count() == 4, "{printed}");
}

#[test]
fn a_tag_that_lost_its_image_brings_it_back_unless_that_is_gone() {
    let person = Person::logged_in();
    let image = pushed(&person, 1, "stable");

    delete(&person, &image);
    person.types(&["tag", "rollback", "team/app:stable", "--to", &image.digest()]);
    image.check(&person.server.client(), NAME, "stable").unwrap();
    delete(&person, &image);
    person.types(&["trash", "empty", "--yes"]);
    let (code, _, errors) = person.tries(&["tag", "rollback", "team/app:stable"]);

    assert_eq!(code, 3);
    assert!(errors.contains("that image is gone"), "{errors}");
}

#[test]
fn the_trash_shows_everybody_what_he_may_see_and_no_next_page_tells_of_the_rest() {
    let person = Person::at(Server::with(&[MASTER_KEY]));
    let (root, seen, hidden) = (person.server.client(), Image::small(31), Image::small(32));
    for (image, name) in [(&seen, "team/app"), (&hidden, "other/app")] {
        image.push(&root, name, "v1").unwrap();
        person.types(&["repo", "rm", name, "--force"]);
    }
    let post = |path: &str, body: serde_json::Value| {
        let headers = [("content-type", "application/json")];
        let answer = root.send("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_string();
    let client = |name: &str| {
        post("/api/v1/users", serde_json::json!({"name": name}));
        let key = post(&format!("/api/v1/users/{name}/access-keys"), serde_json::json!({}));
        Client::new(person.server.address(), &text(&key["accessKeyId"]), &text(&key["secretAccessKey"]))
    };
    let (ann, eve) = (client("ann"), client("eve"));
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:DescribeImages",
        "Resource": "arn:aws:ecr:*:*:repository/team/*"}}"#;
    let headers = [("content-type", "application/json")];
    let policy = serde_json::json!({"document": policy}).to_string();
    let put = root.send("PUT", "/api/v1/users/ann/inline-policies/own", &headers, policy.as_bytes());
    assert!(put.status < 300, "{}", put.text());

    let page = |client: &Client, after: &str| {
        let answer = client.get(&format!("/api/v1/trash?limit=1{after}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let (first, of_eve) = (page(&ann, ""), page(&eve, ""));
    let second = page(&ann, &format!("&after={}", text(&first.json()["next"])));

    // What was deleted last comes first, and is not hers to see.
    assert_eq!(first.json()["images"], serde_json::json!([]));
    assert!(!first.text().contains(&hidden.digest()), "{}", first.text());
    assert_eq!(second.json()["images"][0]["digest"], seen.digest());
    assert_eq!(of_eve.json()["images"], serde_json::json!([]));
    assert_eq!(Client::anonymous(person.server.address()).get("/api/v1/trash").status, 401);
}
