//! What was before an import, as the management API takes it.

use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, DigestError, TagError};
use gantry_registry::{
    IMAGE_LABELS_MAX, LabelChange, PAST_ACTOR_BYTES_MAX, PAST_IMAGES_MAX, PAST_MOVES_MAX, PAST_TAGS_MAX, Past,
    PastActor, PastError, PastImage, PastMove, PastRules, PastTag, PastTaken, PreviewCounts, RESOURCE_TAGS_MAX,
    ResourceTags,
};
use gantry_words::{Moment, Precision, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who pushed and tagged in another system, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Past")]
pub struct PastDocument {
    /// What that system is: 1 to 32 of `[a-z0-9-]`.
    #[schemars(length(min = 1, max = 32), extend("example" = "harbor"))]
    pub source: String,
    /// What it knows of images. Those that are not here are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = PAST_IMAGES_MAX))]
    pub images: Vec<PastImageDocument>,
    /// What it knows of tags. Those that are not here are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = PAST_TAGS_MAX))]
    pub tags: Vec<PastTagDocument>,
    /// What holds there for the repository as a whole, and is to hold here; it needs the rights to set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PastRulesDocument")]
    pub repository: Option<PastRulesDocument>,
}

/// What another system knows of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PastImage")]
pub struct PastImageDocument {
    /// Its digest.
    pub digest: String,
    /// When it was pushed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PastMomentDocument")]
    pub pushed: Option<PastMomentDocument>,
    /// Who pushed it there, in the words of that system; Gantry puts `imported:` and the source before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = PAST_ACTOR_BYTES_MAX), extend("example" = "alice"))]
    pub pushed_by: Option<String>,
    /// When it was pulled there last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PastMomentDocument")]
    pub pulled: Option<PastMomentDocument>,
    /// Labels that people gave it there, each with its value: those that it has not here it gets, as far as it may have more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = IMAGE_LABELS_MAX))]
    pub labels: BTreeMap<String, String>,
}

/// What another system knows of a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PastTag")]
pub struct PastTagDocument {
    /// The tag.
    #[schemars(extend("example" = "v1"))]
    pub tag: String,
    /// The digest that it points to there.
    pub digest: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PastMomentDocument")]
    pub set: Option<PastMomentDocument>,
    /// Who set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = PAST_ACTOR_BYTES_MAX))]
    pub set_by: Option<String>,
    /// Where it pointed before, to images that need not be here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = PAST_MOVES_MAX))]
    pub earlier: Vec<PastMoveDocument>,
}

/// Where a tag pointed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PastMove")]
pub struct PastMoveDocument {
    /// To this digest.
    pub digest: String,
    /// Since then.
    pub set: PastMomentDocument,
    /// Who set it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = PAST_ACTOR_BYTES_MAX))]
    pub set_by: Option<String>,
}

/// A moment, and how well it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a time as {\"at\": …, \"precision\": …}")]
#[schemars(rename = "PastMoment")]
pub struct PastMomentDocument {
    /// When, RFC 3339. What lies in the future is passed over.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Whether it is `exact`, or `estimated` by something near it.
    #[schemars(with = "String", extend("enum" = ["exact", "estimated"]))]
    pub precision: Precision,
}

/// What holds for a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PastRules")]
pub struct PastRulesDocument {
    /// `true` where tags may not be moved (`ecr:PutImageTagMutability`). `false` says nothing: what is immutable here stays so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub is_immutable: Option<bool>,
    /// Tags of the repository itself, which are added to those that it has (`ecr:TagResource`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = RESOURCE_TAGS_MAX))]
    pub resource_tags: BTreeMap<String, String>,
}

/// What came of it. What was known before, or better, is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PastTaken")]
pub struct PastTakenDocument {
    /// Images that are dated anew.
    pub images: usize,
    /// Tags that are dated anew.
    pub tags: usize,
    /// Moves that histories of tags have now besides.
    pub moves: usize,
    /// Images and tags that are not here.
    pub missing: usize,
}

impl From<PastTaken> for PastTakenDocument {
    fn from(taken: PastTaken) -> Self {
        let PastTaken { images, tags, moves, missing } = taken;
        PastTakenDocument { images, tags, moves, missing }
    }
}

/// What a lifecycle policy would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LifecyclePreviewCounts")]
pub struct LifecyclePreviewDocument {
    /// Images of the repository, those in its archive too.
    pub images: u64,
    /// Images that would expire.
    pub expiring: u64,
    /// Images that would go to the archive.
    pub archiving: u64,
}

impl From<PreviewCounts> for LifecyclePreviewDocument {
    fn from(counts: PreviewCounts) -> Self {
        let PreviewCounts { images, expiring, archiving } = counts;
        LifecyclePreviewDocument { images, expiring, archiving }
    }
}

impl From<Moment> for PastMomentDocument {
    fn from(moment: Moment) -> Self {
        PastMomentDocument { at: moment.at, precision: moment.precision }
    }
}

impl PastMomentDocument {
    fn moment(self) -> Moment {
        Moment { at: self.at, precision: self.precision }
    }
}

impl PastDocument {
    /// Reads what is told, and what is to hold for the repository.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`], which names the place.
    pub fn read(self) -> Result<(Past, PastRules), Fault> {
        let source = self.source.parse().map_err(|error: PastError| wrong("source", error))?;
        let images = self.images.into_iter().enumerate().map(|(at, image)| read_image(&format!("images[{at}]"), image));
        let tags = self.tags.into_iter().enumerate().map(|(at, told)| read_tag(&format!("tags[{at}]"), told));
        let images = images.collect::<Result<_, Fault>>()?;
        let past = Past { source, images, tags: tags.collect::<Result<_, Fault>>()? };
        let rules = self.repository.unwrap_or_default();
        let resource_tags = rules.resource_tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let resource_tags = ResourceTags::parse(resource_tags);
        let resource_tags = resource_tags.map_err(|error| wrong("repository.resourceTags", error))?;
        Ok((past, PastRules { is_immutable: rules.is_immutable, resource_tags }))
    }
}

fn read_image(place: &str, image: PastImageDocument) -> Result<PastImage, Fault> {
    Ok(PastImage {
        digest: digest(place, &image.digest)?,
        pushed: image.pushed.map(PastMomentDocument::moment),
        pushed_by: actor(&format!("{place}.pushedBy"), image.pushed_by)?,
        pulled: image.pulled.map(PastMomentDocument::moment),
        labels: labels(&format!("{place}.labels"), image.labels)?,
    })
}

fn read_tag(place: &str, told: PastTagDocument) -> Result<PastTag, Fault> {
    let tag = told.tag.parse().map_err(|error: TagError| wrong(&format!("{place}.tag"), error))?;
    let earlier = told.earlier.into_iter().enumerate().map(|(at, moved)| {
        let place = format!("{place}.earlier[{at}]");
        let by = actor(&format!("{place}.setBy"), moved.set_by)?;
        Ok(PastMove { digest: digest(&place, &moved.digest)?, at: moved.set.moment(), by })
    });
    Ok(PastTag {
        tag,
        digest: digest(place, &told.digest)?,
        set: told.set.map(PastMomentDocument::moment),
        set_by: actor(&format!("{place}.setBy"), told.set_by)?,
        earlier: earlier.collect::<Result<_, Fault>>()?,
    })
}

fn labels(place: &str, labels: BTreeMap<String, String>) -> Result<Option<LabelChange>, Fault> {
    if labels.is_empty() {
        return Ok(None);
    }
    let labels = labels.into_iter().map(|(name, value)| (name, Some(value))).collect();
    LabelChange::read(labels).map(Some).map_err(|error| wrong(place, error))
}

fn digest(place: &str, text: &str) -> Result<Digest, Fault> {
    text.parse().map_err(|error: DigestError| wrong(&format!("{place}.digest"), error))
}

fn actor(place: &str, text: Option<String>) -> Result<Option<PastActor>, Fault> {
    text.map(|text| text.parse().map_err(|error: PastError| wrong(place, error))).transpose()
}

fn wrong(place: &str, error: impl std::error::Error) -> Fault {
    Fault::new(FaultKind::InvalidParameter, format!("{place}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_value(value: serde_json::Value) -> Result<Past, Fault> {
        let document = serde_json::from_value(value);
        let document: PastDocument = document.map_err(|error| Fault::new(FaultKind::Malformed, error.to_string()))?;
        document.read().map(|(past, _)| past)
    }

    #[test]
    fn a_past_tells_of_images_tags_and_where_tags_pointed() {
        let [here, before] = ["a", "b"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let at = json!({"at": "2024-02-11T09:30:00Z", "precision": "estimated"});

        let past = read_value(json!({
            "source": "harbor",
            "images": [{"digest": here, "pushed": at, "pushedBy": "alice"}],
            "tags": [{"tag": "v1", "digest": here, "set": at, "earlier": [{"digest": before, "set": at, "setBy": "bob"}]}],
        }));

        let past = past.unwrap();
        assert_eq!(past.images[0].pushed.unwrap().precision, Precision::Estimated);
        assert_eq!(past.images[0].pushed_by, Some("alice".parse().unwrap()));
        assert_eq!(past.tags[0].earlier[0].digest.as_str(), before);
    }

    #[test]
    fn what_is_no_past_is_refused_with_the_place_that_is_wrong() {
        let good = format!("sha256:{}", "a".repeat(64));
        for (value, words) in [
            (json!({"source": "Harbor"}), "source: "),
            (json!({"source": "harbor", "images": [{"digest": "v1"}]}), "images[0].digest: "),
            (json!({"source": "harbor", "images": [{"digest": good, "pushedBy": ""}]}), "images[0].pushedBy: "),
            (json!({"source": "harbor", "images": [{"digest": good, "labels": {"a-": ""}}]}), "images[0].labels: "),
            (json!({"source": "harbor", "tags": [{"tag": "-", "digest": good}]}), "tags[0].tag: "),
            (json!({"source": "harbor", "tags": [{"tag": "a", "digest": good, "by": "b"}]}), "by"),
            (json!({"source": "harbor", "images": [{"digest": good, "pushed": "2024"}]}), "expected a time as"),
            (json!({}), "source"),
        ] {
            let fault = read_value(value.clone()).unwrap_err();

            assert!(fault.message.contains(words), "{value}: {fault}");
        }
    }
}
