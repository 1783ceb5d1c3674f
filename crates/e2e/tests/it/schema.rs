//! Data of a newer program: no command of an older one touches it.

use gantry_e2e::{Image, Server, program, tool};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Lets a database say that a migration has run which this program does not know.
fn age(database: &Path) {
    let note = "INSERT INTO migration(number, name, sha256, at) VALUES (9999, 'of-tomorrow', 'unknown', 0)";
    let output = Command::new(tool("sqlite3")).arg(database).arg(note).output().expect("sqlite3 can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a command on a folder; it must be refused because of the folder's version.
fn assert_refused(arguments: &[&str], data: &Path) {
    let mut command = program();
    command.args(arguments).arg("--data-dir").arg(data).env("NO_COLOR", "1").stdin(Stdio::null());
    let output = command.output().expect("the binary starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{arguments:?}: {errors}");
    for word in ["newer Gantry", "9999", "run that version"] {
        assert!(errors.contains(word), "{arguments:?} does not say {word:?}: {errors}");
    }
}

#[test]
fn a_folder_of_a_newer_program_is_refused_by_every_command_and_left_as_it_is() {
    let mut server = Server::start();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    server.stop();
    let database = server.data().join("metadata.db");
    age(&database);
    let before = std::fs::read(&database).unwrap();
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("backup");

    assert_refused(&["serve", "--listen", "127.0.0.1:0"], server.data());
    assert_refused(&["fsck"], server.data());
    assert_refused(&["gc"], server.data());
    assert_refused(&["backup", "--to", to.to_str().unwrap()], server.data());

    assert!(std::fs::read(&database).unwrap() == before, "the database was written to");
}

#[test]
fn a_backup_of_a_newer_program_is_not_restored() {
    let server = Server::start();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (backup, restored) = (folder.path().join("backup"), folder.path().join("restored"));
    let (code, _, errors) = server.tool(&["backup", "--to", backup.to_str().unwrap()]);
    assert_eq!(code, 0, "{errors}");
    age(&backup.join("metadata.db"));

    assert_refused(&["restore", "--from", backup.to_str().unwrap()], &restored);

    assert!(!restored.join("metadata.db").exists());
}
