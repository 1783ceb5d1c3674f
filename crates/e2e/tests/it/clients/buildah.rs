use super::{
    Home, assert_says, held,
    layout::{Format, Layout},
    log_in, logged_in,
};
use gantry_e2e::{PASSWORD, Server};

const LOGIN: &str = "buildah login --tls-verify=false --username {user} --password-stdin {host}";
const PUSH: &str = "buildah push --tls-verify=false";

/// Builds an image of two layers.
fn build(home: &Home, image: &str) {
    home.write("context/one.txt", format!("the first file of {image}"));
    home.write("context/two.txt", format!("the second file of {image}"));
    home.write(
        "context/Containerfile",
        "FROM scratch\nCOPY one.txt /one.txt\nCOPY two.txt /two.txt\nCMD [\"/none\"]\n",
    );
    home.run(&format!("buildah bud --layers --tag {image} context")).succeeded();
}

#[test]
fn a_built_image_pulls_back_with_its_files() {
    let (server, home) = logged_in(LOGIN);
    let image = format!("{}/team/app:v1", server.address());
    build(&home, &image);

    home.run(&format!("{PUSH} {image}")).succeeded();
    let clean = Home::new();
    log_in(&server, &clean, LOGIN, PASSWORD).succeeded();
    clean.run(&format!("buildah pull --tls-verify=false {image}")).succeeded();
    clean.run(&format!("buildah push {image} docker-archive:out.tar")).succeeded();

    let expected = format!("the second file of {image}").into_bytes();
    assert!(clean.read("out.tar").windows(expected.len()).any(|part| part == expected));
    assert_eq!(held(&server, "team/app", "v1").2["layers"].as_array().unwrap().len(), 2);
}

#[test]
fn layers_are_pushed_as_zstd_and_unpacked_again() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    build(&home, "built");

    home.run(&format!("{PUSH} --format oci --compression-format zstd built docker://{host}/team/zstd:v1")).succeeded();

    let (_, _, manifest) = held(&server, "team/zstd", "v1");
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    }
    let clean = Home::new();
    log_in(&server, &clean, LOGIN, PASSWORD).succeeded();
    clean.run(&format!("buildah pull --tls-verify=false {host}/team/zstd:v1")).succeeded();
}

#[test]
fn schema_2_is_pushed_when_asked_for() {
    let (server, home) = logged_in(LOGIN);
    build(&home, "built");

    home.run(&format!("{PUSH} --format v2s2 built docker://{}/team/app:docker", server.address())).succeeded();

    assert_eq!(held(&server, "team/app", "docker").1, Format::Docker.manifest());
}

#[test]
fn what_is_built_on_a_pushed_image_keeps_its_layers() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    build(&home, &format!("{host}/team/base:v1"));
    home.run(&format!("{PUSH} {host}/team/base:v1")).succeeded();

    home.write("next/three.txt", "the third file");
    home.write("next/Containerfile", format!("FROM {host}/team/base:v1\nCOPY three.txt /three.txt\n"));
    home.run(&format!("buildah bud --tls-verify=false --pull-always --tag {host}/team/app:v1 next")).succeeded();
    home.run(&format!("{PUSH} {host}/team/app:v1")).succeeded();

    let layers = |name| held(&server, name, "v1").2["layers"].as_array().unwrap().clone();
    let (base, app) = (layers("team/base"), layers("team/app"));
    assert_eq!(app.len(), base.len() + 1);
    assert_eq!(app[..base.len()], base);
}

#[test]
fn an_index_of_two_platforms_is_pushed_with_its_images_and_pulled_by_platform() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    home.write("context/hello.txt", "hello");
    home.write("context/Containerfile", "FROM scratch\nCOPY hello.txt /hello.txt\n");
    home.run("buildah manifest create both").succeeded();
    for architecture in ["amd64", "arm64"] {
        home.run(&format!("buildah bud --arch {architecture} --manifest both context")).succeeded();
    }

    let push = "buildah manifest push --all --tls-verify=false";
    home.run(&format!("{push} both docker://{host}/team/both:v1")).succeeded();
    let clean = Home::new();
    log_in(&server, &clean, LOGIN, PASSWORD).succeeded();
    clean.run(&format!("buildah pull --tls-verify=false --arch arm64 {host}/team/both:v1")).succeeded();

    let (_, media_type, list) = held(&server, "team/both", "v1");
    assert!([Format::Oci.index(), Format::Docker.index()].contains(&media_type.as_str()), "{media_type}");
    let platforms: Vec<_> =
        list["manifests"].as_array().unwrap().iter().map(|image| &image["platform"]["architecture"]).collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let inspect = format!("buildah inspect --type image --format {{{{.OCIv1.Architecture}}}} {host}/team/both:v1");
    assert_eq!(clean.run(&inspect).succeeded().text(), "arm64");
}

#[test]
fn a_layer_of_300_megabytes_is_pulled_as_it_is_and_pushed_as_buildah_packs_it() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::empty_bytes(600, 300_000_000);
    let host = server.address();
    let id = |home: &Home| home.run("buildah images --quiet --no-trunc").succeeded().text().to_string();
    layout.push(&server.client(), "team/large");

    home.run(&format!("buildah pull --tls-verify=false {host}/team/large:v1")).succeeded();
    // A home that does not know the layer is there already: it packs it, which buildah always does.
    let other = Home::new();
    log_in(&server, &other, LOGIN, PASSWORD).succeeded();
    other.run(&format!("buildah pull oci:{}:v1", layout.linked_in(&other))).succeeded();
    other.run(&format!("{PUSH} {} docker://{host}/team/packed:v1", id(&other))).succeeded();

    assert_eq!(id(&home), id(&other));
    assert_eq!(held(&server, "team/packed", "v1").2["config"]["digest"], id(&other));
}

#[test]
fn an_unknown_base_image_is_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    build(&home, "built");
    home.run(&format!("{PUSH} built docker://{host}/team/app:v1")).succeeded();

    let said = home.run(&format!("buildah from --tls-verify=false {host}/team/app:nope")).refused();

    assert_says(&said, &["manifest unknown"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["invalid username/password", "unauthorized"]);
}
