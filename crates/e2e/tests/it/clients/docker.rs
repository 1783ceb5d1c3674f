use super::{
    Home, assert_says,
    engine::Engine,
    held,
    layout::{Format, Layout, Packing},
    log_in,
};
use gantry_e2e::{PASSWORD, Random, Server, USER};

const LOGIN: &str = "docker login --username {user} --password-stdin {host}";

/// A server, and an engine whose client has logged in.
fn logged_in() -> (Server, Engine) {
    let (server, engine) = (Server::start(), Engine::start());
    log_in(&server, engine.home(), LOGIN, PASSWORD).succeeded();
    (server, engine)
}

/// Builds an image of one file.
fn build(home: &Home, image: &str, platform: &str, content: &[u8]) {
    home.write("context/file.bin", content);
    home.write("context/Dockerfile", "FROM scratch\nCOPY file.bin /file.bin\nCMD [\"/none\"]\n");
    home.run(&format!("docker build --quiet --platform {platform} --tag {image} context")).succeeded();
}

/// Returns an image's id: the digest of its configuration.
fn id_of(home: &Home, image: &str) -> String {
    home.run(&format!("docker image inspect --format {{{{.Id}}}} {image}")).succeeded().text().into()
}

/// Returns the one file of a built image.
fn file_of(home: &Home, image: &str) -> Vec<u8> {
    let container = home.run(&format!("docker create {image}")).succeeded();
    home.run(&format!("docker cp {}:/file.bin copied.bin", container.text())).succeeded();
    home.run(&format!("docker rm {}", container.text())).succeeded();
    home.read("copied.bin")
}

#[test]
fn a_built_image_pulls_back_with_id_and_bytes() {
    let (server, engine) = logged_in();
    let (home, image) = (engine.home(), format!("{}/team/app:v1", server.address()));
    build(home, &image, "linux/amd64", b"what the image holds");
    let id = id_of(home, &image);

    home.run(&format!("docker push {image}")).succeeded();
    home.run(&format!("docker rmi {image}")).succeeded();
    home.run(&format!("docker pull {image}")).succeeded();

    assert_eq!(id_of(home, &image), id);
    assert_eq!(file_of(home, &image), b"what the image holds");
    let (digest, media_type, manifest) = held(&server, "team/app", "v1");
    assert_eq!(media_type, Format::Docker.manifest());
    assert_eq!(manifest["config"]["digest"], id);
    let pulled = home.run(&format!("docker image inspect --format {{{{.RepoDigests}}}} {image}")).succeeded();
    assert!(pulled.text().contains(&digest), "{}", pulled.text());
}

#[test]
fn a_layer_of_300_megabytes_pulls_back_byte_for_byte() {
    let (server, engine) = logged_in();
    let (home, image) = (engine.home(), format!("{}/team/large:v1", server.address()));
    let content = Random::new(300).bytes(300_000_000);
    build(home, &image, "linux/amd64", &content);

    home.run(&format!("docker push {image}")).succeeded();
    home.run(&format!("docker rmi {image}")).succeeded();
    home.run(&format!("docker pull {image}")).succeeded();

    assert!(file_of(home, &image) == content);
}

#[test]
fn pushing_again_finds_the_layers_there_and_another_repository_mounts_them() {
    let (server, engine) = logged_in();
    let (home, host) = (engine.home(), server.address());
    build(home, &format!("{host}/team/app:v1"), "linux/amd64", b"a layer to share");
    let first = home.run(&format!("docker push {host}/team/app:v1")).succeeded().all();

    home.run(&format!("docker tag {host}/team/app:v1 {host}/team/app:v2")).succeeded();
    let again = home.run(&format!("docker push {host}/team/app:v2")).succeeded().all();
    home.run(&format!("docker tag {host}/team/app:v1 {host}/other/copy:v1")).succeeded();
    let elsewhere = home.run(&format!("docker push {host}/other/copy:v1")).succeeded().all();

    assert_says(&first, &["Pushed"]);
    assert_says(&again, &["Layer already exists"]);
    assert_says(&elsewhere, &["Mounted from team/app"]);
    assert_eq!(held(&server, "other/copy", "v1").0, held(&server, "team/app", "v1").0);
}

#[test]
fn a_list_of_two_platforms_is_made_and_pulled_by_platform() {
    let (server, engine) = logged_in();
    let (home, host) = (engine.home(), server.address());
    for architecture in ["amd64", "arm64"] {
        let image = format!("{host}/team/app:{architecture}");
        build(home, &image, &format!("linux/{architecture}"), architecture.as_bytes());
        home.run(&format!("docker push {image}")).succeeded();
    }

    let list = format!("{host}/team/app:both");
    home.run(&format!("docker manifest create --insecure {list} {host}/team/app:amd64 {host}/team/app:arm64"))
        .succeeded();
    home.run(&format!("docker manifest annotate {list} {host}/team/app:arm64 --os linux --arch arm64")).succeeded();
    let pushed = home.run(&format!("docker manifest push --insecure {list}")).succeeded();

    let (digest, media_type, _) = held(&server, "team/app", "both");
    assert_eq!((pushed.text().lines().last(), media_type.as_str()), (Some(digest.as_str()), Format::Docker.index()));
    home.run(&format!("docker pull --platform linux/arm64 {list}")).succeeded();
    let architecture = home.run(&format!("docker image inspect --format {{{{.Architecture}}}} {list}")).succeeded();
    assert_eq!(architecture.text(), "arm64");
}

#[test]
fn an_oci_index_is_pulled_by_tag_and_by_digest() {
    let (server, engine) = logged_in();
    let (home, host) = (engine.home(), server.address());
    let layout = Layout::index(301, Format::Oci, &[Packing::Gzip, Packing::Gzip]);
    home.run(&format!("crane push {} {host}/team/app:v1", layout.path())).succeeded();

    home.run(&format!("docker pull {host}/team/app:v1")).succeeded();
    home.run(&format!("docker pull {host}/team/app@{}", layout.digest())).succeeded();

    let image = layout.read(layout.read(&layout.digest())["manifests"][0]["digest"].as_str().unwrap());
    assert_eq!(id_of(home, &format!("{host}/team/app:v1")), image["config"]["digest"].as_str().unwrap());
}

#[test]
fn an_unknown_tag_is_reported_as_not_found() {
    let (server, engine) = logged_in();
    let (home, host) = (engine.home(), server.address());
    build(home, &format!("{host}/team/app:v1"), "linux/amd64", b"known");
    home.run(&format!("docker push {host}/team/app:v1")).succeeded();

    let said = home.run(&format!("docker pull {host}/team/app:nope")).refused();

    assert_says(&said, &["manifest unknown"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, engine) = (Server::start(), Engine::start());

    let said = log_in(&server, engine.home(), LOGIN, "wrong").refused();

    assert_says(&said, &["unauthorized", "incorrect username or password"]);
}

#[test]
fn nothing_is_pushed_or_pulled_without_logging_in() {
    let (server, engine) = logged_in();
    let (home, image) = (engine.home(), format!("{}/team/app:v1", server.address()));
    build(home, &image, "linux/amd64", b"not for strangers");
    home.run(&format!("docker push {image}")).succeeded();
    home.run(&format!("docker logout {}", server.address())).succeeded();

    let (push, pull) =
        (home.run(&format!("docker push {image}")).refused(), home.run(&format!("docker pull {image}")).refused());

    for said in [push, pull] {
        assert_says(&said, &["unauthorized", "authentication required", "no basic auth credentials", "access denied"]);
    }
}

#[test]
fn containerd_pulls_and_pushes_an_index() {
    let (server, engine) = logged_in();
    let (home, host) = (engine.home(), server.address());
    let layout = Layout::index(302, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    home.run(&format!("crane push {} {host}/team/app:v1", layout.path())).succeeded();
    let ctr = format!("ctr --address {} --namespace tests", engine.containerd());
    let login = format!("--plain-http --user {USER}:{PASSWORD}");

    home.run(&format!("{ctr} content fetch {login} --all-platforms {host}/team/app:v1")).succeeded();
    home.run(&format!("{ctr} images tag {host}/team/app:v1 {host}/other/copy:v1")).succeeded();
    home.run(&format!("{ctr} images push {login} {host}/other/copy:v1")).succeeded();

    assert_eq!(held(&server, "other/copy", "v1").0, layout.digest());
    let unknown = home.run(&format!("{ctr} content fetch {login} {host}/team/app:nope")).refused();
    assert_says(&unknown, &["not found"]);
    let wrong = home.run(&format!("{ctr} content fetch --plain-http --user {USER}:wrong {host}/team/app:v1")).refused();
    assert_says(&wrong, &["401", "unauthorized", "authorization failed"]);
}
