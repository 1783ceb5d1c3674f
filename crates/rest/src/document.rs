use crate::protection::{HoldDocument, ImageUseDocument};
use gantry_registry::{ArchiveCounts, ImageStatus, ImageSummary, Repository};
use gantry_words::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A repository, as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Repository")]
pub struct RepositoryDocument {
    /// Its name.
    pub name: String,
    /// When it was created, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Who created it.
    pub created_by: String,
    /// Manifests it holds, children and referrers included.
    pub image_count: i64,
    /// Tags it holds.
    pub tag_count: i64,
    /// Bytes of the blobs linked in it.
    pub blob_bytes: i64,
    /// Patterns of tags that are protected, with their images.
    #[serde(default)]
    pub protected_tags: Vec<String>,
    /// What it has in the archive; missing in lists.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "ArchiveDocument")]
    pub archive: Option<ArchiveDocument>,
}

/// What a repository has in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Archive")]
pub struct ArchiveDocument {
    /// Images.
    pub image_count: u64,
    /// Bytes of the blobs that only they name.
    pub blob_bytes: u64,
}

impl From<ArchiveCounts> for ArchiveDocument {
    fn from(archived: ArchiveCounts) -> Self {
        ArchiveDocument { image_count: archived.images, blob_bytes: archived.bytes }
    }
}

impl From<Repository> for RepositoryDocument {
    fn from(repository: Repository) -> Self {
        RepositoryDocument {
            name: repository.name.to_string(),
            created_at: repository.created_at.to_string(),
            created_by: repository.created_by.to_string(),
            image_count: repository.image_count,
            tag_count: repository.tag_count,
            blob_bytes: repository.blob_bytes,
            protected_tags: repository.rules.protected_tags.clone().into(),
            archive: None,
        }
    }
}

/// An image, as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Image")]
pub struct ImageDocument {
    /// Its digest.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub artifact_type: Option<String>,
    /// The manifest it refers to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub subject: Option<String>,
    /// Its tags, at most a thousand.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// Whether a living index names it.
    pub is_child: bool,
    /// When it was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub pushed_at: String,
    /// How well that is known: `exact`, `estimated` (an import took it from files) or `unknown` (it stands for what nobody knows).
    #[serde(default = "exact")]
    #[schemars(extend("enum" = ["exact", "estimated", "unknown"]))]
    pub pushed_at_precision: String,
    /// Who pushed it.
    pub pushed_by: String,
    /// Who holds it; missing where nobody does. Nobody can delete an image on hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "HoldDocument")]
    pub hold: Option<HoldDocument>,
    /// Who runs it, by the reports that count now. Policies keep such an image.
    #[serde(default)]
    pub in_use: Vec<ImageUseDocument>,
    /// Labels that people gave it here, each with its value; those of its configuration are others.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `ACTIVE`, `ARCHIVED`, or `ACTIVATING` on the way back. Only an active image can be pulled.
    #[serde(default = "active")]
    pub status: String,
    /// When it went to the archive last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub archived_at: Option<String>,
    /// When it came back from there last, or was asked to, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub activated_at: Option<String>,
}

/// What is known of times by servers that do not say it.
fn exact() -> String {
    Precision::Exact.as_str().into()
}

/// The status of images of servers that have no archive.
fn active() -> String {
    ImageStatus::Active.as_str().into()
}

impl From<ImageSummary> for ImageDocument {
    fn from(image: ImageSummary) -> Self {
        ImageDocument {
            digest: image.digest,
            media_type: image.media_type,
            artifact_type: image.artifact_type,
            subject: image.subject,
            tags: image.tags,
            bytes: image.bytes,
            is_child: image.parent_count > 0,
            pushed_at: image.pushed_at.to_string(),
            pushed_at_precision: image.pushed_at_precision.as_str().into(),
            pushed_by: image.pushed_by,
            hold: image.hold.map(HoldDocument::from),
            in_use: image.uses.into_iter().map(ImageUseDocument::from).collect(),
            labels: image.labels,
            status: image.status.as_str().into(),
            archived_at: image.archived_at.map(|at| at.to_string()),
            activated_at: image.activated_at.map(|at| at.to_string()),
        }
    }
}
