//! Moving in and out: what other programs wrote is imported, and what is exported they read.

mod bucket;
mod data_folder;
mod ecr_source;
mod harbor_source;
mod into_data_folder;
mod registry;
mod zot_folder;

use crate::{
    clients::{
        Home,
        engine::Engine,
        held,
        layout::{Format, Layout, Packing, blobs},
        log_in, print, referrers, tags,
    },
    commands::Person,
};
use gantry_e2e::{Image, PASSWORD, program, stored_blobs, until};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Stdio, time::Duration};

const ORAS_LOGIN: &str = "oras login --plain-http --username {user} --password-stdin {host}";

/// Imports, which must leave nothing out; returns what is said of it.
fn import(person: &Person, source: &str, repository: &str) -> Value {
    serde_json::from_str(&person.types(&["import", source, repository, "--output", "json"])).unwrap()
}

#[test]
fn a_layout_of_skopeo_moves_in_out_and_in_again_with_the_same_digests() {
    let (person, home) = (Person::logged_in(), Home::new());
    let layout = Layout::index(700, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    let written = print(&home.path("written"));
    home.run(&format!("skopeo copy --all --preserve-digests oci:{}:v1 oci:{written}:v2", layout.path())).succeeded();

    let planned = person.types(&["import", &written, "team/app", "--dry-run"]);
    let first = person.types(&["import", &written, "team/app"]);
    let second = person.types(&["import", &written, "team/app"]);
    let exported = print(&home.path("exported"));
    person.types(&["export", "team/app:v2", &exported]);
    let again = person.types(&["export", "team/app", &exported, "--output", "json"]);
    let moved = import(&person, &exported, "other/app");

    assert!(planned.contains("without --dry-run"), "{planned}");
    assert!(first.contains("Proved: the server has 3 of 3 manifests and 1 of 1 tags"), "{first}");
    assert!(second.contains("Nothing was sent: the server had it all."), "{second}");
    assert_eq!(moved["repositories"][0]["manifestsProved"], 3);
    for name in ["team/app", "other/app"] {
        assert_eq!(held(&person.server, name, "v2").0, layout.digest());
    }
    assert_eq!(blobs(&home.path("exported")), layout.blobs());
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap()["repositories"][0]["fetched"], 0);
    let raw = home.run(&format!("skopeo inspect --raw oci:{exported}:v2")).succeeded();
    assert_eq!(gantry_e2e::digest(raw.output.as_bytes()), layout.digest());
    home.run(&format!("skopeo copy --all oci:{exported}:v2 dir:{}", print(&home.path("read")))).succeeded();
}

#[test]
fn what_oras_attached_moves_in_and_out_with_its_image() {
    let (person, home) = (Person::logged_in(), Home::new());
    let (server, host) = (&person.server, person.server.address().to_owned());
    log_in(server, &home, ORAS_LOGIN, PASSWORD).succeeded();
    let image = Image::small(701);
    image.push(&server.client(), "team/app", "v1").unwrap();
    home.write("sbom.json", "{}");
    let attach = "oras attach --plain-http --artifact-type application/vnd.example.sbom";
    home.run(&format!("{attach} {host}/team/app:v1 sbom.json:application/json")).succeeded();
    let (written, exported) = (print(&home.path("written")), print(&home.path("exported")));
    let copy = "oras copy --recursive --from-plain-http --to-oci-layout";
    home.run(&format!("{copy} {host}/team/app:v1 {written}:v1")).succeeded();

    import(&person, &written, "from/oras");
    person.types(&["export", "from/oras:v1", &exported]);
    import(&person, &exported, "from/gantry");
    let without = print(&home.path("without"));
    person.types(&["export", "from/oras", &without, "--no-referrers"]);

    let attached = referrers(server, "team/app", &image.digest());
    assert_eq!(attached.len(), 1);
    for name in ["from/oras", "from/gantry"] {
        image.check(&server.client(), name, "v1").unwrap();
        assert_eq!(referrers(server, name, &image.digest())[0]["digest"], attached[0]["digest"]);
    }
    let discover = "oras discover --oci-layout --format json";
    let found = home.run(&format!("{discover} {exported}:v1")).succeeded().all();
    assert!(found.contains("application/vnd.example.sbom"), "{found}");
    let found = home.run(&format!("{discover} {without}:v1")).succeeded().all();
    assert!(!found.contains("application/vnd.example.sbom"), "{found}");
}

#[test]
fn what_docker_saved_moves_in_and_is_pulled_with_the_same_id() {
    let (person, engine) = (Person::logged_in(), Engine::start());
    let (home, host) = (engine.home(), person.server.address());
    log_in(&person.server, home, "docker login --username {user} --password-stdin {host}", PASSWORD).succeeded();
    home.write("context/file.txt", "hello from docker");
    home.write("context/Dockerfile", "FROM scratch\nCOPY file.txt /file.txt\nCMD [\"/none\"]\n");
    home.run("docker build --quiet --tag team/app:v1 context").succeeded();
    home.run("docker tag team/app:v1 team/app:v2").succeeded();
    let id = home.run("docker image inspect --format {{.Id}} team/app:v1").succeeded().text().to_owned();
    home.run("docker save --output saved.tar team/app:v1 team/app:v2").succeeded();

    let said = person.types(&["import", &print(&home.path("saved.tar"))]);
    let second = person.types(&["import", &print(&home.path("saved.tar"))]);

    assert!(said.contains("2 of 2 tags"), "{said}");
    assert!(second.contains("Nothing was sent"), "{second}");
    home.run("docker rmi team/app:v1 team/app:v2").succeeded();
    home.run(&format!("docker pull {host}/team/app:v2")).succeeded();
    let pulled = home.run(&format!("docker image inspect --format {{{{.Id}}}} {host}/team/app:v2")).succeeded();
    assert_eq!(pulled.text(), id);
}

#[test]
fn what_podman_saved_moves_in_in_either_format() {
    let (person, home) = (Person::logged_in(), Home::new());
    home.write("context/hello.txt", "hello from podman");
    home.write("context/Containerfile", "FROM scratch\nCOPY hello.txt /hello.txt\n");
    home.run("podman build --quiet --tag localhost/team/app:v1 context").succeeded();
    let id = home.run("podman image inspect --format {{.Id}} localhost/team/app:v1").succeeded();
    for format in ["docker-archive", "oci-archive"] {
        let save = format!("podman save --quiet --format {format} --output {format}.tar localhost/team/app:v1");
        home.run(&save).succeeded();
    }

    person.types(&["import", &print(&home.path("docker-archive.tar"))]);
    person.types(&["import", &print(&home.path("oci-archive.tar")), "from/oci"]);

    for name in ["team/app", "from/oci"] {
        let config = &held(&person.server, name, "v1").2["config"]["digest"];
        assert_eq!(config, &json!(format!("sha256:{}", id.text())), "{name}");
    }
}

#[test]
fn what_is_damaged_is_named_and_left_out_and_the_exit_code_says_so() {
    let (person, home) = (Person::logged_in(), Home::new());
    let layout = Layout::index(702, Format::Oci, &[Packing::Gzip]);
    let written = print(&home.path("written"));
    home.run(&format!("skopeo copy --all --preserve-digests oci:{}:v1 oci:{written}:v1", layout.path())).succeeded();
    let lists = layout.read(&layout.digest());
    let [whole, damaged] = [0_usize, 1].map(|at| lists["manifests"][at]["digest"].as_str().unwrap().to_owned());
    let layer = layout.read(&damaged)["layers"][0]["digest"].as_str().unwrap().to_owned();
    let file = home.path("written/blobs").join(layer.replace(':', "/"));
    let mut bytes = fs::read(&file).unwrap();
    bytes[1000] ^= 1;
    fs::write(&file, bytes).unwrap();

    let (code, said, errors) = person.tries(&["import", &written, "team/app"]);

    assert_eq!(code, 1, "{said}{errors}");
    for part in ["tag v1: ", &format!("blob {layer}: its bytes are those of"), &format!("manifest {damaged}: ")] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert_eq!(held(&person.server, "team/app", &whole).0, whole);
    assert_eq!(tags(&person.server, "team/app"), [""; 0]);
    let client = person.server.client();
    assert_eq!(client.get(&format!("/v2/team/app/manifests/{damaged}")).status, 404);
}

#[test]
fn whatever_leads_out_of_the_source_stays_where_it_is() {
    let (person, home) = (Person::logged_in(), Home::new());
    let layout = Layout::image(703, Format::Oci, &[Packing::Gzip]);
    let written = print(&home.path("written"));
    home.run(&format!("skopeo copy --preserve-digests oci:{}:v1 oci:{written}:v1", layout.path())).succeeded();
    let layer = layout.read(&layout.digest())["layers"][0]["digest"].as_str().unwrap().to_owned();
    let file = home.path("written/blobs").join(layer.replace(':', "/"));
    fs::rename(&file, home.path("outside")).unwrap();
    std::os::unix::fs::symlink(home.path("outside"), &file).unwrap();

    let (code, said, _) = person.tries(&["import", &written, "team/app"]);

    assert_eq!(code, 1);
    assert!(said.contains("is a link that leads out of the folder"), "{said}");
    let client = person.server.client();
    assert_eq!(client.get(&format!("/v2/team/app/blobs/{layer}")).status, 404);
}

/// Writes a layout of so many small images, each under a tag.
fn write_layout(folder: &Path, images: &[Image]) {
    fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let mut named = Vec::new();
    for (number, image) in images.iter().enumerate() {
        for bytes in image.layers.iter().chain([&image.config, &image.manifest]) {
            fs::write(folder.join("blobs").join(gantry_e2e::digest(bytes).replace(':', "/")), bytes).unwrap();
        }
        named.push(json!({
            "mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": format!("v{number}")},
        }));
    }
    fs::write(folder.join("index.json"), json!({"schemaVersion": 2, "manifests": named}).to_string()).unwrap();
}

#[test]
fn an_import_that_is_killed_again_and_again_goes_on_where_it_was() {
    let (person, home) = (Person::logged_in(), Home::new());
    let images: Vec<Image> = (0..150).map(Image::small).collect();
    let folder = home.path("layout");
    write_layout(&folder, &images);

    // An import sends the blobs of 64 images before their manifests: past 140 the first of these are there.
    for blob_count in [140, 180, 220] {
        let mut command = program();
        command.arg("import").arg(&folder).arg("team/app");
        command.env("DOCKER_CONFIG", person.home.path()).env("GANTRY_SERVER", person.server.address());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let is_so_far = || stored_blobs(person.server.data()).len() >= blob_count;
        assert!(until(Duration::from_secs(120), is_so_far), "{}", person.server.log_end());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = import(&person, &print(&folder), "team/app");
    let after = import(&person, &print(&folder), "team/app");

    let of = |said: &Value, what: &str| said["repositories"][0][what].as_u64().unwrap();
    assert!(of(&last, "manifestsSent") <= 150 - 64, "{last}");
    assert_eq!((of(&last, "manifestsProved"), of(&last, "tagsProved")), (150, 150));
    assert_eq!((of(&after, "manifestsSent"), of(&after, "tagsSent"), of(&after, "blobsSent")), (0, 0, 0));
    images[149].check(&person.server.client(), "team/app", "v149").unwrap();
    assert_eq!(person.server.tool(&["fsck"]).0, 0);
}
