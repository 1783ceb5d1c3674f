//! The scripts of `examples/ecr`, as they stand.

use super::settle;
use crate::clients::{Home, engine::Engine, held, print};
use gantry_e2e::{PASSWORD, Server, USER, tool};
use std::{
    path::Path,
    process::{Command, Output},
};

/// Runs a script in a home, with the AWS command line as `aws`, and a program that builds images.
fn script(server: &Server, home: &Home, engine: &str, name: &str, arguments: &[&str]) -> Output {
    let aws = format!("#!/bin/sh\nexec '{}' -m awscli \"$@\"\n", print(&tool("python-aws")));
    home.write("aws.sh", aws);
    // Made by another process: a file that this one writes may be open in what its other tests start, and cannot be run then.
    let mut install = Command::new("install");
    install.args(["-D", "-m", "755"]).args([home.path("aws.sh"), home.path("bin/aws")]);
    assert!(install.status().unwrap().success());
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ecr").join(name));
    home.settle(&mut command);
    settle(&mut command, server, USER, PASSWORD);
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", print(&home.path("bin"))));
    command.env("CONTAINER_ENGINE", tool(engine)).args(arguments).output().unwrap()
}

/// The same; it must end with a code. Returns the lines that it prints.
#[track_caller]
fn ended(code: i32, output: Output) -> Vec<String> {
    let [said, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(output.status.code(), Some(code), "{said}\n{errors}");
    said.lines().map(str::to_string).collect()
}

fn server() -> Server {
    Server::with(&[("GANTRY_CREATE_ON_PUSH", "false")])
}

/// Sets a repository up, builds and pushes an image to it, and has it scanned.
#[track_caller]
fn from_nothing_to_a_scanned_image(server: &Server, home: &Home, engine: &str) {
    let run = |name: &str, arguments: &[&str]| script(server, home, engine, name, arguments);
    home.write("context/hello.txt", "hello");
    home.write("context/Dockerfile", "FROM scratch\nCOPY hello.txt /hello.txt\n");

    let made = ended(0, run("set-up.sh", &["team/app", "team/web"]));
    let again = ended(0, run("set-up.sh", &["team/app"]));
    let pushed = ended(0, run("build-and-push.sh", &["context", "team/app", "v1"]));
    let scanned = ended(1, run("scan-all.sh", &[]));
    let scanned_again = ended(1, run("scan-all.sh", &[]));

    assert_eq!(made, ["team/app", "team/web"].map(|name| format!("{}/{name}", server.address())));
    assert_eq!(again, ["team/app is there"]);
    assert_eq!(pushed, [held(server, "team/app", "v1").0]);
    let unavailable = "FINDINGS_UNAVAILABLE The image was read, but no advisories are here yet; bring them in with: \
                       gantry advisories import DIR";
    assert_eq!(scanned, [format!("team/app {} {unavailable}", pushed[0])]);
    assert_eq!(scanned_again, scanned, "a scan that is refused because there was one today is the one that counts");
}

#[test]
fn podman_builds_pushes_and_what_it_pushed_is_scanned() {
    let (server, home) = (server(), Home::new());
    let insecure = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", server.address());
    home.write(".config/containers/registries.conf", insecure);

    from_nothing_to_a_scanned_image(&server, &home, "podman");
}

#[test]
fn docker_builds_pushes_and_what_it_pushed_is_scanned() {
    let (server, engine) = (server(), Engine::start());

    from_nothing_to_a_scanned_image(&server, engine.home(), "docker");
}

#[test]
fn a_script_that_is_refused_says_why_and_fails() {
    let (server, home) = (server(), Home::new());
    let run = |name: &str, arguments: &[&str]| script(&server, &home, "podman", name, arguments);

    for (name, arguments, words) in [
        ("set-up.sh", &["Team"][..], "InvalidParameterException"),
        ("build-and-push.sh", &[".", "team/none", "v1"][..], "RepositoryNotFoundException"),
    ] {
        let output = run(name, arguments);

        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{name}: {said}");
    }
}
