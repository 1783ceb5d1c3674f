//! What repositories use, as people and programs ask for it.

use crate::commands::Person;
use gantry_e2e::{Client, Image, Server};
use serde_json::{Value, json};

/// Bytes of an image's blobs.
fn bytes(image: &Image) -> u64 {
    (image.layers.iter().map(Vec::len).sum::<usize>() + image.config.len()) as u64
}

/// A person at a server with an image in two repositories, and another in one of them and a third.
fn person() -> Person {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let client = person.server.client();
    for (name, tag, seed) in [("team/app", "v1", 1), ("team/app", "v2", 2), ("team/copy", "v1", 1), ("zoo", "v1", 3)] {
        Image::small(seed).push(&client, name, tag).unwrap();
    }
    person
}

fn figures(usage: &Value) -> (u64, u64, u64, u64) {
    let figure = |name: &str| usage[name].as_u64().unwrap();
    (figure("images"), figure("tags"), figure("logicalBytes"), figure("uniqueBytes"))
}

fn asked(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/v1/usage?{query}")).json()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["usage"].as_array().unwrap().iter().map(|usage| usage["name"].as_str().unwrap()).collect()
}

#[test]
fn usage_tells_what_each_repository_holds_and_holds_alone() {
    let person = person();
    let client = person.server.client();
    let [shared, own, other] = [1, 2, 3].map(|seed| bytes(&Image::small(seed)));

    let all = asked(&client, "");

    assert_eq!(names(&all), ["team/app", "team/copy", "zoo"]);
    assert_eq!(figures(&all["usage"][0]), (2, 2, shared + own, own));
    assert_eq!(figures(&all["usage"][1]), (1, 1, shared, 0));
    assert_eq!(all["usage"][1]["sharedBytes"], json!(shared));
    assert_eq!(figures(&all["usage"][2]), (1, 1, other, other));
    assert_eq!(figures(&all["total"]), (4, 4, 2 * shared + own + other, own + other));
    assert!(all["usage"][0]["lastPushedAt"].is_string() && all["usage"][0]["lastPulledAt"].is_null());
    assert!(all["store"]["freeBytes"].as_u64().unwrap() > 0);

    person.types(&["repo", "rm", "team/copy", "--force"]);
    let beside_trash = asked(&client, "prefix=team/");
    assert_eq!(names(&beside_trash), ["team/app"]);
    assert_eq!(figures(&beside_trash["usage"][0]), (2, 2, shared + own, own), "the trash still has it");
}

#[test]
fn usage_is_summed_by_prefix_and_account_and_sorted_in_pages() {
    let person = person();
    let client = person.server.client();

    let by_prefix = asked(&client, "by=prefix&sort=-images");
    let by_account = asked(&client, "by=account");
    let first = asked(&client, "sort=-size&limit=2");
    let next = first["next"].as_str().unwrap();
    let second = asked(&client, &format!("sort=-size&limit=2&after={next}"));
    let of_another = client.get(&format!("/api/v1/usage?sort=size&after={next}"));
    let refused = client.get("/api/v1/usage?sort=colour");

    assert_eq!(names(&by_prefix), ["team/", "zoo"]);
    assert_eq!((&by_prefix["usage"][0]["repositories"], &by_prefix["usage"][0]["images"]), (&json!(2), &json!(3)));
    assert_eq!(names(&by_account), ["000000000000"]);
    assert_eq!(figures(&by_account["usage"][0]), figures(&by_account["total"]));
    assert_eq!(names(&first)[0], "team/app");
    assert_eq!((names(&first).len(), names(&second).len(), second["next"].is_null()), (2, 1, true));
    assert_eq!((&first["total"], &by_account["total"]), (&second["total"], &first["total"]));
    assert_eq!((of_another.status, refused.status), (400, 400));
    assert!(refused.text().contains("there is no order"), "{}", refused.text());
}

#[test]
fn usage_is_read_by_people_and_right_after_a_restart() {
    let mut person = person();
    Image::small(3).check(&person.server.client(), "zoo", "v1").unwrap();

    let table = person.types(&["usage", "team/", "--sort", "name"]);
    // A server that ends writes pulls down.
    person.server.stop();
    person.server.restart();
    let json: Value = serde_json::from_str(&person.types(&["usage", "--by", "account", "--output", "json"])).unwrap();
    let largest: Value = serde_json::from_str(&person.types(&["usage", "--limit", "1", "--output", "json"])).unwrap();
    let zoo = asked(&person.server.client(), "prefix=zoo");
    person.server.stop();
    let (code, output, errors) = person.server.tool(&["fsck"]);

    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines[0].contains("UNIQUE"), "{table}");
    let starts = ["team/app", "team/copy", "total", "on disk"];
    assert!(lines[1..].iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{table}");
    assert_eq!(json["total"]["images"], json!(4));
    assert_eq!(names(&largest), ["team/app"]);
    assert!(zoo["usage"][0]["lastPulledAt"].is_string(), "{zoo}");
    assert_eq!(code, 0, "{output}{errors}");
}

#[test]
fn nobody_is_told_of_what_he_may_not_see() {
    let person = person();
    person.types(&["user", "create", "ann"]);
    person.types(&["access", "grant", "user/ann", "read-only", "--prefix", "team/"]);
    let made = person.server.client().send("POST", "/api/v1/users/ann/access-keys", &[], b"{}").json();
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    let client = Client::new(person.server.address(), id, secret);

    let answer = asked(&client, "");
    let hidden = asked(&client, "prefix=zoo&by=account");

    assert_eq!(names(&answer), ["team/app", "team/copy"]);
    assert_eq!((&answer["total"]["repositories"], &answer["store"]), (&json!(2), &Value::Null));
    assert_eq!(figures(&hidden["total"]), (0, 0, 0, 0));
}

/// Lines of an answer about pulls and pushes, as name, pulls and pushes.
fn traffic(client: &Client, query: &str) -> Vec<(String, u64, u64)> {
    let answer = client.get(&format!("/api/v1/traffic?sort=name&{query}")).json();
    let line = |line: &Value| {
        let figure = |name: &str| line[name].as_u64().unwrap();
        (line["name"].as_str().unwrap().into(), figure("pulls"), figure("pushes"))
    };
    answer["traffic"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(line).collect()
}

#[test]
fn pulls_and_pushes_are_counted_by_repository_principal_and_network() {
    let person = person();
    let client = person.server.client();
    for _ in 0..3 {
        assert_eq!(client.get("/v2/team/app/manifests/v1").status, 200);
    }

    let line = |name: &str, pulls: u64, pushes: u64| (name.to_string(), pulls, pushes);
    assert_eq!(traffic(&client, ""), [line("team/app", 3, 2), line("team/copy", 0, 1), line("zoo", 0, 1)]);
    assert_eq!(traffic(&client, "prefix=team/&by=network"), [line("127.0.0.0/24", 3, 3)]);
    assert_eq!(traffic(&client, "by=principal"), [line("arn:aws:iam::000000000000:root", 3, 4)]);
    assert_eq!(traffic(&client, "by=day&days=2").iter().map(|day| day.1).sum::<u64>(), 3);
    let images = traffic(&client, "prefix=team/app&by=image");
    let busiest = images.iter().max_by_key(|image| image.1).unwrap().0.replace(':', "%3A");
    assert_eq!(traffic(&client, &format!("image={busiest}&by=principal"))[0].1, 3);
    assert_eq!(traffic(&client, "repository=zoo&by=day").iter().map(|day| day.1 + day.2).sum::<u64>(), 1);
    assert!(traffic(&client, "prefix=team/ap").is_empty());
    assert_eq!(images.iter().map(|image| image.1).max(), Some(3));

    let said = person.types(&["traffic", "team/", "--by", "principal", "--output", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["total"]["pulls"], &said["total"]["pushes"]), (&json!(3), &json!(3)));
}
