//! Moving in from a data folder that pushes to zot have filled.

use super::{into_data_folder::stopped, write_layout};
use crate::clients::{Home, print, tags};
use gantry_e2e::{Image, digest, is_on_postgresql, tool};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

/// A zot that keeps what several repositories have once, on a port that the system chooses. Killed when dropped.
struct Zot {
    child: Child,
    address: String,
    data: PathBuf,
}

impl Zot {
    fn start(home: &Home) -> Zot {
        let data = home.path("zot");
        let settings = json!({
            "distSpecVersion": "1.0.1", "storage": {"rootDirectory": data, "dedupe": true, "gc": false},
            "http": {"address": "127.0.0.1", "port": "0"}, "log": {"level": "info"},
        });
        home.write("zot.json", settings.to_string());
        let mut command = Command::new(tool("zot"));
        home.settle(&mut command);
        command.arg("serve").arg(home.path("zot.json"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().expect("it was asked for")).lines().map_while(Result::ok);
        let port = log.find_map(|line| serde_json::from_str::<Value>(&line).ok()?["port"].as_u64());
        // What it says later is read too, or it would wait for a reader some day.
        thread::spawn(move || log.for_each(drop));
        Zot { child, address: format!("127.0.0.1:{}", port.expect("it says where it listens")), data }
    }

    /// Has skopeo push an image.
    fn push(&self, home: &Home, image: &Image, to: &str) {
        let folder = home.path(&image.digest().replace(':', "-"));
        write_layout(&folder, std::slice::from_ref(image));
        let copy = "skopeo copy --preserve-digests --dest-tls-verify=false";
        home.run(&format!("{copy} oci:{}:v0 docker://{}/{to}", print(&folder), self.address)).succeeded();
    }

    fn blob(&self, repository: &str, bytes: &[u8]) -> PathBuf {
        self.data.join(repository).join("blobs").join(digest(bytes).replace(':', "/"))
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Zot {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn what_was_pushed_to_zot_is_linked_and_what_is_damaged_in_its_folder_is_named_and_left_out() {
    if is_on_postgresql() {
        return;
    }
    let (mut server, home) = (stopped(), Home::new());
    let mut zot = Zot::start(&home);
    let [shared, own, rotten, gone] = [740, 741, 742, 743].map(Image::small);
    for (image, to) in [
        (&shared, "team/app:v1"),
        (&shared, "team/app/nested:v1"),
        (&own, "team/app:v2"),
        (&rotten, "team/app:rotten"),
        (&gone, "team/app:gone"),
    ] {
        zot.push(&home, image, to);
    }
    zot.stop();
    let layer = zot.blob("team/app", &shared.layers[0]);
    let links_of_zot = fs::metadata(&layer).unwrap().nlink();
    fs::write(zot.blob("team/app", &rotten.layers[0]), "LAYER of image 742").unwrap();
    fs::remove_file(zot.blob("team/app", &gone.layers[0])).unwrap();

    let (code, said, errors) = server.tool(&["import", &print(&zot.data)]);
    let (_, again, _) = server.tool(&["import", &print(&zot.data)]);
    let (fsck, checked, _) = server.tool(&["fsck"]);
    let links = fs::metadata(&layer).unwrap().nlink();
    server.restart();

    assert_eq!(code, 1, "{said}{errors}");
    for part in [
        "tag rotten: ",
        "tag gone: ",
        &format!("blob {}: its bytes are those of", digest(&rotten.layers[0])),
        &format!("manifest {}: its blob", rotten.digest()),
        &format!("manifest {}: its blob {} is not there", gone.digest(), digest(&gone.layers[0])),
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(again.contains("Nothing was taken in: the data folder had it all."), "{again}");
    assert_eq!((links_of_zot, links), (2, 3), "it is one file to zot's two repositories, and to us");
    assert_eq!(fsck, 0, "{checked}");
    let client = server.client();
    for (image, name, tag) in
        [(&shared, "team/app", "v1"), (&shared, "team/app/nested", "v1"), (&own, "team/app", "v2")]
    {
        image.check(&client, name, tag).unwrap();
    }
    assert_eq!(tags(&server, "team/app"), ["v1", "v2"]);
}
