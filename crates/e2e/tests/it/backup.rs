use gantry_e2e::{Image, Server, SmallDisk, digest, program, run, stored_blob, stored_blobs, stored_digests, until};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

/// Runs a command of the binary on a server's folder that must succeed.
fn done(server: &Server, arguments: &[&str]) -> String {
    let (code, output, errors) = server.tool(arguments);
    assert_eq!(code, 0, "{arguments:?}: {output}{errors}");
    output
}

#[test]
fn a_backup_made_while_serving_is_a_data_folder_that_serves_everything() {
    let server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");

    done(&server, &["backup", "--to", to.to_str().unwrap()]);

    let copy = Server::on(&to, &[]);
    image.check(&copy.client(), "team/app", "v1").unwrap();
    assert_eq!(copy.tool(&["fsck"]).0, 0);
}

#[test]
fn a_backup_beside_pushes_comes_to_an_end_and_is_whole() {
    // So long the others push at most: a backup that waits for their end takes longer.
    const LONGEST: Duration = Duration::from_secs(60);
    let server = Server::start();
    let before: Vec<Image> = (0..20).map(Image::small).collect();
    for (number, image) in before.iter().enumerate() {
        image.push(&server.client(), "team/app", &format!("v{number}")).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (to, begun, is_over) = (folder.path().join("backup"), Instant::now(), AtomicBool::new(false));

    let took = thread::scope(|scope| {
        for pusher in 1..7_u64 {
            let (client, is_over) = (server.client(), &is_over);
            scope.spawn(move || {
                let mut number = pusher << 32;
                while !is_over.load(SeqCst) && begun.elapsed() < LONGEST {
                    let pushed = Image::small(number).push(&client, "team/busy", &format!("t{number}")).unwrap();
                    assert_eq!(pushed.status, 201, "{}", pushed.text());
                    number += 1;
                }
            });
        }
        done(&server, &["backup", "--to", to.to_str().unwrap()]);
        is_over.store(true, SeqCst);
        begun.elapsed()
    });

    assert!(took < LONGEST, "the backup ended when the pushes did");
    let copy = Server::on(&to, &[]);
    for (number, image) in before.iter().enumerate() {
        image.check(&copy.client(), "team/app", &format!("v{number}")).unwrap();
    }
    assert_eq!(copy.tool(&["fsck"]).0, 0);
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let server = Server::start();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let copied = |server: &Server| {
        let output = done(server, &["backup", "--to", to, "--output", "json"]);
        serde_json::from_str::<serde_json::Value>(&output).unwrap()["copied"].as_u64().unwrap()
    };

    let first = copied(&server);
    let again = copied(&server);
    Image::small(2).push(&server.client(), "team/app", "v2").unwrap();
    let more = copied(&server);

    assert_eq!((first, again, more), (2, 0, 2));
}

#[test]
fn a_restore_makes_a_folder_that_fsck_is_content_with() {
    let mut server = Server::start();
    let image = Image::small(1);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    done(&server, &["backup", "--to", to.to_str().unwrap()]);
    server.stop();

    let restored = folder.path().join("restored");
    let (code, output, errors) =
        gantry_e2e::run(&["restore", "--from", to.to_str().unwrap(), "--data-dir", restored.to_str().unwrap()]);

    assert_eq!(code, 0, "{output}{errors}");
    let copy = Server::on(&restored, &[]);
    image.check(&copy.client(), "team/app", "v1").unwrap();
    assert_eq!(stored_digests(copy.data()), stored_digests(server.data()));
    assert_eq!(copy.tool(&["fsck"]).0, 0);
}

/// A backup of a server that holds `team/app:v1`, in a folder of its own.
fn backed_up(image: &Image, folder: &Path) -> PathBuf {
    let server = Server::start();
    image.push(&server.client(), "team/app", "v1").unwrap();
    let to = folder.join("backup");
    done(&server, &["backup", "--to", to.to_str().unwrap()]);
    to
}

fn restore(from: &Path, to: &Path) -> (i32, String, String) {
    run(&["restore", "--from", from.to_str().unwrap(), "--data-dir", to.to_str().unwrap(), "--output", "json"])
}

fn assert_serves(data: &Path, image: &Image) {
    let server = Server::on(data, &[]);
    image.check(&server.client(), "team/app", "v1").unwrap();
    assert_eq!(server.tool(&["fsck"]).0, 0);
}

#[test]
fn a_backup_into_the_data_folder_itself_is_refused_and_loses_no_push() {
    let mut server = Server::start();
    let (first, second) = (Image::small(1), Image::small(2));
    first.push(&server.client(), "team/app", "v1").unwrap();
    let within = server.data().join("backup");

    for to in [server.data().to_path_buf(), within, server.data().join("../data"), server.data().join("storage")] {
        let (code, _, errors) = server.tool(&["backup", "--to", to.to_str().unwrap()]);
        assert!(code != 0 && errors.contains("data folder"), "{code} {errors}");
    }
    second.push(&server.client(), "team/app", "v2").unwrap();
    server.restart();

    first.check(&server.client(), "team/app", "v1").unwrap();
    second.check(&server.client(), "team/app", "v2").unwrap();
}

#[test]
fn a_backup_into_a_folder_that_is_served_is_refused() {
    let (server, other) = (Server::start(), Server::start());
    let image = Image::small(1);
    image.push(&other.client(), "team/app", "v1").unwrap();

    let (code, _, errors) = server.tool(&["backup", "--to", other.data().to_str().unwrap()]);

    assert!(code != 0 && errors.contains("another Gantry serves"), "{code} {errors}");
    image.check(&other.client(), "team/app", "v1").unwrap();
}

#[test]
fn a_backup_into_a_folder_whose_server_was_killed_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let image = Image::small(1);
    let to = backed_up(&image, folder.path());
    let mut copy = Server::on(&to, &[]);
    Image::small(2).push(&copy.client(), "team/app", "v2").unwrap();
    copy.kill();
    assert!(to.join("metadata.db-wal").exists(), "what is to be tested is not there");
    let (server, newer) = (Server::start(), Image::small(3));
    newer.push(&server.client(), "team/app", "v1").unwrap();

    done(&server, &["backup", "--to", to.to_str().unwrap()]);

    assert!(!to.join("metadata.db-wal").exists() && !to.join("metadata.db-shm").exists());
    let copy = Server::on(&to, &[]);
    newer.check(&copy.client(), "team/app", "v1").unwrap();
    assert_eq!(copy.client().get("/v2/team/app/manifests/v2").status, 404);
}

#[test]
fn a_backup_on_read_only_media_can_be_restored_also_one_that_was_served() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, image) = (SmallDisk::new(32 << 20), Image::small(1));
    let fresh = backed_up(&image, disk.path());
    let served = disk.path().join("served");
    let status = Command::new("cp").arg("-r").arg(&fresh).arg(&served).status().unwrap();
    assert!(status.success());
    Server::on(&served, &[]).stop();
    let status = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().unwrap();
    assert!(status.success(), "the disk cannot be made read-only; run this as root");

    for from in [fresh, served] {
        let to = folder.path().join(from.file_name().unwrap());
        let (code, output, errors) = restore(&from, &to);

        assert_eq!(code, 0, "{}: {output}{errors}", from.display());
        assert_serves(&to, &image);
    }
}

#[test]
fn a_restore_that_is_killed_is_not_served_and_goes_on_when_it_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let image = Image::small(1);
    let (from, to) = (backed_up(&image, folder.path()), folder.path().join("restored"));
    // The config comes second: as a pipe that nobody writes to, it holds the restore up after the first blob.
    let config = stored_blob(&from, &image.config).unwrap();
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    let mut command = program();
    command.args(["restore", "--from"]).arg(&from).arg("--data-dir").arg(&to);
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_midway = until(Duration::from_secs(20), || stored_blobs(&to).len() == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(is_midway, "the restore did not come to its second blob");

    for refused in [&["fsck"][..], &["gc"], &["serve", "--listen", "127.0.0.1:0"]] {
        let (code, output, errors) = run(&[refused, &["--data-dir", to.to_str().unwrap()]].concat());
        assert!(code != 0 && errors.contains("restore"), "{refused:?}: {code} {output}{errors}");
    }
    fs::remove_file(&config).unwrap();
    fs::write(&config, &image.config).unwrap();
    let (code, output, errors) = restore(&from, &to);

    assert_eq!(code, 0, "{output}{errors}");
    let done: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!((&done["blobs"], &done["copied"]), (&2.into(), &1.into()), "{done}");
    assert_serves(&to, &image);
    let (code, _, errors) = restore(&from, &to);
    assert!(code != 0 && errors.contains("holds metadata already"), "{code} {errors}");
}

#[test]
fn a_restore_names_what_its_backup_lacks_and_brings_all_else() {
    let folder = tempfile::tempdir().unwrap();
    let image = Image::small(1);
    let (from, to) = (backed_up(&image, folder.path()), folder.path().join("restored"));
    fs::remove_file(stored_blob(&from, &image.layers[0]).unwrap()).unwrap();

    let (code, output, errors) = restore(&from, &to);

    assert_eq!(code, 1, "{output}{errors}");
    assert!(errors.contains("1 blobs are missing") && errors.contains(&digest(&image.layers[0])), "{errors}");
    assert_eq!(stored_digests(&to), [digest(&image.config)]);
    let server = Server::on(&to, &[]);
    let client = server.client();
    assert_eq!(client.get("/v2/team/app/manifests/v1").body, image.manifest);
    assert_eq!(client.get(&format!("/v2/team/app/blobs/{}", digest(&image.layers[0]))).status, 404);
    // A push of the same image heals it, as it is told.
    assert_eq!(image.push(&client, "team/app", "v1").unwrap().status, 201);
    image.check(&client, "team/app", "v1").unwrap();
}
