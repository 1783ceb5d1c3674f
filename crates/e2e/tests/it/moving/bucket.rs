//! Moving in from a bucket, at a gateway that gives a folder S3's API: what is in the folder is in the bucket.

use super::{data_folder::Distribution, write_layout};
use crate::{
    clients::{
        Home, held,
        layout::{Format, Layout, Packing},
        print, tags,
    },
    commands::Person,
};
use gantry_e2e::{Image, Server, free_port, is_on_postgresql, run_with, tool, until};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const KEY: &str = "AKIDBUCKET";
const SECRET: &str = "the-secret-of-the-bucket";
const REGION: &str = "eu-west-1";
const BUCKET: &str = "registry";
/// With a blank: what is signed and what is asked must be written alike.
const PREFIX: &str = "some place";
/// More than a page of a list holds.
const LAYER_LINKS: usize = 1_100;

/// A gateway, which a client asks by S3's API and with signatures.
struct Store {
    child: Child,
    address: String,
    data: PathBuf,
}

impl Store {
    fn start(home: &Home) -> Store {
        let (data, facts) = (home.path("store"), home.path("facts"));
        fs::create_dir_all(data.join(BUCKET)).unwrap();
        fs::create_dir_all(&facts).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(tool("versitygw"));
        home.settle(&mut command);
        command.env("ROOT_ACCESS_KEY", KEY).env("ROOT_SECRET_KEY", SECRET);
        command.args(["--port", &address, "--region", REGION, "--quiet", "posix", "--sidecar"]).arg(facts).arg(&data);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let store = Store { child, address, data };
        assert!(until(Duration::from_secs(20), || TcpStream::connect(&store.address).is_ok()), "the gateway listens");
        store
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A registry that keeps all it has below a prefix of the bucket.
    fn distribution(&self, home: &Home) -> Distribution {
        let endpoint = self.endpoint();
        let driver = format!(
            "s3: {{accesskey: {KEY}, secretkey: {SECRET}, region: {REGION}, regionendpoint: '{endpoint}', forcepathstyle: true, \
             secure: false, bucket: {BUCKET}, rootdirectory: '/{PREFIX}'}}"
        );
        Distribution::storing(home, &driver, self.data.join(BUCKET).join(PREFIX), "")
    }

    /// Types a command with what AWS's programs would find in the environment.
    fn tries(&self, person: &Person, secret: &str, arguments: &[&str]) -> (i32, String, String) {
        let home: &Path = person.home.path();
        let (home, endpoint) = (home.to_str().unwrap(), self.endpoint());
        let variables = [
            ("HOME", home),
            ("DOCKER_CONFIG", home),
            ("GANTRY_SERVER", person.server.address()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ];
        run_with(arguments, &variables)
    }

    /// Imports, which must leave nothing out; returns what is said of it.
    fn imports(&self, person: &Person, source: &str, repository: &str) -> Value {
        let (code, said, errors) = self.tries(person, SECRET, &["import", source, repository, "--output", "json"]);
        assert_eq!(code, 0, "{said}{errors}");
        serde_json::from_str(&said).unwrap()
    }

    /// The same into the data folder of a server that is stopped.
    fn imports_into_folder(&self, server: &Server, source: &str) -> Value {
        let mut command = server.command(&["import", source, "--output", "json"]);
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.env("AWS_REGION", REGION).env("AWS_ENDPOINT_URL_S3", self.endpoint());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Writes what zot keeps below `zot` of the bucket: an image in two repositories, with a layer that is empty in the second.
    fn write_zot(&self, image: &Image) {
        // The names are those of its driver for S3, which cannot be had without the rest of it.
        let zot = self.data.join(BUCKET).join("zot");
        let [first, second] = ["team/app", "team/copy"].map(|name| zot.join(name));
        write_layout(&first, std::slice::from_ref(image));
        write_layout(&second, std::slice::from_ref(image));
        fs::write(second.join("blobs").join(gantry_e2e::digest(&image.layers[0]).replace(':', "/")), b"").unwrap();
        write(&zot.join("_trivy/db/trivy.db"), b"bolt");
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_registry_in_a_bucket_moves_in_under_its_names_and_what_is_damaged_is_named() {
    let (person, home) = (Person::logged_in(), Home::new());
    let store = Store::start(&home);
    let distribution = store.distribution(&home);
    let layout = Layout::index(730, Format::Oci, &[Packing::Gzip, Packing::Zstd]);
    let push = "skopeo copy --all --preserve-digests --dest-tls-verify=false";
    let at = &distribution.address;
    home.run(&format!("{push} oci:{}:v1 docker://{at}/team/app:v1", layout.path())).succeeded();
    let [whole, moved, gone] = [731, 732, 733].map(Image::small);
    distribution.push(&home, &moved, "team/app:latest");
    distribution.push(&home, &whole, "team/app:latest");
    distribution.push(&home, &whole, "team/app/nested:v1");
    let layers = distribution.data.join("docker/registry/v2/repositories/team/app/_layers/sha256");
    for number in 0..LAYER_LINKS {
        write(&layers.join(format!("{number:064}/link")), b"");
    }

    let source = format!("s3://{BUCKET}/{PREFIX}");
    let (planned_code, planned, _) = store.tries(&person, SECRET, &["import", &source, "old", "--dry-run"]);
    let said = store.imports(&person, &source, "old");
    let (_, second, _) = store.tries(&person, SECRET, &["import", &source, "old"]);
    distribution.push(&home, &gone, "team/app:gone");
    fs::remove_file(distribution.blob(&gantry_e2e::digest(&gone.layers[0]))).unwrap();
    let dangling = distribution.repository("team/app").join("tags/dangling/current/link");
    write(&dangling, format!("sha256:{}", "0".repeat(64)).as_bytes());
    let (code, damaged, errors) = store.tries(&person, SECRET, &["import", &source, "old"]);

    assert_eq!(planned_code, 0, "{planned}");
    assert_eq!(said["source"], "distribution folder");
    assert_eq!(said["repositories"][0]["manifestsProved"], 5, "{said}");
    assert!(second.contains("Nothing was sent: the server had it all."), "{second}");
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
    let told = server.client().get(&format!("/api/v1/repositories/old%2Fteam%2Fapp/images/{}", whole.digest())).json();
    let told = [&told["pushedAtPrecision"], &told["pushedBy"]];
    assert_eq!(told, [&json!("estimated"), &json!("imported:distribution")]);
}

#[test]
fn what_zot_keeps_in_a_bucket_moves_in_with_blobs_that_are_empty_where_another_repository_has_them() {
    let (person, home) = (Person::logged_in(), Home::new());
    let store = Store::start(&home);
    let image = Image::small(734);
    store.write_zot(&image);

    let said = store.imports(&person, &format!("s3://{BUCKET}/zot/"), "from");

    assert_eq!(said["source"], "zot folder", "{said}");
    for name in ["from/team/app", "from/team/copy"] {
        image.check(&person.server.client(), name, "v0").unwrap();
    }
}

#[test]
fn a_bucket_moves_into_a_data_folder_with_its_times_and_nothing_is_linked() {
    if is_on_postgresql() {
        return;
    }
    let (mut server, home) = (Server::start(), Home::new());
    server.stop();
    let store = Store::start(&home);
    let image = Image::small(735);
    store.write_zot(&image);

    let said = store.imports_into_folder(&server, &format!("s3://{BUCKET}/zot"));
    let again = store.imports_into_folder(&server, &format!("s3://{BUCKET}/zot"));
    let (fsck, checked, _) = server.tool(&["fsck"]);
    server.restart();

    let counts = |said: &Value| {
        ["manifestsProved", "blobsSent", "blobsLinked"].map(|what| said["repositories"][0][what].as_u64().unwrap())
    };
    assert_eq!((counts(&said), counts(&again)), ([1, 2, 0], [1, 0, 0]), "{said}");
    assert_eq!(fsck, 0, "{checked}");
    for name in ["team/app", "team/copy"] {
        image.check(&server.client(), name, "v0").unwrap();
    }
    let told = server.client().get(&format!("/api/v1/repositories/team%2Fapp/images/{}", image.digest())).json();
    assert_eq!(told["pushedAtPrecision"], "estimated", "{told}");
}

#[test]
fn a_bucket_that_cannot_be_read_says_why_and_what_to_do_and_shows_no_secret() {
    let (person, home) = (Person::logged_in(), Home::new());
    let store = Store::start(&home);
    let (empty, folder) = (format!("s3://{BUCKET}/empty"), print(&home.path("docker")));
    let other = format!("{SECRET}-no-more");
    const USAGE: i32 = 2;
    const FAILED: i32 = 3;

    for (secret, words, code, hint) in [
        (SECRET, &["import", &empty][..], FAILED, "nothing lies below s3://registry/empty/"),
        (SECRET, &["import", "s3://nobodys"], FAILED, "NoSuchBucket"),
        (other.as_str(), &["import", &empty], FAILED, "SignatureDoesNotMatch"),
        ("", &["import", &empty], FAILED, "AWS_SECRET_ACCESS_KEY"),
        (SECRET, &["import", &empty, "--source-endpoint", "http://127.0.0.1:1"], FAILED, "cannot be reached"),
        (SECRET, &["import", &empty, "--source-endpoint", "127.0.0.1"], USAGE, "http://127.0.0.1:9000"),
        (SECRET, &["import", "s3://a/../b"], USAGE, "s3://BUCKET/PREFIX"),
        (SECRET, &["import", &folder, "--source-endpoint", "http://127.0.0.1:1"], USAGE, "leave out --source-endpoint"),
        (SECRET, &["import", &empty, "--source-credentials-file", "pair"], USAGE, "is for a registry"),
        (SECRET, &["import", &folder, "--source-kind", "harbor"], USAGE, "is for a registry"),
        (SECRET, &["import", &folder, "--source-ca-file", "ca.pem"], USAGE, "or a bucket"),
        (
            SECRET,
            &["import", "docker://h", "--source-endpoint", "http://127.0.0.1:1"],
            USAGE,
            "leave out --source-endpoint",
        ),
    ] {
        let (found, said, errors) = store.tries(&person, secret, words);

        assert_eq!(found, code, "{words:?}: {said}{errors}");
        assert!(errors.contains(hint), "{words:?} does not say {hint:?}: {errors}");
        assert!(!errors.contains(SECRET), "{errors}");
    }
}
