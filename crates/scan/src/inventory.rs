//! What an image holds, once its layers are put together.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};

use crate::package::PackageKey;
use crate::vex::Statement;
use crate::{
    AttachedDocument, Distribution, ExposedSecret, ImageConfig, Misconfiguration, Package, SetuidFile,
    find_misconfigurations,
};

/// Characters of a platform at most.
const PLATFORM_CHARACTERS_MAX: usize = 100;
/// Bytes of a layer's digest at most: `sha512:` and 128 digits.
const DIGEST_BYTES_MAX: usize = 135;
/// Statements in documents that hang on an image at most.
const ATTACHED_STATEMENTS_MAX: usize = 20_000;
/// The layer of what no layer brought.
const NO_LAYER: u32 = u32::MAX;

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
    /// The digests of its layers as its manifest names them, the lowest first; empty where there is no manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layer_digests: Vec<String>,
    /// The build step that made each of its layers, as its builder noted it, the lowest first; empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build_steps: Vec<String>,
    /// What it runs on: `linux/arm64/v8`; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// The digests of the artifacts that hung on it when it was read, and that may say something of it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
    /// Whether one of these attests a bill of materials.
    #[serde(rename = "attested_sbom", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_attested_sbom: bool,
    /// What these say of its flaws, each statement bound to this image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Statement>,
    /// Which files of each layer are to be seen that belong to no package, the lowest first; `None` where that is not known, as of
    /// images that an earlier version read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loose: Option<Vec<LooseLayer>>,
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
        self.build_steps = config.build_steps(layers);
        let platform = [config.os, config.architecture, config.variant];
        let platform: Vec<String> = platform.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        self.platform = platform.join("/").chars().take(PLATFORM_CHARACTERS_MAX).collect();
        let diff_ids = config.rootfs.and_then(|rootfs| rootfs.diff_ids).unwrap_or_default();
        let are_whole = diff_ids.len() == layers && diff_ids.iter().all(|diff_id| diff_id.len() <= DIGEST_BYTES_MAX);
        self.diff_ids = if are_whole { diff_ids } else { Vec::new() };
    }

    /// The build step that made a layer, counted from 0 at the bottom; `None` where that is not known.
    pub fn build_step(&self, layer: u32) -> Option<&str> {
        self.build_steps.get(layer as usize).map(String::as_str).filter(|step| !step.is_empty())
    }

    /// The processor that it runs on, in Go's word: `amd64`; `None` where that is not known.
    pub fn architecture(&self) -> Option<&str> {
        self.platform.split('/').nth(1)
    }

    /// Which layers brought each package, wherever it lies.
    pub fn package_layers(&self) -> PackageLayers<'_> {
        let mut layers = PackageLayers::new();
        for installed in &self.packages {
            layers.entry(installed.package.key()).or_default().extend(installed.brought_by());
        }
        layers
    }

    /// Takes in what a document says that hangs on the image, `origin` being which one: `referrer sha256:…`.
    ///
    /// Packages are taken of which the layers tell nothing: those of a distribution where they have none at all, since its database is
    /// whole, and those of languages where they have none of that name and version. `origin` is then their path.
    pub fn attach(&mut self, origin: &str, document: AttachedDocument) {
        self.has_attested_sbom |= document.attests_sbom;
        let room = ATTACHED_STATEMENTS_MAX.saturating_sub(self.statements.len());
        if document.statements.len() > room {
            let why = format!("more than {ATTACHED_STATEMENTS_MAX} statements hang on it; the rest is left out");
            self.complaints.push(format!("{origin}: {why}"));
        }
        self.statements.extend(document.statements.into_iter().take(room));
        let is_of_layers = |installed: &&Installed| installed.brought_by().is_some();
        let has_database =
            self.packages.iter().filter(is_of_layers).any(|installed| installed.package.kind.is_distribution());
        let known: BTreeSet<PackageKey<'_>> = self.packages.iter().map(|installed| installed.package.key()).collect();
        let names: BTreeSet<_> = known.iter().map(|(kind, name, _)| (*kind, *name)).collect();
        let mut new: Vec<Package> = document.packages;
        new.retain(|package| {
            let (kind, name, version) = package.key();
            let is_known =
                known.contains(&(kind, name, version)) || (version.is_empty() && names.contains(&(kind, name)));
            !(is_known || has_database && package.kind.is_distribution())
        });
        new.dedup_by(|one, other| one.key() == other.key());
        let install = |package| Installed { package, path: origin.to_owned(), layer: NO_LAYER };
        self.packages.extend(new.into_iter().map(install));
        self.packages.sort_unstable();
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

/// Which of the files that belong to no package are to be seen of a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct LooseLayer {
    /// Which list of files is meant, [`LooseFiles::fingerprint`](crate::LooseFiles::fingerprint).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub list: String,
    /// Places in that list of which nothing is to be seen: where each run of them begins, and how many they are; in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<(u32, u32)>,
    /// Whether the layer has more files than are kept.
    #[serde(rename = "truncated", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_truncated: bool,
}

impl LooseLayer {
    /// Whether the file at a place of the list is to be seen.
    pub fn shows(&self, place: u32) -> bool {
        let after = self.hidden.partition_point(|(begin, _)| *begin <= place);
        let run = after.checked_sub(1).and_then(|at| self.hidden.get(at));
        run.is_none_or(|(begin, count)| place - begin >= *count)
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
    /// The file that names it, normalised; `outer.jar!inner.jar` within archives. Where no file does, the document that does and hangs
    /// on the image: `referrer sha256:…`.
    pub path: String,
    /// Which layer brought it, counted from 0 at the bottom; a number beyond all layers where none did.
    #[serde(default = "no_layer", skip_serializing_if = "is_no_layer")]
    pub layer: u32,
}

impl Installed {
    /// Which layer brought it; `None` where only a document says that it is there.
    pub fn brought_by(&self) -> Option<u32> {
        Some(self.layer).filter(|layer| *layer != NO_LAYER)
    }
}

fn no_layer() -> u32 {
    NO_LAYER
}

fn is_no_layer(layer: &u32) -> bool {
    *layer == NO_LAYER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PackageType;

    #[test]
    fn a_chain_id_is_of_a_layer_and_all_below_it() {
        let inventory = Inventory { diff_ids: vec!["sha256:a".into(), "sha256:b".into()], ..Inventory::default() };

        let chain_ids = inventory.chain_ids();

        // What `printf 'sha256:a sha256:b' | sha256sum` says.
        let second = "sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8";
        assert_eq!(chain_ids, ["sha256:a", second]);
    }

    #[test]
    fn what_a_document_names_is_added_where_the_layers_tell_nothing_of_it() {
        let package = |kind, name: &str, version: &str| Package::new(kind, name, version);
        let in_layer = |package| Installed { package, path: "var/lib/dpkg/status".into(), layer: 0 };
        let mut inventory = Inventory {
            packages: vec![
                in_layer(package(PackageType::Deb, "libssl3", "3.0.13")),
                in_layer(package(PackageType::Npm, "lodash", "4.17.21")),
            ],
            ..Inventory::default()
        };
        let named = vec![
            package(PackageType::Deb, "zlib1g", "1.2"),
            package(PackageType::Npm, "left-pad", "1.0.0"),
            package(PackageType::Npm, "lodash", ""),
            package(PackageType::Npm, "lodash", "4.17.20"),
            package(PackageType::Npm, "lodash", "4.17.21"),
        ];

        for origin in ["referrer sha256:1", "referrer sha256:2"] {
            inventory.attach(origin, AttachedDocument { packages: named.clone(), ..AttachedDocument::default() });
        }

        let told = inventory.packages.iter().map(|one| (&*one.package.name, &*one.package.version, one.brought_by()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("libssl3", "3.0.13", Some(0)),
                ("left-pad", "1.0.0", None),
                ("lodash", "4.17.20", None),
                ("lodash", "4.17.21", Some(0))
            ]
        );
        assert_eq!(inventory.packages[1].path, "referrer sha256:1");
        let text = serde_json::to_string(&inventory).unwrap();
        assert_eq!(text.matches("\"layer\"").count(), 2);
        assert_eq!(serde_json::from_str::<Inventory>(&text).unwrap(), inventory);
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
