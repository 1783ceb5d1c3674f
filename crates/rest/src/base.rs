//! From which image another was made, as the management API shows it.

use crate::scan::by_name;
use gantry_findings::{BaseImage, FoundImage, SeverityCounts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The image that another was made from: its layers are the lowest of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BaseImage")]
pub struct BaseImageDocument {
    /// The base, and how many findings of each severity it has.
    #[serde(flatten)]
    pub image: JudgedImageDocument,
    /// How many layers it has. A finding is inherited if none of its `layers` is as high as that.
    pub layers: usize,
    /// How many findings of each severity the other image has from packages that came with the base.
    pub inherited_severity_counts: BTreeMap<String, usize>,
    /// How many it has besides.
    pub own_severity_counts: BTreeMap<String, usize>,
    /// The best of the later images with a tag in the base's repository, for the same platform and release, that have less that is
    /// wrong; missing where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "JudgedImageDocument")]
    pub better: Option<JudgedImageDocument>,
}

/// An image, and how much is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JudgedImage")]
pub struct JudgedImageDocument {
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Its tags, at most twenty.
    pub tags: Vec<String>,
    /// When it was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub pushed_at: String,
    /// How many findings of each severity are not suppressed.
    pub severity_counts: BTreeMap<String, usize>,
}

impl JudgedImageDocument {
    fn of(image: FoundImage, counts: SeverityCounts) -> Self {
        JudgedImageDocument {
            repository: image.repository,
            digest: image.digest,
            tags: image.tags,
            pushed_at: image.pushed_at.to_string(),
            severity_counts: by_name(counts),
        }
    }

    /// Its name for people: repository and first tag, or digest.
    pub fn name(&self) -> String {
        match self.tags.first() {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest),
        }
    }
}

impl From<BaseImage> for BaseImageDocument {
    fn from(base: BaseImage) -> Self {
        BaseImageDocument {
            image: JudgedImageDocument::of(base.image, base.counts),
            layers: base.layers,
            inherited_severity_counts: by_name(base.inherited),
            own_severity_counts: by_name(base.own),
            better: base.better.map(|(image, counts)| JudgedImageDocument::of(image, counts)),
        }
    }
}
