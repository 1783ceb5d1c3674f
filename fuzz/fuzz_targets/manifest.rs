//! Reading a manifest never panics, and what is read is what a lax parser reads in the same bytes.
#![no_main]

use gantry_oci::{Descriptor, Digest, Kind, Manifest, ManifestLimits, media_type, referrers_index};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::collections::BTreeSet;

fuzz_target!(|bytes: &[u8]| {
    let limits = ManifestLimits::default();
    let content_types = [None].into_iter().chain(media_type::MANIFESTS.map(Some));
    let read: Vec<Manifest> = content_types.filter_map(|header| read(bytes, header, &limits)).collect();
    let kinds: BTreeSet<Kind> = read.iter().map(|manifest| manifest.kind).collect();
    assert!(kinds.len() <= 1, "no bytes are an image under one header and an index under another");
});

fn read(bytes: &[u8], content_type: Option<&str>, limits: &ManifestLimits) -> Option<Manifest> {
    let manifest = match Manifest::parse(bytes, content_type, limits) {
        Ok(manifest) => manifest,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return None;
        }
    };
    if let Some(content_type) = content_type {
        assert_eq!(manifest.media_type, content_type);
    }
    let lax: Value = serde_json::from_slice(bytes).expect("a strict parser takes nothing that a lax one refuses");
    assert_same_list(&manifest.layers, &lax["layers"]);
    assert_same_list(&manifest.manifests, &lax["manifests"]);
    for (descriptor, json) in [(&manifest.config, &lax["config"]), (&manifest.subject, &lax["subject"])] {
        match descriptor {
            Some(descriptor) => assert_same(descriptor, json),
            None => assert!(json.is_null()),
        }
    }
    assert_eq!(lax["annotations"].as_object().map_or(0, |map| map.len()), manifest.annotations.len());
    assert_eq!(manifest.config.is_some(), manifest.kind == Kind::Image);
    assert_blobs(&manifest);
    assert_listed(&manifest, limits);
    Some(manifest)
}

fn assert_same_list(descriptors: &[Descriptor], json: &Value) {
    let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
    assert_eq!(descriptors.len(), items.len());
    descriptors.iter().zip(items).for_each(|(descriptor, json)| assert_same(descriptor, json));
}

fn assert_same(descriptor: &Descriptor, json: &Value) {
    assert_eq!(json["digest"], descriptor.digest.as_str());
    assert_eq!(json["size"], descriptor.size);
    assert_eq!(json["mediaType"], *descriptor.media_type);
    assert_eq!(descriptor.digest.to_string().parse(), Ok(descriptor.digest.clone()));
    assert!(descriptor.size <= i64::MAX as u64);
}

fn assert_blobs(manifest: &Manifest) {
    let blobs: Vec<&Digest> = manifest.blobs().map(|blob| &blob.digest).collect();
    let all: BTreeSet<&Digest> = manifest.config.iter().chain(&manifest.layers).map(|blob| &blob.digest).collect();
    assert_eq!(blobs.len(), all.len(), "each digest once");
    assert!(manifest.required_blobs().all(|blob| all.contains(&blob.digest)));
}

/// A registry that lists the manifest as a referrer gives an answer that it would itself take.
fn assert_listed(manifest: &Manifest, limits: &ManifestLimits) {
    let mut listed = manifest.layers.clone();
    listed.extend(manifest.manifests.iter().cloned());
    let index = referrers_index(&listed);
    if index.len() <= limits.bytes_max && listed.len() <= limits.descriptors_max {
        let index = Manifest::parse(&index, Some(media_type::OCI_INDEX), limits).expect("what was read can be listed");
        assert_eq!(index.manifests, listed);
    }
}
