use super::{
    Home, assert_says, held,
    layout::{Format, Layout, Packing, blobs},
    log_in, logged_in, print, push_many_tags, referrers, tags,
};
use gantry_e2e::{Image, Server};

const LOGIN: &str = "oras login --plain-http --username {user} --password-stdin {host}";

/// Pushes two files as an artifact; returns its digest.
fn push(server: &Server, home: &Home, tag: &str) -> String {
    home.write("model.bin", b"the weights of a very small model");
    home.write("notes/read.txt", b"what it is good for");
    let files = "model.bin:application/vnd.example.model notes/read.txt:text/plain";
    let kind = "--artifact-type application/vnd.example.artifact";
    home.run(&format!("oras push --plain-http {kind} {}/team/model:{tag} {files}", server.address())).succeeded();
    held(server, "team/model", tag).0
}

/// Attaches a file to what `on` names.
fn attach(home: &Home, on: &str, kind: &str, content: &str) {
    home.write("attached.json", content);
    home.run(&format!("oras attach --plain-http --artifact-type {kind} {on} attached.json:application/json"))
        .succeeded();
}

#[test]
fn an_artifact_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "v1");

    home.run(&format!("oras pull --plain-http --output out {}/team/model:v1", server.address())).succeeded();

    assert_eq!(home.read("out/model.bin"), home.read("model.bin"));
    assert_eq!(home.read("out/notes/read.txt"), home.read("notes/read.txt"));
    assert_eq!(held(&server, "team/model", "v1").2["artifactType"], "application/vnd.example.artifact");
}

#[test]
fn what_was_attached_is_discovered_by_its_type() {
    let (server, home) = logged_in(LOGIN);
    let digest = push(&server, &home, "v1");
    let image = format!("{}/team/model:v1", server.address());
    attach(&home, &image, "application/vnd.example.sbom", r#"{"sbom": true}"#);
    attach(&home, &image, "application/vnd.example.report", r#"{"report": true}"#);

    let discover = "oras discover --plain-http --format json";
    let all = home.run(&format!("{discover} {image}")).succeeded().all();
    let some = home.run(&format!("{discover} --artifact-type application/vnd.example.sbom {image}")).succeeded().all();

    assert!(all.contains("vnd.example.sbom") && all.contains("vnd.example.report"), "{all}");
    assert!(some.contains("vnd.example.sbom") && !some.contains("vnd.example.report"), "{some}");
    assert_eq!(referrers(&server, "team/model", &digest).len(), 2);
    assert_eq!(tags(&server, "team/model"), ["v1"], "no fallback tag is written where the server lists referrers");
}

#[test]
fn a_recursive_copy_takes_along_what_was_attached() {
    let (server, home) = logged_in(LOGIN);
    let digest = push(&server, &home, "v1");
    let host = server.address();
    attach(&home, &format!("{host}/team/model:v1"), "application/vnd.example.sbom", r#"{"sbom": true}"#);
    let sbom = referrers(&server, "team/model", &digest)[0]["digest"].as_str().unwrap().to_string();
    attach(&home, &format!("{host}/team/model@{sbom}"), "application/vnd.example.signature", r#"{"signed": true}"#);

    let plain = "--from-plain-http --to-plain-http";
    home.run(&format!("oras cp --recursive {plain} {host}/team/model:v1 {host}/other/copy:v1")).succeeded();

    assert_eq!(held(&server, "other/copy", "v1").0, digest);
    assert_eq!(referrers(&server, "other/copy", &digest), referrers(&server, "team/model", &digest));
    assert_eq!(referrers(&server, "other/copy", &sbom).len(), 1);
}

#[test]
fn an_index_goes_from_a_layout_and_back() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(400, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    let image = format!("{}/team/app:v1", server.address());
    let pulled = home.path("pulled");

    home.run(&format!("oras cp --from-oci-layout --to-plain-http {}:v1 {image}", layout.path())).succeeded();
    home.run(&format!("oras cp --from-plain-http --to-oci-layout {image} {}:v1", print(&pulled))).succeeded();

    assert_eq!(held(&server, "team/app", "v1").0, layout.digest());
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn an_image_in_dockers_format_goes_from_a_layout_and_back() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(410, Format::Docker, &[Packing::Gzip]);
    let image = format!("{}/team/app:docker", server.address());
    let pulled = home.path("pulled");

    home.run(&format!("oras cp --from-oci-layout --to-plain-http {}:v1 {image}", layout.path())).succeeded();
    home.run(&format!("oras cp --from-plain-http --to-oci-layout {image} {}:v1", print(&pulled))).succeeded();

    let (digest, media_type, _) = held(&server, "team/app", "docker");
    assert_eq!((digest, media_type.as_str()), (layout.digest(), Format::Docker.index()));
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_layer_of_300_megabytes_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::empty_bytes(411, 300_000_000);
    let image = format!("{}/team/large:v1", server.address());
    let pulled = home.path("pulled");

    home.run(&format!("oras cp --from-oci-layout --to-plain-http {}:v1 {image}", layout.path())).succeeded();
    home.run(&format!("oras cp --from-plain-http --to-oci-layout {image} {}:v1", print(&pulled))).succeeded();

    assert_eq!(held(&server, "team/large", "v1").0, layout.digest());
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_blob_is_pushed_fetched_and_deleted() {
    let (server, home) = logged_in(LOGIN);
    push(&server, &home, "v1");
    home.write("blob.bin", b"just bytes");
    let blob = format!("{}/team/model@{}", server.address(), gantry_e2e::digest(b"just bytes"));

    home.run(&format!("oras blob push --plain-http {}/team/model blob.bin", server.address())).succeeded();
    home.run(&format!("oras blob fetch --plain-http --output fetched.bin {blob}")).succeeded();
    home.run(&format!("oras blob delete --plain-http --force {blob}")).succeeded();

    assert_eq!(home.read("fetched.bin"), b"just bytes");
    assert_says(&home.run(&format!("oras blob fetch --plain-http --output - {blob}")).refused(), &["not found"]);
}

#[test]
fn tags_and_repositories_are_listed() {
    let (server, home) = logged_in(LOGIN);
    for (name, tag) in [("team/app", "v1"), ("team/app", "v2"), ("team/web", "v1")] {
        Image::small(401).push(&server.client(), name, tag).unwrap();
    }

    let tags = home.run(&format!("oras repo tags --plain-http {}/team/app", server.address())).succeeded();
    let repositories = home.run(&format!("oras repo ls --plain-http {}", server.address())).succeeded();

    assert_eq!(tags.text().lines().collect::<Vec<_>>(), ["v1", "v2"]);
    assert_eq!(repositories.text().lines().collect::<Vec<_>>(), ["team/app", "team/web"]);
}

#[test]
fn more_tags_than_a_page_holds_are_all_listed() {
    let (server, home) = logged_in(LOGIN);
    let expected = push_many_tags(&server, "team/app");

    let listed = home.run(&format!("oras repo tags --plain-http {}/team/app", server.address())).succeeded();

    assert_eq!(listed.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_deleted_manifest_and_an_unknown_tag_are_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    let digest = push(&server, &home, "v1");
    let name = format!("{}/team/model", server.address());

    home.run(&format!("oras manifest delete --plain-http --force {name}@{digest}")).succeeded();

    assert_says(&home.run(&format!("oras manifest fetch --plain-http {name}:v1")).refused(), &["not found"]);
    assert_says(&home.run(&format!("oras resolve --plain-http {name}:nope")).refused(), &["not found"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["401", "unauthorized"]);
}
