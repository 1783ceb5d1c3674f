use super::{
    Home, assert_says, held,
    layout::{Format, Layout, Packing, blobs, tar},
    log_in, logged_in, print, push_many_tags, tags,
};
use gantry_e2e::{Image, PASSWORD, Server};

const LOGIN: &str = "crane auth login {host} --username {user} --password-stdin";

/// One image of each kind: format, and how its layers are packed.
const KINDS: [(Format, &[Packing]); 3] = [
    (Format::Oci, &[Packing::Gzip, Packing::Zstd, Packing::Plain]),
    (Format::Docker, &[Packing::Gzip, Packing::Gzip]),
    (Format::Oci, &[Packing::Zstd]),
];

/// Pushes a layout.
fn push(home: &Home, layout: &Layout, to: &str) -> String {
    home.run(&format!("crane push {} {to}", layout.path())).succeeded().all()
}

#[test]
fn an_index_of_each_format_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);

    for (number, (format, packings)) in KINDS.into_iter().enumerate() {
        let layout = Layout::index(10 * number as u64, format, packings);
        let image = format!("{}/team/app:index-{number}", server.address());
        push(&home, &layout, &image);
        let pulled = home.path(&format!("pulled-{number}"));
        home.run(&format!("crane pull --format=oci {image} {}", print(&pulled))).succeeded();

        assert_eq!(home.run(&format!("crane digest {image}")).succeeded().text(), layout.digest());
        assert_eq!(blobs(&pulled), layout.blobs(), "{format:?} {packings:?}");
        assert_eq!(held(&server, "team/app", &format!("index-{number}")).1, format.index());
    }
}

#[test]
fn an_image_of_each_format_is_found_valid() {
    let (server, home) = logged_in(LOGIN);

    // It unpacks all layers, as gzip only.
    for (number, format) in [Format::Oci, Format::Docker].into_iter().enumerate() {
        let layout = Layout::image(20 + number as u64, format, &[Packing::Gzip, Packing::Gzip]);
        let image = format!("{}/team/app:image-{number}", server.address());
        push(&home, &layout, &image);

        home.run(&format!("crane validate --remote {image}")).succeeded();
        let held = held(&server, "team/app", &format!("image-{number}"));
        assert_eq!((held.0, held.1.as_str()), (layout.digest(), format.manifest()));
    }
}

#[test]
fn an_artifact_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::artifact(b"the weights of a very small model");
    let host = server.address();
    push(&home, &layout, &format!("{host}/team/model:v1"));

    home.run(&format!("crane copy {host}/team/model:v1 {host}/other/model:v1")).succeeded();
    let pulled = home.path("pulled");
    home.run(&format!("crane pull --format=oci {host}/other/model:v1 {}", print(&pulled))).succeeded();

    assert_eq!(held(&server, "other/model", "v1").2["artifactType"], "application/vnd.example.artifact");
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_platform_of_an_index_can_be_asked_for() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(30, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:v1", server.address());
    push(&home, &layout, &image);

    let found = home.run(&format!("crane digest --platform linux/arm64 {image}")).succeeded();

    assert_eq!(found.text(), layout.read(&layout.digest())["manifests"][1]["digest"]);
}

#[test]
fn a_layer_of_300_megabytes_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::large(31, 300_000_000);
    let image = format!("{}/team/large:v1", server.address());

    push(&home, &layout, &image);
    let pulled = home.path("pulled");
    home.run(&format!("crane pull --format=oci {image} {}", print(&pulled))).succeeded();

    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn pushing_again_sends_no_blob() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(32, Format::Oci, &[Packing::Gzip]);
    let name = format!("{}/team/app", server.address());
    let first = push(&home, &layout, &format!("{name}:v1"));

    let second = push(&home, &layout, &format!("{name}:v2"));

    assert!(first.contains("pushed blob") && !first.contains("existing blob"), "{first}");
    assert!(second.contains("existing blob") && !second.contains("pushed blob"), "{second}");
}

#[test]
fn a_copy_into_another_repository_mounts_the_blobs() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(33, Format::Oci, &[Packing::Gzip]);
    let host = server.address();
    push(&home, &layout, &format!("{host}/team/app:v1"));

    let said = home.run(&format!("crane copy {host}/team/app:v1 {host}/other/copy:v1")).succeeded().all();

    assert!(said.contains("mounted blob") && !said.contains("pushed blob"), "{said}");
    assert_eq!(held(&server, "other/copy", "v1").0, layout.digest());
}

#[test]
fn a_layer_can_be_appended() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(34, Format::Oci, &[Packing::Gzip]);
    let host = server.address();
    push(&home, &layout, &format!("{host}/team/app:v1"));
    home.write("more.tar", tar("more.txt", b"one more"));

    home.run(&format!("crane append --base {host}/team/app:v1 --new_layer more.tar --new_tag {host}/team/app:v2"))
        .succeeded();

    let listed = home.run(&format!("crane export {host}/team/app:v2 whole.tar")).succeeded();
    let whole = home.read("whole.tar");
    assert!(whole.windows(8).any(|part| part == b"one more"), "{}", listed.all());
    home.run(&format!("crane validate --remote {host}/team/app:v2")).succeeded();
}

#[test]
fn a_deleted_image_is_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(35, Format::Oci, &[Packing::Gzip]);
    let host = server.address();
    push(&home, &layout, &format!("{host}/team/app:v1"));

    home.run(&format!("crane delete {host}/team/app@{}", layout.digest())).succeeded();

    assert_says(&home.run(&format!("crane manifest {host}/team/app:v1")).refused(), &["MANIFEST_UNKNOWN"]);
    assert!(tags(&server, "team/app").is_empty());
}

#[test]
fn an_image_that_crane_deleted_comes_back_out_of_the_trash() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(37, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:v1", server.address());
    push(&home, &layout, &image);

    home.run(&format!("crane delete {}/team/app@{}", server.address(), layout.digest())).succeeded();
    let restored = server.client().send("POST", "/api/v1/repositories/team/app/trash/v1/restore", &[], &[]);
    let pulled = home.path("pulled");
    home.run(&format!("crane pull --format=oci {image} {}", print(&pulled))).succeeded();

    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn an_unknown_tag_and_an_unknown_repository_are_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    push(&home, &Layout::image(36, Format::Oci, &[Packing::Gzip]), &format!("{host}/team/app:v1"));

    assert_says(&home.run(&format!("crane pull {host}/team/app:nope out.tar")).refused(), &["MANIFEST_UNKNOWN"]);
    assert_says(&home.run(&format!("crane ls {host}/team/nothing")).refused(), &["NAME_UNKNOWN"]);
}

#[test]
fn a_wrong_password_gets_nothing() {
    let (server, home) = (Server::start(), Home::new());
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    // crane keeps the password without asking anyone; the first request finds out.
    log_in(&server, &home, LOGIN, "wrong").succeeded();

    assert_says(&home.run(&format!("crane ls {}/team/app", server.address())).refused(), &["UNAUTHORIZED"]);

    log_in(&server, &home, LOGIN, PASSWORD).succeeded();
    assert_eq!(home.run(&format!("crane ls {}/team/app", server.address())).succeeded().text(), "v1");
}

#[test]
fn more_tags_than_a_page_holds_are_all_listed() {
    let (server, home) = logged_in(LOGIN);
    let expected = push_many_tags(&server, "team/app");

    let listed = home.run(&format!("crane ls {}/team/app", server.address())).succeeded();

    assert_eq!(listed.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_catalog_lists_the_repositories() {
    let (server, home) = logged_in(LOGIN);
    for name in ["alpha/one", "beta", "gamma/two/three"] {
        Image::small(38).push(&server.client(), name, "v1").unwrap();
    }

    let listed = home.run(&format!("crane catalog {}", server.address())).succeeded();

    assert_eq!(listed.text().lines().collect::<Vec<_>>(), ["alpha/one", "beta", "gamma/two/three"]);
}
