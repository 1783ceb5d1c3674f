use super::*;
use crate::{
    command::import::tests::imported,
    moving::{Blob, Registry, digest_of, memory::MemoryRegistry},
};
use gantry_oci::{Algorithm, Digest, media_type};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{fs, io::Cursor, path::Path};

fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes)
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": sha256(bytes), "size": bytes.len()})
}

fn push(registry: &MemoryRegistry, reference: Option<&str>, kind: &str, manifest: &Value) -> Vec<u8> {
    let bytes = manifest.to_string().into_bytes();
    let digest = sha256(&bytes);
    registry.put_manifest("team/app", reference.unwrap_or(digest.as_str()), kind, &bytes).unwrap();
    bytes
}

/// Pushes an image, which may refer to another.
fn image(registry: &MemoryRegistry, tag: Option<&str>, layer: &[u8], subject: Option<&[u8]>) -> Vec<u8> {
    for bytes in [&b"{}"[..], layer] {
        let open = || -> std::io::Result<Box<dyn std::io::Read + Send>> { Ok(Box::new(Cursor::new(bytes.to_vec()))) };
        let blob = Blob { digest: &sha256(bytes), length: bytes.len() as u64, open: &open };
        registry.send_blob("team/app", &blob, None).unwrap();
    }
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": descriptor(media_type::OCI_CONFIG, b"{}"), "layers": [descriptor(media_type::OCI_LAYER, layer)],
    });
    if let Some(subject) = subject {
        manifest["subject"] = descriptor(media_type::OCI_MANIFEST, subject);
    }
    push(registry, tag, media_type::OCI_MANIFEST, &manifest)
}

fn index(registry: &MemoryRegistry, tag: Option<&str>, children: &[&[u8]]) -> Vec<u8> {
    let children: Vec<Value> = children.iter().map(|child| descriptor(media_type::OCI_MANIFEST, child)).collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": children});
    push(registry, tag, media_type::OCI_INDEX, &manifest)
}

fn exported(registry: &MemoryRegistry, images: &[&str], folder: &Path, with_referrers: bool) -> Report {
    let layout = LayoutFolder::open(folder).unwrap();
    let collector = Collector { jobs: 3, with_referrers, ..Collector::new(registry, &layout) };
    let images: Vec<Wanted> = images.iter().map(|image| image.parse().unwrap()).collect();
    export(&images, &collector).unwrap()
}

#[test]
fn an_image_is_named_by_tag_by_digest_or_by_its_repository() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let read = |text: &str| text.parse::<Wanted>().map(|wanted| (wanted.repository.to_string(), wanted.reference));

    assert_eq!(read("team/app"), Ok(("team/app".into(), None)));
    assert_eq!(read("team/app:v1"), Ok(("team/app".into(), Some("v1".parse().unwrap()))));
    assert_eq!(read(&format!("app@{digest}")), Ok(("app".into(), Some(digest.parse().unwrap()))));
    assert!(read("Team:v1").is_err() && read("app:").is_err() && read("app@latest:x").is_err());
}

#[test]
fn an_image_goes_with_what_refers_to_it_unless_that_is_not_wanted() {
    let (registry, home) = (MemoryRegistry::default(), tempfile::tempdir().unwrap());
    let app = image(&registry, Some("v1"), b"app", None);
    image(&registry, None, b"signature", Some(&app));
    image(&registry, None, b"other", None);

    let with = exported(&registry, &["team/app:v1"], &home.path().join("with"), true);
    let without = exported(&registry, &["team/app:v1"], &home.path().join("without"), false);
    let all = exported(&registry, &["team/app"], &home.path().join("all"), false);

    let counts = |report: &Report| report.repositories.iter().map(|done| done.manifests).sum::<usize>();
    assert_eq!((counts(&with), counts(&without), counts(&all)), (2, 1, 2));
}

#[test]
fn a_second_export_fetches_nothing_and_one_of_less_goes_on() {
    let (registry, home) = (MemoryRegistry::default(), tempfile::tempdir().unwrap());
    let app = image(&registry, Some("v1"), b"app", None);
    let first = exported(&registry, &["team/app"], home.path(), true);
    let layer = home.path().join("blobs/sha256").join(sha256(b"app").hex());

    let second = exported(&registry, &["team/app"], home.path(), true);
    fs::write(&layer, "half").unwrap();
    let by_digest = format!("team/app@{}", sha256(&app));
    let third = exported(&registry, &[&by_digest], home.path(), true);

    let fetched = |report: &Report| report.repositories[0].fetched;
    assert_eq!((fetched(&first), fetched(&second), fetched(&third)), (3, 0, 1));
    assert_eq!(fs::read(layer).unwrap(), b"app");
}

#[test]
fn two_repositories_in_one_layout_are_told_apart_by_name() {
    let (registry, target, home) = (MemoryRegistry::default(), MemoryRegistry::default(), tempfile::tempdir().unwrap());
    image(&registry, Some("v1"), b"app", None);
    imported_elsewhere(&registry, "other/tool", home.path());
    let folder = home.path().join("both");

    exported(&registry, &["team/app", "other/tool"], &folder, true);
    imported(&folder, None, &target, false);

    for name in ["team/app", "other/tool"] {
        assert_eq!(target.of(name).tags, registry.of(name).tags);
        assert_eq!(target.of(name).manifests, registry.of(name).manifests);
    }
}

/// Copies what is in `team/app` into another repository.
fn imported_elsewhere(registry: &MemoryRegistry, name: &str, home: &Path) {
    let folder = home.join("copy");
    exported(registry, &["team/app"], &folder, true);
    imported(&folder, Some(name), registry, false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_and_imported_is_equal(
        layers in prop::collection::vec((any::<u8>(), any::<Option<u8>>(), any::<Option<u8>>()), 1..8),
        lists in prop::collection::vec((any::<Option<u8>>(), prop::collection::vec(any::<u8>(), 0..4)), 0..3),
    ) {
        let (registry, target, home) = (MemoryRegistry::default(), MemoryRegistry::default(), tempfile::tempdir().unwrap());
        let mut images: Vec<Vec<u8>> = Vec::new();
        for (layer, tag, subject) in layers {
            let subject = subject.and_then(|at| images.get(usize::from(at) % images.len().max(1)).cloned());
            let tag = tag.map(|tag| format!("t{}", tag % 4));
            images.push(image(&registry, tag.as_deref(), &[layer], subject.as_deref()));
        }
        for (tag, children) in lists {
            let children: Vec<&[u8]> = children.iter().map(|at| &*images[usize::from(*at) % images.len()]).collect();
            index(&registry, tag.map(|tag| format!("t{}", tag % 4)).as_deref(), &children);
        }

        exported(&registry, &["team/app"], home.path(), true);
        let said = imported(home.path(), Some("moved/app"), &target, false);

        let (from, to) = (registry.of("team/app"), target.of("moved/app"));
        prop_assert_eq!(said["repositories"][0]["leftOut"].clone(), json!([]));
        prop_assert_eq!(from.tags, to.tags);
        prop_assert_eq!(from.manifests, to.manifests);
    }
}
