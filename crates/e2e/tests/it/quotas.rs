//! How much repositories may hold together, as pushes feel it.

use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Client, Image, Server, digest};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

fn person() -> Person {
    Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]))
}

/// Bytes of an image's blobs.
fn bytes(image: &Image) -> u64 {
    (image.layers.iter().map(Vec::len).sum::<usize>() + image.config.len()) as u64
}

fn open_upload(client: &Client, name: &str) -> gantry_e2e::Answer {
    client.send("POST", &format!("/v2/{name}/blobs/uploads/"), &[], b"")
}

fn listed(person: &Person) -> Value {
    serde_json::from_str(&person.types(&["quota", "ls", "--output", "json"])).unwrap()
}

fn fsck(mut person: Person) {
    person.server.stop();
    let (code, output, errors) = person.server.tool(&["fsck"]);
    assert_eq!(code, 0, "{output}{errors}");
}

#[test]
fn a_push_beyond_the_quota_is_refused_with_its_numbers() {
    let person = person();
    let client = person.server.client();
    let (first, second) = (Image::small(1), Image::small(2));
    let limit = bytes(&first);
    person.types(&["quota", "set", "team/*", "--bytes", &format!("{limit}B"), "--images", "5"]);
    first.push(&client, "team/app", "v1").unwrap();

    let refused = client.push_blob("team/app", &second.layers[0]).unwrap();
    let opened = open_upload(&client, "team/app");
    let elsewhere = second.push(&client, "zoo", "v1").unwrap();
    let mount = format!("/v2/team/web/blobs/uploads/?mount={}&from=zoo", digest(&second.layers[0]));
    let mounted = client.send("POST", &mount, &[], b"");
    let again =
        client.send("PUT", "/v2/team/app/manifests/v2", &[("content-type", Image::MEDIA_TYPE)], &first.manifest);
    let mut boto = Boto::of(&person.server);
    let by_api = boto.ask("ecr", "initiate_layer_upload", json!({"repositoryName": "team/app"})).unwrap_err();
    let deleted = client.send("DELETE", &format!("/v2/team/app/manifests/{}", first.digest()), &[], b"");

    for answer in [&refused, &opened, &mounted] {
        assert_eq!((answer.status, answer.code().as_str()), (413, "DENIED"), "{}", answer.text());
        assert!(answer.text().contains("The quota of 'team/*' allows"), "{}", answer.text());
        assert!(answer.text().contains(&limit.to_string()), "{}", answer.text());
    }
    assert_eq!((elsewhere.status, again.status, deleted.status), (201, 201, 202));
    assert_eq!(by_api.code, "LimitExceededException");
    assert!(by_api.message.contains("The quota of 'team/*' allows"), "{}", by_api.message);
    fsck(person);
}

#[test]
fn quotas_are_set_listed_and_removed() {
    let person = person();
    let client = person.server.client();
    let image = Image::small(1);
    image.push(&client, "team/app", "v1").unwrap();

    person.types(&["quota", "set", "team/*", "--bytes", "1GiB", "--soft-bytes", "512MiB", "--measure", "physical"]);
    person.types(&["quota", "set", "*", "--images", "1"]);
    let table = person.types(&["quota", "ls"]);
    let listed = listed(&person);
    Image::small(2).push(&client, "team/app", "v1").unwrap();
    let refused = client.get("/v2/team/app/manifests/v1").body;
    person.types(&["quota", "rm", "*"]);
    let (code, _, errors) = person.tries(&["quota", "set", "team/*"]);
    let after = Image::small(2).push(&client, "team/app", "v1").unwrap();

    assert!(table.starts_with("SCOPE") && table.contains("team/*") && table.contains("1.0 GiB"), "{table}");
    assert_eq!((&listed[0]["scope"], &listed[0]["usedImages"]), (&json!("*"), &json!(1)));
    assert_eq!(listed[1]["usedBytes"], json!(bytes(&image)));
    assert_eq!(listed[1]["limits"]["measure"], json!("physical"));
    assert_eq!(refused, image.manifest, "the second image was refused");
    assert_eq!((code, after.status), (2, 201), "{errors}");
    fsck(person);
}

#[test]
fn clients_that_push_at_once_do_not_pass_the_quota_together() {
    const CLIENTS: u64 = 8;
    const LAYER: usize = 100_000;
    let person = person();
    let limit = 5 * LAYER + LAYER / 2;
    person.types(&["quota", "set", "team/*", "--bytes", &format!("{limit}B")]);

    let pushes: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = person.server.client();
            thread::spawn(move || {
                let layer = vec![u8::try_from(number).unwrap(); LAYER];
                client.push_blob(&format!("team/app{}", number % 3), &layer).unwrap()
            })
        })
        .collect();
    let answers: Vec<_> = pushes.into_iter().map(|push| push.join().unwrap()).collect();

    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let done = statuses.iter().filter(|status| **status == 201).count();
    assert!(statuses.iter().all(|status| [201, 413].contains(status)), "{statuses:?}");
    assert_eq!(done, 5, "{statuses:?}");
    let listed = listed(&person);
    assert_eq!((&listed[0]["usedBytes"], &listed[0]["reservedBytes"]), (&json!(5 * LAYER), &json!(0)));
    fsck(person);
}

#[test]
fn what_an_upload_keeps_is_given_back_when_it_is_cancelled_and_when_it_expires() {
    let person = person();
    let client = person.server.client();
    person.types(&["quota", "set", "*", "--bytes", "100B"]);
    let begin = |length: usize| {
        let location = open_upload(&client, "team/app").header("location").unwrap().to_string();
        let answer = client.send("PATCH", &location, &[("content-type", "application/octet-stream")], &vec![7; length]);
        (location, answer.status)
    };

    let (first, taken) = begin(80);
    let (_, refused) = begin(30);
    let cancelled = client.send("DELETE", &first, &[], b"").status;
    let (_, afterwards) = begin(60);

    assert_eq!((taken, refused, cancelled, afterwards), (202, 413, 204, 202));
    let deadline = Instant::now() + Duration::from_secs(60);
    while listed(&person)[0]["reservedBytes"] != json!(0) {
        assert!(Instant::now() < deadline, "an upload that nobody goes on with keeps its room");
        person.server.tool(&["gc", "--grace", "1s"]);
        thread::sleep(Duration::from_millis(300));
    }
    fsck(person);
}
