use super::{NAME, fsck, push};
use gantry_e2e::{Answer, Client, Image, Random, Server, SmallDisk, stored_uploads, until};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::Path,
    time::Duration,
};

const MIB: u64 = 1 << 20;

fn image(random: &mut Random, layer_bytes: usize) -> Image {
    let seed = random.number();
    Image::new(seed, vec![random.bytes(layer_bytes)])
}

/// Pushes images until one is refused; returns those that were taken, and the refusal.
fn push_until_refused(
    client: &Client,
    random: &mut Random,
    layer_bytes: usize,
) -> (Vec<(String, Image)>, Answer, String) {
    let mut pushed = Vec::new();
    loop {
        let (image, tag) = (image(random, layer_bytes), format!("v{}", pushed.len()));
        let answer = push(client, &image, &tag);
        if answer.status != 201 {
            return (pushed, answer, tag);
        }
        pushed.push((tag, image));
        assert!(pushed.len() < 1000, "the disk never fills up");
    }
}

/// Appends to a file until the disk has no room for another byte.
fn fill(path: &Path) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    let mut piece = vec![1; 1 << 16];
    while !piece.is_empty() {
        match file.write(&piece) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => piece.truncate(piece.len() / 2),
            Err(error) => panic!("cannot fill {}: {error}", path.display()),
        }
    }
}

fn assert_full(answer: &Answer) {
    assert_eq!(answer.status, 507, "{}", answer.text());
    assert_eq!(answer.code(), "DENIED", "{}", answer.text());
    assert!(answer.text().contains("disk"), "{}", answer.text());
}

fn assert_all_pull(client: &Client, pushed: &[(String, Image)]) {
    for (tag, image) in pushed {
        image.check(client, NAME, tag).unwrap();
    }
}

#[test]
fn a_disk_that_fills_up_refuses_pushes_while_pulls_go_on_and_recovers() {
    let disk = SmallDisk::new(64 * MIB);
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 16 << 20]).unwrap();
    let mut server = Server::on(&disk.path().join("data"), &[("GANTRY_STORAGE__MIN_FREE", "0B")]);
    let (client, mut random) = (server.client(), Random::new(1));

    let (pushed, refused, tag) = push_until_refused(&client, &mut random, 1 << 20);

    assert!(pushed.len() > 10, "only {} MiB were taken", pushed.len());
    assert_full(&refused);
    assert_all_pull(&client, &pushed);
    let listed = client.get(&format!("/v2/{NAME}/tags/list?n=1000"));
    assert_eq!(listed.json()["tags"].as_array().map(Vec::len), Some(pushed.len()), "{}", listed.text());
    assert_eq!(client.get(&format!("/v2/{NAME}/manifests/{tag}")).status, 404);
    for _ in 0..20 {
        let again = push(&client, &image(&mut random, 1 << 20), "again");
        assert_full(&again);
    }
    // What was refused holds no room: the space it took is back at once.
    assert!(
        until(Duration::from_secs(2), || stored_uploads(server.data()).len() < 25),
        "{:?}",
        stored_uploads(server.data())
    );

    fs::remove_file(&ballast).unwrap();
    let image = image(&mut random, 1 << 20);
    let works_again = until(Duration::from_secs(5), || push(&client, &image, "after").status == 201);

    assert!(works_again, "pushes are still refused with {} bytes free", disk.free_bytes());
    image.check(&client, NAME, "after").unwrap();
    let is_told = |line: &str| line.contains("WARN") && (line.contains("disk") || line.contains("space"));
    assert!(server.log().lines().any(is_told), "the log does not tell of the full disk: {}", server.log_end());
    assert!(!server.log().contains("panic"), "{}", server.log_end());
    server.stop();
    let (code, report) = fsck(&server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "{report}");
    server.restart();
    assert_all_pull(&server.client(), &pushed);
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_neither_loses_nor_hides_anything() {
    let disk = SmallDisk::new(32 * MIB);
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 4 << 20]).unwrap();
    let mut server = Server::on(&disk.path().join("data"), &[("GANTRY_STORAGE__MIN_FREE", "0B")]);
    let (client, mut random) = (server.client(), Random::new(2));
    let (mut pushed, ..) = push_until_refused(&client, &mut random, 1 << 20);

    // Another program takes the rest: now the database cannot write either.
    fill(&disk.path().join("rest"));
    for number in 0..20 {
        let small = Image::small(number);
        let tag = format!("small-{number}");
        let answer = push(&client, &small, &tag);
        match answer.status {
            201 => pushed.push((tag, small)),
            _ => assert_full(&answer),
        }
    }
    assert_all_pull(&client, &pushed);
    server.restart();
    assert_all_pull(&server.client(), &pushed);
    fs::remove_file(&ballast).unwrap();

    let image = Image::small(99);
    let works_again = until(Duration::from_secs(5), || push(&server.client(), &image, "after").status == 201);
    assert!(works_again, "pushes are still refused");
    server.stop();
    let (code, report) = fsck(&server, &[]);
    assert_eq!((code, &report["damage"]), (0, &0.into()), "{report}");
}

#[test]
fn the_reserve_refuses_pushes_before_the_disk_is_full() {
    let disk = SmallDisk::new(64 * MIB);
    let server = Server::on(&disk.path().join("data"), &[("GANTRY_STORAGE__MIN_FREE", "32MiB")]);
    let (client, mut random) = (server.client(), Random::new(3));

    let (pushed, refused, _) = push_until_refused(&client, &mut random, 2 << 20);

    assert_full(&refused);
    // Room is asked for a few times a second: a little of the reserve may go in between.
    assert!(disk.free_bytes() > 24 * MIB, "{} bytes are left of the reserve", disk.free_bytes());
    assert_all_pull(&client, &pushed);
    let (tag, _) = &pushed[0];
    let removed = client.send("DELETE", &format!("/v2/{NAME}/manifests/{tag}"), &[], &[]);
    assert_eq!(removed.status, 202, "what frees space is not refused: {}", removed.text());
}

#[test]
fn the_reserve_refuses_manifests_and_mounts_too() {
    let disk = SmallDisk::new(64 * MIB);
    let server = Server::on(&disk.path().join("data"), &[("GANTRY_STORAGE__MIN_FREE", "16MiB")]);
    let client = server.client();
    let image = Image::small(1);
    assert_eq!(push(&client, &image, "v1").status, 201);
    client.send("POST", "/v2/other/app/blobs/uploads/", &[], &[]);
    fs::write(disk.path().join("ballast"), vec![1; (disk.free_bytes() - 15 * MIB) as usize]).unwrap();
    let put = |number: usize| {
        let mut manifest: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap();
        manifest["annotations"] = serde_json::json!({"padding": "x".repeat(3 << 20), "number": number.to_string()});
        let path = format!("/v2/{NAME}/manifests/large-{number}");
        client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], manifest.to_string().as_bytes())
    };
    let mount = format!("/v2/other/app/blobs/uploads/?mount={}&from={NAME}", gantry_e2e::digest(&image.config));
    // How much room there is, is asked for a few times a second.
    let is_refused = || client.send("POST", &mount, &[], &[]).status == 507;
    assert!(until(Duration::from_secs(2), is_refused), "mounts are still taken");
    let left = disk.free_bytes();

    for number in 0..10 {
        assert_full(&put(number));
    }
    assert_full(&client.send("POST", &mount, &[], &[]));

    assert!(disk.free_bytes() + MIB > left, "{} bytes are left of {left}", disk.free_bytes());
    image.check(&client, NAME, "v1").unwrap();
}

#[test]
fn a_chunk_that_finds_the_disk_full_is_refused_and_goes_on_when_there_is_room() {
    let disk = SmallDisk::new(32 * MIB);
    let server = Server::on(&disk.path().join("data"), &[("GANTRY_STORAGE__MIN_FREE", "0B")]);
    let (client, mut random) = (server.client(), Random::new(4));
    let ballast = disk.path().join("ballast");
    let bytes = random.bytes(8 << 20);
    let opened = client.send("POST", &format!("/v2/{NAME}/blobs/uploads/"), &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], &bytes[..1 << 20]).status, 202);
    fs::write(&ballast, vec![1; (disk.free_bytes() - 2 * MIB) as usize]).unwrap();

    let refused = client.send("PATCH", &location, &[], &bytes[1 << 20..]);
    fs::remove_file(&ballast).unwrap();
    let status = client.get(&location);
    let range = status.header("range").unwrap_or_default();
    let offset: usize = range.split_once('-').and_then(|(_, last)| last.parse().ok()).map_or(0, |last: usize| last + 1);
    let digest = gantry_e2e::digest(&bytes);
    let done = client.send("PUT", &format!("{location}?digest={digest}"), &[], &bytes[offset..]);

    assert_full(&refused);
    assert!(offset >= 1 << 20, "the chunk before was forgotten: {range:?}");
    assert_eq!(done.status, 201, "{}", done.text());
    assert!(client.get(&format!("/v2/{NAME}/blobs/{digest}")).body == bytes);
}
