use super::{import, write_layout};
use crate::{
    clients::{
        Home, held,
        layout::{Format, Layout, Packing},
        print, tags,
    },
    commands::Person,
};
use gantry_e2e::{Client, Image, tool};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, UNIX_EPOCH},
};

/// A CNCF distribution registry, on a port that the system chooses.
pub(super) struct Distribution {
    child: Child,
    pub(super) address: String,
    /// What is below its root, where that is a folder.
    pub(super) data: PathBuf,
}

/// A user of it and his password, and the line of its file with that (bcrypt, as it wants it).
pub(super) const USER_AND_PASSWORD: &str = "mover:secret-of-distribution";
const PASSWORD_LINE: &str = "mover:$2y$05$abcdefghijklmnopqrstuutL.Bnk7jHzljv4rmrHSsbZiTmBxM.5e\n";

impl Distribution {
    fn start(home: &Home) -> Distribution {
        Distribution::with(home, "")
    }

    /// One that wants to know who asks.
    pub(super) fn with_password(home: &Home) -> Distribution {
        home.write("passwords", PASSWORD_LINE);
        let path = home.path("passwords");
        Distribution::with(home, &format!("auth: {{htpasswd: {{realm: moving, path: {}}}}}\n", path.display()))
    }

    fn with(home: &Home, more: &str) -> Distribution {
        let data = home.path("distribution");
        let driver = format!("filesystem: {{rootdirectory: {}}}", data.display());
        Distribution::storing(home, &driver, data, more)
    }

    /// One that stores with a driver, which is a line of YAML, and whose files are seen in a folder; `more` are settings beside these.
    pub(super) fn storing(home: &Home, driver: &str, data: PathBuf, more: &str) -> Distribution {
        let settings = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage:\n  {driver}\n  \
             delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:0'}}\n{more}"
        );
        home.write("distribution.yml", settings);
        let mut command = Command::new(tool("distribution"));
        home.settle(&mut command);
        // It takes every variable of such a name for a setting of its own.
        command.env_remove("REGISTRY_AUTH_FILE").env("OTEL_TRACES_EXPORTER", "none");
        command.arg("serve").arg(home.path("distribution.yml"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().expect("it was asked for")).lines().map_while(Result::ok);
        let address = log.find_map(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            Some(rest.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect())
        });
        // What it says later is read too, or it would wait for a reader some day.
        thread::spawn(move || log.for_each(drop));
        Distribution { address: address.expect("it says where it listens"), child, data }
    }

    /// Has skopeo push an image.
    pub(super) fn push(&self, home: &Home, image: &Image, to: &str) {
        let folder = home.path(&image.digest().replace(':', "-"));
        write_layout(&folder, std::slice::from_ref(image));
        let copy = "skopeo copy --preserve-digests --dest-tls-verify=false";
        home.run(&format!("{copy} oci:{}:v0 docker://{}/{to}", print(&folder), self.address)).succeeded();
    }

    pub(super) fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.replace("sha256:", "");
        self.data.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }

    pub(super) fn repository(&self, name: &str) -> PathBuf {
        self.data.join("docker/registry/v2/repositories").join(name).join("_manifests")
    }
}

/// Somebody else, who pushes.
fn pusher(person: &Person) -> Client {
    person.types(&["user", "create", "ann"]);
    person.types(&["access", "grant", "user/ann", "push", "--prefix", "team/"]);
    let made = person.server.client().send("POST", "/api/v1/users/ann/access-keys", &[], b"{}").json();
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    Client::new(person.server.address(), id, secret)
}

/// Sets when a file was written, in seconds of the epoch.
fn set_written(path: &Path, seconds: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

impl Drop for Distribution {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_data_folder_of_distribution_moves_in_under_its_names_and_what_is_damaged_is_named() {
    let (person, home) = (Person::logged_in(), Home::new());
    let distribution = Distribution::start(&home);
    let layout = Layout::index(710, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    let push = "skopeo copy --all --preserve-digests --dest-tls-verify=false";
    let at = &distribution.address;
    home.run(&format!("{push} oci:{}:v1 docker://{at}/team/app:v1", layout.path())).succeeded();
    let [whole, moved, gone] = [711, 712, 713].map(Image::small);
    distribution.push(&home, &moved, "team/app:latest");
    distribution.push(&home, &whole, "team/app:latest");
    distribution.push(&home, &whole, "team/app/nested:v1");

    let folder = print(&distribution.data);
    let said = import(&person, &folder, "old");
    let second = person.types(&["import", &folder, "old"]);
    distribution.push(&home, &gone, "team/app:gone");
    fs::remove_file(distribution.blob(&gantry_e2e::digest(&gone.layers[0]))).unwrap();
    let dangling = distribution.repository("team/app").join("tags/dangling/current");
    fs::create_dir_all(&dangling).unwrap();
    fs::write(dangling.join("link"), format!("sha256:{}", "0".repeat(64))).unwrap();
    let (code, damaged, errors) = person.tries(&["import", &folder, "old"]);

    assert_eq!(said["repositories"][0]["manifestsProved"], 5, "{said}");
    assert!(second.contains("Nothing was sent"), "{second}");
    assert_eq!(code, 1, "{damaged}{errors}");
    let layer = gantry_e2e::digest(&gone.layers[0]);
    for part in [
        "tag gone: ",
        "tag dangling: its link dangles",
        &format!("manifest {}: its blob {layer} is not there", gone.digest()),
    ] {
        assert!(damaged.contains(part), "{part} is not in:\n{damaged}");
    }
    let server = &person.server;
    assert_eq!(held(server, "old/team/app", "v1").0, layout.digest());
    assert_eq!(tags(server, "old/team/app"), ["latest", "v1"]);
    whole.check(&server.client(), "old/team/app", "latest").unwrap();
    whole.check(&server.client(), "old/team/app/nested", "v1").unwrap();
    // What has no tag any more travels too.
    moved.check(&server.client(), "old/team/app", &moved.digest()).unwrap();
}

/// Writes a manifest of schema 1 into a repository, as distribution kept it of a push while it still took one; returns its digest.
fn keep_schema_1(distribution: &Distribution, repository: &str, tag: &str, layer: &[u8]) -> String {
    let layer = gantry_e2e::digest(layer);
    let history = json!({"id": "0".repeat(64), "created": "2015-01-02T03:04:05Z", "os": "linux"}).to_string();
    let manifest = json!({
        "schemaVersion": 1, "name": repository, "tag": tag, "architecture": "amd64",
        "fsLayers": [{"blobSum": layer}], "history": [{"v1Compatibility": history}],
    });
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap();
    let (digest, place) = (gantry_e2e::digest(&manifest), distribution.repository(repository));
    let hex = digest.replace("sha256:", "");
    let link = |folder: PathBuf| {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("link"), &digest).unwrap();
    };
    fs::create_dir_all(distribution.blob(&digest).parent().unwrap()).unwrap();
    fs::write(distribution.blob(&digest), &manifest).unwrap();
    link(place.join("revisions/sha256").join(&hex));
    link(place.join("tags").join(tag).join("current"));
    link(place.join("tags").join(tag).join("index/sha256").join(&hex));
    digest
}

#[test]
fn a_manifest_of_schema_1_among_what_was_pushed_is_named_and_left_out() {
    let (person, home) = (Person::logged_in(), Home::new());
    let distribution = Distribution::start(&home);
    let image = Image::small(717);
    distribution.push(&home, &image, "team/app:v1");
    // Today it refuses such a push, but what it once took is still there.
    let old = keep_schema_1(&distribution, "team/app", "old", &image.layers[0]);

    let (code, said, errors) = person.tries(&["import", &print(&distribution.data)]);

    assert_eq!(code, 1, "{said}{errors}");
    for part in ["tag old: ", &format!("manifest {old}: this is a Docker schema 1 manifest")] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    image.check(&person.server.client(), "team/app", "v1").unwrap();
    assert_eq!(tags(&person.server, "team/app"), ["v1"]);
    assert_eq!(person.server.client().get(&format!("/v2/team/app/manifests/{old}")).status, 404);
}

#[test]
fn times_and_earlier_places_of_tags_travel_over_the_api_once_and_what_was_pushed_here_stays() {
    let (person, home) = (Person::logged_in(), Home::new());
    let distribution = Distribution::start(&home);
    let [first, second, own] = [714, 715, 716].map(Image::small);
    distribution.push(&home, &first, "team/app:latest");
    distribution.push(&home, &second, "team/app:latest");
    distribution.push(&home, &own, "team/app:own");
    let manifests = distribution.repository("team/app");
    let hex = |image: &Image| image.digest().replace("sha256:", "");
    let revision = |image: &Image| manifests.join("revisions/sha256").join(hex(image)).join("link");
    let latest = manifests.join("tags/latest");
    set_written(&revision(&first), 1_500_000_000);
    set_written(&latest.join("index/sha256").join(hex(&first)).join("link"), 1_500_000_001);
    set_written(&revision(&second), 1_600_000_000);
    set_written(&latest.join("current/link"), 1_600_000_001);
    set_written(&revision(&own), 1_400_000_000);
    person.types(&["repo", "create", "team/app"]);
    own.push(&pusher(&person), "team/app", "own").unwrap();

    let folder = print(&distribution.data);
    let import = || serde_json::from_str::<Value>(&person.types(&["import", &folder, "--output", "json"])).unwrap();
    let (said, again) = (import(), import());

    let past = &said["repositories"][0]["past"];
    assert_eq!(
        (&past["imagesDated"], &past["tagsDated"], &past["movesAdded"]),
        (&json!(2), &json!(1), &json!(1)),
        "{said}"
    );
    let past = &again["repositories"][0]["past"];
    assert_eq!(
        (&past["imagesDated"], &past["tagsDated"], &past["movesAdded"]),
        (&json!(0), &json!(0), &json!(0)),
        "{again}"
    );
    let client = person.server.client();
    let image =
        |image: &Image| client.get(&format!("/api/v1/repositories/team%2Fapp/images/{}", image.digest())).json();
    assert_eq!(image(&first)["pushedAt"], "2017-07-14T02:40:00.000Z");
    assert_eq!(
        (&image(&second)["pushedAtPrecision"], &image(&second)["pushedBy"]),
        (&json!("estimated"), &json!("imported:distribution"))
    );
    assert_eq!(image(&own)["pushedAtPrecision"], "exact");
    let history = client.get("/api/v1/repositories/team%2Fapp/tags/latest/history").json();
    let moves: Vec<[&Value; 3]> = history["moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moved| ["at", "from", "to"].map(|what| &moved[what]))
        .collect();
    let expected = [
        [json!("2020-09-13T12:26:41.000Z"), json!(first.digest()), json!(second.digest())],
        [json!("2017-07-14T02:40:01.000Z"), Value::Null, json!(first.digest())],
    ];
    assert_eq!(moves, expected.each_ref().map(|line| line.each_ref()));
    person.types(&["tag", "rollback", "team/app:latest"]);
    assert_eq!(held(&person.server, "team/app", "latest").0, first.digest());
}
