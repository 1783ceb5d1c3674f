//! What nobody may delete: images on hold, protected tags; and what policies keep since somebody runs it.

use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Image, Server, until};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "team/app";
/// Everything goes but the newest image.
const ONE: &str = r#"{"rules": [{"rulePriority": 1, "description": "keep one", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}"#;

/// A person, and three images, the oldest first.
fn ground() -> (Person, Boto, [Image; 3]) {
    let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
    let boto = Boto::of(&person.server);
    let images = [("release-1", 1), ("old", 2), ("new", 3)].map(|(tag, seed)| {
        let image = Image::small(seed);
        image.push(&person.server.client(), NAME, tag).unwrap();
        image
    });
    (person, boto, images)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The tags of the images that a policy would remove, which keeps nothing but the newest.
fn going(boto: &mut Boto) -> Vec<Value> {
    boto.done("start_lifecycle_policy_preview", json!({"repositoryName": NAME, "lifecyclePolicyText": ONE}));
    let preview = boto.done("get_lifecycle_policy_preview", json!({"repositoryName": NAME}));
    preview["previewResults"].as_array().unwrap().iter().map(|image| image["imageTags"][0].clone()).collect()
}

/// Deletes as a docker client does; returns the status, and the code and sentence of the refusal.
fn delete(person: &Person, reference: &str) -> (u16, String, String) {
    let path = format!("/v2/{NAME}/manifests/{reference}");
    let answer = person.server.client().send("DELETE", &path, &[], &[]);
    let said: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    let word = |name: &str| said["errors"][0][name].as_str().unwrap_or_default().to_string();
    (answer.status, word("code"), word("message"))
}

#[test]
fn an_image_on_hold_is_deleted_by_nobody_until_it_is_released() {
    let (person, mut boto, [held, ..]) = ground();
    let reference = format!("{NAME}@{}", held.digest());

    person.types(&["image", "hold", "team/app:release-1", "--reason", "case 2026-17"]);
    let (status, code, message) = delete(&person, &held.digest());
    let (exit, _, by_rest) = person.tries(&["image", "rm", &reference]);
    let ids = json!([{"imageDigest": held.digest()}, {"imageTag": "release-1"}]);
    let by_ecr = boto.done("batch_delete_image", json!({"repositoryName": NAME, "imageIds": ids}));
    let repository = boto.refused("delete_repository", json!({"repositoryName": NAME, "force": true}));
    let (forced, _, _) = person.tries(&["repo", "rm", NAME, "--force"]);

    assert_eq!((status, code.as_str(), exit, forced), (403, "DENIED", 3, 3));
    for part in ["on hold since 20", ":root", "case 2026-17", &format!("gantry image release {reference}")] {
        assert!(message.contains(part), "{message}");
        assert!(by_rest.contains(part), "{by_rest}");
        assert!(repository.message.contains(part), "{repository:?}");
    }
    assert_eq!(by_ecr["imageIds"], json!([]));
    let failures = by_ecr["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "{by_ecr}");
    for failure in failures {
        assert_eq!(failure["failureCode"], "ImageInaccessible");
        assert!(failure["failureReason"].as_str().unwrap().contains("on hold"), "{failure}");
    }
    assert_eq!(going(&mut boto), ["old"]);
    held.check(&person.server.client(), NAME, "release-1").unwrap();

    person.types(&["image", "release", &reference]);

    assert_eq!(going(&mut boto), ["release-1", "old"]);
    assert_eq!(delete(&person, &held.digest()).0, 202);
}

#[test]
fn a_hold_is_shown_and_its_image_may_lose_a_tag_but_not_go_with_it() {
    let (person, mut boto, [held, ..]) = ground();
    person.types(&["image", "tag", "team/app:release-1", "more"]);
    person.types(&["image", "hold", "team/app:more", "--reason", "case 7"]);

    let listed = person.types(&["image", "ls", NAME]);
    let inspected = person.types(&["image", "inspect", "team/app:more"]);
    let shown = json(&person.types(&["image", "inspect", "team/app:more", "--output", "json"]));
    let untagged = boto.done("batch_delete_image", json!({"repositoryName": NAME, "imageIds": [{"imageTag": "more"}]}));
    let (status, ..) = delete(&person, "release-1");

    assert!(listed.lines().any(|line| line.contains(&held.digest()[..19]) && line.ends_with("on hold")), "{listed}");
    assert!(inspected.contains("On hold since 20") && inspected.contains("case 7"), "{inspected}");
    assert_eq!(shown["image"]["hold"]["reason"], "case 7");
    assert_eq!(untagged["failures"], json!([]));
    assert_eq!(status, 202, "docker deletes the tag alone");
    held.check(&person.server.client(), NAME, &held.digest()).unwrap();
    let (exit, _, errors) = person.tries(&["image", "hold", "team/app:new", "--reason", ""]);
    assert_eq!(exit, 3);
    assert!(errors.contains("256 bytes"), "{errors}");
}

#[test]
fn a_protected_tag_and_its_image_stay_until_the_tag_moves_or_the_pattern_goes() {
    let (person, mut boto, [protected, ..]) = ground();

    let shown = person.types(&["repo", "protect", NAME, "--tag", "release-*", "--tag", "stable"]);
    let listed = person.types(&["repo", "ls"]);
    let refusals = [delete(&person, "release-1"), delete(&person, &protected.digest())];
    let by_ecr =
        boto.done("batch_delete_image", json!({"repositoryName": NAME, "imageIds": [{"imageTag": "release-1"}]}));
    let (forced, _, by_rest) = person.tries(&["repo", "rm", NAME, "--force"]);

    for text in [shown, listed] {
        assert!(text.contains("release-*, stable"), "{text}");
    }
    for (status, code, message) in refusals {
        assert_eq!((status, code.as_str()), (403, "DENIED"));
        assert!(message.contains("'release-*'") && message.contains("gantry repo unprotect"), "{message}");
    }
    assert_eq!(by_ecr["failures"][0]["failureCode"], "ImageInaccessible");
    assert_eq!(forced, 3);
    assert!(by_rest.contains("'release-*'"), "{by_rest}");
    assert_eq!(going(&mut boto), ["old"]);

    Image::small(4).push(&person.server.client(), NAME, "release-1").unwrap();
    assert_eq!(delete(&person, &protected.digest()).0, 202, "the tag points to another image now");
    person.types(&["repo", "unprotect", NAME, "--tag", "release-*"]);
    assert_eq!(delete(&person, "release-1").0, 202);
    let (exit, _, errors) = person.tries(&["repo", "unprotect", NAME, "--tag", "release-*"]);
    assert_eq!(exit, 3);
    assert!(errors.contains("its patterns: stable"), "{errors}");
}

#[test]
fn an_image_that_a_cluster_reports_is_kept_by_policies_for_the_time_of_the_report() {
    let (person, mut boto, [old, older, _]) = ground();
    let list = person.home.path().join("running.txt");
    std::fs::write(&list, format!("# pods\nregistry.example:5000/{NAME}@{}\n", old.digest())).unwrap();
    let list = list.to_str().unwrap();

    let said = person.types(&["inventory", "report", "cluster-a", "--images", list]);
    let inspected = person.types(&["image", "inspect", "team/app:release-1"]);
    let kept = going(&mut boto);
    let sources = json(&person.types(&["inventory", "ls", "--output", "json"]));
    let images = person.types(&["inventory", "ls", "cluster-a"]);
    let deleted = delete(&person, &old.digest()).0;

    assert!(said.contains("cluster-a reported 1 images"), "{said}");
    assert!(inspected.contains("In use by cluster-a, reported 20"), "{inspected}");
    assert_eq!(kept, ["old"]);
    assert_eq!((&sources[0]["source"], &sources[0]["imageCount"]), (&json!("cluster-a"), &json!(1)));
    assert!(images.contains(NAME) && images.contains(&old.digest()), "{images}");
    assert_eq!(deleted, 202, "people may delete what is in use");

    // A report takes the place of the last; this one counts for a moment only.
    std::fs::write(list, older.digest()).unwrap();
    person.types(&["inventory", "report", "cluster-a", "--images", list, "--valid-for", "3s"]);
    let kept = going(&mut boto);
    let is_over = until(Duration::from_secs(20), || going(&mut boto) == ["old"]);

    assert!(kept.is_empty(), "{kept:?}");
    assert!(is_over, "a report that is over keeps nothing");
    assert!(person.types(&["inventory", "ls"]).contains("(over)"));
    person.types(&["inventory", "rm", "cluster-a"]);
    let (exit, _, errors) = person.tries(&["inventory", "rm", "cluster-a"]);
    assert_eq!(exit, 3);
    assert!(errors.contains("Nobody reports"), "{errors}");
}

#[test]
fn a_report_has_bounds_and_is_refused_with_the_place_that_is_wrong() {
    let (person, ..) = ground();
    let client = person.server.client();
    let put = |body: &Value| {
        let answer = client.send("PUT", "/api/v1/inventory/script", &[], body.to_string().as_bytes());
        (answer.status, answer.text())
    };
    let entry = json!({"digest": format!("sha256:{}", "a".repeat(64))});

    let full = put(&json!({"images": vec![entry.clone(); 10_000], "validFor": "30d"}));
    let many = put(&json!({"images": vec![entry.clone(); 10_001]}));
    let wrong = put(&json!({"images": [entry, {"digest": "v1"}]}));
    let large = put(&json!({"images": [{"digest": "a".repeat(5 << 20)}]}));

    assert_eq!(full.0, 200, "{}", full.1);
    assert_eq!(json(&full.1)["imageCount"], 1, "one image, however often it is named");
    assert_eq!(many.0, 400);
    assert!(many.1.contains("10000"), "{}", many.1);
    assert_eq!(wrong.0, 400);
    assert!(wrong.1.contains("images[1].digest"), "{}", wrong.1);
    assert_eq!(large.0, 413);
}
