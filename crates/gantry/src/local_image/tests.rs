use super::*;
use aws_lc_rs::digest::{SHA256, digest};
use gantry_oci::Algorithm;
use serde_json::{Value, json};
use std::{fs, io::Write};

/// Files as a folder and as an archive, plain and compressed.
fn everywhere(files: &[(String, Vec<u8>)]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let plain = builder.into_inner().unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&plain).unwrap();
    let archive = folder.path().join("image.tar");
    let packed = folder.path().join("image.tar.gz");
    fs::write(&archive, plain).unwrap();
    fs::write(&packed, packer.finish().unwrap()).unwrap();
    (folder, vec![tree, archive, packed])
}

fn blob(files: &mut Vec<(String, Vec<u8>)>, bytes: Vec<u8>) -> Digest {
    let digest = Digest::from_hash(Algorithm::Sha256, digest(&SHA256, &bytes).as_ref());
    files.push((format!("blobs/sha256/{}", digest.hex()), bytes));
    digest
}

fn described(files: &mut Vec<(String, Vec<u8>)>, media_type: &str, document: &Value) -> Value {
    let bytes = serde_json::to_vec(document).unwrap();
    let size = bytes.len();
    json!({ "mediaType": media_type, "digest": blob(files, bytes), "size": size })
}

fn image(files: &mut Vec<(String, Vec<u8>)>, layer: &str) -> Value {
    let config = described(files, "application/vnd.oci.image.config.v1+json", &json!({ "os": "linux" }));
    let layer = json!({
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": blob(files, layer.into()),
        "size": layer.len(),
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    described(files, "application/vnd.oci.image.manifest.v1+json", &manifest)
}

fn layout(files: &mut Vec<(String, Vec<u8>)>, manifests: &[Value]) {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    files.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
    files.push(("index.json".into(), serde_json::to_vec(&index).unwrap()));
}

fn open_image(path: &Path, wanted: &Wanted) -> Result<LocalImage, InputError> {
    match open(path, wanted)? {
        Input::Image(image) => Ok(image),
        Input::Root(root) => panic!("{} is a root folder", root.display()),
    }
}

fn bottom(image: &LocalImage) -> String {
    let mut text = String::new();
    image.open_layer(0).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_layout_is_read_from_a_folder_and_from_an_archive_of_any_packing() {
    let mut files = vec![];
    let manifest = image(&mut files, "the layer");
    layout(&mut files, &[manifest]);
    let (_folder, inputs) = everywhere(&files);

    for input in inputs {
        let image = open_image(&input, &Wanted::default()).unwrap();

        assert_eq!((image.layers(), bottom(&image).as_str()), (1, "the layer"), "{}", input.display());
    }
}

#[test]
fn of_an_image_for_several_platforms_the_wanted_one_is_taken() {
    let mut files = vec![];
    let platforms = [("amd64", "for amd64"), ("arm64", "for arm64")].map(|(architecture, layer)| {
        let mut manifest = image(&mut files, layer);
        manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
        manifest
    });
    let inner = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": platforms,
    });
    let index = described(&mut files, "application/vnd.oci.image.index.v1+json", &inner);
    layout(&mut files, &[index]);
    let (_folder, inputs) = everywhere(&files);
    let wanted = |platform: &str| Wanted { image: None, platform: Some(platform.into()) };

    assert_eq!(bottom(&open_image(&inputs[0], &wanted("linux/arm64")).unwrap()), "for arm64");
    assert_eq!(bottom(&open_image(&inputs[1], &wanted("linux/amd64")).unwrap()), "for amd64");
    let missing = open_image(&inputs[0], &wanted("windows")).err().unwrap().to_string();
    assert_eq!(missing, "there is no image for windows; there are: linux/amd64, linux/arm64");
}

#[test]
fn a_manifest_that_is_not_what_its_digest_says_is_refused() {
    let mut files = vec![];
    let manifest = image(&mut files, "the layer");
    layout(&mut files, &[manifest]);
    files[2].1.push(b' ');
    let (_folder, inputs) = everywhere(&files);

    let error = open_image(&inputs[0], &Wanted::default()).err().unwrap();

    assert!(matches!(error, InputError::Corrupt(_)), "{error}");
}

fn saved(name: &str, layer: &str) -> Value {
    json!({ "Config": "config.json", "RepoTags": [name], "Layers": [layer] })
}

fn archive(entries: &[Value]) -> Vec<(String, Vec<u8>)> {
    vec![
        ("manifest.json".into(), serde_json::to_vec(entries).unwrap()),
        ("config.json".into(), b"{}".to_vec()),
        ("a/layer.tar".into(), b"layer a".to_vec()),
        ("b/layer.tar".into(), b"layer b".to_vec()),
    ]
}

#[test]
fn the_image_of_a_saved_archive_is_chosen_by_name_where_there_are_several() {
    let files = archive(&[saved("team/one:1", "a/layer.tar"), saved("team/two:2", "b/layer.tar")]);
    let (_folder, inputs) = everywhere(&files);

    let chosen = open_image(&inputs[1], &Wanted { image: Some("team/two:2".into()), platform: None }).unwrap();
    let refused = open_image(&inputs[1], &Wanted::default()).err().unwrap();

    assert_eq!((chosen.name.as_deref(), bottom(&chosen).as_str()), (Some("team/two:2"), "layer b"));
    assert_eq!(refused.to_string(), "it holds 2 images; there are: team/one:1, team/two:2");
}

#[test]
fn a_layer_outside_of_the_folder_is_none() {
    let files = archive(&[saved("one:1", "../../etc/passwd")]);
    let (_folder, inputs) = everywhere(&files);

    let image = open_image(&inputs[0], &Wanted::default()).unwrap();

    assert!(matches!(image.open_layer(0), Err(InputError::NoSuchMember(_))));
}

#[test]
fn a_folder_of_any_other_shape_is_a_root_folder_and_a_file_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "hello").unwrap();

    assert!(matches!(open(folder.path(), &Wanted::default()), Ok(Input::Root(_))));
    assert!(matches!(open(&file, &Wanted::default()), Err(InputError::Unknown(_))));
}

#[test]
fn what_refers_to_an_image_or_an_index_of_it_hangs_on_it_and_is_no_image_that_is_meant() {
    let mut files = vec![];
    let manifest = image(&mut files, "the layer");
    let mut of_platform = manifest.clone();
    of_platform["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let mut attach = |kind: &str, content: &str, subject: &Value| {
        let layer = json!({ "mediaType": kind, "digest": blob(&mut files, content.into()), "size": content.len() });
        let config = described(&mut files, "application/vnd.oci.empty.v1+json", &json!({}));
        let artifact = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": kind,
            "config": config, "layers": [layer], "subject": subject,
        });
        described(&mut files, "application/vnd.oci.image.manifest.v1+json", &artifact)
    };
    let vex = attach("application/vnd.openvex+json", "a statement", &manifest);
    let signature = attach("application/vnd.example.signature", "a signature", &manifest);
    let mut of_builder = attach("application/vnd.in-toto+json", "a bill", &manifest);
    of_builder["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": manifest["digest"],
    });
    of_builder["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    let inner = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [of_platform, of_builder],
    });
    let index = described(&mut files, "application/vnd.oci.image.index.v1+json", &inner);
    layout(&mut files, &[index.clone(), vex.clone(), signature]);
    let (_folder, inputs) = everywhere(&files);

    let wanted = Wanted { image: None, platform: Some("linux/amd64".into()) };
    for input in inputs {
        let image = open_image(&input, &wanted).unwrap();

        let read = |(origin, bytes): (String, Result<Vec<u8>, InputError>)| (origin, bytes.unwrap());
        let documents: Vec<_> = image.documents().map(read).collect();
        let origin = |artifact: &Value| format!("referrer {}", artifact["digest"].as_str().unwrap());
        assert_eq!(
            documents,
            [(origin(&vex), b"a statement".to_vec()), (origin(&of_builder), b"a bill".to_vec())],
            "{}",
            input.display()
        );
        assert_eq!(image.indexes, [index["digest"].as_str().unwrap()]);
        assert_eq!(bottom(&image), "the layer");
    }
}
