use super::{NAME, push};
use gantry_e2e::{Image, Server, program, stored_blobs};
use std::{fs, path::Path};

/// Starts a server that must not come up; returns what it says.
fn refused(data: &Path, blobs: &str) -> String {
    let mut serve = program();
    serve.arg("serve").arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]).env("NO_COLOR", "1");
    let output = serve.env("GANTRY_STORAGE__PATH", blobs).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_installation_on_one_blob_folder_is_refused_and_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = folder.path().join("blobs");
    let storage = [("GANTRY_STORAGE__PATH", blobs.to_str().unwrap())];
    let mut first = Server::on(&folder.path().join("first"), &storage);
    let image = Image::small(1);
    assert_eq!(push(&first.client(), &image, "v1").status, 201);
    let second = Server::on(&folder.path().join("second"), &[]);
    let mut tool = program();
    tool.args(["gc", "--grace", "0s", "--data-dir"]).arg(second.data()).envs(storage);

    let said = refused(&folder.path().join("third"), storage[0].1);
    let collected = tool.output().unwrap();

    for word in ["belongs to another Gantry", "storage.path", blobs.join("owner").to_str().unwrap()] {
        assert!(said.contains(word), "{word} is missing: {said}");
    }
    assert_eq!(collected.status.code(), Some(3), "{}", String::from_utf8_lossy(&collected.stdout));
    assert_eq!(first.tool(&["gc", "--grace", "0s"]).0, 0, "its owner's own tools go on");
    first.restart();
    image.check(&first.client(), NAME, "v1").unwrap();
}

#[test]
fn a_copy_of_the_database_is_kept_from_the_blob_folder_while_the_original_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, copy) = (folder.path().join("blobs"), folder.path().join("copy"));
    let storage = [("GANTRY_STORAGE__PATH", blobs.to_str().unwrap())];
    let mut first = Server::on(&folder.path().join("first"), &storage);
    assert_eq!(first.tool(&["backup", "--to", copy.to_str().unwrap()]).0, 0);
    let image = Image::small(1);
    assert_eq!(push(&first.client(), &image, "after-the-copy").status, 201);
    let mut collect = program();
    collect.args(["gc", "--grace", "0s", "--data-dir"]).arg(&copy).envs(storage);

    let said = refused(&copy, storage[0].1);
    let collected = collect.output().unwrap();

    assert!(said.contains("a copy of this database") && said.contains("storage.path"), "{said}");
    assert_eq!(collected.status.code(), Some(3), "{}", String::from_utf8_lossy(&collected.stdout));
    assert_eq!(first.tool(&["gc", "--grace", "0s"]).0, 0, "the original's own tools go on");
    image.check(&first.client(), NAME, "after-the-copy").unwrap();
    first.stop();
    assert!(collect.output().unwrap().status.success(), "what was lost with its server goes on with the copy");
}

#[test]
fn a_folder_from_before_there_were_owners_is_taken_by_the_first_that_opens_it() {
    let mut server = Server::start();
    let image = Image::small(1);
    assert_eq!(push(&server.client(), &image, "v1").status, 201);
    server.stop();
    fs::remove_file(server.data().join("storage/owner")).unwrap();

    server.restart();

    assert!(server.data().join("storage/owner").exists());
    image.check(&server.client(), NAME, "v1").unwrap();
}

#[test]
fn a_restored_backup_goes_on_with_the_blob_folder_of_the_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, backup, restored) =
        (folder.path().join("blobs"), folder.path().join("backup"), folder.path().join("restored"));
    let storage = [("GANTRY_STORAGE__PATH", blobs.to_str().unwrap())];
    let mut server = Server::on(&folder.path().join("data"), &storage);
    let image = Image::small(1);
    assert_eq!(push(&server.client(), &image, "v1").status, 201);
    assert_eq!(server.tool(&["backup", "--to", backup.to_str().unwrap()]).0, 0);
    server.stop();
    fs::remove_dir_all(server.data()).unwrap();

    let mut restore = program();
    restore.args(["restore", "--from"]).arg(&backup).arg("--data-dir").arg(&restored).envs(storage);
    let output = restore.output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let server = Server::on(&restored, &storage);
    image.check(&server.client(), NAME, "v1").unwrap();
    assert_eq!(server.tool(&["fsck"]).0, 0);
    assert!(stored_blobs(&restored).is_empty(), "the blobs stay where they were");
}
