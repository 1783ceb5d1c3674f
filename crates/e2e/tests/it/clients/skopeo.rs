use super::{
    Home, assert_says, held,
    layout::{Format, Layout, Packing, blobs},
    log_in, logged_in, print, push_many_tags, tags,
};
use gantry_e2e::{Image, Server};

const LOGIN: &str = "skopeo login --tls-verify=false --username {user} --password-stdin {host}";
const PUSH: &str = "skopeo copy --dest-tls-verify=false";
const PULL: &str = "skopeo copy --src-tls-verify=false";

fn push(home: &Home, layout: &Layout, to: &str) -> String {
    home.run(&format!("{PUSH} --all --preserve-digests oci:{}:v1 docker://{to}", layout.path())).succeeded().all()
}

#[test]
fn an_index_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(100, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    let image = format!("{}/team/app:v1", server.address());

    push(&home, &layout, &image);
    let pulled = home.path("pulled");
    home.run(&format!("{PULL} --all --preserve-digests docker://{image} oci:{}:v1", print(&pulled))).succeeded();

    assert_eq!(held(&server, "team/app", "v1").0, layout.digest());
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_list_of_docker_images_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(110, Format::Docker, &[Packing::Gzip, Packing::Gzip]);
    let host = server.address();
    // A layout of OCI is read as OCI by skopeo: the list is pushed as it lies there, and skopeo copies it on.
    layout.push(&server.client(), "team/app");

    let both = "--src-tls-verify=false --dest-tls-verify=false --all --preserve-digests";
    home.run(&format!("skopeo copy {both} docker://{host}/team/app:v1 docker://{host}/other/list:v1")).succeeded();
    let to_folder =
        format!("{PULL} --all --preserve-digests docker://{host}/other/list:v1 dir:{}", print(&home.path("pulled")));
    home.run(&to_folder).succeeded();

    assert_eq!(held(&server, "other/list", "v1").0, layout.digest());
    assert_eq!(held(&server, "other/list", "v1").1, Format::Docker.index());
    assert_eq!(gantry_e2e::digest(&home.read("pulled/manifest.json")), layout.digest());
    for digest in layout.blobs() {
        let hex = digest.replace("sha256:", "");
        let name = if layout.is_manifest(&digest) { format!("{hex}.manifest.json") } else { hex };
        if digest != layout.digest() {
            assert_eq!(gantry_e2e::digest(&home.read(&format!("pulled/{name}"))), digest);
        }
    }
}

#[test]
fn an_artifact_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::artifact(b"the weights of a very small model");
    let image = format!("{}/team/model:v1", server.address());

    push(&home, &layout, &image);
    let pulled = home.path("pulled");
    home.run(&format!("{PULL} --preserve-digests docker://{image} oci:{}:v1", print(&pulled))).succeeded();

    assert_eq!(held(&server, "team/model", "v1").2["artifactType"], "application/vnd.example.artifact");
    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn a_layer_of_300_megabytes_pulls_back_byte_for_byte() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::large(101, 300_000_000);
    let image = format!("{}/team/large:v1", server.address());

    push(&home, &layout, &image);
    let pulled = home.path("pulled");
    home.run(&format!("{PULL} --preserve-digests docker://{image} oci:{}:v1", print(&pulled))).succeeded();

    assert_eq!(blobs(&pulled), layout.blobs());
}

#[test]
fn an_image_can_be_turned_into_schema_2_on_the_way() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(102, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:docker", server.address());

    home.run(&format!("{PUSH} --format v2s2 oci:{}:v1 docker://{image}", layout.path())).succeeded();

    let inspected = home.run(&format!("skopeo inspect --tls-verify=false --raw docker://{image}")).succeeded();
    assert_eq!(inspected.json()["mediaType"], Format::Docker.manifest());
    assert_eq!(held(&server, "team/app", "docker").1, Format::Docker.manifest());
}

#[test]
fn layers_can_be_turned_into_zstd_on_the_way() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(103, Format::Oci, &[Packing::Plain, Packing::Plain]);
    let image = format!("{}/team/app:zstd", server.address());

    let to_zstd = "--dest-compress-format zstd --dest-compress-level 3";
    home.run(&format!("{PUSH} {to_zstd} oci:{}:v1 docker://{image}", layout.path())).succeeded();

    let (_, _, manifest) = held(&server, "team/app", "zstd");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    let pulled = home.path("pulled");
    home.run(&format!("{PULL} --dest-decompress docker://{image} dir:{}", print(&pulled))).succeeded();
    let plain = layout.read(&layout.digest())["layers"][1]["digest"].as_str().unwrap().replace("sha256:", "");
    assert_eq!(gantry_e2e::digest(&home.read(&format!("pulled/{plain}"))), format!("sha256:{plain}"));
}

#[test]
fn pushing_again_sends_no_blob() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(104, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app:v1", server.address());
    let push = format!("skopeo --debug copy --dest-tls-verify=false oci:{}:v1 docker://{image}", layout.path());
    let first = home.run(&push).succeeded().all();

    let second = home.run(&push).succeeded().all();

    assert!(first.contains("Uploading /v2/") && !first.contains("already exists"), "{first}");
    assert!(second.contains("already exists") && !second.contains("Uploading /v2/"), "{second}");
}

#[test]
fn a_copy_into_another_repository_keeps_the_digest() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::index(105, Format::Oci, &[Packing::Gzip]);
    let host = server.address();
    push(&home, &layout, &format!("{host}/team/app:v1"));

    let both = "--src-tls-verify=false --dest-tls-verify=false --all";
    home.run(&format!("skopeo copy {both} docker://{host}/team/app:v1 docker://{host}/other/copy:v1")).succeeded();

    assert_eq!(held(&server, "other/copy", "v1").0, layout.digest());
}

#[test]
fn tags_are_listed_and_an_image_deleted() {
    let (server, home) = logged_in(LOGIN);
    let layout = Layout::image(106, Format::Oci, &[Packing::Gzip]);
    let image = format!("{}/team/app", server.address());
    push(&home, &layout, &format!("{image}:v1"));
    push(&home, &layout, &format!("{image}:v2"));

    let listed = home.run(&format!("skopeo list-tags --tls-verify=false docker://{image}")).succeeded().json();
    home.run(&format!("skopeo delete --tls-verify=false docker://{image}:v1")).succeeded();

    assert_eq!(listed["Tags"], serde_json::json!(["v1", "v2"]));
    assert!(!tags(&server, "team/app").contains(&"v1".to_string()));
}

#[test]
fn more_tags_than_a_page_holds_are_all_listed() {
    let (server, home) = logged_in(LOGIN);
    let expected = push_many_tags(&server, "team/app");

    let list = "skopeo list-tags --tls-verify=false";
    let listed = home.run(&format!("{list} docker://{}/team/app", server.address())).succeeded().json();

    assert_eq!(listed["Tags"], serde_json::json!(expected));
}

#[test]
fn an_unknown_tag_is_reported_as_not_found() {
    let (server, home) = logged_in(LOGIN);
    Image::small(107).push(&server.client(), "team/app", "v1").unwrap();

    let said =
        home.run(&format!("skopeo inspect --tls-verify=false docker://{}/team/app:nope", server.address())).refused();

    assert_says(&said, &["manifest unknown"]);
}

#[test]
fn a_wrong_password_fails_to_log_in() {
    let (server, home) = (Server::start(), Home::new());

    let said = log_in(&server, &home, LOGIN, "wrong").refused();

    assert_says(&said, &["invalid username/password", "unauthorized"]);
}
