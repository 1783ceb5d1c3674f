use crate::Sim;
use bytes::Bytes;
use gantry_env::Random;
use gantry_oci::{Algorithm, Digest, Tag};
use serde_json::json;
use std::collections::BTreeMap;

const BLOBS: usize = 10;
const IMAGES: usize = 6;
const REFERRERS: usize = 4;
const INDEXES: usize = 3;
const TAGS: usize = 4;
const BLOB_BYTES_MAX: u64 = 5_000;

/// What there is to push: small, and much of it shared, so that clients get into each other's way.
pub(crate) struct Stock {
    pub(crate) blobs: Vec<Digest>,
    /// Images, and such as refer to others.
    pub(crate) images: Vec<Manifest>,
    pub(crate) indexes: Vec<Manifest>,
    pub(crate) tags: Vec<Tag>,
    /// The bytes of every blob.
    bytes: BTreeMap<Digest, Bytes>,
}

/// A manifest, and what it names.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// The manifest it refers to, which need not be there.
    pub(crate) subject: Option<Digest>,
    pub(crate) digest: Digest,
    pub(crate) body: Bytes,
    pub(crate) blobs: Vec<Digest>,
    pub(crate) children: Vec<Digest>,
}

impl Stock {
    pub(crate) fn new(sim: &Sim) -> Self {
        let blobs: Vec<(Digest, Bytes)> = (0..BLOBS).map(|number| blob(sim, number)).collect();
        let mut images: Vec<Manifest> = (0..IMAGES).map(|number| image(sim, number, &blobs, None)).collect();
        let indexes: Vec<Manifest> = (0..INDEXES).map(|number| index(number, &images)).collect();
        for number in IMAGES..IMAGES + REFERRERS {
            // Of the first nobody ever pushes the subject; the last refer to other referrers, too.
            let subjects: Vec<&Manifest> = images.iter().chain(&indexes).collect();
            let subject = if number == IMAGES {
                digest(b"nowhere", Algorithm::Sha256)
            } else {
                sim.pick(&subjects).digest.clone()
            };
            images.push(image(sim, number, &blobs, Some(subject)));
        }
        let tags =
            (0..TAGS).map(|number| format!("v{number}").parse().expect("a letter and a digit are a tag")).collect();
        Stock {
            blobs: blobs.iter().map(|(digest, _)| digest.clone()).collect(),
            images,
            indexes,
            tags,
            bytes: blobs.into_iter().collect(),
        }
    }

    /// The bytes a blob has to have.
    pub(crate) fn bytes(&self, blob: &Digest) -> Bytes {
        self.bytes[blob].clone()
    }

    /// The same by a digest's text; `None` for a blob that nobody can have pushed.
    pub(crate) fn find_bytes(&self, digest: &str) -> Option<&Bytes> {
        self.bytes.get(&digest.parse::<Digest>().ok()?)
    }

    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.images.iter().chain(&self.indexes)
    }

    pub(crate) fn manifest(&self, digest: &Digest) -> &Manifest {
        self.manifests().find(|manifest| manifest.digest == *digest).expect("only stock is pushed")
    }
}

fn digest(bytes: &[u8], algorithm: Algorithm) -> Digest {
    let hash = match algorithm {
        Algorithm::Sha256 => gantry_store::Algorithm::Sha256,
        Algorithm::Sha512 => gantry_store::Algorithm::Sha512,
    };
    Digest::from_hash(algorithm, &gantry_store::hash_bytes(hash, bytes))
}

fn blob(sim: &Sim, number: usize) -> (Digest, Bytes) {
    // The first is empty: an edge that is easily forgotten.
    let length = if number == 0 { 0 } else { 1 + sim.below(BLOB_BYTES_MAX) };
    let mut bytes = vec![0; length as usize];
    sim.fill(&mut bytes);
    let algorithm = if number == 1 { Algorithm::Sha512 } else { Algorithm::Sha256 };
    (digest(&bytes, algorithm), bytes.into())
}

fn manifest(
    document: &serde_json::Value,
    blobs: Vec<Digest>,
    children: Vec<Digest>,
    subject: Option<Digest>,
) -> Manifest {
    let body = Bytes::from(document.to_string());
    Manifest { digest: digest(&body, Algorithm::Sha256), body, blobs, children, subject }
}

fn image(sim: &Sim, number: usize, stock: &[(Digest, Bytes)], subject: Option<Digest>) -> Manifest {
    let named: Vec<&(Digest, Bytes)> = (0..2 + sim.below(3)).map(|_| sim.pick(stock)).collect();
    let descriptor = |(digest, bytes): &(Digest, Bytes), kind: &str| json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest.as_str(), "size": bytes.len()});
    let layers: Vec<_> = named[1..].iter().map(|blob| descriptor(blob, "layer.v1.tar")).collect();
    let mut document = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor(named[0], "config.v1+json"), "layers": layers,
        "annotations": {"number": number.to_string()},
    });
    if let Some(subject) = &subject {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        document["subject"] = json!({"mediaType": media_type, "digest": subject.as_str(), "size": 2});
    }
    manifest(&document, named.iter().map(|(digest, _)| digest.clone()).collect(), vec![], subject)
}

fn index(number: usize, images: &[Manifest]) -> Manifest {
    let children = [&images[number % images.len()], &images[(number + 1) % images.len()]];
    let descriptors: Vec<_> = children
        .iter()
        .map(|child| {
            let media_type = "application/vnd.oci.image.manifest.v1+json";
            json!({"mediaType": media_type, "digest": child.digest.as_str(), "size": child.body.len()})
        })
        .collect();
    let document = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": descriptors,
        "annotations": {"number": number.to_string()},
    });
    manifest(&document, vec![], children.iter().map(|child| child.digest.clone()).collect(), None)
}
