use super::{
    Home, assert_says, held,
    layout::{Format, Layout, Packing},
    log_in, logged_in,
};
use gantry_e2e::{Image, Server};

const LOGIN: &str = "podman login --tls-verify=false --username {user} --password-stdin {host}";
const PUSH: &str = "podman push --tls-verify=false";

/// Builds an image of one file for an architecture.
fn build(home: &Home, image: &str, architecture: &str) {
    home.write("context/hello.txt", format!("hello from {image} on {architecture}"));
    home.write("context/Containerfile", "FROM scratch\nCOPY hello.txt /hello.txt\n");
    home.run(&format!("podman build --quiet --arch {architecture} --tag {image} context")).succeeded();
}

#[test]
fn a_built_image_pulls_back_with_the_same_id() {
    let (server, home) = logged_in(LOGIN);
    let image = format!("{}/team/app:v1", server.address());
    build(&home, &image, "amd64");
    let id = home.run(&format!("podman image inspect --format {{{{.Id}}}} {image}")).succeeded();

    home.run(&format!("{PUSH} {image}")).succeeded();
    home.run(&format!("podman rmi {image}")).succeeded();
    home.run(&format!("podman pull --quiet --tls-verify=false {image}")).succeeded();

    let pulled = home.run(&format!("podman image inspect --format {{{{.Id}}}} {image}")).succeeded();
    assert_eq!(pulled.text(), id.text());
    home.run(&format!("podman save --quiet --output saved.tar {image}")).succeeded();
    let hello = format!("hello from {image} on amd64").into_bytes();
    assert!(home.read("saved.tar").windows(hello.len()).any(|part| part == hello));
}

#[test]
fn each_format_and_packing_is_pushed_as_asked() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    build(&home, "built", "amd64");
    // An image of its own: podman would mount the layer that it knows as gzip.
    build(&home, "for-zstd", "amd64");

    home.run(&format!("{PUSH} --format v2s2 built docker://{host}/team/app:docker")).succeeded();
    home.run(&format!("{PUSH} --format oci built docker://{host}/team/app:oci")).succeeded();
    home.run(&format!("{PUSH} --format oci --compression-format zstd for-zstd docker://{host}/team/zstd:v1"))
        .succeeded();

    assert_eq!(held(&server, "team/app", "docker").1, Format::Docker.manifest());
    assert_eq!(held(&server, "team/app", "oci").1, Format::Oci.manifest());
    let (_, _, manifest) = held(&server, "team/zstd", "v1");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    home.run(&format!("podman pull --quiet --tls-verify=false {host}/team/zstd:v1")).succeeded();
}

#[test]
fn a_list_for_two_platforms_is_pushed_with_its_images() {
    let (server, home) = logged_in(LOGIN);
    let host = server.address();
    for architecture in ["amd64", "arm64"] {
        build(&home, &format!("localhost/built-{architecture}"), architecture);
    }

    home.run("podman manifest create localhost/both").succeeded();
    for architecture in ["amd64", "arm64"] {
        let image = format!("containers-storage:localhost/built-{architecture}");
        home.run(&format!("podman manifest add localhost/both {image}")).succeeded();
    }
    let push = "podman manifest push --all --tls-verify=false";
    home.run(&format!("{push} localhost/both docker://{host}/team/both:v1")).succeeded();

    let (_, media_type, list) = held(&server, "team/both", "v1");
    assert!([Format::Oci.index(), Format::Docker.index()].contains(&media_type.as_str()), "{media_type}");
    let platforms: Vec<_> =
        list["manifests"].as_array().unwrap().iter().map(|image| &image["platform"]["architecture"]).collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let clean = Home::new();
    log_in(&server, &clean, LOGIN, gantry_e2e::PASSWORD).succeeded();
    clean.run(&format!("podman pull --quiet --tls-verify=false --arch arm64 {host}/team/both:v1")).succeeded();
    let pulled =
        clean.run(&format!("podman image inspect --format {{{{.Architecture}}}} {host}/team/both:v1")).succeeded();
    assert_eq!(pulled.text(), "arm64");
}

#[test]
fn an_image_of_every_packing_is_unpacked() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(200, Format::Oci, &[Packing::Gzip, Packing::Zstd, Packing::Plain]);
    let image = format!("{}/team/app:v1", server.address());
    let copy = "skopeo copy --dest-tls-verify=false --preserve-digests";
    home.run(&format!("{copy} oci:{}:v1 docker://{image}", layout.path())).succeeded();

    home.run(&format!("podman pull --quiet --tls-verify=false {image}")).succeeded();

    let found = home.run(&format!("podman image inspect --format {{{{.Digest}}}} {image}")).succeeded();
    assert_eq!(found.text(), layout.digest());
}

#[test]
fn a_layer_of_300_megabytes_is_pulled_as_it_is_and_pushed_as_podman_packs_it() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::empty_bytes(203, 300_000_000);
    let host = server.address();
    layout.push(&server.client(), "team/large");

    let pulled = home.run(&format!("podman pull --quiet --tls-verify=false {host}/team/large:v1")).succeeded();
    // A home that does not know the layer is there already: it packs it, which podman always does.
    let other = Home::new();
    log_in(&server, &other, LOGIN, gantry_e2e::PASSWORD).succeeded();
    let id = other.run(&format!("podman pull --quiet oci:{}:v1", layout.linked_in(&other))).succeeded();
    other.run(&format!("{PUSH} {} docker://{host}/team/packed:v1", id.text())).succeeded();

    assert_eq!(pulled.text(), id.text());
    assert_eq!(held(&server, "team/packed", "v1").2["config"]["digest"], format!("sha256:{}", id.text()));
}

#[test]
fn the_tags_of_a_repository_are_found() {
    let (server, home) = logged_in(LOGIN);
    for tag in ["v1", "v2", "v3"] {
        Image::small(201).push(&server.client(), "team/app", tag).unwrap();
    }

    let search = "podman search --list-tags --tls-verify=false";
    let listed = home.run(&format!("{search} {}/team/app", server.address())).succeeded();

    // A line of headings, then name and tag.
    let tags: Vec<_> = listed.text().lines().skip(1).filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(tags, ["v1", "v2", "v3"]);
}

#[test]
fn an_unknown_tag_is_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    Image::small(202).push(&server.client(), "team/app", "v1").unwrap();

    let said = home.run(&format!("podman pull --tls-verify=false {}/team/app:nope", server.address())).refused();

    assert_says(&said, &["manifest unknown"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["invalid username/password", "unauthorized"]);
}
