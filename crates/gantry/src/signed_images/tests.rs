use super::*;
use crate::config::Config;
use crate::house::House;
use bytes::Bytes;
use gantry_env::Env;
use gantry_oci::Algorithm;
use std::{convert::Infallible, path::PathBuf};
use tempfile::TempDir;

fn fixture(name: &str) -> Bytes {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../trust/fixtures").join(name);
    std::fs::read(path).unwrap().into()
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_hash(Algorithm::Sha256, &gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, bytes))
}

/// A house with the image of the fixtures in `team/app` and in `other/app`, and a key that is trusted.
struct Place {
    _folder: TempDir,
    house: House,
    images: SignedImages,
}

impl Place {
    async fn new() -> Place {
        Place::trusting("p256.pub").await
    }

    async fn trusting(key: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().into(), ..Config::default() };
        let house = House::open(&config, Env::real()).unwrap();
        let mut keys = TrustedKeys::default();
        keys.add(str::from_utf8(&fixture(key)).unwrap()).unwrap();
        let images = SignedImages { registry: house.registry.clone(), keys };
        let place = Place { _folder: folder, house, images };
        for name in ["team/app", "other/app"] {
            place.house.registry.repositories.create(&place.cx(), &name.parse().unwrap()).await.unwrap();
            place.push(name, "v1", fixture("image-manifest.json"), &[b"{}", b"hello"]).await;
        }
        place
    }

    fn cx(&self) -> Cx {
        crate::command::tool::command_line(&Config::default(), &self.house.env, "test")
    }

    async fn repository(&self, name: &str) -> Repository {
        self.house.registry.repositories.load(&self.cx(), &name.parse().unwrap()).await.unwrap()
    }

    async fn push(&self, name: &str, reference: &str, manifest: Bytes, blobs: &[&[u8]]) {
        let (cx, repository, registry) = (self.cx(), self.repository(name).await, &self.house.registry);
        for blob in blobs {
            let body = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::copy_from_slice(blob))]);
            registry.uploads.store(&cx, &repository, &digest(blob), body).await.unwrap();
        }
        let reference = reference.parse().unwrap();
        registry.images.put_image(&cx, &repository, &reference, vec![], None, manifest).await.unwrap();
    }

    /// Pushes the signature of the fixtures under its tag.
    async fn sign_by_tag(&self, name: &str) -> Reference {
        let tag = signature_tag(&self.image()).unwrap();
        let blobs = [fixture("p256-config.json"), fixture("p256-payload.json")];
        self.push(name, tag.as_str(), fixture("p256-manifest.json"), &[&blobs[0], &blobs[1]]).await;
        Reference::Tag(tag)
    }

    /// Pushes a manifest of the fixtures that refers to the image, with its payload.
    async fn refer(&self, name: &str, manifest: &str, payload: &str) -> Reference {
        let (manifest, payload) = (fixture(manifest), fixture(payload));
        let refers = digest(&manifest);
        let config = fixture("p256-artifact-config.json");
        self.push(name, refers.as_str(), manifest, &[b"{}", &config, &payload]).await;
        Reference::Digest(refers)
    }

    fn image(&self) -> Digest {
        digest(&fixture("image-manifest.json"))
    }

    async fn is_signed(&self, name: &str) -> bool {
        let (name, image) = (name.parse().unwrap(), self.image());
        let by_tag = self.images.is_signed(&self.cx(), &name, Some("v1"), None).await.unwrap();
        let by_digest = self.images.is_signed(&self.cx(), &name, None, Some(image.as_str())).await.unwrap();
        assert_eq!(by_tag, by_digest);
        by_digest
    }

    async fn remove(&self, name: &str, reference: &Reference) {
        let repository = self.repository(name).await;
        self.house.registry.images.remove(&self.cx(), &repository, reference).await.unwrap();
    }
}

#[tokio::test]
async fn an_image_is_signed_where_its_own_repository_has_the_signature_and_as_long_as_it_does() {
    let place = Place::new().await;
    assert!(!place.is_signed("team/app").await);

    let signature = place.sign_by_tag("team/app").await;

    assert!(place.is_signed("team/app").await);
    assert!(!place.is_signed("other/app").await);
    place.remove("team/app", &signature).await;
    assert!(!place.is_signed("team/app").await);
}

#[tokio::test]
async fn a_referrer_signs_as_a_bundle_and_as_what_lies_under_a_tag() {
    let place = Place::new().await;
    for (manifest, payload) in [
        ("p256-bundle-manifest.json", "p256-bundle.json"),
        ("p256-artifact-manifest.json", "p256-artifact-payload.json"),
    ] {
        let signature = place.refer("team/app", manifest, payload).await;

        assert!(place.is_signed("team/app").await, "{manifest}");
        assert!(!place.is_signed("other/app").await, "{manifest}");
        place.remove("team/app", &signature).await;
        assert!(!place.is_signed("team/app").await, "{manifest}");
    }
}

#[tokio::test]
async fn a_signature_of_another_key_and_an_attestation_sign_nothing() {
    let place = Place::trusting("p384.pub").await;
    place.sign_by_tag("team/app").await;
    place.refer("team/app", "p256-bundle-manifest.json", "p256-bundle.json").await;
    assert!(!place.is_signed("team/app").await);

    let place = Place::new().await;
    place.refer("team/app", "p256-attestation-manifest.json", "p256-attestation.json").await;
    assert!(!place.is_signed("team/app").await);
}

#[tokio::test]
async fn what_is_not_there_is_not_signed() {
    let place = Place::new().await;
    place.sign_by_tag("team/app").await;
    let is_signed = async |name: &str, tag: Option<&str>, digest: Option<&str>| {
        place.images.is_signed(&place.cx(), &name.parse().unwrap(), tag, digest).await.unwrap()
    };

    assert!(is_signed("team/app", Some("v1"), None).await);
    assert!(!is_signed("team/app", Some("v2"), None).await);
    assert!(!is_signed("nowhere/app", Some("v1"), None).await);
    assert!(!is_signed("team/app", None, None).await);
    assert!(!is_signed("team/app", None, Some("no digest")).await);
}

#[tokio::test]
async fn without_a_trusted_key_nothing_is_signed() {
    let mut place = Place::new().await;
    place.sign_by_tag("team/app").await;

    place.images.keys = TrustedKeys::default();

    assert!(!place.is_signed("team/app").await);
}

#[tokio::test]
async fn a_signature_behind_more_manifests_than_are_looked_at_does_not_count() {
    let place = Place::new().await;
    let signature = place.refer("team/app", "p256-bundle-manifest.json", "p256-bundle.json").await;
    let genuine = String::from_utf8(fixture("p256-bundle-manifest.json").to_vec()).unwrap();
    let payload = fixture("ed25519-bundle.json");
    let (size, ours) = (payload.len(), digest(&payload));
    let theirs = digest(&fixture("p256-bundle.json"));
    let first: [&[u8]; 1] = [&payload];
    let mut pushed = 0;
    for number in 0.. {
        let forged =
            genuine.replace(theirs.as_str(), ours.as_str()).replace("\"size\":667", &format!("\"size\":{size}"));
        let forged = forged.replace("2026-11-27T02:54:04Z", &format!("forgery {number}"));
        let name = digest(forged.as_bytes()).to_string();
        // They are looked at in the order of their digests.
        if name < signature.to_string() {
            let blobs: &[&[u8]] = if pushed == 0 { &first } else { &[] };
            place.push("team/app", &name, forged.into(), blobs).await;
            pushed += 1;
        }
        if pushed == MANIFESTS_MAX - 2 {
            assert!(place.is_signed("team/app").await);
        }
        if pushed == MANIFESTS_MAX {
            break;
        }
    }

    assert!(!place.is_signed("team/app").await);
}

#[tokio::test]
async fn what_else_signs_behind_more_signatures_than_are_looked_at_does_not_count() {
    let place = Place::new().await;
    place.refer("team/app", "p256-bundle-manifest.json", "p256-bundle.json").await;
    let mut manifest: serde_json::Value = serde_json::from_slice(&fixture("p256-manifest.json")).unwrap();
    let mut forged = manifest["layers"][0].clone();
    forged["annotations"] = serde_json::json!({"dev.cosignproject.cosign/signature": "AAAA"});
    let tag = signature_tag(&place.image()).unwrap();
    let blobs = [fixture("p256-config.json"), fixture("p256-payload.json")];
    for (count, expected) in [(CLAIMS_MAX - 1, true), (CLAIMS_MAX, false)] {
        manifest["layers"] = vec![forged.clone(); count].into();
        place.push("team/app", tag.as_str(), manifest.to_string().into(), &[&blobs[0], &blobs[1]]).await;

        assert_eq!(place.is_signed("team/app").await, expected, "{count}");
    }
}
