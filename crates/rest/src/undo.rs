//! What was deleted or moved, as the management API shows it.

use gantry_registry::{Emptied, RestoredImage, TagMove, TrashedImage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An image in the trash, as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrashedImage")]
pub struct TrashedImageDocument {
    /// The repository it was in, which may be deleted.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub artifact_type: Option<String>,
    /// The tags that it had.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// When it was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub pushed_at: String,
    /// When it was deleted, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub deleted_at: String,
    /// Who deleted it.
    pub deleted_by: String,
    /// Until when it can be restored, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub restorable_until: String,
}

impl From<TrashedImage> for TrashedImageDocument {
    fn from(image: TrashedImage) -> Self {
        TrashedImageDocument {
            repository: image.repository,
            digest: image.digest,
            media_type: image.media_type,
            artifact_type: image.artifact_type,
            tags: image.tags,
            bytes: image.bytes,
            pushed_at: image.pushed_at.to_string(),
            deleted_at: image.trashed_at.to_string(),
            deleted_by: image.trashed_by,
            restorable_until: image.until.to_string(),
        }
    }
}

/// An image that came back from the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RestoredImage")]
pub struct RestoredImageDocument {
    /// Its digest.
    pub digest: String,
    /// The tags that it has again.
    pub tags: Vec<String>,
    /// The tags that it had, and that point to other images now.
    pub taken_tags: Vec<TakenTagDocument>,
}

/// A tag that points to another image by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TakenTag")]
pub struct TakenTagDocument {
    /// The tag.
    pub tag: String,
    /// The digest of that image.
    pub digest: String,
}

impl From<RestoredImage> for RestoredImageDocument {
    fn from(image: RestoredImage) -> Self {
        let taken = image.taken.into_iter().map(|(tag, digest)| TakenTagDocument { tag, digest });
        RestoredImageDocument { digest: image.digest, tags: image.tags, taken_tags: taken.collect() }
    }
}

/// What was destroyed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Emptied")]
pub struct EmptiedDocument {
    /// Images.
    pub images: u64,
    /// Bytes of what they named: the most that the collection can free.
    pub bytes: u64,
}

impl From<Emptied> for EmptiedDocument {
    fn from(emptied: Emptied) -> Self {
        EmptiedDocument { images: emptied.images, bytes: emptied.bytes }
    }
}

/// A move of a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TagMove")]
pub struct TagMoveDocument {
    /// Where the tag pointed before; missing where it was new.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub from: Option<String>,
    /// Where it has pointed since; missing where it was removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub to: Option<String>,
    /// When it was moved, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Who moved it.
    pub actor: String,
    /// The request that did, as the logs name it.
    pub request_id: String,
}

impl From<TagMove> for TagMoveDocument {
    fn from(moved: TagMove) -> Self {
        TagMoveDocument {
            from: moved.from,
            to: moved.to,
            at: moved.at.to_string(),
            actor: moved.actor,
            request_id: moved.request_id,
        }
    }
}
