//! Lifecycle policies, as a server runs them.

use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Image, Server, until};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "team/app";

/// Pushes images `v0`, `v1`, … and has the newest so many kept.
fn pushed(person: &Person, images: u64, keep: u32) -> Vec<Image> {
    let images: Vec<Image> = (0..images).map(Image::small).collect();
    for (number, image) in images.iter().enumerate() {
        assert_eq!(image.push(&person.server.client(), NAME, &format!("v{number}")).unwrap().status, 201);
    }
    put_policy(person, &json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep}));
    images
}

fn put_policy(person: &Person, selection: &Value) {
    let rule = json!({"rulePriority": 3, "selection": selection, "action": {"type": "expire"}});
    let text = json!({"rules": [rule]}).to_string();
    let arguments = json!({"repositoryName": NAME, "lifecyclePolicyText": text});
    Boto::of(&person.server).done("put_lifecycle_policy", arguments);
}

fn json(person: &Person, arguments: &[&str]) -> Value {
    let text = person.types(&[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn trashed(person: &Person) -> Vec<String> {
    let listed = json(person, &["trash", "ls", NAME]);
    let mut tags: Vec<String> =
        listed.as_array().unwrap().iter().map(|image| image["tags"][0].as_str().unwrap().to_string()).collect();
    tags.sort();
    tags
}

#[test]
fn what_a_policy_expires_goes_to_the_trash_when_it_is_run_and_the_rest_can_be_pulled() {
    let person = Person::logged_in();
    let images = pushed(&person, 4, 2);

    let dry = json(&person, &["lifecycle", "run", NAME, "--dry-run"]);
    let after_dry = trashed(&person);
    let told = person.types(&["lifecycle", "run", NAME]);

    assert_eq!((&dry["run"]["expired"], &dry["images"][0]["tags"]), (&json!(2), &json!(["v0"])));
    assert_eq!((&dry["images"][0]["rulePriority"], after_dry), (&json!(3), vec![]));
    assert!(told.contains("Expired 2 images of 4") && told.contains("gantry trash ls team/app"), "{told}");
    assert_eq!(trashed(&person), ["v0", "v1"]);
    for (image, tag) in [(&images[2], "v2"), (&images[3], "v3")] {
        image.check(&person.server.client(), NAME, tag).unwrap();
    }
    assert_eq!(person.server.client().get(&format!("/v2/{NAME}/manifests/v0")).status, 404);
    person.types(&["trash", "restore", "team/app:v0"]);
    images[0].check(&person.server.client(), NAME, "v0").unwrap();
}

#[test]
fn what_is_pushed_and_tagged_while_a_policy_runs_can_be_pulled() {
    let person = Person::logged_in();
    let images = pushed(&person, 60, 10);
    let client = person.server.client();
    let push = |image: &Image, tag: &str| assert_eq!(image.push(&client, NAME, tag).unwrap().status, 201, "{tag}");

    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| json(&person, &["lifecycle", "run", NAME]));
        for number in 0..5 {
            push(&Image::small(100 + number), &format!("new{number}"));
            push(&images[number as usize], &format!("stable{number}"));
        }
        run.join().unwrap()
    });

    let run = &result["run"];
    assert!(run["expired"].as_u64() >= Some(45) && run["outcome"] == "completed", "{run}");
    for number in 0..5 {
        Image::small(100 + number).check(&client, NAME, &format!("new{number}")).unwrap();
        images[number as usize].check(&client, NAME, &format!("stable{number}")).unwrap();
    }
}

#[test]
fn a_policy_runs_by_itself_and_the_metrics_count_what_expired() {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_LIFECYCLE__EVERY", "2s")]));
    pushed(&person, 3, 1);

    // The run is written down once its last image is in the trash.
    let did_run =
        until(Duration::from_secs(60), || !json(&person, &["lifecycle", "status", NAME])["lastRun"].is_null());

    assert!(did_run && trashed(&person).len() == 2, "{}", json(&person, &["lifecycle", "status", NAME]));
    let status = json(&person, &["lifecycle", "status", NAME]);
    assert_eq!(
        (&status["lastRun"]["by"], &status["lastRun"]["outcome"]),
        (&json!("gantry:lifecycle"), &json!("completed"))
    );
    let metrics = person.server.client().get("/metrics").text();
    assert!(metrics.contains("gantry_lifecycle_expired_images_total 2"), "{metrics}");
}

#[test]
fn after_a_restart_it_is_known_when_a_policy_ran_and_when_it_runs_next() {
    let mut person = Person::logged_in();
    pushed(&person, 3, 1);
    let before_run = json(&person, &["lifecycle", "status", NAME]);
    person.types(&["lifecycle", "run", NAME]);
    let before = json(&person, &["lifecycle", "status", NAME]);

    person.server.restart();

    assert!(before_run["lastRun"].is_null() && before_run["nextRunAt"].is_string(), "{before_run}");
    assert_eq!((&before["lastRun"]["expired"], &before["lastRun"]["outcome"]), (&json!(2), &json!("completed")));
    assert_eq!(json(&person, &["lifecycle", "status", NAME, "--server", person.server.address()]), before);
}

#[test]
fn it_is_explained_what_a_policy_does_with_an_image() {
    let person = Person::logged_in();
    let images = pushed(&person, 3, 2);

    let oldest = json(&person, &["lifecycle", "explain", "team/app:v0"]);
    let newest = person.types(&["lifecycle", "explain", &format!("{NAME}@{}", images[2].digest())]);
    let (code, _, errors) = person.tries(&["lifecycle", "explain", "team/app:none"]);

    let reason = "rule 3 expires it: it is number 3 of those that the rule selects, of which the newest 2 stay";
    assert_eq!((&oldest["action"], &oldest["reason"]), (&json!("expire"), &json!(reason)));
    assert!(oldest["goes"]["at"].is_string() && oldest["nextRunAt"].is_string(), "{oldest}");
    assert!(newest.contains("rule 3 keeps it") && newest.contains("not within a year"), "{newest}");
    assert!(newest.contains("never"), "{newest}");
    assert_eq!(code, 3);
    assert!(errors.contains("gantry image ls team/app"), "{errors}");
}

#[test]
fn it_is_foretold_what_goes_when_and_how_many_bytes_that_are() {
    let person = Person::logged_in();
    let images = pushed(&person, 2, 9);
    put_policy(
        &person,
        &json!({"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 20}),
    );

    let near = person.types(&["lifecycle", "forecast", NAME, "--days", "10"]);
    let far = json(&person, &["lifecycle", "forecast", NAME, "--forecast", "90d"]);

    assert!(near.contains("Within 10 days 0 images expire"), "{near}");
    let bytes: usize =
        images.iter().map(|image| image.config.len() + image.layers.iter().map(Vec::len).sum::<usize>()).sum();
    assert_eq!((far["runs"].as_array().unwrap().len(), &far["runs"][0]["expired"]), (1, &json!(2)));
    assert_eq!(far["runs"][0]["expiredBytes"], json!(bytes));
    assert_eq!(far["images"][0]["tags"], json!(["v0"]));
}

#[test]
fn without_a_policy_it_is_said_how_to_write_one() {
    let person = Person::logged_in();
    Image::small(1).push(&person.server.client(), NAME, "v1").unwrap();

    let (code, _, errors) = person.tries(&["lifecycle", "run", NAME]);
    let explained = json(&person, &["lifecycle", "explain", "team/app:v1"]);

    assert_eq!(code, 3);
    assert!(errors.contains("aws ecr put-lifecycle-policy --repository-name team/app"), "{errors}");
    assert_eq!(explained["reason"], "the repository has no lifecycle policy, so nothing expires it");
}

#[test]
fn a_policy_is_tried_over_the_api_without_being_switched_on() {
    let person = Person::logged_in();
    pushed(&person, 3, 5);
    let selection = json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1});
    let rule = json!({"rulePriority": 7, "selection": selection, "action": {"type": "expire"}});
    let body = json!({"policy": json!({"rules": [rule]}).to_string()}).to_string();

    let path = "/api/v1/repositories/team/app/lifecycle/preview";
    let previewed = person.server.client().send("POST", path, &[], body.as_bytes());
    let run = json(&person, &["lifecycle", "run", NAME]);

    assert_eq!(previewed.json(), json!({"images": 3, "expiring": 2, "archiving": 0}));
    assert_eq!(run["run"]["expired"], 0, "{run}");
    let kept = Boto::of(&person.server).done("get_lifecycle_policy_preview", json!({"repositoryName": NAME}));
    assert_eq!(kept["summary"]["expiringImageTotalCount"], 2, "{kept}");
    let wrong = person.server.client().send("POST", path, &[], br#"{"policy": "{}"}"#);
    assert_eq!(wrong.status, 400, "{}", wrong.text());
}
