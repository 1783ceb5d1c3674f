//! Moving into a data folder whose server is stopped: nothing is copied, and whoever is interrupted goes on.

use crate::clients::{Home, held, print, tags};
use gantry_e2e::{Image, Random, Server, is_on_postgresql, stored_blobs, until};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

/// Images of the import that is killed, in how many repositories, and how often.
const IMAGES: u64 = 10_000;
const REPOSITORIES: u64 = 10;
const KILLS: u64 = 10;

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    gantry_e2e::digest(bytes).replace("sha256:", "")
}

/// A data folder of CNCF distribution, written by hand.
struct Distribution(PathBuf);

impl Distribution {
    fn blob(&self, bytes: &[u8]) -> PathBuf {
        let hex = hex(bytes);
        self.0.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(&hex).join("data")
    }

    fn link(&self, repository: &str, image: &Image) -> PathBuf {
        let manifests = self.0.join("docker/registry/v2/repositories").join(repository).join("_manifests");
        manifests.join("revisions/sha256").join(hex(&image.manifest)).join("link")
    }

    fn tag_link(&self, repository: &str, tag: &str) -> PathBuf {
        let manifests = self.0.join("docker/registry/v2/repositories").join(repository).join("_manifests");
        manifests.join("tags").join(tag).join("current/link")
    }

    fn add(&self, repository: &str, tag: &str, image: &Image) {
        for bytes in image.layers.iter().chain([&image.config, &image.manifest]) {
            write(&self.blob(bytes), bytes);
        }
        write(&self.link(repository, image), image.digest().as_bytes());
        write(&self.tag_link(repository, tag), image.digest().as_bytes());
    }
}

/// A data folder whose server has run, and does not now.
pub(super) fn stopped() -> Server {
    let mut server = Server::start();
    server.stop();
    server
}

/// Imports into a data folder, which must leave nothing out; returns what is said of it.
fn import(server: &Server, source: &Path) -> Value {
    let (code, said, errors) = server.tool(&["import", &print(source), "--output", "json"]);
    assert_eq!(code, 0, "{said}{errors}");
    serde_json::from_str(&said).unwrap()
}

fn sum(said: &Value, what: &str) -> u64 {
    said["repositories"].as_array().unwrap().iter().map(|done| done[what].as_u64().unwrap()).sum()
}

fn set_written(path: &Path, seconds: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_folder_of_distribution_is_linked_with_its_times_and_what_is_damaged_is_left_out() {
    if is_on_postgresql() {
        return;
    }
    let (mut server, home) = (stopped(), Home::new());
    let distribution = Distribution(home.path("distribution"));
    let [whole, rotten] = [720, 721].map(Image::small);
    distribution.add("team/app", "v1", &whole);
    distribution.add("team/app", "rotten", &rotten);
    fs::write(distribution.blob(&rotten.layers[0]), "LAYER of image 721").unwrap();
    set_written(&distribution.link("team/app", &whole), 1_500_000_000);

    let (planned_code, planned, _) = server.tool(&["import", &print(&distribution.0), "--dry-run"]);
    let blobs_after_dry_run = stored_blobs(server.data()).len();
    let (code, said, errors) = server.tool(&["import", &print(&distribution.0)]);
    let (_, again, _) = server.tool(&["import", &print(&distribution.0)]);
    let (fsck, checked, _) = server.tool(&["fsck"]);
    let linked = fs::metadata(distribution.blob(&whole.layers[0])).unwrap().nlink();
    server.restart();

    assert_eq!((planned_code, blobs_after_dry_run), (1, 0), "{planned}");
    assert_eq!(code, 1, "{said}{errors}");
    for part in [
        "Took in 1 manifests, 1 tags and 3 blobs (3 of them linked, not copied).",
        "Proved: the data folder has 1 of 1 manifests and 1 of 1 tags",
        &format!("blob {}: its bytes are those of", gantry_e2e::digest(&rotten.layers[0])),
        &format!("manifest {}: its blob", rotten.digest()),
        "tag rotten: ",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(again.contains("Nothing was taken in: the data folder had it all."), "{again}");
    assert_eq!(fsck, 0, "{checked}");
    assert_eq!(linked, 2);
    whole.check(&server.client(), "team/app", "v1").unwrap();
    assert_eq!(tags(&server, "team/app"), ["v1"]);
    let image = server.client().get(&format!("/api/v1/repositories/team%2Fapp/images/{}", whole.digest())).json();
    assert_eq!(image["pushedAt"], "2017-07-14T02:40:00.000Z", "{image}");
    assert_eq!(image["pushedAtPrecision"], "estimated");
}

#[test]
fn beside_a_running_server_nothing_is_taken_in() {
    let (server, home) = (Server::start(), Home::new());
    let distribution = Distribution(home.path("distribution"));
    distribution.add("team/app", "v1", &Image::small(723));

    let (code, said, errors) = server.tool(&["import", &print(&distribution.0)]);

    assert_eq!(code, 3, "{said}{errors}");
    assert!(errors.contains("a server runs on this data"), "{errors}");
    assert_eq!(stored_blobs(server.data()).len(), 0);
}

#[test]
fn ten_thousand_images_whose_import_is_killed_ten_times_are_whole_in_the_end() {
    if is_on_postgresql() {
        return;
    }
    let (mut server, home, mut random) = (stopped(), Home::new(), Random::new(gantry_e2e::seed()));
    let distribution = Distribution(home.path("distribution"));
    for number in 0..IMAGES {
        let layer = format!("layer {}", number / 10).into_bytes();
        distribution.add(&app(number), &format!("v{number}"), &Image::new(number, vec![layer]));
    }

    let mut died_before_the_end = 0;
    for kill in 0..KILLS {
        let blob_count = (IMAGES * kill + random.below(IMAGES as usize) as u64) / KILLS;
        died_before_the_end += u64::from(import_until(&server, &distribution.0, blob_count, kill % 2 == 1));
    }
    let last = import(&server, &distribution.0);
    let after = import(&server, &distribution.0);
    let (fsck, checked, _) = server.tool(&["fsck"]);
    server.restart();

    assert!(died_before_the_end >= KILLS / 2, "{died_before_the_end}");
    assert_eq!((sum(&last, "manifestsProved"), sum(&last, "tagsProved")), (IMAGES, IMAGES));
    let sent = ["manifestsSent", "tagsSent", "blobsSent"].map(|what| sum(&after, what));
    assert_eq!(sent, [0, 0, 0]);
    assert!(fsck == 0 && checked.contains(" 0 leftovers"), "{checked}");
    assert_eq!(tags(&server, &app(7)).len() as u64, IMAGES / REPOSITORIES);
    let (last, layer) = (IMAGES - 1, format!("layer {}", (IMAGES - 1) / 10).into_bytes());
    let image = Image::new(last, vec![layer]);
    assert_eq!(held(&server, &app(last), &format!("v{last}")).0, image.digest());
    image.check(&server.client(), &app(last), &image.digest()).unwrap();
}

fn app(number: u64) -> String {
    format!("team/app{}", number % REPOSITORIES)
}

/// Imports until so many blobs are in the store, and where asked until something more was committed, and kills it; says whether it was
/// still at it.
fn import_until(server: &Server, source: &Path, blob_count: u64, until_commit: bool) -> bool {
    let mut command = server.command(&["import", &print(source)]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = server.data().join("metadata.db-wal");
    let log_bytes = || fs::metadata(&log).map_or(0, |facts| facts.len());
    let mut has_ended = || child.try_wait().unwrap().is_some();
    assert!(until(Duration::from_secs(120), || sampled_blobs(server.data()) >= blob_count || has_ended()));
    let before = log_bytes();
    if until_commit {
        assert!(until(Duration::from_secs(120), || log_bytes() != before || has_ended()));
    }
    let died = !has_ended();
    child.kill().unwrap();
    child.wait().unwrap();
    died
}

/// About how many blobs there are, by those in an eighth of the folders: all would take too long to count again and again.
fn sampled_blobs(data: &Path) -> u64 {
    let folders = (0..256_u32).step_by(8).map(|first| data.join(format!("storage/blobs/sha256/{first:02x}")));
    folders.map(|folder| fs::read_dir(folder).map_or(0, |entries| entries.count() as u64)).sum::<u64>() * 8
}
