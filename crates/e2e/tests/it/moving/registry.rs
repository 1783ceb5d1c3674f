//! Moving in from another registry over its API.

use super::data_folder::{Distribution, USER_AND_PASSWORD};
use crate::{
    clients::{
        Home, held,
        layout::{Format, Layout, Packing},
        print, referrers, tags,
    },
    commands::Person,
};
use gantry_e2e::{Client, Image, PASSWORD, Random, Server, USER, digest, is_on_postgresql};
use serde_json::{Value, json};
use std::{
    io::{self, Read},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

const ARTIFACT_TYPE: &str = "application/vnd.example.sbom";

/// A file with the credentials of a Gantry; returns its path.
fn credentials(home: &Home) -> String {
    home.write("credentials", format!("{USER}:{PASSWORD}\n"));
    print(&home.path("credentials"))
}

/// Pushes something that refers to an image; returns its digest.
fn refer(client: &Client, name: &str, to: &Image) -> String {
    assert_eq!(client.push_blob(name, b"{}").unwrap().status, 201);
    let empty = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2});
    let subject = json!({"mediaType": Image::MEDIA_TYPE, "digest": to.digest(), "size": to.manifest.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "artifactType": ARTIFACT_TYPE,
        "config": empty, "layers": [empty], "subject": subject,
    });
    let body = manifest.to_string().into_bytes();
    let path = format!("/v2/{name}/manifests/{}", digest(&body));
    let pushed = client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &body);
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    digest(&body)
}

#[test]
fn a_registry_of_distribution_moves_in_with_what_refers_to_its_images_and_a_second_import_brings_nothing() {
    let (person, home) = (Person::logged_in(), Home::new());
    let distribution = Distribution::with_password(&home);
    let (at, layout) = (&distribution.address, Layout::index(730, Format::Oci, &[Packing::Gzip, Packing::Zstd]));
    let push = format!("skopeo copy --all --preserve-digests --dest-tls-verify=false --dest-creds {USER_AND_PASSWORD}");
    for to in ["team/app:v1", "team/app:latest", "team/tool:v1"] {
        home.run(&format!("{push} oci:{}:v1 docker://{at}/{to}", layout.path())).succeeded();
    }
    home.write("sbom.json", "{}");
    let (user, password) = USER_AND_PASSWORD.split_once(':').unwrap();
    let attach =
        format!("oras attach --plain-http --username {user} --password {password} --artifact-type {ARTIFACT_TYPE}");
    home.run(&format!("{attach} {at}/team/app:v1 sbom.json:application/json")).succeeded();
    home.write("credentials", USER_AND_PASSWORD);
    home.write("wrong", format!("{user}:wrong"));
    let import = |credentials: &str, more: &[&str]| {
        let credentials = print(&home.path(credentials));
        let from = format!("docker+http://{at}");
        let all = ["import", from.as_str(), "old", "--source-credentials-file", credentials.as_str()];
        person.tries(&[&all[..], more].concat())
    };

    let (wrong_code, _, wrong) = import("wrong", &[]);
    let (planned_code, planned, _) = import("credentials", &["--dry-run"]);
    let before = person.server.client().get("/v2/old/team/app/tags/list").status;
    let (code, said, errors) = import("credentials", &["--output", "json"]);
    let (_, again, _) = import("credentials", &[]);

    assert!(wrong_code == 3 && wrong.contains("--source-credentials-file"), "{wrong}");
    assert!(planned_code == 0 && planned.contains("Nothing was sent yet"), "{planned}");
    assert_eq!(before, 404);
    assert_eq!(code, 0, "{said}{errors}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["source"], said["repositories"].as_array().map(Vec::len)),
        (&json!("registry"), Some(2)),
        "{said}"
    );
    assert!(again.contains("Nothing was sent: the server had it all."), "{again}");
    assert!(again.contains("What has no tag there"), "{again}");
    for (name, tag) in [("old/team/app", "v1"), ("old/team/app", "latest"), ("old/team/tool", "v1")] {
        assert_eq!(held(&person.server, name, tag).0, layout.digest(), "{name}:{tag}");
    }
    let attached = referrers(&person.server, "old/team/app", &layout.digest());
    assert_eq!((attached.len(), &attached[0]["artifactType"]), (1, &json!(ARTIFACT_TYPE)));
}

#[test]
fn another_gantry_moves_in_with_images_without_a_tag_and_one_image_with_what_refers_to_it() {
    let (person, home, other) = (Person::logged_in(), Home::new(), Server::start());
    let (client, credentials) = (other.client(), credentials(&home));
    let [tagged, untagged, elsewhere] = [731, 732, 733].map(Image::small);
    tagged.push(&client, "team/app", "v1").unwrap();
    untagged.push(&client, "team/app", &untagged.digest()).unwrap();
    elsewhere.push(&client, "other/app", "v1").unwrap();
    let referrer = refer(&client, "team/app", &tagged);
    let import = |from: &str, to: &[&str]| -> Value {
        let from = format!("docker+http://{}/{from}", other.address());
        let all = ["import", from.as_str(), "--source-credentials-file", credentials.as_str(), "--output", "json"];
        serde_json::from_str(&person.types(&[&all[..], to].concat())).unwrap()
    };

    let said = import("team/", &[]);
    let one = import("team/app:v1", &["one/app"]);

    assert_eq!((&said["source"], &said["remarks"]), (&json!("Gantry"), &json!([])), "{said}");
    assert_eq!(said["repositories"].as_array().unwrap().len(), 1, "{said}");
    let counts =
        |said: &Value| ["manifestsProved", "tagsProved"].map(|what| said["repositories"][0][what].as_u64().unwrap());
    assert_eq!((counts(&said), counts(&one)), ([3, 1], [2, 1]), "{said}{one}");
    let server = person.server.client();
    untagged.check(&server, "team/app", &untagged.digest()).unwrap();
    for name in ["team/app", "one/app"] {
        tagged.check(&server, name, "v1").unwrap();
        assert_eq!(referrers(&person.server, name, &tagged.digest())[0]["digest"], json!(referrer));
    }
    assert_eq!(server.get(&format!("/v2/one/app/manifests/{}", untagged.digest())).status, 404);
    assert_eq!(tags(&person.server, "one/app"), ["v1"]);
}

#[test]
fn a_registry_moves_into_the_data_folder_of_a_server_that_is_stopped() {
    if is_on_postgresql() {
        return;
    }
    let (home, other, mut server) = (Home::new(), Server::start(), Server::start());
    server.stop();
    let (client, credentials) = (other.client(), credentials(&home));
    let image = Image::new(734, vec![Random::new(734).bytes(1 << 20), b"small".to_vec()]);
    image.push(&client, "team/app", "v1").unwrap();
    let from = format!("docker+http://{}", other.address());
    let import = ["import", from.as_str(), "--source-credentials-file", credentials.as_str()];

    let (planned_code, planned, _) = server.tool(&[&import[..], &["--dry-run"]].concat());
    let (code, said, errors) = server.tool(&import);
    let (_, again, _) = server.tool(&import);
    let (fsck, checked, _) = server.tool(&["fsck"]);
    server.restart();

    assert!(planned_code == 0 && planned.contains("Nothing was taken in yet"), "{planned}");
    assert_eq!(code, 0, "{said}{errors}");
    assert!(said.contains("Took in 1 manifests, 1 tags and 3 blobs."), "{said}");
    assert!(again.contains("Nothing was taken in: the data folder had it all."), "{again}");
    assert_eq!(fsck, 0, "{checked}");
    image.check(&server.client(), "team/app", "v1").unwrap();
    let path = format!("/api/v1/repositories/team%2Fapp/images/{}", image.digest());
    let [there, here] = [client.get(&path).json(), server.client().get(&path).json()];
    assert_eq!(here["pushedAt"], there["pushedAt"]);
}

/// A line to a server, of whose answers so many bytes pass over each connection before it is cut.
struct CutLine {
    address: String,
    passed: Arc<AtomicU64>,
}

impl CutLine {
    fn to(server: &Server, bytes: u64) -> CutLine {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, passed) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicU64::new(0)));
        let (to, counted) = (server.address().to_owned(), passed.clone());
        thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let (to, counted) = (to.clone(), counted.clone());
                thread::spawn(move || {
                    let there = TcpStream::connect(to).unwrap();
                    let (mut asked, mut asks) = (here.try_clone().unwrap(), there.try_clone().unwrap());
                    thread::spawn(move || io::copy(&mut asked, &mut asks));
                    // Either side may be gone: that is what a cut is.
                    let count = io::copy(&mut (&there).take(bytes), &mut &here).unwrap_or_default();
                    counted.fetch_add(count, Relaxed);
                    let _ = (here.shutdown(Shutdown::Both), there.shutdown(Shutdown::Both));
                });
            }
        });
        CutLine { address, passed }
    }
}

#[test]
fn a_blob_whose_line_is_cut_again_and_again_is_not_begun_anew() {
    let (person, home, other) = (Person::logged_in(), Home::new(), Server::start());
    let size = 6 << 20;
    let image = Image::new(735, vec![Random::new(735).bytes(size)]);
    image.push(&other.client(), "team/app", "v1").unwrap();
    let line = CutLine::to(&other, 3 << 19);

    let from = format!("docker+http://{}/team/app", line.address);
    person.types(&["import", &from, "--source-credentials-file", &credentials(&home)]);

    image.check(&person.server.client(), "team/app", "v1").unwrap();
    let passed = line.passed.load(Relaxed);
    assert!(passed < 2 * size as u64, "{passed} bytes passed for {size}");
}
