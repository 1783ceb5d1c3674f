//! Labels that people give images here. They are no part of the digest and can be changed; what configurations say is `search_index.rs`'s.

use crate::{Images, Repository, remove::image_not_found};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Event, Reader, Tx, image_labels, manifests};
use gantry_oci::Digest;
use gantry_words::{Cx, RepositoryName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, str::FromStr};

/// Labels that an image may have.
pub const IMAGE_LABELS_MAX: usize = 50;
/// The longest name of a label, in bytes.
pub const IMAGE_LABEL_NAME_BYTES_MAX: usize = 128;
/// The longest value of a label, in bytes.
pub const IMAGE_LABEL_VALUE_BYTES_MAX: usize = 256;

/// What a label is called: 1 to 128 bytes of text on one line, without `=`, without a space at either end, and not ending with `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelName(Box<str>);

/// What a label says: up to 256 bytes of text on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelValue(Box<str>);

/// Why something is no label, or no change of labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A name.
    #[error(
        "{0:?} is no name of a label: that is 1 to {IMAGE_LABEL_NAME_BYTES_MAX} bytes of text on one line without '=', without a space \
         at either end, and not ending with '-'"
    )]
    Name(String),
    /// A value.
    #[error("the value of the label {0:?} is no line of at most {IMAGE_LABEL_VALUE_BYTES_MAX} bytes")]
    Value(String),
    /// None is named.
    #[error("say which labels to set or to remove")]
    Empty,
    /// More than an image may have.
    #[error("{0} labels are named, and an image may have {IMAGE_LABELS_MAX}")]
    TooMany(usize),
}

impl FromStr for LabelName {
    type Err = LabelError;
    fn from_str(text: &str) -> Result<Self, LabelError> {
        let fits = (1..=IMAGE_LABEL_NAME_BYTES_MAX).contains(&text.len()) && text.trim() == text;
        let is_of_it = |c: char| !c.is_control() && c != '=';
        match fits && text.chars().all(is_of_it) && !text.ends_with('-') {
            true => Ok(LabelName(text.into())),
            false => Err(LabelError::Name(text.chars().take(IMAGE_LABEL_NAME_BYTES_MAX).collect())),
        }
    }
}

impl TryFrom<String> for LabelName {
    type Error = LabelError;
    fn try_from(text: String) -> Result<Self, LabelError> {
        text.parse()
    }
}

impl From<LabelName> for String {
    fn from(name: LabelName) -> String {
        name.0.into()
    }
}

impl LabelName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelValue {
    type Err = LabelError;
    fn from_str(text: &str) -> Result<Self, LabelError> {
        match text.len() <= IMAGE_LABEL_VALUE_BYTES_MAX && !text.chars().any(char::is_control) {
            true => Ok(LabelValue(text.into())),
            false => Err(LabelError::Value(String::new())),
        }
    }
}

impl TryFrom<String> for LabelValue {
    type Error = LabelError;
    fn try_from(text: String) -> Result<Self, LabelError> {
        text.parse()
    }
}

impl From<LabelValue> for String {
    fn from(value: LabelValue) -> String {
        value.0.into()
    }
}

/// Labels to be set, and to be removed: 1 to 50. Others stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelChange(BTreeMap<LabelName, Option<LabelValue>>);

impl LabelChange {
    /// Reads it from names and values; a name without a value is to be removed.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn read(labels: BTreeMap<String, Option<String>>) -> Result<LabelChange, LabelError> {
        match labels.len() {
            0 => return Err(LabelError::Empty),
            1..=IMAGE_LABELS_MAX => {}
            count => return Err(LabelError::TooMany(count)),
        }
        let mut change = BTreeMap::new();
        for (name, value) in labels {
            let wrong = |_: LabelError| LabelError::Value(name.clone());
            let value = value.map(|value| value.parse::<LabelValue>().map_err(wrong)).transpose()?;
            change.insert(name.parse::<LabelName>()?, value);
        }
        Ok(LabelChange(change))
    }

    /// Says which labels an image gets that it does not have, as far as it may have more; what it has stays as it is.
    pub(crate) fn added_to(&self, before: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let room = IMAGE_LABELS_MAX.saturating_sub(before.len());
        let new = self.0.iter().filter(|(name, _)| !before.contains_key(name.as_str()));
        let set = new.filter_map(|(name, value)| Some((name.0.to_string(), value.as_ref()?.0.to_string())));
        set.take(room).collect()
    }

    /// Says what there is to do for an image that has these labels.
    fn plan(&self, before: &BTreeMap<String, String>) -> LabelPlan {
        let mut plan = LabelPlan::default();
        for (name, value) in &self.0 {
            let held = before.get(name.as_str());
            match value {
                Some(value) if held.is_none_or(|held| **held != *value.0) => {
                    plan.set.push((name.0.to_string(), value.0.to_string()));
                }
                None if held.is_some() => plan.removed.push(name.0.to_string()),
                Some(_) | None => {}
            }
        }
        plan
    }
}

/// What is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelPlan {
    set: Vec<(String, String)>,
    removed: Vec<String>,
}

impl Images {
    /// Sets labels of an image, and removes others; what it has besides stays.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::LimitExceeded`] where it had more than [`IMAGE_LABELS_MAX`] then.
    pub async fn label(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        change: LabelChange,
    ) -> Result<(), Fault> {
        let (name, digest) = (repository.name.clone(), digest.clone());
        self.ports.metadata.perform(cx, LabelImage { repository: repository.id, name, digest, change }).await
    }
}

/// The act that changes the labels of an image.
pub(crate) struct LabelImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) change: LabelChange,
}

impl Act for LabelImage {
    /// Its labels; `None` where it is not there.
    type Seen = Option<BTreeMap<String, String>>;
    type Plan = LabelPlan;
    type Answer = ();
    const NAME: &'static str = "registry.label_image";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        if manifests::find(rows, self.repository, self.digest.as_str())?.is_none() {
            return Ok(None);
        }
        let found = image_labels::of_images(rows, self.repository, [self.digest.as_str()])?;
        Ok(Some(found.into_iter().map(|(_, name, value)| (name, value)).collect()))
    }

    fn decide(&self, before: Self::Seen, _: Timestamp) -> Result<LabelPlan, Fault> {
        let before = before.ok_or_else(|| image_not_found(&self.name, self.digest.as_str()))?;
        let plan = self.change.plan(&before);
        let more = plan.set.iter().filter(|(name, _)| !before.contains_key(name)).count();
        if before.len() + more - plan.removed.len() > IMAGE_LABELS_MAX {
            let message = format!(
                "{} in the repository '{}' has {} labels, and an image may have {IMAGE_LABELS_MAX}; remove some first",
                self.digest,
                self.name,
                before.len()
            );
            return Err(Fault::new(FaultKind::LimitExceeded, message));
        }
        Ok(plan)
    }

    fn apply(&self, tx: &mut Tx, LabelPlan { set, removed }: LabelPlan) -> Result<(), Fault> {
        let digest = self.digest.as_str();
        if !set.is_empty() {
            image_labels::put(tx, self.repository, digest, &set)?;
        }
        if !removed.is_empty() {
            image_labels::remove(tx, self.repository, digest, removed.iter().map(String::as_str))?;
        }
        if set.is_empty() && removed.is_empty() {
            return Ok(());
        }
        tx.event(labelled(self.repository, &self.name, digest, set, &removed))
    }
}

/// Tells that labels of an image were set, and others removed.
pub(crate) fn labelled(
    repository: i64,
    name: &RepositoryName,
    digest: &str,
    set: Vec<(String, String)>,
    removed: &[String],
) -> Event {
    let set: BTreeMap<String, String> = set.into_iter().collect();
    let body = json!({"repository": name, "digest": digest, "set": set, "removed": removed});
    Event { kind: "image.labelled", repository: Some(repository), body }
}

#[cfg(test)]
mod tests;
