//! Keys, manifests of signatures and their payloads are read or refused, and nothing that is made up is a signature.
//!
//! The input is a file of keys, a manifest, or a payload.
#![no_main]

use gantry_oci::{Digest, Manifest, ManifestLimits};
use gantry_trust::{CLAIMS_MAX, Claim, TRUSTED_KEYS_MAX, TrustedKeys, claims};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// A key that signed nothing of the seeds.
static KEYS: LazyLock<TrustedKeys> = LazyLock::new(|| {
    let mut keys = TrustedKeys::default();
    keys.add(include_str!("../../crates/trust/fixtures/p384.pub")).expect("it is a key");
    keys
});
static IMAGE: LazyLock<Digest> = LazyLock::new(|| {
    let text = "sha256:574f170954b62441314721fe7e5a73fa382e0a3a9079ccc90d88149f309c44bf";
    text.parse().expect("it is a digest")
});
/// Of either kind, with a signature of another key.
static CLAIMS: LazyLock<Vec<Claim>> = LazyLock::new(|| {
    let manifests: [&[u8]; 2] = [
        include_bytes!("../../crates/trust/fixtures/p256-manifest.json"),
        include_bytes!("../../crates/trust/fixtures/p256-bundle-manifest.json"),
    ];
    let read = |bytes| Manifest::parse(bytes, None, &ManifestLimits::default()).expect("it is a manifest");
    manifests.into_iter().flat_map(|bytes| claims(&read(bytes))).collect()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        let mut keys = TrustedKeys::default();
        match keys.add(text) {
            Ok(count) => assert!((1..=TRUSTED_KEYS_MAX).contains(&count) && count == keys.count()),
            Err(error) => assert!(keys.is_empty() && !error.to_string().is_empty()),
        }
    }
    for claim in &*CLAIMS {
        claim.check(bytes, &IMAGE, &KEYS).expect_err("nobody signed it");
    }
    let Ok(manifest) = Manifest::parse(bytes, None, &ManifestLimits::default()) else { return };
    let found = claims(&manifest);
    assert!(found.len() <= CLAIMS_MAX.min(manifest.layers.len()));
    let payload = include_bytes!("../../crates/trust/fixtures/p256-payload.json");
    for claim in found {
        claim.check(payload, &IMAGE, &KEYS).expect_err("the key signed nothing");
    }
});
