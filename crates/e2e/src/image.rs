use crate::{Answer, Client};
use aws_lc_rs::digest as hashes;
use serde_json::json;

/// Returns the sha256 digest of bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(hashes::digest(&hashes::SHA256, bytes)))
}

/// A small image: a config and layers of given bytes.
#[derive(Clone, Debug)]
pub struct Image {
    /// The config.
    pub config: Vec<u8>,
    /// The layers.
    pub layers: Vec<Vec<u8>>,
    /// The manifest.
    pub manifest: Vec<u8>,
}

impl Image {
    /// The media type of its manifest.
    pub const MEDIA_TYPE: &'static str = "application/vnd.oci.image.manifest.v1+json";

    /// An image whose layers have these bytes; `seed` makes its config its own.
    pub fn new(seed: u64, layers: Vec<Vec<u8>>) -> Image {
        let diff_ids: Vec<_> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Labels": {"seed": seed.to_string()}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = config.to_string().into_bytes();
        let layer = |bytes: &Vec<u8>| json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(bytes), "size": bytes.len()});
        let manifest = json!({
            "schemaVersion": 2, "mediaType": Image::MEDIA_TYPE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        });
        Image { config, layers, manifest: manifest.to_string().into_bytes() }
    }

    /// An image of one small layer.
    pub fn small(seed: u64) -> Image {
        Image::new(seed, vec![format!("layer of image {seed}").into_bytes()])
    }

    /// Returns the digest of its manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// Pushes it; returns the answer to the manifest, or the first that was not 201.
    pub fn push(&self, client: &Client, name: &str, reference: &str) -> Result<Answer, ureq::Error> {
        for blob in self.layers.iter().chain([&self.config]) {
            let answer = client.push_blob(name, blob)?;
            if answer.status != 201 {
                return Ok(answer);
            }
        }
        let path = format!("/v2/{name}/manifests/{reference}");
        client.try_send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &self.manifest)
    }

    /// Pulls it by its reference, and every blob it names; says what is missing or wrong.
    pub fn check(&self, client: &Client, name: &str, reference: &str) -> Result<(), String> {
        let found = client.get(&format!("/v2/{name}/manifests/{reference}"));
        if found.status != 200 || found.body != self.manifest {
            return Err(format!("{name}:{reference} answers {} {}", found.status, found.text()));
        }
        for blob in self.layers.iter().chain([&self.config]) {
            let found = client.get(&format!("/v2/{name}/blobs/{}", digest(blob)));
            if found.status != 200 || found.body != *blob {
                return Err(format!(
                    "{name}@{} answers {} with {} bytes",
                    digest(blob),
                    found.status,
                    found.body.len()
                ));
            }
        }
        Ok(())
    }
}
