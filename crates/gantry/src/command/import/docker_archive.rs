use super::source::{Damage, FoundByName, Kind, Opened, Source, SourceError};
use crate::moving::{Files, FilesError, ImageName, MANIFEST_BYTES_MAX, digest_of, hash};
use gantry_oci::{Algorithm, Descriptor, Digest, media_type};
use gantry_words::RepositoryName;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    io::{Cursor, Read},
};

const MANIFEST: &str = "manifest.json";
/// Images of an archive at most, layers of an image, and names of one.
const IMAGES_MAX: usize = 10_000;
const LAYERS_MAX: usize = 1_000;
const NAMES_MAX: usize = 1_000;

/// What `docker save` wrote before its version 25, and others still do (moby, image/spec v1.2, Combined Image JSON + Filesystem
/// Changeset Format): a configuration and layers, of which an OCI manifest is made. Configuration and layers stay as they are.
pub(super) const KIND: Kind = Kind { name: "docker archive", has_names: false, is_it, open };

/// One image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// What is read of a configuration.
#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Default, Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<Digest>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageManifest {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

enum Content {
    Bytes(Vec<u8>),
    Member { name: String, length: u64 },
}

struct Archive {
    files: Files,
    contents: HashMap<Digest, Content>,
    /// What a member was found to be: images share their layers.
    layers: HashMap<String, Descriptor>,
}

fn is_it(files: &Files) -> bool {
    files.has(MANIFEST)
}

fn open(files: Files, seen: &dyn Fn(u64)) -> Result<Opened, SourceError> {
    let document = |problem: String| SourceError::Document { name: MANIFEST, problem };
    let bytes = files.document(MANIFEST, MANIFEST_BYTES_MAX)?.ok_or_else(|| document("it is gone".into()))?;
    let entries: Vec<Entry> = serde_json::from_slice(&bytes).map_err(|error| document(error.to_string()))?;
    if entries.len() > IMAGES_MAX {
        return Err(SourceError::TooMany { what: "images", most: IMAGES_MAX });
    }
    let mut archive = Archive { files, contents: HashMap::new(), layers: HashMap::new() };
    let mut found = FoundByName::new();
    for entry in entries {
        let all = entry.repo_tags.unwrap_or_default();
        let names: Vec<ImageName> = all.iter().take(NAMES_MAX).map(|name| ImageName::parse(name)).collect();
        let names = if names.is_empty() { vec![ImageName::default()] } else { names };
        let image = archive.add_image(&entry.config, &entry.layers.unwrap_or_default(), seen);
        for name in names {
            let repository = name.repository.as_ref().map(RepositoryName::to_string);
            let images = found.entry(name.repository).or_default();
            match &image {
                Ok(digest) => images.add(digest.clone(), Some(media_type::OCI_MANIFEST.into()), name.tag),
                Err(problem) => {
                    let concerns = concerned(repository, name.tag.map(|tag| tag.to_string()), &entry.config);
                    images.damages.push(Damage::new(concerns, problem));
                }
            }
        }
    }
    Ok(Opened { source: Box::new(archive), found, damages: vec![] })
}

fn concerned(name: Option<String>, tag: Option<String>, config: &str) -> String {
    match (name, tag) {
        (_, Some(tag)) => format!("tag {tag}"),
        (Some(name), None) => format!("image {name}"),
        (None, None) => format!("image with the configuration {}", short(config)),
    }
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

impl Archive {
    /// Makes a manifest of an image; returns its digest, or what is wrong.
    fn add_image(&mut self, config: &str, layers: &[String], seen: &dyn Fn(u64)) -> Result<Digest, String> {
        let document = self.files.document(config, MANIFEST_BYTES_MAX).map_err(|error| error.to_string())?;
        let bytes = document.ok_or_else(|| format!("its configuration {} is not in the archive", short(config)))?;
        let config_digest = digest_of(Algorithm::Sha256, &bytes);
        if digest_in(config).is_some_and(|named| named != config_digest) {
            return Err(format!("its configuration {} holds other bytes than its name says", short(config)));
        }
        let read: Config =
            serde_json::from_slice(&bytes).map_err(|error| format!("its configuration is not understood: {error}"))?;
        if layers.len() > LAYERS_MAX {
            return Err(format!("it has more than {LAYERS_MAX} layers"));
        }
        let mut descriptors = Vec::with_capacity(layers.len());
        for (number, name) in layers.iter().enumerate() {
            let layer = self.layer(name, seen)?;
            let said = read.rootfs.diff_ids.get(number);
            if layer.media_type == media_type::OCI_LAYER && said.is_some_and(|said| *said != layer.digest) {
                return Err(format!("its layer {} holds other bytes than the configuration says", short(name)));
            }
            descriptors.push(layer);
        }
        let config_length = bytes.len() as u64;
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: media_type::OCI_MANIFEST,
            config: Descriptor::new(media_type::OCI_CONFIG, config_digest.clone(), config_length),
            layers: descriptors,
        };
        let manifest = serde_json::to_vec(&manifest).map_err(|error| error.to_string())?;
        let digest = digest_of(Algorithm::Sha256, &manifest);
        self.contents.insert(config_digest, Content::Bytes(bytes));
        self.contents.insert(digest.clone(), Content::Bytes(manifest));
        Ok(digest)
    }

    /// Reads a layer through; returns what it is.
    fn layer(&mut self, name: &str, seen: &dyn Fn(u64)) -> Result<Descriptor, String> {
        if let Some(known) = self.layers.get(name) {
            return Ok(known.clone());
        }
        let open = || match self.files.open_file(name) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => Err(format!("its layer {} is not in the archive", short(name))),
            Err(error) => Err(error.to_string()),
        };
        let mut begin = Vec::new();
        open()?.take(4).read_to_end(&mut begin).map_err(|error| error.to_string())?;
        let (digest, length) = hash(Algorithm::Sha256, &mut *open()?, seen)
            .map_err(|error| format!("its layer {}: {error}", short(name)))?;
        let descriptor = Descriptor::new(layer_type(&begin), digest.clone(), length);
        self.layers.insert(name.to_owned(), descriptor.clone());
        self.contents.insert(digest, Content::Member { name: name.to_owned(), length });
        Ok(descriptor)
    }
}

/// What a layer is by how it begins: docker writes them plain, other programs as they were pulled.
fn layer_type(begin: &[u8]) -> &'static str {
    match begin {
        [0x1f, 0x8b, ..] => media_type::OCI_LAYER_GZIP,
        [0x28, 0xb5, 0x2f, 0xfd] => media_type::OCI_LAYER_ZSTD,
        _ => media_type::OCI_LAYER,
    }
}

/// The digest that the name of a configuration says: `<hex>.json`, or `sha256:<hex>`.
fn digest_in(name: &str) -> Option<Digest> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let hex = file.strip_suffix(".json").unwrap_or(file);
    format!("sha256:{}", hex.strip_prefix("sha256:").unwrap_or(hex)).parse().ok()
}

impl Source for Archive {
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError> {
        Ok(self.contents.get(digest).map(|content| match content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Member { length, .. } => *length,
        }))
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        match self.contents.get(digest) {
            None => Ok(None),
            Some(Content::Bytes(bytes)) => Ok(Some(Box::new(Cursor::new(bytes.clone())))),
            Some(Content::Member { name, .. }) => self.files.open_file(name),
        }
    }
}
