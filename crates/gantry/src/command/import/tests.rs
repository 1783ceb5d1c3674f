use super::{
    brought::{Repositories, ToBring, assign},
    source::Source,
    *,
};
use crate::moving::{digest_of, memory::MemoryRegistry};
use gantry_oci::{Algorithm, Digest, Tag, media_type};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// Imports what lies at a path, and returns what is said of it.
pub(crate) fn imported(path: &Path, repository: Option<&str>, registry: &MemoryRegistry, is_dry_run: bool) -> Value {
    let (kind, opened) = source::open(path, &|_| {}).unwrap();
    let progress = Progress::bytes("sending", None);
    let how = How { jobs: 3, is_dry_run, policies_dir: None, progress: &progress };
    let wanted = repository.map(|name| name.parse().unwrap());
    let report = send_all(in_files(kind, opened, wanted.as_ref()).unwrap(), registry, &how).unwrap();
    serde_json::to_value(report).unwrap()
}

fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes)
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len()})
}

/// The bytes of an image of one layer, with its blobs.
fn image(layer: &str, subject: Option<&[u8]>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (config, layer) = (json!({"os": layer}).to_string().into_bytes(), layer.as_bytes().to_vec());
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, &config), "layers": [descriptor(media_type::OCI_LAYER, &layer)],
    });
    if let Some(subject) = subject {
        manifest["subject"] = descriptor(media_type::OCI_MANIFEST, subject);
    }
    (manifest.to_string().into_bytes(), vec![config, layer])
}

fn index(children: &[&[u8]]) -> Vec<u8> {
    let children: Vec<Value> = children.iter().map(|child| descriptor(media_type::OCI_MANIFEST, child)).collect();
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children}).to_string().into_bytes()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A layout on disk.
struct Layout {
    home: tempfile::TempDir,
    named: Vec<Value>,
}

impl Layout {
    fn new() -> Layout {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Layout { home, named: vec![] }
    }

    fn place(&self, bytes: &[u8]) -> PathBuf {
        self.home.path().join("blobs/sha256").join(sha256(bytes).hex())
    }

    fn add(&self, blobs: &[Vec<u8>]) {
        blobs.iter().for_each(|bytes| write(&self.place(bytes), bytes));
    }

    fn image(&self, layer: &str, subject: Option<&[u8]>) -> Vec<u8> {
        let (manifest, blobs) = image(layer, subject);
        self.add(&blobs);
        self.add(std::slice::from_ref(&manifest));
        manifest
    }

    fn index(&self, children: &[&[u8]]) -> Vec<u8> {
        let index = index(children);
        self.add(std::slice::from_ref(&index));
        index
    }

    /// Names a manifest in the layout.
    fn name(&mut self, manifest: &[u8], name: Option<&str>) {
        let document: Value = serde_json::from_slice(manifest).unwrap();
        let mut named = descriptor(document["mediaType"].as_str().unwrap(), manifest);
        if let Some(name) = name {
            named["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        }
        self.named.push(named);
        let index = json!({"schemaVersion": 2, "manifests": self.named});
        fs::write(self.home.path().join("index.json"), index.to_string()).unwrap();
    }

    fn import(&self, registry: &MemoryRegistry) -> Value {
        imported(self.home.path(), Some("team/app"), registry, false)
    }
}

/// What was left out, a text for each.
fn left_out(said: &Value) -> Vec<String> {
    let of = |of: &Value| -> Vec<String> {
        let all = of["leftOut"].as_array().unwrap().iter();
        all.map(|damage| format!("{}: {}", damage["concerns"].as_str().unwrap(), damage["problem"].as_str().unwrap()))
            .collect()
    };
    let repositories = said["repositories"].as_array().unwrap().iter().flat_map(of);
    of(said).into_iter().chain(repositories).collect()
}

#[test]
fn an_index_its_images_and_what_refers_to_them_go_in_and_a_second_import_sends_nothing() {
    let (mut layout, registry) = (Layout::new(), MemoryRegistry::default());
    let (one, two) = (layout.image("one", None), layout.image("two", None));
    let both = layout.index(&[&one, &two]);
    let signature = layout.image("signature", Some(&both));
    layout.name(&signature, None);
    layout.name(&both, Some("v1"));
    layout.name(&one, Some("one"));

    let first = layout.import(&registry);
    let sent = registry.of("team/app").sent;
    let second = layout.import(&registry);

    let done = &first["repositories"][0];
    assert_eq!(
        (&done["manifestsSent"], &done["manifestsProved"], &done["tagsProved"]),
        (&json!(4), &json!(4), &json!(2))
    );
    assert_eq!(done["blobsSent"], 6);
    assert_eq!(registry.of("team/app").tags["v1"], sha256(&both));
    assert_eq!(registry.of("team/app").manifests[&sha256(&both)].1, both);
    let again = &second["repositories"][0];
    assert_eq!((&again["manifestsSent"], &again["tagsSent"], &again["bytesSent"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!((&again["manifestsProved"], &again["tagsProved"]), (&json!(4), &json!(2)));
    assert_eq!(registry.of("team/app").sent, sent);
}

#[test]
fn what_is_damaged_is_named_and_the_rest_goes_in() {
    let (mut layout, registry) = (Layout::new(), MemoryRegistry::default());
    let [good, gone, rotten, listed] = ["good", "gone", "rotten", "listed"].map(|layer| layout.image(layer, None));
    let broken_index = layout.index(&[&good, &listed]);
    fs::remove_file(layout.place(b"gone")).unwrap();
    fs::write(layout.place(b"rotten"), "ROTTEN").unwrap();
    fs::remove_file(layout.place(&listed)).unwrap();
    for (manifest, name) in [(&gone, "gone"), (&rotten, "rotten"), (&broken_index, "index"), (&good, "good")] {
        layout.name(manifest, Some(name));
    }

    let planned = imported(layout.home.path(), Some("team/app"), &registry, true);
    let said = layout.import(&registry);

    let expected = |what: &[&str]| what.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut all = left_out(&said);
    all.sort_unstable();
    assert_eq!(all, {
        let [gone, rotten, listed, index] = [&gone, &rotten, &listed, &broken_index].map(|bytes| sha256(bytes));
        let (gone_layer, rotten_layer) = (sha256(b"gone"), sha256(b"rotten"));
        let mut all = expected(&[
            &format!("blob {rotten_layer}: its bytes are those of {}", sha256(b"ROTTEN")),
            &format!("manifest {gone}: its blob {gone_layer} is not there"),
            &format!("manifest {index}: {listed}, which it lists, is left out"),
            &format!("manifest {listed}: it is not there"),
            &format!("manifest {rotten}: its blob {rotten_layer} is left out"),
            &format!("tag gone: {gone}, which it names, is left out"),
            &format!("tag index: {index}, which it names, is left out"),
            &format!("tag rotten: {rotten}, which it names, is left out"),
        ]);
        all.sort_unstable();
        all
    });
    assert_eq!(left_out(&planned).len(), all.len());
    let held = registry.of("team/app");
    assert_eq!(held.tags.into_iter().collect::<Vec<_>>(), [("good".to_owned(), sha256(&good))]);
    assert_eq!(held.manifests.len(), 1);
}

#[test]
fn a_blob_of_another_length_than_its_image_says_is_damage_before_anybody_hashes_it() {
    let mut layout = Layout::new();
    let cut = layout.image("cut off", None);
    fs::write(layout.place(b"cut off"), "cut").unwrap();
    layout.name(&cut, Some("v1"));
    let registry = MemoryRegistry::default();

    let said = layout.import(&registry);

    let [image, layer] = [sha256(&cut), sha256(b"cut off")];
    let wanted = format!("manifest {image}: its blob {layer} has 3 of 7 bytes");
    assert_eq!(left_out(&said), [wanted, format!("tag v1: {image}, which it names, is left out")]);
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_sends_nothing() {
    let (mut layout, registry) = (Layout::new(), MemoryRegistry::default());
    let one = layout.image("one", None);
    layout.name(&one, Some("v1"));

    let said = imported(layout.home.path(), Some("team/app"), &registry, true);

    let done = &said["repositories"][0];
    assert_eq!((&done["manifestsSent"], &done["tagsSent"], &done["blobsSent"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!(registry.of("team/app").sent, 0);
}

#[test]
fn manifests_that_are_too_long_or_too_deep_or_of_schema_1_are_left_out() {
    let (mut layout, registry) = (Layout::new(), MemoryRegistry::default());
    let schema1 = json!({"schemaVersion": 1, "mediaType": media_type::DOCKER_SCHEMA1, "fsLayers": []}).to_string();
    let long = vec![b' '; 5 << 20];
    layout.add(&[schema1.clone().into_bytes(), long.clone()]);
    let mut deep = layout.image("bottom", None);
    for _ in 0..9 {
        let child = json!({"mediaType": media_type::OCI_INDEX, "digest": sha256(&deep), "size": deep.len()});
        let child = if deep.windows(6).any(|part| part == b"layers") {
            descriptor(media_type::OCI_MANIFEST, &deep)
        } else {
            child
        };
        deep = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [child]})
            .to_string()
            .into_bytes();
        layout.add(std::slice::from_ref(&deep));
    }
    layout.name(schema1.as_bytes(), Some("old"));
    layout.name(&deep, Some("deep"));
    layout.named.push(descriptor(media_type::OCI_MANIFEST, &long));
    layout.name(&layout.image("good", None), Some("good"));

    let said = left_out(&layout.import(&registry)).join("\n");

    assert!(
        said.contains("schema 1") && said.contains("longer than the") && said.contains("within more than 8"),
        "{said}"
    );
    assert_eq!(registry.of("team/app").tags.len(), 1);
}

#[test]
fn names_in_the_source_are_repositories_where_none_is_given() {
    let (mut layout, registry) = (Layout::new(), MemoryRegistry::default());
    let (one, two) = (layout.image("one", None), layout.image("two", None));
    layout.name(&one, Some("docker.io/library/one:v1"));
    layout.name(&two, Some("team/two:v2"));

    let said = imported(layout.home.path(), None, &registry, false);

    assert_eq!(left_out(&said), [""; 0]);
    assert_eq!(registry.of("one").tags["v1"], sha256(&one));
    assert_eq!(registry.of("team/two").tags["v2"], sha256(&two));
}

#[test]
fn a_layout_without_names_asks_for_one() {
    let mut layout = Layout::new();
    let one = layout.image("one", None);
    layout.name(&one, Some("v1"));
    let (kind, opened) = source::open(layout.home.path(), &|_| {}).unwrap();

    let refused = assign(kind.has_names, opened.found, None).unwrap_err();

    assert!(refused.to_string().contains("gantry import SOURCE REPOSITORY"), "{refused}");
}

/// Writes an archive of files.
fn tar_of(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("image.tar");
    fs::write(&path, builder.into_inner().unwrap()).unwrap();
    (home, path)
}

#[test]
fn an_archive_of_a_layout_is_read_in_place() {
    let (manifest, blobs) = image("one", None);
    let place = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    let named = json!({"schemaVersion": 2, "manifests": [descriptor(media_type::OCI_MANIFEST, &manifest)]}).to_string();
    let names = [place(&manifest), place(&blobs[0]), place(&blobs[1])];
    let files: [(&str, &[u8]); 5] = [
        ("oci-layout", b"{}"),
        ("index.json", named.as_bytes()),
        (&names[0], &manifest),
        (&names[1], &blobs[0]),
        (&names[2], &blobs[1]),
    ];
    let (_home, path) = tar_of(&files);
    let registry = MemoryRegistry::default();

    let said = imported(&path, Some("app"), &registry, false);

    assert_eq!(left_out(&said), [""; 0]);
    assert_eq!(registry.of("app").manifests[&sha256(&manifest)].1, manifest);
}

#[test]
fn what_docker_saved_becomes_an_image_of_plain_layers_with_its_configuration_as_it_was() {
    let layers = [&b"layer one"[..], &b"\x1f\x8blayer two"[..]];
    let config =
        json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": [sha256(layers[0]), sha256(b"plain")]}});
    let config = config.to_string();
    let config_name = format!("{}.json", sha256(config.as_bytes()).hex());
    let manifest = |config: &str| json!({"Config": config, "RepoTags": ["app:v1", "team/app:v2"], "Layers": ["a/layer.tar", "b/layer.tar"]});
    let saved = json!([manifest(&config_name), manifest("none.json")]).to_string();
    let files: [(&str, &[u8]); 4] = [
        ("manifest.json", saved.as_bytes()),
        (&config_name, config.as_bytes()),
        ("a/layer.tar", layers[0]),
        ("b/layer.tar", layers[1]),
    ];
    let (_home, path) = tar_of(&files);
    let registry = MemoryRegistry::default();

    let said = imported(&path, None, &registry, false);
    let again = imported(&path, None, &registry, false);

    let digest = registry.of("app").tags["v1"].clone();
    assert_eq!(registry.of("team/app").tags["v2"], digest);
    let (kind, bytes) = registry.of("app").manifests[&digest].clone();
    let stored: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((kind.as_str(), &stored["mediaType"]), (media_type::OCI_MANIFEST, &json!(media_type::OCI_MANIFEST)));
    assert_eq!(stored["config"]["digest"], json!(sha256(config.as_bytes())));
    assert_eq!(stored["layers"][0], descriptor(media_type::OCI_LAYER, layers[0]));
    assert_eq!(stored["layers"][1], descriptor(media_type::OCI_LAYER_GZIP, layers[1]));
    let problem = "its configuration none.json is not in the archive";
    assert_eq!(left_out(&said), [format!("tag v1: {problem}"), format!("tag v2: {problem}")]);
    assert_eq!(said["repositories"][1]["blobsMounted"], 3);
    assert_eq!(again["repositories"][0]["bytesSent"], 0);
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_damage() {
    let config = json!({"rootfs": {"diff_ids": [sha256(b"another")]}}).to_string();
    let saved = json!([{"Config": "config.json", "RepoTags": ["app:v1"], "Layers": ["layer.tar"]}]).to_string();
    let files: [(&str, &[u8]); 3] =
        [("manifest.json", saved.as_bytes()), ("config.json", config.as_bytes()), ("layer.tar", b"layer")];
    let (_home, path) = tar_of(&files);

    let said = imported(&path, Some("app"), &MemoryRegistry::default(), false);

    assert_eq!(left_out(&said), ["tag v1: its layer layer.tar holds other bytes than the configuration says"]);
}

/// A data folder of distribution.
struct DataFolder(tempfile::TempDir);

impl DataFolder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("docker/registry/v2").join(name)
    }

    fn blob(&self, bytes: &[u8]) -> PathBuf {
        let hex = sha256(bytes).hex().to_owned();
        self.path(&format!("blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    fn image(&self, repository: &str, layer: &str, tag: Option<&str>) -> Vec<u8> {
        let (manifest, blobs) = image(layer, None);
        blobs.iter().chain([&manifest]).for_each(|bytes| write(&self.blob(bytes), bytes));
        let digest = sha256(&manifest);
        let own = self.path(&format!("repositories/{repository}/_manifests"));
        write(&own.join(format!("revisions/sha256/{}/link", digest.hex())), digest.as_str().as_bytes());
        if let Some(tag) = tag {
            write(&own.join(format!("tags/{tag}/current/link")), digest.as_str().as_bytes());
        }
        manifest
    }
}

#[test]
fn repositories_of_distribution_keep_their_names_below_the_one_given() {
    let folder = DataFolder(tempfile::tempdir().unwrap());
    let one = folder.image("a", "one", Some("v1"));
    folder.image("a/b", "one", Some("v1"));
    let untagged = folder.image("a", "two", None);
    let registry = MemoryRegistry::default();

    let said = imported(folder.0.path(), Some("moved"), &registry, false);

    assert_eq!(left_out(&said), [""; 0]);
    assert_eq!(registry.of("moved/a").tags["v1"], sha256(&one));
    assert!(registry.of("moved/a").manifests.contains_key(&sha256(&untagged)));
    assert_eq!(registry.of("moved/a/b").manifests.len(), 1);
    assert_eq!(said["repositories"][1]["blobsMounted"], 2);
}

#[test]
fn a_folder_of_distribution_tells_where_tags_pointed_before() {
    let folder = DataFolder(tempfile::tempdir().unwrap());
    let manifests = [("one", 100), ("two", 300), ("three", 200)].map(|(layer, seconds)| {
        let digest = sha256(&folder.image("app", layer, Some("v1")));
        let own = folder.path("repositories/app/_manifests");
        let link = own.join(format!("tags/v1/index/sha256/{}/link", digest.hex()));
        write(&link, digest.as_str().as_bytes());
        set_written(&link, seconds);
        digest
    });
    let own = folder.path("repositories/app/_manifests");
    write(&own.join("tags/v1/index/sha256/none/link"), b"sha256:none");
    set_written(&own.join("tags/v1/current/link"), 250);
    let registry = MemoryRegistry::default();

    let said = imported(folder.0.path(), None, &registry, false);

    let told = &registry.of("app").pasts[1].tags[0];
    assert_eq!((told.tag.as_str(), told.digest.as_str()), ("v1", manifests[2].as_str()));
    let earlier: Vec<&str> = told.earlier.iter().map(|earlier| earlier.digest.as_str()).collect();
    assert_eq!(earlier, [manifests[0].as_str()], "one that is later than the tag itself is not meant");
    assert_eq!(said["repositories"][0]["past"]["movesAdded"], 1, "{said}");
}

/// Sets when a file was written, in seconds of the epoch.
fn set_written(path: &Path, seconds: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

#[test]
fn damage_of_a_data_folder_is_named_link_by_link() {
    let folder = DataFolder(tempfile::tempdir().unwrap());
    folder.image("app", "good", Some("good"));
    folder.image("app", "gone", Some("gone"));
    fs::remove_file(folder.blob(b"gone")).unwrap();
    let unknown = sha256(b"unknown");
    write(&folder.path("repositories/app/_manifests/tags/dangling/current/link"), unknown.as_str().as_bytes());
    write(&folder.path("repositories/app/_manifests/tags/odd/current/link"), b"sha256:1");
    fs::create_dir_all(folder.path("repositories/app/_manifests/tags/empty")).unwrap();
    fs::create_dir_all(folder.path("repositories/app/_manifests/revisions/sha256/0000")).unwrap();
    let other = folder.path(&format!("repositories/app/_manifests/revisions/sha256/{}/link", sha256(b"other").hex()));
    write(&other, unknown.as_str().as_bytes());
    fs::create_dir_all(folder.path("repositories/Odd/_manifests")).unwrap();
    std::os::unix::fs::symlink("/etc", folder.path("repositories/etc")).unwrap();
    let registry = MemoryRegistry::default();

    let said = left_out(&imported(folder.0.path(), None, &registry, false));

    let all = said.join("\n");
    for part in [
        "tag dangling: its link dangles",
        "tag odd: its link names nothing",
        "tag empty: it has no link",
        &format!("revision {}: its link names {unknown}", sha256(b"other")),
        "repository Odd: ",
        "tag gone: ",
        &format!("its blob {} is not there", sha256(b"gone")),
    ] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    assert_eq!((said.len(), registry.of("app").tags.len()), (7, 1), "{all}");
}

/// A data folder of zot: a layout for each repository.
struct ZotFolder(tempfile::TempDir);

impl ZotFolder {
    fn place(&self, repository: &str, bytes: &[u8]) -> PathBuf {
        self.0.path().join(repository).join("blobs/sha256").join(sha256(bytes).hex())
    }

    /// Writes a repository with images, each under a tag.
    fn repository(&self, name: &str, images: &[(&str, &str)]) {
        let folder = self.0.path().join(name);
        write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
        let mut named = Vec::new();
        for (layer, tag) in images {
            let (manifest, blobs) = image(layer, None);
            blobs.iter().chain([&manifest]).for_each(|bytes| write(&self.place(name, bytes), bytes));
            let mut entry = descriptor(media_type::OCI_MANIFEST, &manifest);
            if !tag.is_empty() {
                entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
            }
            named.push(entry);
        }
        write(&folder.join("index.json"), json!({"schemaVersion": 2, "manifests": named}).to_string().as_bytes());
        fs::create_dir_all(folder.join(".uploads")).unwrap();
    }
}

#[test]
fn repositories_of_zot_keep_their_names_and_what_is_its_own_stays_there() {
    let zot = ZotFolder(tempfile::tempdir().unwrap());
    zot.repository("app", &[("one", "v1"), ("one", "latest"), ("untagged", "")]);
    zot.repository("app/nested", &[("two", "v2")]);
    zot.repository("_trivy/db", &[("database", "v3")]);
    write(&zot.0.path().join("cache.db"), b"bolt");
    let registry = MemoryRegistry::default();

    let said = imported(zot.0.path(), Some("moved"), &registry, false);

    assert_eq!(left_out(&said), [""; 0]);
    assert_eq!(said["source"], "zot folder");
    let names: Vec<_> =
        said["repositories"].as_array().unwrap().iter().map(|done| done["repository"].clone()).collect();
    assert_eq!(names, ["moved/app", "moved/app/nested"]);
    assert_eq!(registry.of("moved/app").tags.keys().collect::<Vec<_>>(), ["latest", "v1"]);
    assert_eq!(registry.of("moved/app").manifests.len(), 2);
}

#[test]
fn a_blob_that_zot_keeps_once_is_found_where_its_bytes_are() {
    let zot = ZotFolder(tempfile::tempdir().unwrap());
    zot.repository("a", &[("shared", "v1"), ("common", "v2")]);
    zot.repository("b", &[("shared", "v1")]);
    fs::write(zot.place("a", b"shared"), "").unwrap();
    fs::write(zot.place("a", b"common"), "").unwrap();
    write(&zot.place("_blobstore", b"common"), b"common");
    let registry = MemoryRegistry::default();

    let said = imported(zot.0.path(), None, &registry, false);

    assert_eq!(left_out(&said), [""; 0]);
    assert_eq!(registry.of("a").blobs[&sha256(b"shared")], b"shared");
    assert_eq!(registry.of("a").blobs[&sha256(b"common")], b"common");
}

#[test]
fn what_an_index_lists_was_there_when_the_index_came() {
    let digest = |number: u8| sha256(&[number]);
    let planned = |number, children: &[u8]| plan::Planned {
        digest: digest(number),
        media_type: String::new(),
        length: 1,
        level: children.len(),
        children: children.iter().map(|number| digest(*number)).collect(),
        blobs: vec![],
    };
    let at = |millis| gantry_words::Moment::estimated(gantry_words::Timestamp::from_millis(millis));
    let pushed = |dates: &[(Digest, i64)]| {
        let mut past = past::Past::default();
        dates.iter().for_each(|(digest, millis)| past.pushed(digest.clone(), at(*millis)));
        past
    };
    let mut plan = plan::Plan {
        manifests: vec![planned(1, &[]), planned(2, &[]), planned(3, &[1, 2]), planned(4, &[1]), planned(5, &[])],
        past: pushed(&[(digest(2), 90_000), (digest(3), 50_000), (digest(4), 40_000)]),
        ..plan::Plan::default()
    };

    plan::date_children(&mut plan);

    let dates = [(digest(1), 40_000), (digest(2), 90_000), (digest(3), 50_000), (digest(4), 40_000)];
    assert_eq!(plan.past, pushed(&dates));
}

/// A source whose tags move while it is brought.
struct Moving {
    inner: Arc<dyn Source>,
    now: BTreeMap<Tag, Digest>,
    /// Whether it goes away once it was asked for its tags.
    goes_away: bool,
    is_gone: AtomicBool,
}

impl Source for Moving {
    fn length(&self, digest: &Digest) -> Result<Option<u64>, crate::moving::FilesError> {
        self.inner.length(digest)
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn std::io::Read + Send>>, crate::moving::FilesError> {
        self.inner.open(digest)
    }

    fn tags_now(&self, _: &BTreeMap<Tag, Digest>) -> Result<Option<BTreeMap<Tag, Digest>>, crate::moving::FilesError> {
        self.is_gone.store(self.goes_away, Relaxed);
        Ok(Some(self.now.clone()))
    }

    fn check(&self) -> Result<(), crate::moving::FilesError> {
        let gone = || crate::moving::FilesError::NoFile { name: "the registry".into() };
        if self.is_gone.load(Relaxed) { Err(gone()) } else { Ok(()) }
    }
}

/// Brings an image from a source whose tag is moved meanwhile to another image; returns both with what is said.
fn brought_meanwhile(goes_away: bool, registry: &MemoryRegistry) -> ([Digest; 2], Result<Report, Failure>) {
    let mut layout = Layout::new();
    let (one, two) = (layout.image("one", None), layout.image("two", None));
    layout.name(&one, Some("v1"));
    let (kind, opened) = source::open(layout.home.path(), &|_| {}).unwrap();
    let mut brought = in_files(kind, opened, Some(&"team/app".parse().unwrap())).unwrap();
    let found = brought.repositories.next().unwrap().unwrap();
    let now = BTreeMap::from([("v1".parse().unwrap(), sha256(&two))]);
    let source = Arc::new(Moving { inner: found.source.clone(), now, goes_away, is_gone: AtomicBool::new(false) });
    let repositories: Repositories<'_> = Box::new([Ok(ToBring { source, ..found })].into_iter());
    let progress = Progress::bytes("sending", None);
    let how = How { jobs: 2, is_dry_run: false, policies_dir: None, progress: &progress };
    ([sha256(&one), sha256(&two)], send_all(Brought { repositories, ..brought }, registry, &how))
}

#[test]
fn a_tag_that_moved_at_the_source_meanwhile_is_told_and_what_was_brought_stays() {
    let registry = MemoryRegistry::default();

    let ([one, _], report) = brought_meanwhile(false, &registry);
    let report = report.unwrap();

    let told = &report.repositories[0].left_out[0];
    assert!(told.concerns == "tag v1" && told.problem.contains("was moved at the source meanwhile"), "{told:?}");
    assert!(!report.is_whole());
    assert_eq!(registry.of("team/app").tags["v1"], one);
}

#[test]
fn a_source_that_is_gone_ends_the_import_and_is_not_reported_as_damaged() {
    let registry = MemoryRegistry::default();

    let ([one, _], ended) = brought_meanwhile(true, &registry);

    assert!(ended.err().unwrap().to_string().contains("the registry is no file"));
    assert_eq!(registry.of("team/app").tags["v1"], one);
}
