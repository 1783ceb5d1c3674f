use super::{
    Home, assert_says, held,
    layout::{Format, Layout, Packing, blobs},
    log_in, print, referrers, tags,
};
use gantry_e2e::{Image, PASSWORD, Server};

const LOGIN: &str = "regctl registry login {host} --user {user} --pass-stdin";
const NO_TLS: &str = "regctl registry set {host} --tls disabled --skip-check";

fn logged_in() -> (Server, Home) {
    let (server, home) = (Server::start(), Home::new());
    log_in(&server, &home, NO_TLS, "").succeeded();
    log_in(&server, &home, LOGIN, PASSWORD).succeeded();
    (server, home)
}

#[test]
fn an_index_of_each_format_pulls_back_byte_for_byte() {
    let (server, home) = logged_in();

    for (number, format) in [Format::Oci, Format::Docker].into_iter().enumerate() {
        let layout = Layout::index(500 + 10 * number as u64, format, &[Packing::Gzip, Packing::Zstd]);
        let image = format!("{}/team/app:v{number}", server.address());
        let pulled = home.path(&format!("pulled-{number}"));
        home.run(&format!("regctl image copy ocidir://{}:v1 {image}", layout.path())).succeeded();
        home.run(&format!("regctl image copy {image} ocidir://{}:v1", print(&pulled))).succeeded();

        let held = held(&server, "team/app", &format!("v{number}"));
        assert_eq!((held.0, held.1.as_str()), (layout.digest(), format.index()));
        assert_eq!(blobs(&pulled), layout.blobs());
    }
}

#[test]
fn a_layer_of_300_megabytes_pulls_back_byte_for_byte() {
    let (server, home) = logged_in();
    let layout = Layout::empty_bytes(550, 300_000_000);
    let image = format!("{}/team/large:v1", server.address());
    let pulled = home.path("pulled");

    home.run(&format!("regctl image copy ocidir://{}:v1 {image}", layout.path())).succeeded();
    home.run(&format!("regctl image copy {image} ocidir://{}:v1", print(&pulled))).succeeded();

    assert_eq!(held(&server, "team/large", "v1").0, layout.digest());
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_copy_takes_along_what_refers_to_the_image() {
    let (server, home) = logged_in();
    let layout = Layout::index(520, Format::Oci, &[Packing::Gzip]);
    let host = server.address();
    home.run(&format!("regctl image copy ocidir://{}:v1 {host}/team/app:v1", layout.path())).succeeded();
    let put = "regctl artifact put --artifact-type application/vnd.example.sbom --subject";
    home.feed(&format!("{put} {host}/team/app:v1"), "a list of parts").succeeded();

    home.run(&format!("regctl image copy --referrers {host}/team/app:v1 {host}/other/copy:v1")).succeeded();

    assert_eq!(referrers(&server, "other/copy", &layout.digest()), referrers(&server, "team/app", &layout.digest()));
    let tree = home.run(&format!("regctl artifact tree {host}/other/copy:v1")).succeeded();
    assert_says(tree.text(), &["application/vnd.example.sbom"]);
    let get = "regctl artifact get --filter-artifact-type application/vnd.example.sbom --subject";
    assert_eq!(home.run(&format!("{get} {host}/other/copy:v1")).succeeded().output, "a list of parts");
    assert_eq!(tags(&server, "other/copy"), ["v1"], "no fallback tag is written where the server lists referrers");
}

#[test]
fn a_blob_in_chunks_pulls_back_byte_for_byte() {
    let (server, home) = logged_in();
    let host = server.address();
    let chunks = "--tls disabled --skip-check --blob-chunk 65536 --blob-max 65536";
    home.run(&format!("regctl registry set {host} {chunks}")).succeeded();
    let content = "0123456789abcdef".repeat(40_000);

    let pushed = home.feed(&format!("regctl blob put {host}/team/app"), &content).succeeded();
    let fetched = home.run(&format!("regctl blob get {host}/team/app {}", pushed.text())).succeeded();

    assert_eq!(pushed.text(), gantry_e2e::digest(content.as_bytes()));
    assert!(fetched.output == content);
}

#[test]
fn an_image_is_turned_into_another_format_and_packing_in_place() {
    let (server, home) = logged_in();
    let name = format!("{}/team/app", server.address());
    for (tag, format) in [("docker", Format::Docker), ("oci", Format::Oci)] {
        let layout = Layout::image(530, format, &[Packing::Gzip]);
        home.run(&format!("regctl image copy ocidir://{}:v1 {name}:{tag}", layout.path())).succeeded();
    }

    home.run(&format!("regctl image mod {name}:docker --create {name}:turned --to-oci")).succeeded();
    home.run(&format!("regctl image mod {name}:oci --create {name}:zstd --layer-compress zstd")).succeeded();

    assert_eq!(held(&server, "team/app", "turned").1, Format::Oci.manifest());
    let layers = held(&server, "team/app", "zstd").2["layers"].clone();
    assert_eq!(layers[0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
}

#[test]
fn tags_are_listed_page_by_page() {
    let (server, home) = logged_in();
    for number in 0..5 {
        Image::small(540).push(&server.client(), "team/app", &format!("v{number}")).unwrap();
    }

    let first = home.run(&format!("regctl tag ls --limit 2 {}/team/app", server.address())).succeeded();
    let next = home.run(&format!("regctl tag ls --limit 2 --last v1 {}/team/app", server.address())).succeeded();

    assert_eq!((first.text(), next.text()), ("v0\nv1", "v2\nv3"));
}

#[test]
fn a_deleted_tag_leaves_the_others_of_its_image() {
    let (server, home) = logged_in();
    let image = Image::small(541);
    for tag in ["v1", "v2"] {
        image.push(&server.client(), "team/app", tag).unwrap();
    }

    home.run(&format!("regctl tag delete {}/team/app:v1", server.address())).succeeded();

    assert_eq!(tags(&server, "team/app"), ["v2"]);
    image.check(&server.client(), "team/app", "v2").unwrap();
}

#[test]
fn repositories_are_listed() {
    let (server, home) = logged_in();
    for name in ["alpha/one", "beta"] {
        Image::small(542).push(&server.client(), name, "v1").unwrap();
    }

    let listed = home.run(&format!("regctl repo ls {}", server.address())).succeeded();

    assert_eq!(listed.text(), "alpha/one\nbeta");
}

#[test]
fn a_deleted_manifest_and_an_unknown_tag_are_reported_as_not_found() {
    let (server, home) = logged_in();
    let image = Image::small(543);
    image.push(&server.client(), "team/app", "v1").unwrap();
    let name = format!("{}/team/app", server.address());

    home.run(&format!("regctl manifest delete {name}@{}", image.digest())).succeeded();

    assert_says(&home.run(&format!("regctl manifest get {name}:v1")).refused(), &["not found"]);
    assert_says(&home.run(&format!("regctl manifest head {name}:nope")).refused(), &["not found"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());
    log_in(&server, &home, NO_TLS, "").succeeded();

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["unauthorized", "401"]);
}
