//! What is pushed and pulled: bytes that follow from a seed, their digests, small real manifests.

use aws_lc_rs::digest as hashes;
use serde_json::{Value, json};

/// The media type of the manifests here.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What a manifest says of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// Such as `sha256:…`.
    pub(crate) digest: String,
    /// In bytes.
    pub(crate) size: u64,
}

/// Returns so many bytes that do not compress, always the same for a seed.
pub(crate) fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut made = Vec::with_capacity(count + 8);
    while made.len() < count {
        // xorshift64*: fast, and nothing here must be unguessable.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        made.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    made.truncate(count);
    made
}

/// Returns the sha256 digest of bytes that come in pieces.
pub(crate) fn digest(pieces: &[&[u8]]) -> String {
    let mut context = hashes::Context::new(&hashes::SHA256);
    pieces.iter().for_each(|piece| context.update(piece));
    format!("sha256:{}", hex::encode(context.finish()))
}

/// Describes a blob.
pub(crate) fn describe(bytes: &[u8]) -> Descriptor {
    Descriptor { digest: digest(&[bytes]), size: bytes.len() as u64 }
}

/// Returns a config of an image; no two seeds give the same.
pub(crate) fn config(seed: u64) -> Vec<u8> {
    json!({"architecture": "amd64", "os": "linux", "config": {"Labels": {"seed": seed.to_string()}},
        "rootfs": {"type": "layers", "diff_ids": []}})
    .to_string()
    .into_bytes()
}

/// Returns the manifest of an image; `name` makes it its own.
pub(crate) fn manifest(config: &Descriptor, layers: &[Descriptor], name: &str) -> Vec<u8> {
    let describe = |media_type: &str, one: &Descriptor| -> Value {
        json!({"mediaType": media_type, "digest": one.digest, "size": one.size})
    };
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": describe(CONFIG_TYPE, config),
        "layers": layers.iter().map(|layer| describe(LAYER_TYPE, layer)).collect::<Vec<_>>(),
        "annotations": {"org.opencontainers.image.version": name},
    })
    .to_string()
    .into_bytes()
}

/// Returns the name of a tag by its number, so that their order is that of the numbers.
pub(crate) fn tag(number: u64) -> String {
    format!("v{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_follow_from_the_seed_and_differ_between_seeds() {
        assert_eq!(bytes(1, 1001), bytes(1, 1001));
        assert_ne!(bytes(1, 64), bytes(2, 64));
        assert_eq!(bytes(3, 13).len(), 13);
    }

    #[test]
    fn a_digest_does_not_depend_on_where_the_pieces_end() {
        assert_eq!(digest(&[b"ab", b"", b"c"]), digest(&[b"abc"]));
        assert_eq!(digest(&[]), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn the_names_of_tags_are_in_the_order_of_their_numbers() {
        assert!(tag(9) < tag(10) && tag(999_999) < tag(1_000_000));
    }
}
