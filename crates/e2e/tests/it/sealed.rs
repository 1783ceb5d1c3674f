//! Repositories that are encrypted: nothing of their blobs lies on the disk as it came, and nobody notices but the thief.

use crate::{
    aws::Boto,
    clients::{
        Home,
        layout::{Format, Layout, Packing, blobs},
        log_in,
    },
    resume::{begin_chunk, open, status},
};
use gantry_e2e::{
    Image, MASTER_KEY, PASSWORD, Random, Server, digest, files_below, stored_blobs, stored_uploads, until,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const NAME: &str = "team/app";
/// What is looked for on the disk.
const CANARY: &[u8] = b"The quick brown canary of the known plaintext. ";

/// Bytes of this number in which the canary comes again and again.
fn known(seed: u8, count: usize) -> Vec<u8> {
    let mut bytes = vec![seed];
    bytes.extend(CANARY.iter().copied().cycle().take(count - 1));
    bytes
}

/// The files below the data folder in which the canary is.
fn shown(data: &Path) -> Vec<String> {
    let shows = |bytes: Vec<u8>| bytes.windows(CANARY.len()).any(|window| window == CANARY);
    let files = files_below(data).into_iter();
    files.filter(|file| std::fs::read(file).is_ok_and(shows)).map(|file| file.display().to_string()).collect()
}

fn create(boto: &mut Boto, name: &str, encryption: Value) -> Value {
    let asked = json!({"repositoryName": name, "encryptionConfiguration": encryption});
    boto.ask("ecr", "create_repository", asked).unwrap()["repository"]["encryptionConfiguration"].take()
}

#[track_caller]
fn assert_sound(server: &Server, blobs: usize) {
    let (exit, said, error) = server.tool(&["fsck"]);
    assert_eq!(exit, 0, "{said}{error}");
    assert!(said.contains(&format!("{blobs} blobs")) && !said.contains("only compared"), "{said}");
}

#[test]
fn with_a_master_key_nothing_of_a_blob_lies_on_the_disk_as_it_came() {
    let server = Server::with(&[MASTER_KEY]);
    let (client, image) = (server.client(), Image::new(1, vec![known(1, 1_000_000), known(2, 10), known(3, 65_536)]));

    image.push(&client, NAME, "v1").unwrap();

    image.check(&client, NAME, "v1").unwrap();
    assert_eq!(shown(server.data()), Vec::<String>::new());
    assert_sound(&server, 4);
    let mut boto = Boto::of(&server);
    let told = boto.ask("ecr", "describe_repositories", json!({})).unwrap();
    assert_eq!(told["repositories"][0]["encryptionConfiguration"], json!({"encryptionType": "AES256"}));
}

#[test]
fn without_one_blobs_are_plain_and_nothing_else_is_said() {
    let server = Server::start();
    Image::new(1, vec![known(1, 1_000)]).push(&server.client(), NAME, "v1").unwrap();

    assert_eq!(shown(server.data()).len(), 1);
    let told = Boto::of(&server).ask("ecr", "describe_repositories", json!({})).unwrap();
    assert_eq!(told["repositories"][0].get("encryptionConfiguration"), None);
}

#[test]
fn whoever_asks_for_encryption_gets_it_and_a_blob_has_a_copy_for_each_key() {
    let mut server = Server::start();
    let (mut boto, client) = (Boto::of(&server), server.client());
    let layer = known(1, 200_000);
    let image = Image::new(1, vec![layer.clone()]);
    let aes = create(&mut boto, "aes", json!({"encryptionType": "AES256"}));
    let kms = create(&mut boto, "kms", json!({"encryptionType": "KMS"}));
    let both = create(&mut boto, "both", json!({"encryptionType": "KMS_DSSE"}));
    let names = ["aes", "kms", "both", "kms/other"];
    create(&mut boto, "kms/other", json!({"encryptionType": "KMS"}));

    for name in names {
        image.push(&client, name, "v1").unwrap();
    }

    assert_eq!(aes, json!({"encryptionType": "AES256"}));
    assert_eq!(kms["encryptionType"], "KMS");
    assert!(kms["kmsKey"].as_str().unwrap().starts_with("arn:aws:kms:us-east-1:000000000000:key/"), "{kms}");
    assert_eq!((both["encryptionType"].as_str(), &both["kmsKey"]), (Some("KMS_DSSE"), &kms["kmsKey"]));
    assert_eq!(shown(server.data()), Vec::<String>::new());
    // One for each of AES256, KMS and KMS_DSSE.
    assert_sound(&server, 6);
    server.restart();
    for name in names {
        image.check(&client, name, "v1").unwrap();
    }
    let range =
        client.send("GET", &format!("/v2/both/blobs/{}", digest(&layer)), &[("range", "bytes=65530-131080")], &[]);
    assert_eq!((range.status, &range.body[..]), (206, &layer[65_530..=131_080]));
}

#[test]
fn a_mount_from_a_repository_with_another_key_copies() {
    let server = Server::start();
    let (mut boto, client, layer) = (Boto::of(&server), server.client(), known(1, 150_000));
    create(&mut boto, "kms", json!({"encryptionType": "KMS"}));
    create(&mut boto, "aes", json!({"encryptionType": "AES256"}));
    create(&mut boto, "kms/other", json!({"encryptionType": "KMS"}));
    client.push_blob("kms", &layer).unwrap();
    let path = format!("/blobs/{}", digest(&layer));
    assert_eq!(client.head(&format!("/v2/aes{path}")).status, 404);
    let mount = |to: &str, from: &str| {
        let asked = format!("/v2/{to}/blobs/uploads/?mount={}&from={from}", digest(&layer));
        client.send("POST", &asked, &[], &[]).status
    };

    assert_eq!((mount("aes", "kms"), mount("kms/other", "kms"), mount("aes", "kms")), (201, 201, 201));

    for name in ["aes", "kms/other"] {
        assert_eq!(client.get(&format!("/v2/{name}{path}")).body, layer, "{name}");
    }
    assert_eq!(shown(server.data()), Vec::<String>::new());
    // To the other repository with the same key nothing was copied.
    assert_sound(&server, 2);
    boto.ask("ecr", "create_repository", json!({"repositoryName": "plain"})).unwrap();
    assert_eq!(mount("plain", "aes"), 201);
    assert_eq!(client.get(&format!("/v2/plain{path}")).body, layer);
}

#[test]
fn an_upload_goes_on_after_the_server_was_killed_in_the_middle_and_shows_nothing() {
    let mut server = Server::with(&[MASTER_KEY]);
    let (client, bytes) = (server.client(), known(1, 3_000_000));
    let location = open(&client);
    let first = client.send("PATCH", &location, &[("content-range", "0-1000000")], &bytes[..=1_000_000]);
    assert_eq!(first.status, 202, "{}", first.text());
    assert_eq!(status(&client, &location), 1_000_001);
    let range = format!("1000001-{}", bytes.len() - 1);
    let (mut raw, length) = (gantry_e2e::Raw::connect(server.address()), bytes.len() - 1_000_001);
    raw.request("PATCH", &location, &format!("Content-Length: {length}\r\nContent-Range: {range}\r\n"), &[]);
    raw.send(&bytes[1_000_001..2_900_000]);
    let written =
        || stored_uploads(server.data()).iter().any(|file| file.metadata().is_ok_and(|file| file.len() > 2_000_000));
    assert!(until(Duration::from_secs(20), written), "nothing more was written");

    server.kill();
    assert_eq!(shown(server.data()), Vec::<String>::new());
    server.restart();

    let client = server.client();
    let offset = status(&client, &location);
    assert_eq!(offset, 1_000_001, "what was cut short cannot be sealed to its end");
    let range = format!("{offset}-{}", bytes.len() - 1);
    let rest = client.send("PATCH", &location, &[("content-range", &range)], &bytes[offset..]);
    assert_eq!(rest.status, 202, "{}", rest.text());
    let done = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(&bytes))).body, bytes);
    assert_eq!(shown(server.data()), Vec::<String>::new());
    assert_sound(&server, 1);
}

#[test]
fn a_client_that_vanished_goes_on_where_its_last_whole_chunk_ends() {
    let server = Server::with(&[MASTER_KEY]);
    let (client, bytes) = (server.client(), Random::new(1).bytes(1_000_000));
    let location = open(&client);
    let mut vanished = begin_chunk(&server, &location, &bytes, 600_000);

    let goes_on = until(Duration::from_secs(30), || {
        let answer = client.get(&location);
        if answer.status != 204 {
            return false;
        }
        let offset = status(&client, &location);
        let range = format!("{offset}-{}", bytes.len() - 1);
        let answer = client.send("PATCH", &location, &[("content-range", &range)], &bytes[offset..]);
        assert!([202, 409].contains(&answer.status), "{}", answer.text());
        answer.status == 202
    });
    let done = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);

    assert!(goes_on, "the upload is still in the hands of the one who vanished");
    assert_eq!(vanished.answer().map(|answer| answer.status), Some(409), "the silent one is told");
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(client.get(&format!("/v2/{NAME}/blobs/{}", digest(&bytes))).body, bytes);
}

#[test]
fn damage_to_a_sealed_blob_is_found_and_a_push_heals_it() {
    let server = Server::with(&[MASTER_KEY]);
    let (client, layer) = (server.client(), known(1, 300_000));
    Image::new(1, vec![layer.clone()]).push(&client, NAME, "v1").unwrap();
    let hex = digest(&layer)["sha256:".len()..].to_string();
    let is_layer = |file: &&PathBuf| file.to_string_lossy().contains(&hex);
    let files = stored_blobs(server.data());
    let file = files.iter().find(is_layer).unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(file, &bytes).unwrap();

    let (exit, said, _) = server.tool(&["fsck"]);

    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("chunk 1 of its segment 0 does not open with its key"), "{said}");
    let path = format!("/v2/{NAME}/blobs/{}", digest(&layer));
    assert!(until(Duration::from_secs(5), || client.head(&path).status == 404));
    client.push_blob(NAME, &layer).unwrap();
    assert_eq!(client.get(&path).body, layer);
}

#[test]
fn another_master_key_or_none_does_not_start() {
    let mut server = Server::with(&[MASTER_KEY]);
    Image::small(1).push(&server.client(), NAME, "v1").unwrap();
    server.stop();
    let data = server.data().to_str().unwrap();
    let other = "/////////////////////////////////////////v8=";

    for variables in [vec![], vec![(MASTER_KEY.0, other)]] {
        let arguments = ["serve", "--data-dir", data, "--listen", "127.0.0.1:0"];
        let (exit, _, error) = gantry_e2e::run_with(&arguments, &variables);

        assert_eq!(exit, 3, "{error}");
        assert!(error.contains("master key"), "{error}");
    }
}

#[test]
fn a_backup_of_sealed_blobs_is_sealed_and_comes_back() {
    let server = Server::with(&[MASTER_KEY]);
    let (client, image) = (server.client(), Image::new(1, vec![known(1, 100_000)]));
    image.push(&client, NAME, "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");

    let (exit, _, error) = server.tool(&["backup", "--to", copy.to_str().unwrap()]);

    assert_eq!(exit, 0, "{error}");
    assert_eq!(shown(&copy), Vec::<String>::new());
    let restored = Server::on(&copy, &[MASTER_KEY]);
    image.check(&restored.client(), NAME, "v1").unwrap();
    assert_sound(&restored, 2);
}

fn round_trip(client: &str, push: &str, pull: &str) {
    let server = Server::with(&[MASTER_KEY]);
    let home = Home::new();
    log_in(&server, &home, client, PASSWORD).succeeded();
    let layout = Layout::image(20, Format::Oci, &[Packing::Gzip, Packing::Gzip]);
    let image = format!("{}/{NAME}:v1", server.address());
    let pulled = home.path("pulled");
    let fill = |line: &str| {
        let line = line.replace("{layout}", &layout.path()).replace("{image}", &image);
        line.replace("{pulled}", pulled.to_str().unwrap())
    };

    home.run(&fill(push)).succeeded();
    home.run(&fill(pull)).succeeded();

    assert_eq!(blobs(&pulled), layout.blobs());
    assert_sound(&server, layout.blobs().len() - 1);
}

#[test]
fn crane_pushes_and_pulls() {
    round_trip(
        "crane auth login {host} --username {user} --password-stdin",
        "crane push {layout} {image}",
        "crane pull --format=oci {image} {pulled}",
    );
}

#[test]
fn skopeo_pushes_and_pulls() {
    round_trip(
        "skopeo login --tls-verify=false --username {user} --password-stdin {host}",
        "skopeo copy --dest-tls-verify=false oci:{layout}:v1 docker://{image}",
        "skopeo copy --src-tls-verify=false docker://{image} oci:{pulled}:v1",
    );
}
