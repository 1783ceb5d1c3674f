//! Images in the archive: out of service, their bytes in a second folder, and back.

use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Image, Server, digest, files_below, stored_blobs, until};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};
use tempfile::TempDir;

const NAME: &str = "team/app";
const PATIENCE: Duration = Duration::from_secs(20);

/// A person at a server whose archive is a folder of its own, with an image.
struct Ground {
    person: Person,
    boto: Boto,
    image: Image,
    archive: TempDir,
}

impl Ground {
    fn new() -> Ground {
        let archive = tempfile::tempdir().unwrap();
        let folder = archive.path().to_str().unwrap().to_string();
        let person =
            Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_STORAGE__ARCHIVE", &folder)]));
        let image = Image::small(1);
        image.push(&person.server.client(), NAME, "v1").unwrap();
        Ground { boto: Boto::of(&person.server), person, image, archive }
    }

    fn archived_files(&self) -> Vec<PathBuf> {
        files_below(&self.archive.path().join("blobs"))
    }

    fn move_to(&mut self, class: &str) -> Value {
        let asked = json!({"repositoryName": NAME, "imageId": {"imageTag": "v1"}, "targetStorageClass": class});
        self.boto.done("update_image_storage_class", asked)["imageStatus"].clone()
    }

    fn describe(&mut self, filter: &Value) -> Vec<Value> {
        let found = self.boto.done("describe_images", json!({"repositoryName": NAME, "filter": filter}));
        found["imageDetails"].as_array().unwrap().clone()
    }

    fn is_active(&mut self) -> bool {
        !self.describe(&json!({})).is_empty()
    }

    /// Waits until everything the image has is in the archive.
    fn wait_until_away(&self) {
        let is_away = || self.archived_files().len() == 2 && stored_blobs(self.person.server.data()).is_empty();
        assert!(until(PATIENCE, is_away), "{:?}\n{}", self.archived_files(), self.person.server.log_end());
    }

    fn assert_sound(&self) {
        let (code, said, errors) = self.person.server.tool(&["fsck"]);
        assert_eq!(code, 0, "{said}{errors}");
    }
}

#[test]
fn an_archived_image_is_out_of_service_and_its_bytes_lie_in_the_second_folder() {
    let mut ground = Ground::new();
    let id = json!([{"imageTag": "v1"}]);

    let status = ground.move_to("ARCHIVE");
    ground.wait_until_away();

    assert_eq!(status, "ARCHIVED");
    let client = ground.person.server.client();
    for path in [format!("/v2/{NAME}/manifests/v1"), format!("/v2/{NAME}/manifests/{}", ground.image.digest())] {
        let refused = client.get(&path);
        assert_eq!((refused.status, refused.code().as_str()), (404, "MANIFEST_UNKNOWN"));
        assert!(refused.text().contains("aws ecr update-image-storage-class"), "{}", refused.text());
    }
    let blob = format!("/v2/{NAME}/blobs/{}", digest(&ground.image.layers[0]));
    assert_eq!(client.get(&blob).status, 404);
    let got = ground.boto.done("batch_get_image", json!({"repositoryName": NAME, "imageIds": id}));
    assert_eq!(got["failures"][0]["failureCode"], "ImageInaccessible");
    assert_eq!((ground.describe(&json!({})), ground.describe(&json!({"imageStatus": "ACTIVATING"}))), (vec![], vec![]));
    for filter in ["ARCHIVED", "ANY"] {
        let found = ground.describe(&json!({"imageStatus": filter}));
        assert_eq!((found.len(), &found[0]["imageStatus"]), (1, &json!("ARCHIVED")));
        assert!(found[0]["lastArchivedAt"].is_number(), "{}", found[0]);
    }
    let listed = |boto: &mut Boto, filter: Value| {
        boto.done("list_images", json!({"repositoryName": NAME, "filter": filter}))["imageIds"].clone()
    };
    assert_eq!(listed(&mut ground.boto, json!({})), json!([]));
    assert_eq!(listed(&mut ground.boto, json!({"imageStatus": "ARCHIVED"}))[0]["imageTag"], "v1");
    let scan = ground.boto.refused("start_image_scan", json!({"repositoryName": NAME, "imageId": {"imageTag": "v1"}}));
    assert_eq!(scan.code, "ImageArchivedException");
    ground.assert_sound();
}

#[test]
fn an_image_comes_back_and_is_pulled_as_before() {
    let mut ground = Ground::new();
    ground.move_to("ARCHIVE");
    ground.wait_until_away();

    let status = ground.move_to("STANDARD");
    assert!(until(PATIENCE, || ground.is_active()), "{}", ground.person.server.log_end());

    assert_eq!(status, "ACTIVATING");
    ground.image.check(&ground.person.server.client(), NAME, "v1").unwrap();
    let found = &ground.describe(&json!({}))[0];
    assert!(found["lastActivatedAt"].is_number() && found["lastArchivedAt"].is_number(), "{found}");
    assert_eq!(ground.move_to("STANDARD"), "ACTIVE");
    assert!(until(PATIENCE, || ground.archived_files().is_empty()));
    ground.assert_sound();
}

#[test]
fn what_was_asked_for_happens_also_after_a_kill() {
    let mut ground = Ground::new();
    ground.move_to("ARCHIVE");
    ground.person.server.kill();
    ground.person.server.restart();
    ground.boto = Boto::of(&ground.person.server);
    ground.wait_until_away();

    ground.move_to("STANDARD");
    ground.person.server.kill();
    ground.person.server.restart();
    ground.boto = Boto::of(&ground.person.server);

    assert!(until(PATIENCE, || ground.is_active()), "{}", ground.person.server.log_end());
    ground.image.check(&ground.person.server.client(), NAME, "v1").unwrap();
    ground.assert_sound();
}

#[test]
fn the_command_line_archives_restores_and_shows_where_an_image_is() {
    let ground = Ground::new();
    let person = &ground.person;

    let archived = person.types(&["image", "archive", "team/app:v1"]);
    ground.wait_until_away();
    let listed = person.types(&["image", "ls", NAME]);
    let shown: Value =
        serde_json::from_str(&person.types(&["image", "inspect", "team/app:v1", "--output", "json"])).unwrap();
    let repository: Value =
        serde_json::from_str(&person.server.client().get(&format!("/api/v1/repositories/{NAME}")).text()).unwrap();
    let explained = person.types(&["lifecycle", "explain", "team/app:v1"]);
    let restored = person.types(&["image", "restore", "team/app:v1"]);

    assert!(archived.contains("gantry image restore team/app:v1"), "{archived}");
    assert!(listed.contains("archived"), "{listed}");
    assert_eq!((&shown["image"]["status"], &shown["manifest"]), (&json!("ARCHIVED"), &Value::Null));
    assert_eq!(repository["archive"]["imageCount"], 1);
    assert!(repository["archive"]["blobBytes"].as_u64().unwrap() > 0, "{repository}");
    assert!(explained.contains("no lifecycle policy"), "{explained}");
    assert!(restored.contains("can be pulled"), "{restored}");
    ground.image.check(&person.server.client(), NAME, "v1").unwrap();
}

#[test]
fn a_policy_archives_what_nobody_pulls_and_says_so() {
    let mut ground = Ground::new();
    let newer = Image::small(2);
    newer.push(&ground.person.server.client(), NAME, "v2").unwrap();
    let policy = json!({"rules": [{
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
        "action": {"type": "transition", "targetStorageClass": "archive"}
    }]});
    ground
        .boto
        .done("put_lifecycle_policy", json!({"repositoryName": NAME, "lifecyclePolicyText": policy.to_string()}));

    let foretold = ground.person.types(&["lifecycle", "run", NAME, "--dry-run"]);
    let said = ground.person.types(&["lifecycle", "run", NAME]);

    assert!(foretold.contains("Would archive 1 image"), "{foretold}");
    assert!(said.contains("Archived 1 image"), "{said}");
    assert!(until(PATIENCE, || ground.archived_files().len() == 2), "{}", ground.person.server.log_end());
    let kept = ground.describe(&json!({}));
    assert_eq!((kept.len(), &kept[0]["imageTags"]), (1, &json!(["v2"])));
    let again = ground.person.types(&["lifecycle", "run", NAME]);
    assert!(!again.contains("Archived"), "{again}");
    newer.check(&ground.person.server.client(), NAME, "v2").unwrap();
    ground.assert_sound();
}

#[test]
fn whoever_brings_an_image_back_is_told_how_long_it_stays() {
    let mut ground = Ground::new();
    let rule = json!({
        "rulePriority": 4,
        "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90},
        "action": {"type": "transition", "targetStorageClass": "archive"}
    });
    let policy = json!({"rules": [rule]}).to_string();
    ground.boto.done("put_lifecycle_policy", json!({"repositoryName": NAME, "lifecyclePolicyText": policy}));
    ground.move_to("ARCHIVE");
    ground.wait_until_away();

    let restored = ground.person.types(&["image", "restore", "team/app:v1"]);
    let run = ground.person.types(&["lifecycle", "run", NAME]);

    assert!(restored.contains("rule 4 archives it again at 2"), "{restored}");
    assert!(!run.contains("Archived"), "{run}");
}

#[test]
fn docker_pushes_an_archived_image_again_and_it_is_back() {
    let mut ground = Ground::new();
    ground.move_to("ARCHIVE");
    ground.wait_until_away();

    ground.image.push(&ground.person.server.client(), NAME, "v1").unwrap();

    assert!(ground.is_active());
    ground.image.check(&ground.person.server.client(), NAME, "v1").unwrap();
    ground.assert_sound();
}

#[test]
fn bytes_that_rot_in_the_archive_do_not_come_back_as_others() {
    let mut ground = Ground::new();
    ground.move_to("ARCHIVE");
    ground.wait_until_away();
    let layer = digest(&ground.image.layers[0]).replace("sha256:", "");
    let file = ground.archived_files().into_iter().find(|file| file.to_str().unwrap().contains(&layer)).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[0] ^= 1;
    fs::write(&file, bytes).unwrap();

    ground.move_to("STANDARD");
    assert!(until(PATIENCE, || ground.is_active()));
    let client = ground.person.server.client();
    let refused = client.get(&format!("/v2/{NAME}/blobs/sha256:{layer}"));
    ground.image.push(&client, NAME, "v1").unwrap();

    assert_eq!((refused.status, refused.code().as_str()), (404, "BLOB_UNKNOWN"));
    assert!(ground.person.server.log().contains("missing or damaged"), "{}", ground.person.server.log_end());
    ground.image.check(&client, NAME, "v1").unwrap();
    ground.assert_sound();
}

#[test]
fn a_backup_has_the_archive_and_serves_it() {
    let mut ground = Ground::new();
    ground.move_to("ARCHIVE");
    ground.wait_until_away();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");

    let (code, _, errors) = ground.person.server.tool(&["backup", "--to", to.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
    let copy = Person::at(Server::on(&to, &[]));
    let restored = copy.types(&["image", "restore", "team/app:v1"]);

    assert!(restored.contains("can be pulled"), "{restored}");
    ground.image.check(&copy.server.client(), NAME, "v1").unwrap();
    assert_eq!(copy.server.tool(&["fsck"]).0, 0);
}
