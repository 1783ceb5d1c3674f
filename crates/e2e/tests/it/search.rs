//! Images by a query, as people ask for them.

use crate::commands::Person;
use gantry_e2e::{Client, Image, Server, until};
use serde_json::{Value, json};
use std::time::Duration;

/// A person at a server with four images in three repositories.
fn person() -> Person {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let client = person.server.client();
    for (name, tag, seed) in
        [("team/app", "v1.0", 1), ("team/app", "v2.0", 2), ("team/base", "v1.1", 3), ("zoo", "v1.2", 4)]
    {
        Image::small(seed).push(&client, name, tag).unwrap();
    }
    person
}

fn found(person: &Person, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["image", "ls", "--output", "json"], arguments].concat();
    let answer: Value = serde_json::from_str(&person.types(&arguments)).unwrap();
    let image = |image: &Value| {
        format!("{}:{}", image["repository"].as_str().unwrap(), image["tags"][0].as_str().unwrap_or("-"))
    };
    answer.as_array().unwrap().iter().map(image).collect()
}

#[test]
fn images_are_found_by_a_query_in_all_repositories() {
    let person = person();
    let by_digest = format!("digest:{}", &Image::small(4).digest()[..15]);

    let cases: [(&str, &[&str]); 6] = [
        ("tag:v1.*", &["team/app:v1.0", "team/base:v1.1", "zoo:v1.2"]),
        ("repository:team/* -tag:v1.0 pushed>1h", &["team/app:v2.0", "team/base:v1.1"]),
        (&by_digest, &["zoo:v1.2"]),
        ("tag=v2.0 or repository:zoo", &["team/app:v2.0", "zoo:v1.2"]),
        (
            "pusher:root pulled:never size<1GiB status:active",
            &["team/app:v2.0", "team/app:v1.0", "team/base:v1.1", "zoo:v1.2"],
        ),
        ("pushed<1h", &[]),
    ];
    for (query, images) in cases {
        assert_eq!(found(&person, &["--query", query]), images, "{query}");
    }
    assert_eq!(
        found(&person, &["team/app", "--query", "tag:v1.* or tag:v2.*", "--sort", "pushed"]),
        ["team/app:v1.0", "team/app:v2.0"]
    );
    assert_eq!(found(&person, &["--sort", "-repository", "--limit", "1"]), ["zoo:v1.2"]);
    let table = person.types(&["image", "ls", "--query", "repository:zoo"]);
    assert!(table.starts_with("REPOSITORY") && table.contains("v1.2"), "{table}");
}

#[test]
fn images_are_found_by_the_labels_and_platforms_of_their_configurations_soon_after_the_push() {
    let person = person();
    let client = person.server.client();
    let child = Image::small(1);
    let platform = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    let child = json!({
        "mediaType": Image::MEDIA_TYPE, "digest": child.digest(), "size": child.manifest.len(), "platform": platform,
    });
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": [child]}).to_string();
    let pushed = client.send("PUT", "/v2/team/app/manifests/multi", &[("content-type", media_type)], index.as_bytes());
    assert_eq!(pushed.status, 201, "{}", pushed.text());

    let cases: [(&str, &[&str]); 6] = [
        ("platform:linux/arm64", &["team/app:multi"]),
        ("platform=linux/arm64", &[]),
        ("label:seed=3", &["team/base:v1.1"]),
        ("label:seed=* repository:team/app", &["team/app:v2.0", "team/app:v1.0"]),
        ("label:seed platform:linux/amd64 -label:seed=2 repository:team/app", &["team/app:v1.0"]),
        ("label:vendor", &[]),
    ];
    for (query, images) in cases {
        let is_so = || found(&person, &["--query", query]) == images;
        assert!(until(Duration::from_secs(30), is_so), "{query}: {:?}", found(&person, &["--query", query]));
    }
}

#[test]
fn what_is_wrong_with_a_query_is_pointed_at() {
    let person = person();

    let (code, _, errors) = person.tries(&["image", "ls", "--query", "tag:v1 siz>1GiB"]);
    let refused = person.server.client().get("/api/v1/images?q=tag:v1+siz%3E1GiB");

    assert_eq!(code, 2);
    assert!(
        errors.contains("did you mean \"size\"?") && errors.contains("\n  tag:v1 siz>1GiB\n         ^^^"),
        "{errors}"
    );
    let error = &refused.json()["error"];
    assert_eq!((refused.status, &error["code"]), (400, &json!("InvalidParameter")));
    assert_eq!((&error["offset"], &error["length"]), (&json!(7), &json!(3)));
}

#[test]
fn pages_follow_each_other_and_belong_to_their_query() {
    let person = person();
    let client = person.server.client();
    let page = |path: &str| client.get(&format!("/api/v1/images?limit=1&{path}"));

    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let answer = page(&format!("q=tag:v*&sort=-size{after}")).json();
        assert_eq!(answer["cutShort"], json!(false));
        seen.extend(
            answer["images"].as_array().unwrap().iter().map(|image| image["digest"].as_str().unwrap().to_string()),
        );
        match answer["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let of_another = page(&format!("q=untagged{after}"));

    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), of_another.status), (4, 400));
}

#[test]
fn nobody_finds_what_he_may_not_ask_about() {
    let person = person();
    person.types(&["user", "create", "ann"]);
    person.types(&["access", "grant", "user/ann", "read-only", "--prefix", "team/"]);
    let made = person.server.client().send("POST", "/api/v1/users/ann/access-keys", &[], b"{}").json();
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    let client = Client::new(person.server.address(), id, secret);

    let answer = client.get("/api/v1/images?q=tag:v*").json();
    let hidden = client.get("/api/v1/images?q=repository:zoo").json();

    let names: Vec<_> = answer["images"].as_array().unwrap().iter().map(|image| image["repository"].clone()).collect();
    assert_eq!(names, ["team/app", "team/app", "team/base"]);
    assert_eq!((&hidden["images"], &hidden["lookedAt"]), (&json!([]), &json!(0)));
}
