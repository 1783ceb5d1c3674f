mod error;
mod members;

use crate::{Descriptor, Digest, Platform, json, media_type};
pub use error::ManifestError;
use members::{At, List, Object};
use std::collections::{BTreeMap, HashSet};

/// What a manifest is: one thing made of blobs, or a list of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An image manifest: a configuration and layers.
    Image,
    /// An index (Docker: manifest list): manifests.
    Index,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Kind::Image => "an image manifest",
            Kind::Index => "an index",
        }
    }
}

/// What a manifest may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestLimits {
    /// Bytes of the manifest. OCI Distribution 1.1.1 wants at least 4 megabytes.
    pub bytes_max: usize,
    /// Lists and objects within each other; the outermost object counts 1. Never more than 127, whatever is said here.
    pub depth_max: usize,
    /// Configuration, layers, manifests and subject together.
    pub descriptors_max: usize,
    /// Bytes of all names and values in annotations, those of descriptors included.
    pub annotations_bytes_max: usize,
    /// JSON values of all kinds, members that are not known included: what bounds the memory that reading takes.
    pub values_max: usize,
}

impl Default for ManifestLimits {
    fn default() -> Self {
        ManifestLimits {
            bytes_max: 4 * 1024 * 1024,
            depth_max: 32,
            descriptors_max: 10_000,
            annotations_bytes_max: 4 * 1024 * 1024,
            values_max: 400_000,
        }
    }
}

/// A manifest or index, as far as a registry looks at it (OCI Image 1.1.1; Docker manifest version 2 schema 2).
///
/// The bytes stay what is stored and served: this is never written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whether it is an image manifest or an index.
    pub kind: Kind,
    /// One of [`media_type::MANIFESTS`].
    pub media_type: String,
    /// Its `artifactType`; else, for an image, the type of its configuration, unless that is the empty one.
    pub artifact_type: Option<String>,
    /// Configuration: always there for an image, never for an index.
    pub config: Option<Descriptor>,
    /// Layers of an image, lowest first.
    pub layers: Vec<Descriptor>,
    /// Manifests of an index.
    pub manifests: Vec<Descriptor>,
    /// The manifest it says something about, which need not exist.
    pub subject: Option<Descriptor>,
    /// Free metadata.
    pub annotations: BTreeMap<String, String>,
}

const MEMBERS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "fsLayers",
];
const DESCRIPTOR_MEMBERS: &[&str] =
    &["mediaType", "digest", "size", "urls", "annotations", "artifactType", "platform", "data"];
const PLATFORM_MEMBERS: &[&str] = &["architecture", "os", "os.version", "os.features", "variant"];

/// Members by which a program might take an image for something else, and those of an index.
const FOREIGN_TO_IMAGE: [&str; 2] = ["manifests", "fsLayers"];
const FOREIGN_TO_INDEX: [&str; 3] = ["config", "layers", "fsLayers"];

impl Manifest {
    /// Reads a manifest that came with the header `Content-Type: {content_type}`.
    ///
    /// The header's parameters and case do not matter; an empty one is none. Where the body names its type too, both
    /// must be the same; where neither does, the members decide, if they can. A member of the other kind of manifest is
    /// refused, even if it is `null`. Members that are not known are ignored. As Go programs write what is absent as
    /// `null` or as an empty text, a known member that is `null` is absent, a list that is `null` is empty, and so is a
    /// type or a part of a platform that is an empty text.
    ///
    /// # Errors
    /// The first thing wrong, in the order: size, encoding, JSON, type, members.
    pub fn parse(bytes: &[u8], content_type: Option<&str>, limits: &ManifestLimits) -> Result<Manifest, ManifestError> {
        let text = read_text(bytes, limits)?;
        let value = json::read(text, json::Limits { depth_max: limits.depth_max, values_max: limits.values_max })?;
        let root = At::root(&value).object(MEMBERS)?;
        let (media_type, kind) = decide_type(&root, content_type)?;
        refuse_other_kinds(&root, kind)?;
        let mut reader = Reader { limits, descriptors: 0, annotations_bytes: 0 };
        let artifact_type = read_artifact_type(&root)?;
        let mut manifest = Manifest {
            kind,
            media_type: media_type.into(),
            artifact_type,
            config: None,
            layers: Vec::new(),
            manifests: Vec::new(),
            subject: None,
            annotations: BTreeMap::new(),
        };
        match kind {
            Kind::Image => {
                manifest.config = Some(reader.descriptor(root.load("config")?)?);
                manifest.layers = reader.descriptors(&root, "layers")?;
            }
            Kind::Index => manifest.manifests = reader.descriptors(&root, "manifests")?,
        }
        manifest.subject = root.find("subject").map(|subject| reader.descriptor(subject)).transpose()?;
        manifest.annotations = reader.annotations(&root)?;
        if manifest.artifact_type.is_none() {
            let of_config = manifest.config_type().filter(|media_type| *media_type != media_type::OCI_EMPTY);
            manifest.artifact_type = of_config.map(str::to_owned);
        }
        Ok(manifest)
    }

    /// Returns the blobs it points to: configuration and layers, in order, each digest once.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        first_of_each(self.config.iter().chain(&self.layers))
    }

    /// Returns the blobs that a repository must hold before it takes the manifest: [`blobs`](Manifest::blobs) without
    /// the layers that no client may push. The configuration is always one of them, whatever its type.
    pub fn required_blobs(&self) -> impl Iterator<Item = &Descriptor> {
        // What one descriptor excuses another with the same digest may still require, so this comes before the firsts.
        let is_required = |blob: &&Descriptor| !media_type::is_nondistributable(&blob.media_type);
        first_of_each(self.config.iter().chain(self.layers.iter().filter(is_required)))
    }

    /// Returns the artifact type under which the referrers API must list it: [`artifact_type`](Manifest), else an
    /// image's configuration type whatever it is, the empty one included (OCI Distribution 1.1.1, "Listing Referrers").
    pub fn listed_artifact_type(&self) -> Option<&str> {
        self.artifact_type.as_deref().or_else(|| self.config_type())
    }

    fn config_type(&self) -> Option<&str> {
        self.config.as_ref().map(|config| config.media_type.as_str())
    }
}

fn first_of_each<'m>(descriptors: impl Iterator<Item = &'m Descriptor>) -> impl Iterator<Item = &'m Descriptor> {
    let mut seen: HashSet<&Digest> = HashSet::new();
    descriptors.filter(move |descriptor| seen.insert(&descriptor.digest))
}

fn read_text<'b>(bytes: &'b [u8], limits: &ManifestLimits) -> Result<&'b str, ManifestError> {
    if bytes.len() > limits.bytes_max {
        return Err(ManifestError::TooLarge { bytes: bytes.len(), bytes_max: limits.bytes_max });
    }
    let marks: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"];
    if marks.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(ManifestError::ByteOrderMark);
    }
    str::from_utf8(bytes).map_err(|error| ManifestError::Encoding { at: error.valid_up_to() })
}

/// Says what the manifest is, by its header and its `mediaType`, or by its members where both are silent.
fn decide_type(root: &Object<'_, '_>, content_type: Option<&str>) -> Result<(&'static str, Kind), ManifestError> {
    let header = content_type.map(media_type::essence).filter(|essence| !essence.is_empty());
    let body = read_optional_text(root, "mediaType")?;
    let version = root.find("schemaVersion");
    let is_schema1 = |name: &str| {
        [media_type::DOCKER_SCHEMA1, media_type::DOCKER_SCHEMA1_SIGNED].iter().any(|old| name.eq_ignore_ascii_case(old))
    };
    if version.is_some_and(|version| version.is_number(1))
        || header.is_some_and(is_schema1)
        || body.is_some_and(is_schema1)
    {
        return Err(ManifestError::Schema1);
    }
    let decided = match (header, body) {
        (Some(header), Some(body)) if !header.eq_ignore_ascii_case(body) => {
            return Err(ManifestError::MediaTypeMismatch { content_type: short(header), media_type: short(body) });
        }
        // The body's spelling counts: it stays in the bytes, for clients that compare it exactly.
        (_, Some(body)) => find_supported(|supported| supported == body, body)?,
        (Some(header), None) => find_supported(|supported| supported.eq_ignore_ascii_case(header), header)?,
        (None, None) => infer_type(root)?,
    };
    let version = root.load("schemaVersion")?;
    if version.is_number(2) { Ok(decided) } else { Err(version.is_not("2")) }
}

fn find_supported(is_it: impl Fn(&str) -> bool, name: &str) -> Result<(&'static str, Kind), ManifestError> {
    let supported = media_type::MANIFESTS.into_iter().find(|supported| is_it(supported));
    let media_type = supported.ok_or_else(|| ManifestError::Unsupported { media_type: short(name) })?;
    let is_index = [media_type::OCI_INDEX, media_type::DOCKER_MANIFEST_LIST].contains(&media_type);
    Ok((media_type, if is_index { Kind::Index } else { Kind::Image }))
}

/// Only OCI manifests may leave their type out.
fn infer_type(root: &Object<'_, '_>) -> Result<(&'static str, Kind), ManifestError> {
    let [config, layers, manifests] = ["config", "layers", "manifests"].map(|name| root.has(name));
    match (config || layers, manifests) {
        (true, true) => Err(ManifestError::ForeignMember { kind: Kind::Image, member: "manifests" }),
        (true, false) if config && layers => Ok((media_type::OCI_MANIFEST, Kind::Image)),
        (false, true) => Ok((media_type::OCI_INDEX, Kind::Index)),
        (true, false) | (false, false) => Err(ManifestError::Untyped),
    }
}

fn refuse_other_kinds(root: &Object<'_, '_>, kind: Kind) -> Result<(), ManifestError> {
    let foreign: &[&'static str] = match kind {
        Kind::Image => &FOREIGN_TO_IMAGE,
        Kind::Index => &FOREIGN_TO_INDEX,
    };
    match foreign.iter().find(|member| root.has(member)) {
        Some(member) => Err(ManifestError::ForeignMember { kind, member }),
        None => Ok(()),
    }
}

/// Reads a text that is as good as absent when it is empty: Go programs write an absent one so.
fn read_optional_text<'v>(object: &Object<'v, '_>, name: &'static str) -> Result<Option<&'v str>, ManifestError> {
    let text = object.find(name).map(At::text).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn read_artifact_type(object: &Object<'_, '_>) -> Result<Option<String>, ManifestError> {
    match read_optional_text(object, "artifactType")? {
        None => Ok(None),
        Some(text) if media_type::is_well_formed(text) => Ok(Some(text.into())),
        Some(text) => Err(ManifestError::MediaType { place: object.load("artifactType")?.place(), found: short(text) }),
    }
}

fn read_texts(object: &Object<'_, '_>, name: &'static str) -> Result<Vec<String>, ManifestError> {
    let Some(list) = object.find(name).map(At::list).transpose()? else { return Ok(Vec::new()) };
    list.iter().map(|item| item.text().map(str::to_owned)).collect()
}

fn read_platform(at: At<'_, '_>) -> Result<Platform, ManifestError> {
    let object = at.object(PLATFORM_MEMBERS)?;
    let text = |name| read_optional_text(&object, name).map(|text| text.map(str::to_owned));
    Ok(Platform {
        architecture: text("architecture")?.unwrap_or_default(),
        os: text("os")?.unwrap_or_default(),
        os_version: text("os.version")?,
        os_features: read_texts(&object, "os.features")?,
        variant: text("variant")?,
    })
}

/// Reads descriptors, and counts what all of them cost together.
struct Reader<'l> {
    limits: &'l ManifestLimits,
    descriptors: usize,
    annotations_bytes: usize,
}

impl Reader<'_> {
    /// Reads a list that must be there; `null` is an empty one.
    fn descriptors(&mut self, root: &Object<'_, '_>, name: &'static str) -> Result<Vec<Descriptor>, ManifestError> {
        if root.has(name) && root.find(name).is_none() {
            return Ok(Vec::new());
        }
        let list: List<'_, '_> = root.load(name)?.list()?;
        if list.len() > self.limits.descriptors_max {
            return Err(ManifestError::TooManyDescriptors { descriptors_max: self.limits.descriptors_max });
        }
        let mut descriptors = Vec::with_capacity(list.len());
        for item in list.iter() {
            descriptors.push(self.descriptor(item)?);
        }
        Ok(descriptors)
    }

    fn descriptor(&mut self, at: At<'_, '_>) -> Result<Descriptor, ManifestError> {
        self.descriptors += 1;
        if self.descriptors > self.limits.descriptors_max {
            return Err(ManifestError::TooManyDescriptors { descriptors_max: self.limits.descriptors_max });
        }
        let object = at.object(DESCRIPTOR_MEMBERS)?;
        let media_type = object.load("mediaType")?;
        if !media_type::is_tolerable(media_type.text()?) {
            return Err(ManifestError::MediaType { place: media_type.place(), found: short(media_type.text()?) });
        }
        let digest = object.load("digest")?;
        Ok(Descriptor {
            media_type: media_type.text()?.into(),
            digest: digest.text()?.parse().map_err(|source| ManifestError::Digest { place: digest.place(), source })?,
            size: object.load("size")?.size()?,
            urls: read_texts(&object, "urls")?,
            annotations: self.annotations(&object)?,
            artifact_type: read_artifact_type(&object)?,
            platform: object.find("platform").map(read_platform).transpose()?,
        })
    }

    fn annotations(&mut self, object: &Object<'_, '_>) -> Result<BTreeMap<String, String>, ManifestError> {
        let Some(annotations) = object.find("annotations") else { return Ok(BTreeMap::new()) };
        let annotations_bytes_max = self.limits.annotations_bytes_max;
        let mut read = BTreeMap::new();
        for annotation in annotations.texts_by_name()? {
            let (name, text) = annotation?;
            self.annotations_bytes += name.len() + text.len();
            if self.annotations_bytes > annotations_bytes_max {
                return Err(ManifestError::AnnotationsTooLarge { annotations_bytes_max });
            }
            read.insert(name.to_owned(), text.to_owned());
        }
        Ok(read)
    }
}

fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod strictness_tests;
#[cfg(test)]
mod tests;
