//! What clients make of a server that has too much to do, and says so with 503.

use super::{
    Home, assert_says,
    engine::Engine,
    held,
    layout::{Format, Layout, Packing},
    log_in, print,
};
use gantry_e2e::{PASSWORD, Raw, Server, digest, until};
use std::{thread, time::Duration};

const PLACES: usize = 8;

/// A server with few places for requests, and a home whose crane has logged in.
fn logged_in() -> (Server, Home) {
    let (server, home) = (Server::with(&[("GANTRY_HTTP__REQUESTS_MAX", &PLACES.to_string())]), Home::new());
    server.client().push_blob("team/app", b"makes the repository").unwrap();
    log_in(&server, &home, "crane auth login {host} --username {user} --password-stdin", PASSWORD).succeeded();
    (server, home)
}

/// Takes every place, until what is returned is dropped.
fn occupy(server: &Server) -> Vec<Raw> {
    let target = format!("/v2/team/app/blobs/uploads/?digest={}", digest(b"0123456789"));
    let occupy = |_| {
        let mut raw = Raw::connect(server.address());
        raw.request("POST", &target, "Content-Length: 10\r\nExpect: 100-continue\r\n", &[]);
        assert_eq!(raw.answer().map(|answer| answer.status), Some(100));
        raw
    };
    (0..PLACES).map(occupy).collect()
}

fn has_refused(server: &Server) -> bool {
    server.client().get("/metrics").text().contains("gantry_refusals_total{kind=\"Unavailable\"}")
}

#[test]
fn crane_waits_for_a_busy_server_and_goes_on() {
    let (server, home) = logged_in();
    let layout = Layout::image(1, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:v1", server.address());
    home.run(&format!("crane push {} {image}", layout.path())).succeeded();
    let pulled = home.path("pulled");
    let busy = occupy(&server);

    thread::scope(|scope| {
        let pulling = scope.spawn(|| home.run(&format!("crane pull --format=oci {image} {}", print(&pulled))));
        assert!(until(Duration::from_secs(20), || has_refused(&server)), "crane was not refused");
        drop(busy);
        pulling.join().unwrap().succeeded();
    });

    assert_eq!(held(&server, "team/app", "v1").0, layout.digest());
}

#[test]
fn crane_says_that_a_server_is_busy_and_not_that_it_was_asked_too_often() {
    let (server, home) = logged_in();
    let layout = Layout::image(1, Format::Oci, &[Packing::Gzip]);
    let busy = occupy(&server);

    let said = home.run(&format!("crane push {} {}/team/app:v1", layout.path(), server.address())).refused();

    assert_says(&said, &["UNAVAILABLE"]);
    assert!(!said.contains("TOOMANYREQUESTS"), "{said}");
    drop(busy);
}

#[test]
fn docker_goes_on_with_a_push_that_a_busy_server_has_refused() {
    let (server, _) = logged_in();
    let engine = Engine::start();
    let (home, image) = (engine.home(), format!("{}/team/app:v1", server.address()));
    log_in(&server, home, "docker login --username {user} --password-stdin {host}", PASSWORD).succeeded();
    home.write("context/file.bin", b"what the image holds");
    home.write("context/Dockerfile", "FROM scratch\nCOPY file.bin /file.bin\n");
    home.run(&format!("docker build --quiet --tag {image} context")).succeeded();
    let busy = occupy(&server);

    thread::scope(|scope| {
        let pushing = scope.spawn(|| home.run(&format!("docker push {image}")));
        assert!(until(Duration::from_secs(20), || has_refused(&server)), "docker was not refused");
        drop(busy);
        pushing.join().unwrap().succeeded();
    });

    assert_eq!(held(&server, "team/app", "v1").1, Format::Docker.manifest());
}

#[test]
fn skopeo_and_podman_say_what_a_busy_server_answers_and_pull_when_it_is_not() {
    let (server, home) = logged_in();
    for login in ["skopeo", "podman"] {
        let login = format!("{login} login --tls-verify=false --username {{user}} --password-stdin {{host}}");
        log_in(&server, &home, &login, PASSWORD).succeeded();
    }
    let layout = Layout::image(1, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:v1", server.address());
    home.run(&format!("crane push {} {image}", layout.path())).succeeded();
    let pulls = [
        format!("skopeo copy --src-tls-verify=false docker://{image} oci:pulled:v1"),
        format!("podman pull --quiet --tls-verify=false {image}"),
    ];

    let busy = occupy(&server);
    let said = pulls.each_ref().map(|pull| home.run(pull).refused());
    drop(busy);

    for said in said {
        assert_says(&said, &["503 Service Unavailable"]);
    }
    for pull in &pulls {
        home.run(pull).succeeded();
    }
}
