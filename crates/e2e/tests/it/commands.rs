//! The commands that talk to a running server, as a person types them.

use gantry_e2e::{Image, PASSWORD, Server, USER, run_with};
use std::path::Path;

/// A person with a home of his own, logged in.
struct Person {
    server: Server,
    home: tempfile::TempDir,
}

impl Person {
    fn logged_in() -> Person {
        let person = Person { server: Server::start(), home: tempfile::tempdir().unwrap() };
        let password = person.home.path().join("password");
        std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        let address = person.server.address().to_string();
        let login = ["login", &address, "--user", USER, "--password-file", password.to_str().unwrap()];
        person.types(&login);
        person
    }

    fn tries(&self, arguments: &[&str]) -> (i32, String, String) {
        let home: &Path = self.home.path();
        run_with(arguments, &[("DOCKER_CONFIG", home.to_str().unwrap()), ("GANTRY_SERVER", self.server.address())])
    }

    /// Types a command that must succeed; returns what it prints.
    fn types(&self, arguments: &[&str]) -> String {
        let (code, output, errors) = self.tries(arguments);
        assert_eq!(code, 0, "{arguments:?}: {output}{errors}");
        output
    }
}

#[test]
fn a_repository_is_created_listed_and_removed() {
    let person = Person::logged_in();

    person.types(&["repo", "create", "team/app"]);
    let listed = person.types(&["repo", "ls"]);
    person.types(&["repo", "rm", "team/app"]);
    let listed_after = person.types(&["repo", "ls", "--output", "json"]);

    assert!(listed.starts_with("NAME") && listed.contains("team/app"), "{listed}");
    assert_eq!(listed_after.trim(), "[]");
}

#[test]
fn a_repository_with_images_is_removed_only_with_force() {
    let person = Person::logged_in();
    Image::small(1).push(&person.server.client(), "team/app", "v1").unwrap();

    let (code, _, errors) = person.tries(&["repo", "rm", "team/app"]);
    person.types(&["repo", "rm", "team/app", "--force"]);

    assert_eq!(code, 3);
    assert!(errors.contains("still contains images"), "{errors}");
    assert_eq!(person.server.client().get("/v2/team/app/manifests/v1").status, 404);
}

#[test]
fn an_image_is_listed_inspected_tagged_and_removed() {
    let person = Person::logged_in();
    let image = Image::small(1);
    image.push(&person.server.client(), "team/app", "v1").unwrap();

    let listed = person.types(&["image", "ls", "team/app"]);
    person.types(&["image", "tag", "team/app:v1", "stable"]);
    let inspected = person.types(&["image", "inspect", "team/app:stable", "--output", "json"]);
    person.types(&["image", "rm", "team/app:v1"]);

    assert!(listed.contains("v1") && listed.contains(&image.digest()[..19]), "{listed}");
    let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(inspected["image"]["digest"], image.digest());
    assert_eq!(inspected["image"]["tags"], serde_json::json!(["stable", "v1"]));
    assert_eq!(person.server.client().get("/v2/team/app/manifests/v1").status, 404);
    image.check(&person.server.client(), "team/app", "stable").unwrap();
}

#[test]
fn the_bytes_of_a_blob_come_out_as_they_went_in() {
    let person = Person::logged_in();
    let image = Image::small(1);
    image.push(&person.server.client(), "team/app", "v1").unwrap();

    let blob = format!("team/app@{}", gantry_e2e::digest(&image.layers[0]));
    let bytes = person.types(&["blob", "get", &blob]);

    assert_eq!(bytes.as_bytes(), image.layers[0]);
}

#[test]
fn a_wrong_password_is_not_kept() {
    let person = Person { server: Server::start(), home: tempfile::tempdir().unwrap() };
    let password = person.home.path().join("password");
    std::fs::write(&password, "wrong").unwrap();
    let address = person.server.address().to_string();

    let (code, _, errors) =
        person.tries(&["login", &address, "--user", USER, "--password-file", password.to_str().unwrap()]);

    assert_eq!(code, 3, "{errors}");
    assert!(!person.home.path().join("config.json").exists());
}

#[test]
fn nobody_who_has_not_logged_in_sees_anything_and_is_told_what_to_do() {
    let person = Person { server: Server::start(), home: tempfile::tempdir().unwrap() };

    let (code, output, errors) = person.tries(&["repo", "ls"]);

    assert_eq!((code, output.as_str()), (3, ""));
    assert!(errors.contains("gantry login"), "{errors}");
}
