use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Image, PASSWORD, Server, USER, run_with};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Imports all of a registry over ECR's API, with these keys.
fn import(person: &Person, source: &Server, key: &str, secret: &str) -> (i32, String, String) {
    let (home, place) = (person.home.path().to_str().unwrap(), format!("docker+http://{}", source.address()));
    let variables = [
        ("DOCKER_CONFIG", home),
        ("HOME", home),
        ("GANTRY_SERVER", person.server.address()),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_PROFILE", ""),
        ("AWS_SHARED_CREDENTIALS_FILE", ""),
        ("AWS_CONFIG_FILE", ""),
        ("AWS_REGION", "us-east-1"),
    ];
    run_with(&["import", &place, "--source-kind", "ecr"], &variables)
}

/// When each image of a repository was pushed, by its digest.
fn pushes(boto: &mut Boto) -> BTreeMap<String, Value> {
    let told = boto.done("describe_images", json!({"repositoryName": "team/app"}));
    let images = told["imageDetails"].as_array().unwrap().iter();
    images.map(|image| (image["imageDigest"].as_str().unwrap().to_owned(), image["imagePushedAt"].clone())).collect()
}

#[test]
fn a_registry_that_speaks_ecr_moves_in_with_its_untagged_images_its_times_and_its_rules() {
    let (source, person) = (Server::start(), Person::logged_in());
    let [untagged, tagged] = [720, 721].map(Image::small);
    for image in [&untagged, &tagged] {
        image.push(&source.client(), "team/app", "v1").unwrap();
    }
    let (mut there, mut here) = (Boto::of(&source), Boto::of(&person.server));
    let named = |more: Value| {
        let mut named = json!({"repositoryName": "team/app"});
        named.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        named
    };
    let newest = json!({"rules": [{
        "rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
    }]});
    there.done("put_lifecycle_policy", named(json!({"lifecyclePolicyText": newest.to_string()})));
    there.done("put_image_tag_mutability", named(json!({"imageTagMutability": "IMMUTABLE"})));

    let (code, said, errors) = import(&person, &source, USER, PASSWORD);
    let (code_again, said_again, errors_again) = import(&person, &source, USER, PASSWORD);

    assert_eq!((code, code_again), (0, 0), "{said}{errors}{said_again}{errors_again}");
    let client = person.server.client();
    untagged.check(&client, "team/app", &untagged.digest()).unwrap();
    tagged.check(&client, "team/app", "v1").unwrap();
    assert!(said_again.contains("Nothing was sent"), "{said_again}");
    assert_eq!(pushes(&mut here), pushes(&mut there));
    assert!(said.contains("not switched on; it would delete 1 of 2 images"), "{said}");
    here.refused("get_lifecycle_policy", named(json!({})));
    let told = here.done("describe_repositories", json!({"repositoryNames": ["team/app"]}));
    assert_eq!(told["repositories"][0]["imageTagMutability"], "IMMUTABLE");
}

#[test]
fn without_keys_nothing_is_asked_and_what_to_set_is_said() {
    let (source, person) = (Server::start(), Person::logged_in());

    let (code, _, errors) = import(&person, &source, "", "");
    let (wrong, _, refused) = import(&person, &source, USER, "wrong");

    assert_eq!((code, wrong), (3, 3), "{errors}{refused}");
    assert!(errors.contains("no keys of AWS are set") && errors.contains("AWS_ACCESS_KEY_ID"), "{errors}");
    assert!(refused.contains("refuses GetAuthorizationToken"), "{refused}");
}
