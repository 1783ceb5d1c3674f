//! One thing done to all images that a query means: shown first, and then done to exactly what was shown.

use crate::commands::{Person, open_terminal};
use gantry_e2e::{Answer, Client, Image, Server, program, until};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    process::Stdio,
    time::Duration,
};

/// A person at a server with five images in three repositories.
fn person() -> Person {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let client = person.server.client();
    for (name, tag, seed) in [
        ("team/app", "pr-1", 1),
        ("team/app", "pr-2", 2),
        ("team/base", "pr-3", 3),
        ("team/base", "v1", 4),
        ("zoo", "pr-4", 5),
    ] {
        Image::small(seed).push(&client, name, tag).unwrap();
    }
    person
}

fn tags(person: &Person) -> Vec<String> {
    let listed: Value = serde_json::from_str(&person.types(&["image", "ls", "--output", "json"])).unwrap();
    let image = |image: &Value| {
        let mut tags: Vec<&str> = image["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        tags.sort_unstable();
        format!("{}:{}", image["repository"].as_str().unwrap(), tags.join(","))
    };
    let mut found: Vec<String> = listed.as_array().unwrap().iter().map(image).collect();
    found.sort();
    found
}

#[test]
fn labels_are_given_to_all_images_of_a_query_and_found() {
    let person = person();
    person.types(&["image", "label", "--query", "tag:pr-*", "--yes", "stage=test", "team=blue"]);
    person.types(&["image", "label", "team/app:pr-1", "stage=prod", "team-"]);
    let count = |query: &str| {
        let listed = person.types(&["image", "ls", "--query", query, "--output", "json"]);
        serde_json::from_str::<Value>(&listed).unwrap().as_array().unwrap().len()
    };

    let counts = ["label:stage=test", "label:stage=prod", "label:team", "label:stage"].map(count);
    let shown = person.types(&["image", "inspect", "team/app:pr-1"]);

    assert_eq!(counts, [3, 1, 3, 4]);
    assert!(shown.contains("Labels given here: stage=prod\n"), "{shown}");
}

fn choose(client: &Client, asked: &Value) -> Answer {
    client.send("POST", "/api/v1/images/selections", &[], asked.to_string().as_bytes())
}

fn run(client: &Client, token: &str) -> Answer {
    client.send("POST", &format!("/api/v1/images/selections/{token}/run"), &[], b"")
}

fn token(chosen: &Answer) -> String {
    assert_eq!(chosen.status, 200, "{}", chosen.text());
    chosen.json()["token"].as_str().unwrap().to_string()
}

/// A user with a key, who has a role for a prefix, and may look at everything.
fn user(person: &Person, name: &str, role: &str, prefix: &str) -> Client {
    person.types(&["user", "create", name]);
    person.types(&["access", "grant", &format!("user/{name}"), role, "--prefix", prefix]);
    for prefix in ["team/", "zoo"] {
        person.types(&["access", "grant", &format!("user/{name}"), "read-only", "--prefix", prefix]);
    }
    let path = format!("/api/v1/users/{name}/access-keys");
    let made = person.server.client().send("POST", &path, &[], b"{}").json();
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    Client::new(person.server.address(), id, secret)
}

#[test]
fn what_a_query_means_is_shown_first_and_then_deleted_and_can_be_had_back() {
    let person = person();

    let shown = person.types(&["image", "rm", "--query", "tag:pr-* repository:team/*"]);
    let before = tags(&person);
    Image::small(6).push(&person.server.client(), "team/app", "pr-6").unwrap();
    let next = shown.rsplit("gantry image apply ").next().unwrap().trim();
    let done = person.types(&["image", "apply", next]);

    assert!(shown.starts_with("REPOSITORY") && shown.contains("pr-3") && !shown.contains("zoo"), "{shown}");
    assert!(shown.contains("3 images with") && shown.contains("Nothing was done yet"), "{shown}");
    assert_eq!(before.len(), 5);
    assert!(done.contains("Deleted 3 images"), "{done}");
    assert_eq!(tags(&person), ["team/app:pr-6", "team/base:v1", "zoo:pr-4"]);
    person.types(&["trash", "restore", "team/app:pr-1"]);
    assert_eq!(tags(&person), ["team/app:pr-1", "team/app:pr-6", "team/base:v1", "zoo:pr-4"]);
    let (code, _, errors) = person.tries(&["image", "apply", next]);
    assert!(code == 3 && errors.contains("run once"), "{errors}");
}

/// Types a command at a terminal, and what is asked for there; returns what is shown.
fn at_a_terminal(person: &Person, words: &[&str], said: &str) -> String {
    let (mut terminal, of_child) = open_terminal();
    let mut child = program()
        .args(words)
        .env("DOCKER_CONFIG", person.home.path())
        .env("GANTRY_SERVER", person.server.address())
        .stdin(Stdio::from(of_child))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    terminal.write_all(said.as_bytes()).unwrap();
    let mut shown = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut shown).unwrap();
    child.stdout.as_mut().unwrap().read_to_string(&mut shown).unwrap();
    assert!(child.wait().unwrap().success(), "{words:?}: {shown}");
    shown
}

#[test]
fn at_a_terminal_it_is_asked_before_anything_is_done() {
    let person = person();
    let words = ["image", "rm", "--query", "tag:pr-* repository:team/app"];

    let refused = at_a_terminal(&person, &words, "n\n");
    let before = tags(&person);
    let done = at_a_terminal(&person, &words, "y\n");

    assert!(refused.contains("Delete these 2? [y/N]") && refused.contains("Nothing was done"), "{refused}");
    assert_eq!(before.len(), 5);
    assert!(done.contains("Deleted 2 images"), "{done}");
    assert_eq!(tags(&person), ["team/base:pr-3", "team/base:v1", "zoo:pr-4"]);
}

#[test]
fn every_image_that_was_deleted_is_in_the_audit() {
    let person = person();
    let client = person.server.client();

    person.types(&["image", "rm", "--query", "tag:pr-* repository:team/*", "--yes"]);

    for seed in [1, 2, 3] {
        let path = format!("/api/v1/audit?digest={}", Image::small(seed).digest());
        let is_told = || {
            let records = client.get(&path).json();
            let text = records.to_string();
            text.contains("registry.remove_image") && text.contains("RunSelection")
        };
        assert!(until(Duration::from_secs(20), is_told), "{}", client.get(&path).text());
    }
}

#[test]
fn images_on_hold_are_left_alone_and_said_so() {
    let person = person();
    person.types(&["image", "hold", "team/app:pr-1", "--reason", "case 7"]);

    let done = person.types(&["image", "rm", "--query", "tag:pr-*", "--yes", "--output", "json"]);

    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!((&done["selection"]["imageCount"], &done["selection"]["refusedCount"]), (&json!(3), &json!(1)));
    let refused: Vec<&Value> =
        done["selection"]["images"].as_array().unwrap().iter().filter(|image| !image["refused"].is_null()).collect();
    assert_eq!((&refused[0]["tags"], &refused[0]["refused"]["code"]), (&json!(["pr-1"]), &json!("ImageHeld")));
    assert_eq!((&done["result"]["state"], &done["result"]["done"]), (&json!("finished"), &json!(3)));
    assert_eq!(tags(&person), ["team/app:pr-1", "team/base:v1"]);
}

#[test]
fn images_are_tagged_held_and_archived_by_a_query() {
    let person = person();

    person.types(&["image", "tag", "--query", "repository:team/app", "keep-{digest}", "--yes"]);
    person.types(&["image", "hold", "--query", "repository:team/*", "--reason", "case 7", "--yes"]);
    let held = person.types(&["image", "ls", "--query", "status:held", "--output", "json"]);
    person.types(&["image", "release", "--query", "status:held", "--yes"]);
    person.types(&["image", "archive", "--query", "repository:zoo", "--yes"]);
    let archived = person.types(&["image", "ls", "--query", "status:archived", "--output", "json"]);
    let rivals = person.types(&["image", "tag", "--query", "repository:team/app", "stable"]);

    let short = &Image::small(1).digest()["sha256:".len()..][..12];
    assert!(tags(&person).contains(&format!("team/app:keep-{short},pr-1")), "{:?}", tags(&person));
    for (listed, count) in [(held, 4), (archived, 1)] {
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), count, "{listed}");
    }
    assert!(rivals.contains("a tag names one") && rivals.contains("There is nothing to do"), "{rivals}");
}

#[test]
fn an_image_whose_tag_moved_after_it_was_shown_is_not_deleted() {
    let person = person();
    let client = person.server.client();
    let token = token(&choose(&client, &json!({"q": "tag:pr-* repository:team/app", "action": "delete"})));

    Image::small(4).push(&client, "team/app", "pr-1").unwrap();
    let done = run(&client, &token).json();
    let asked = client.get(&format!("/api/v1/images/selections/{token}")).json();

    assert_eq!((&done["done"], &done["changed"], &done["failed"]), (&json!(1), &json!(1), &json!(0)), "{done}");
    let left = &done["leftovers"][0];
    assert_eq!((&left["outcome"], &left["code"]), (&json!("changed"), &json!("ImageChanged")));
    assert_eq!(left["digest"], json!(Image::small(1).digest()));
    assert_eq!((&asked["state"], &asked["leftovers"]), (&json!("finished"), &done["leftovers"]));
    assert_eq!(client.get(&format!("/v2/team/app/manifests/{}", Image::small(1).digest())).status, 200);
    assert_eq!(client.get("/v2/team/app/manifests/pr-2").status, 404);
}

#[test]
fn an_image_that_is_pulled_after_it_was_shown_as_never_pulled_is_not_deleted() {
    let person = person();
    let client = person.server.client();
    let token = token(&choose(&client, &json!({"q": "pulled:never repository:team/app", "action": "delete"})));

    assert_eq!(client.get("/v2/team/app/manifests/pr-1").status, 200);
    let done = run(&client, &token).json();

    assert_eq!((&done["done"], &done["changed"]), (&json!(1), &json!(1)), "{done}");
    assert!(done["leftovers"][0]["message"].as_str().unwrap().contains("was pulled"), "{done}");
    assert_eq!(client.get("/v2/team/app/manifests/pr-1").status, 200);
}

#[test]
fn a_token_is_its_owners_and_works_once() {
    let person = person();
    let (root, ann) = (person.server.client(), user(&person, "ann", "maintainer", "team/"));
    let token = token(&choose(&root, &json!({"q": "tag:pr-1", "action": "delete"})));

    let of_another = [run(&ann, &token), ann.get(&format!("/api/v1/images/selections/{token}"))];
    let [first, second] = [run(&root, &token), run(&root, &token)];

    for refused in of_another {
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (404, &json!("SelectionNotFound")));
    }
    assert_eq!((first.status, second.status), (200, 409));
    assert_eq!(second.json()["error"]["code"], json!("SelectionUsed"));
}

#[test]
fn each_image_is_decided_by_policy_on_its_own() {
    let person = person();
    let ann = user(&person, "ann", "maintainer", "team/");

    let chosen = choose(&ann, &json!({"q": "tag:pr-*", "action": "delete"}));
    person.types(&["access", "revoke", "user/ann", "maintainer", "--prefix", "team/"]);
    person.types(&["access", "grant", "user/ann", "maintainer", "--prefix", "team/base"]);
    let done = run(&ann, &token(&chosen)).json();

    let shown = chosen.json();
    assert_eq!((&shown["imageCount"], &shown["refusedCount"]), (&json!(3), &json!(1)), "{shown}");
    let zoo = shown["images"].as_array().unwrap().iter().find(|image| image["repository"] == "zoo").unwrap();
    assert_eq!(zoo["refused"]["code"], json!("AccessDenied"));
    assert_eq!((&done["done"], &done["failed"]), (&json!(1), &json!(2)), "{done}");
    assert_eq!(tags(&person), ["team/app:pr-1", "team/app:pr-2", "team/base:v1", "zoo:pr-4"]);
}

#[test]
fn a_wrong_query_or_action_is_refused_before_anything_is_chosen() {
    let person = person();
    let client = person.server.client();

    for (asked, said) in [
        (json!({"q": "", "action": "delete"}), "repository:*"),
        (json!({"q": "tga:v1", "action": "delete"}), "did you mean"),
        (json!({"q": "untagged", "action": "tag"}), "needs the tag"),
        (json!({"q": "untagged", "action": "erase"}), "erase"),
    ] {
        let refused = choose(&client, &asked);

        assert_eq!(refused.status, 400, "{asked}");
        assert!(refused.text().contains(said), "{asked}: {}", refused.text());
    }
    let (code, _, errors) = person.tries(&["image", "rm", "--query", "tga:v1"]);
    assert!(code == 2 && errors.contains("^^^"), "{errors}");
    let (code, _, errors) = person.tries(&["image", "rm", "team/app:pr-1", "--query", "tag:pr-1"]);
    assert!(code == 2 && errors.contains("cannot be used with"), "{errors}");
}
