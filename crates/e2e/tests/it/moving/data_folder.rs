use super::{import, write_layout};
use crate::{
    clients::{
        Home, held,
        layout::{Format, Layout, Packing},
        print, tags,
    },
    commands::Person,
};
use gantry_e2e::{Image, tool};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

/// A CNCF distribution registry, on a port that the system chooses.
struct Distribution {
    child: Child,
    address: String,
    data: PathBuf,
}

impl Distribution {
    fn start(home: &Home) -> Distribution {
        let data = home.path("distribution");
        let settings = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
             delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
            data.display()
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
    fn push(&self, home: &Home, image: &Image, to: &str) {
        let folder = home.path(&image.digest().replace(':', "-"));
        write_layout(&folder, std::slice::from_ref(image));
        let copy = "skopeo copy --preserve-digests --dest-tls-verify=false";
        home.run(&format!("{copy} oci:{}:v0 docker://{}/{to}", print(&folder), self.address)).succeeded();
    }

    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.replace("sha256:", "");
        self.data.join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.data.join("docker/registry/v2/repositories").join(name).join("_manifests")
    }
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
