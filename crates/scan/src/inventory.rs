//! What an image holds, once its layers are put together.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};

use crate::package::PackageKey;
use crate::{Distribution, ExposedSecret, ImageConfig, Misconfiguration, Package, SetuidFile, find_misconfigurations};

/// Characters of a platform at most.
const PLATFORM_CHARACTERS_MAX: usize = 100;
/// Bytes of a layer's digest at most: `sha512:` and 128 digits.
const DIGEST_BYTES_MAX: usize = 135;

/// All that is known of an image without looking at its layers again.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inventory {
    /// The distribution; `None` where no file of the image names one.
    pub distribution: Option<Distribution>,
    /// Packages, each at each path that holds it, sorted.
    pub packages: Vec<Installed>,
    /// What could not be read, in sentences for people.
    pub complaints: Vec<String>,
    /// Secrets in its layers, those that are to be seen first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<LayerSecret>,
    /// Files to be seen that have the setuid or the setgid bit, sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setuid: Vec<SetuidFile>,
    /// What is unwise about how it is made, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misconfigurations: Vec<Misconfiguration>,
    /// The digests of its layers, unpacked (diff ids), the lowest first; empty where they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff_ids: Vec<String>,
    /// What it runs on: `linux/arm64/v8`; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
}

impl Inventory {
    /// Adds what the configuration of an image of so many layers says: what is unwise about how it is made, and what it is made of.
    /// One that cannot be read is complained about.
    pub fn judge(&mut self, config: &[u8], layers: usize) {
        let config = match ImageConfig::parse(config) {
            Ok(config) => config,
            Err(reason) => return self.complaints.push(reason),
        };
        self.misconfigurations = find_misconfigurations(&config, &self.setuid);
        let platform = [config.os, config.architecture, config.variant];
        let platform: Vec<String> = platform.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        self.platform = platform.join("/").chars().take(PLATFORM_CHARACTERS_MAX).collect();
        let diff_ids = config.rootfs.and_then(|rootfs| rootfs.diff_ids).unwrap_or_default();
        let are_whole = diff_ids.len() == layers && diff_ids.iter().all(|diff_id| diff_id.len() <= DIGEST_BYTES_MAX);
        self.diff_ids = if are_whole { diff_ids } else { Vec::new() };
    }

    /// Which layers brought each package, wherever it lies.
    pub fn package_layers(&self) -> PackageLayers<'_> {
        let mut layers = PackageLayers::new();
        for installed in &self.packages {
            layers.entry(installed.package.key()).or_default().insert(installed.layer);
        }
        layers
    }

    /// The chain id of each of its layers with all below it (OCI image specification 1.1, Layer ChainID), the lowest first: images of
    /// which one has the whole chain of another were made from the same layers.
    pub fn chain_ids(&self) -> Vec<String> {
        let mut chain_ids: Vec<String> = Vec::new();
        for diff_id in &self.diff_ids {
            chain_ids.push(match chain_ids.last() {
                None => diff_id.clone(),
                Some(below) => {
                    format!("sha256:{}", hex::encode(digest(&SHA256, format!("{below} {diff_id}").as_bytes())))
                }
            });
        }
        chain_ids
    }
}

/// Layers, counted from 0 at the bottom, by the [`Package::key`] of what they brought.
pub type PackageLayers<'a> = BTreeMap<PackageKey<'a>, BTreeSet<u32>>;

/// A secret in a layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LayerSecret {
    /// The secret.
    #[serde(flatten)]
    pub secret: ExposedSecret,
    /// Which layer holds it, counted from 0 at the bottom.
    pub layer: u32,
    /// Whether a layer above deletes or replaces the file: whoever has the image can read it all the same.
    #[serde(rename = "deleted")]
    pub is_deleted: bool,
}

/// A package at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Installed {
    /// The package.
    pub package: Package,
    /// The file that names it, normalised; `outer.jar!inner.jar` within archives.
    pub path: String,
    /// Which layer brought it, counted from 0 at the bottom.
    pub layer: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_id_is_of_a_layer_and_all_below_it() {
        let inventory = Inventory { diff_ids: vec!["sha256:a".into(), "sha256:b".into()], ..Inventory::default() };

        let chain_ids = inventory.chain_ids();

        // What `printf 'sha256:a sha256:b' | sha256sum` says.
        let second = "sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8";
        assert_eq!(chain_ids, ["sha256:a", second]);
    }

    #[test]
    fn layers_that_the_configuration_counts_otherwise_are_not_known() {
        let config =
            br#"{"os": "linux", "architecture": "arm64", "variant": "v8", "rootfs": {"diff_ids": ["sha256:a"]}}"#;
        let mut inventory = Inventory::default();

        inventory.judge(config, 2);

        assert_eq!((inventory.diff_ids.len(), inventory.platform.as_str()), (0, "linux/arm64/v8"));
    }
}
