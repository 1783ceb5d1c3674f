//! The commands that talk to a running server, as a person types them.

use gantry_e2e::{Image, PASSWORD, Server, USER, program, run, run_with};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    path::Path,
    process::Stdio,
};

/// A person with a home of his own, logged in.
pub(crate) struct Person {
    pub(crate) server: Server,
    pub(crate) home: tempfile::TempDir,
}

impl Person {
    pub(crate) fn logged_in() -> Person {
        Person::at(Server::start())
    }

    pub(crate) fn at(server: Server) -> Person {
        let person = Person { server, home: tempfile::tempdir().unwrap() };
        let password = person.home.path().join("password");
        std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        let address = person.server.address().to_string();
        let login = ["login", &address, "--user", USER, "--password-file", password.to_str().unwrap()];
        person.types(&login);
        person
    }

    pub(crate) fn tries(&self, arguments: &[&str]) -> (i32, String, String) {
        let home: &Path = self.home.path();
        run_with(arguments, &[("DOCKER_CONFIG", home.to_str().unwrap()), ("GANTRY_SERVER", self.server.address())])
    }

    /// Types a command that must succeed; returns what it prints.
    pub(crate) fn types(&self, arguments: &[&str]) -> String {
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
fn the_options_of_docker_login_log_in_too() {
    let person = Person { server: Server::start(), home: tempfile::tempdir().unwrap() };
    let password = person.home.path().join("password");
    std::fs::write(&password, PASSWORD).unwrap();

    let mut command = program();
    command.args(["login", person.server.address(), "--username", USER, "--password-stdin"]);
    command.env("DOCKER_CONFIG", person.home.path()).stdin(File::open(&password).unwrap());
    let output = command.output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(person.home.path().join("config.json").exists());
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

#[test]
fn every_answer_can_be_had_as_json() {
    let person = Person::logged_in();
    Image::small(1).push(&person.server.client(), "team/app", "v1").unwrap();
    Image::small(2).push(&person.server.client(), "team/app", "v2").unwrap();
    let backup = person.home.path().join("backup");
    let (backup, address) = (backup.to_str().unwrap(), person.server.address().to_string());
    let (password, data) = (person.home.path().join("password"), person.server.data().to_str().unwrap());
    let login = ["login", &address, "--user", USER, "--password-file", password.to_str().unwrap()];

    for words in [
        &login[..],
        &["repo", "create", "team/other"],
        &["repo", "ls"],
        &["repo", "rm", "team/other"],
        &["image", "ls", "team/app"],
        &["image", "tag", "team/app:v1", "stable"],
        &["image", "inspect", "team/app:stable"],
        &["image", "rm", "team/app:v2"],
        &["tag", "history", "team/app:v2"],
        &["tag", "rollback", "team/app:v2"],
        &["image", "rm", &format!("team/app@{}", Image::small(2).digest())],
        &["trash", "ls"],
        &["trash", "restore", "team/app:v2"],
        &["trash", "empty", "--yes"],
        &["gc", "--data-dir", data, "--dry-run"],
        &["gc", "--data-dir", data],
        &["fsck", "--data-dir", data],
        &["backup", "--data-dir", data, "--to", backup],
        &["config", "check", "--data-dir", data],
        &["config", "show", "--data-dir", data],
    ] {
        let printed = person.types(&[words, &["--output", "json"]].concat());

        assert!(serde_json::from_str::<serde_json::Value>(&printed).is_ok(), "{words:?}: {printed}");
    }
}

#[test]
fn wrong_uses_say_what_to_do_and_end_with_the_code_of_their_kind() {
    let person = Person::logged_in();
    let folder = person.home.path().join("empty");
    std::fs::create_dir(&folder).unwrap();
    let (empty, fresh) = (folder.to_str().unwrap(), person.home.path().join("fresh"));
    let (fresh, busy) = (fresh.to_str().unwrap(), person.server.data().to_str().unwrap());
    let address = person.server.address().to_string();
    const USAGE: i32 = 2;
    const FAILED: i32 = 3;

    for (words, code, hint) in [
        (&["serve", "--data-dir", fresh, "--listen", "5000"][..], USAGE, "write host:port"),
        (&["serve", "--data-dir", fresh, "--set", "collection.grase=1h"], USAGE, "the nearest is collection.grace"),
        (&["serve", "--data-dir", fresh, "--set", "collection.grace=5"], USAGE, "Write 5s, 5m, 5h or 5d"),
        (&["serve", "--data-dir", fresh, "--set", "tls.key=x"], USAGE, "set both"),
        (&["serve", "--data-dir", fresh, "--set", "tracing.otlp_endpoint=x"], USAGE, "write a URL"),
        (&["serve", "--data-dir", fresh, "--listen", &address], FAILED, "Stop what uses it, or choose another"),
        (&["serve", "--data-dir", fresh, "--listen", "192.0.2.1:5000"], FAILED, "does not have that address"),
        (&["serve", "--data-dir", busy], FAILED, "another Gantry serves"),
        (&["serve", "--data-dir", "/proc/none"], FAILED, "--data-dir"),
        (&["gc", "--data-dir", busy, "--grace", "5"], USAGE, "Write 5s, 5m, 5h or 5d"),
        (&["fsck", "--data-dir", empty], FAILED, "no data folder of Gantry"),
        (&["gc", "--data-dir", empty], FAILED, "no data folder of Gantry"),
        (&["backup", "--data-dir", empty, "--to", fresh], FAILED, "no data folder of Gantry"),
        (&["restore", "--from", empty, "--data-dir", fresh], USAGE, "gantry backup --to"),
        (&["config", "check", "--config", "/none.toml"], USAGE, "name a TOML file"),
        (&["login", &address], USAGE, "--user"),
        (&["repo", "ls", "--server", "127.0.0.1:1"], FAILED, "gantry serve"),
        (&["repo", "ls", "--server", "ftp://one"], USAGE, "host:port"),
        (&["repo", "ls", "--user", "one"], USAGE, "--password-file"),
        (&["repo", "create", "Not A Name"], FAILED, "no repository name"),
        (&["image", "ls", "team/none"], FAILED, "gantry repo create"),
        (&["image", "inspect", "team/none"], USAGE, "repository:tag"),
        (&["blob", "get", "team/app:v1"], USAGE, "repository@digest"),
        (&["trash", "restore", "team/none:v1"], FAILED, "gantry trash ls team/none"),
        (&["trash", "empty", "team/none:v1"], USAGE, "Add --yes"),
        (&["tag", "rollback", "team/app"], USAGE, "repository:tag"),
    ] {
        let (found, _, errors) = person.tries(words);

        assert_eq!(found, code, "{words:?}: {errors}");
        assert!(errors.contains(hint), "{words:?} does not say {hint:?}: {errors}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "something was made in a folder named by mistake");
}

#[test]
fn an_image_that_is_not_there_leads_to_those_that_are() {
    let person = Person::logged_in();
    Image::small(1).push(&person.server.client(), "team/app", "v1").unwrap();

    let (code, _, errors) = person.tries(&["image", "inspect", "team/app:v2"]);

    assert_eq!(code, 3);
    assert!(errors.contains("gantry image ls team/app"), "{errors}");
}

#[test]
fn a_password_is_asked_for_on_a_terminal_and_not_shown() {
    let server = Server::start();
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, of_child) = open_terminal();
    let mut child = program()
        .args(["login", server.address(), "--user", USER])
        .env("DOCKER_CONFIG", home.path())
        .stdin(Stdio::from(of_child))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let mut asked = [0; 10];
    child.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
    terminal.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let ended = child.wait().unwrap();

    assert_eq!(&asked, b"Password: ");
    assert!(ended.success());
    let mut shown = Vec::new();
    // A terminal whose other side is closed ends in an error, after all it has to show.
    let _ = terminal.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(!shown.contains(PASSWORD), "{shown}");
}

/// Runs a command on the server's folder with its errors on a terminal; returns what the terminal shows.
fn shown_on_a_terminal(server: &Server, words: &[&str]) -> String {
    let (mut terminal, of_child) = open_terminal();
    let mut command = server.command(words);
    command.env("TERM", "xterm");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(of_child)).spawn().unwrap();
    // The command holds a copy of the terminal's other side until it is dropped.
    drop(command);
    let mut shown = Vec::new();
    // A terminal whose other side is closed ends in an error, after all it has to show.
    let _ = terminal.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success(), "{words:?}: {}", String::from_utf8_lossy(&shown));
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn long_work_shows_how_far_it_is_on_a_terminal_and_only_there() {
    let server = Server::with(&[("GANTRY_TRASH__KEEP", "0s")]);
    let image = Image::small(1);
    assert_eq!(image.push(&server.client(), "team/app", "v1").unwrap().status, 201);
    let removed = server.client().send("DELETE", &format!("/v2/team/app/manifests/{}", image.digest()), &[], &[]);
    assert_eq!(removed.status, 202, "{}", removed.text());

    let checked = shown_on_a_terminal(&server, &["fsck"]);
    let collected = shown_on_a_terminal(&server, &["gc", "--grace", "0s"]);
    let (_, _, in_a_pipe) = server.tool(&["fsck"]);

    // A bar with what of how much was hashed, and a count of what was freed; both are drawn in place.
    assert!(checked.contains(" B/") && checked.contains('\r'), "{checked:?}");
    assert!(collected.contains(" B") && collected.contains('\r'), "{collected:?}");
    assert_eq!(in_a_pipe, "");
}

/// A terminal: the side of the person, and that of the program.
pub(crate) fn open_terminal() -> (File, OwnedFd) {
    let (mut person, mut program) = (-1, -1);
    // SAFETY: the two numbers are written to, and the three pointers may be null (openpty(3)).
    let opened = unsafe {
        libc::openpty(
            &raw mut person,
            &raw mut program,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    assert_eq!(opened, 0, "a terminal can be opened");
    // SAFETY: both were just opened, and nobody else knows them.
    let (person, program) = unsafe { (File::from_raw_fd(person), OwnedFd::from_raw_fd(program)) };
    // SAFETY: the descriptor is open; a child must not keep our side of it.
    unsafe { libc::fcntl(person.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
    (person, program)
}

#[test]
fn completions_and_manual_pages_are_there_for_every_command() {
    let folder = tempfile::tempdir().unwrap();

    let (code, _, errors) = run(&["man", folder.path().to_str().unwrap()]);
    let shells = ["bash", "zsh", "fish"].map(|shell| run(&["completions", shell]));

    assert_eq!(code, 0, "{errors}");
    for page in ["gantry.1", "gantry-serve.1", "gantry-image-inspect.1"] {
        assert!(folder.path().join(page).exists(), "{page} is missing");
    }
    for (code, script, errors) in shells {
        assert!(code == 0 && script.contains("gantry") && script.contains("fsck"), "{errors}");
    }
}
