use super::{NAME, blob_path, fsck, push};
use gantry_e2e::{Client, Image, Random, Server, digest, files_below, stored_blob};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A server with an image of one large layer, and the layer's file.
fn server_with_layer() -> (Server, Image, PathBuf) {
    let server = Server::start();
    let image = Image::new(1, vec![Random::new(1).bytes(1 << 20)]);
    assert_eq!(push(&server.client(), &image, "v1").status, 201);
    let file = stored_blob(server.data(), &image.layers[0]).expect("the layer is stored");
    (server, image, file)
}

fn flip_a_byte(file: &PathBuf) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn assert_gone(client: &Client, bytes: &[u8]) {
    let path = blob_path(bytes);
    let found = client.get(&path);
    assert_eq!((found.status, found.code().as_str()), (404, "BLOB_UNKNOWN"), "{}", found.body.len());
    assert_eq!(client.head(&path).status, 404);
}

fn assert_names(report: &Value, digest: &str) {
    let findings = report["findings"].as_array().expect("a report has findings");
    let is_named = |finding: &Value| {
        finding["isDamage"] == true && finding["message"].as_str().is_some_and(|text| text.contains(digest))
    };
    assert!(findings.iter().any(is_named), "{report} does not name {digest}");
}

/// Pushing the same bytes again heals: blob, image and fsck are right afterwards.
fn assert_heals(server: &mut Server, image: &Image) {
    let pushed = server.client().push_blob(NAME, &image.layers[0]).unwrap();
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    image.check(&server.client(), NAME, "v1").unwrap();
    let (code, report) = fsck(server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "{report}");
    server.restart();
    image.check(&server.client(), NAME, "v1").unwrap();
}

#[test]
fn a_blob_that_rots_is_named_quarantined_and_healed_by_a_push() {
    let (mut server, image, file) = server_with_layer();
    let client = server.client();
    image.check(&client, NAME, "v1").unwrap();
    flip_a_byte(&file);

    let (code, found) = fsck(&server, &[]);
    assert_eq!(code, 1, "{found}");
    assert_names(&found, &digest(&image.layers[0]));
    assert!(file.exists(), "nothing is moved without --repair");

    let (code, repaired) = fsck(&server, &["--repair"]);
    assert_eq!(code, 1, "what was damaged is said: {repaired}");
    assert_names(&repaired, &digest(&image.layers[0]));
    assert!(!file.exists() && !files_below(&server.data().join("storage/quarantine")).is_empty());
    assert_gone(&client, &image.layers[0]);

    assert_heals(&mut server, &image);
}

#[test]
fn a_blob_found_corrupt_without_a_repair_is_not_served_by_the_running_server() {
    let (mut server, image, file) = server_with_layer();
    let client = server.client();
    // Pulled before, so that the server remembers where it lies.
    image.check(&client, NAME, "v1").unwrap();
    flip_a_byte(&file);

    let (code, report) = fsck(&server, &[]);

    assert_eq!(code, 1, "{report}");
    assert_names(&report, &digest(&image.layers[0]));
    assert_gone(&client, &image.layers[0]);
    assert!(file.exists(), "nothing is moved without --repair");
    assert_heals(&mut server, &image);
}

#[test]
fn a_blob_found_corrupt_without_a_repair_while_no_server_runs_is_not_served_afterwards() {
    let (mut server, image, file) = server_with_layer();
    server.stop();
    flip_a_byte(&file);

    let (code, report) = fsck(&server, &[]);
    server.restart();

    assert_eq!(code, 1, "{report}");
    assert_gone(&server.client(), &image.layers[0]);
    let (again, report) = fsck(&server, &[]);
    assert_eq!(again, 1, "damage is said until it is healed: {report}");
    assert_heals(&mut server, &image);
}

#[test]
fn an_image_whose_layer_is_corrupt_is_refused_until_the_layer_is_pushed_again() {
    let (server, image, file) = server_with_layer();
    let client = server.client();
    flip_a_byte(&file);
    fsck(&server, &["--repair"]);
    let mut another: Value = serde_json::from_slice(&image.manifest).unwrap();
    another["annotations"] = serde_json::json!({"number": "2"});
    let put = |body: &[u8], tag: &str| {
        client.send("PUT", &format!("/v2/{NAME}/manifests/{tag}"), &[("content-type", Image::MEDIA_TYPE)], body)
    };

    for body in [image.manifest.clone(), another.to_string().into_bytes()] {
        let refused = put(&body, "v2");

        assert_eq!((refused.status, refused.code().as_str()), (404, "MANIFEST_BLOB_UNKNOWN"), "{}", refused.text());
        assert!(refused.text().contains("layers[0]"), "{}", refused.text());
    }
    assert_eq!(client.get(&format!("/v2/{NAME}/manifests/v2")).status, 404);
    image.push(&client, NAME, "v2").unwrap();
    image.check(&client, NAME, "v2").unwrap();
}

#[test]
fn a_blob_that_rots_while_no_server_runs_is_not_served_after_a_repair() {
    let (mut server, image, file) = server_with_layer();
    server.stop();
    flip_a_byte(&file);

    let (code, report) = fsck(&server, &["--repair"]);
    server.restart();

    assert_eq!(code, 1, "{report}");
    assert_gone(&server.client(), &image.layers[0]);
    assert_eq!(server.client().get(&format!("/v2/{NAME}/manifests/v1")).status, 200);
    assert_heals(&mut server, &image);
}

#[test]
fn a_quick_fsck_sees_lengths_only() {
    let (server, image, file) = server_with_layer();
    flip_a_byte(&file);
    let (of_bytes, _) = fsck(&server, &["--quick"]);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let (of_length, report) = fsck(&server, &["--quick"]);

    assert_eq!((of_bytes, of_length), (0, 1), "{report}");
    assert_names(&report, &digest(&image.layers[0]));
}

#[test]
fn a_truncated_blob_is_never_served_as_whole() {
    let (mut server, image, file) = server_with_layer();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..1000]).unwrap();
    let client = server.client();
    let path = blob_path(&image.layers[0]);

    let found = client.try_send("GET", &path, &[], &[]);
    let ranged = client.try_send("GET", &path, &[("range", "bytes=0-9")], &[]);

    if let Ok(found) = found {
        assert_eq!((found.status, found.code().as_str()), (404, "BLOB_UNKNOWN"), "{} bytes", found.body.len());
    }
    assert!(ranged.is_ok_and(|ranged| ranged.status == 404), "a blob that was found corrupt is served again");
    assert_gone(&client, &image.layers[0]);
    let (code, report) = fsck(&server, &[]);
    assert_eq!(code, 1, "{report}");
    assert_names(&report, &digest(&image.layers[0]));
    assert_heals(&mut server, &image);
}

#[test]
fn a_blob_whose_file_is_gone_answers_404_and_is_healed_by_a_push() {
    let (mut server, image, file) = server_with_layer();
    fs::remove_file(&file).unwrap();

    assert_gone(&server.client(), &image.layers[0]);
    let (code, report) = fsck(&server, &[]);

    assert_eq!(code, 1, "{report}");
    assert_names(&report, &digest(&image.layers[0]));
    assert_heals(&mut server, &image);
}

#[test]
fn a_look_at_a_disk_that_is_not_mounted_condemns_nothing() {
    let (mut server, image, file) = server_with_layer();
    server.stop();
    let elsewhere = file.with_extension("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();

    let (code, report) = fsck(&server, &[]);
    fs::rename(&elsewhere, &file).unwrap();

    assert_eq!(code, 1, "{report}");
    assert_names(&report, &digest(&image.layers[0]));
    assert_eq!(fsck(&server, &[]).0, 0, "the bytes are there again");
    server.restart();
    image.check(&server.client(), NAME, "v1").unwrap();
}

#[test]
fn a_blob_whose_bytes_come_back_after_a_repair_is_served_again_by_the_next() {
    let (server, image, file) = server_with_layer();
    let (elsewhere, layer) = (file.with_extension("elsewhere"), digest(&image.layers[0]));
    fs::rename(&file, &elsewhere).unwrap();
    assert_eq!(fsck(&server, &["--repair"]).0, 1);
    fs::rename(&elsewhere, &file).unwrap();
    assert_gone(&server.client(), &image.layers[0]);

    let (looked, report) = fsck(&server, &[]);
    assert_eq!(looked, 1, "{report}");
    assert!(report.to_string().contains("its bytes are whole; run with --repair"), "{report}");
    assert_gone(&server.client(), &image.layers[0]);

    let (_, report) = fsck(&server, &["--repair"]);
    assert_names(&report, &layer);
    assert!(report.to_string().contains("it is served again"), "{report}");
    image.check(&server.client(), NAME, "v1").unwrap();
    assert_eq!(fsck(&server, &[]).0, 0);
}

#[test]
fn a_quarantined_blob_whose_bytes_are_whole_after_all_is_back_in_its_place_after_a_repair() {
    let (mut server, image, file) = server_with_layer();
    flip_a_byte(&file);
    assert_eq!(fsck(&server, &["--repair"]).0, 1);
    let quarantined = files_below(&server.data().join("storage/quarantine"));
    flip_a_byte(&quarantined[0]);

    let (_, report) = fsck(&server, &["--repair"]);

    assert_names(&report, &digest(&image.layers[0]));
    assert!(file.exists() && files_below(&server.data().join("storage/quarantine")).is_empty());
    image.check(&server.client(), NAME, "v1").unwrap();
    server.restart();
    image.check(&server.client(), NAME, "v1").unwrap();
    assert_eq!(fsck(&server, &[]).0, 0);
}

#[test]
fn an_image_push_after_a_loss_does_not_rely_on_what_is_lost() {
    let (server, image, file) = server_with_layer();
    let client = server.client();
    fs::remove_file(&file).unwrap();

    // As clients do: what is said to be there is not sent again.
    let is_there = client.head(&blob_path(&image.layers[0])).status == 200;
    let mount = format!("/v2/other/app/blobs/uploads/?mount={}&from={NAME}", digest(&image.layers[0]));
    let mounted = client.send("POST", &mount, &[], &[]).status;

    assert!(!is_there, "a client would not send what is lost");
    assert_eq!(mounted, 202, "what is lost cannot be mounted");
    image.push(&client, NAME, "v2").unwrap();
    image.check(&client, NAME, "v1").unwrap();
    image.check(&client, NAME, "v2").unwrap();
}

#[test]
fn leftovers_of_a_crash_are_reported_and_are_no_damage() {
    let (mut server, _, file) = server_with_layer();
    server.client().send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    server.stop();
    let stray = file.with_file_name("0123456789abcdef");
    fs::write(&stray, b"bytes without a row").unwrap();

    let (code, report) = fsck(&server, &[]);

    assert_eq!((code, &report["damage"]), (0, &0.into()), "{report}");
    assert!(report["leftovers"].as_u64() >= Some(2), "{report}");
    let (code, _) = fsck(&server, &["--repair"]);
    assert_eq!((code, stray.exists()), (0, false));
}
