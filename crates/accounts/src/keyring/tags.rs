use super::faults::limit;
use gantry_fault::{Fault, FaultKind};
use std::collections::BTreeMap;

const TAGS_MAX: u64 = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags of a key: up to 50, keys of 1 to 128 characters, values of up to 256; case counts (KMS API, `Tag`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTags(BTreeMap<String, String>);

impl KeyTags {
    /// Reads tags that a request brings.
    ///
    /// # Errors
    /// [`FaultKind::KmsTagInvalid`], [`FaultKind::KmsLimitExceeded`].
    pub fn parse<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Fault> {
        let mut found = KeyTags::default();
        for (key, value) in tags {
            check(key, value)?;
            if found.0.insert(key.into(), value.into()).is_some() {
                return Err(Fault::new(FaultKind::KmsTagInvalid, format!("The tag {key:?} comes twice")));
            }
        }
        found.counted()
    }

    /// Returns keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn with(mut self, more: &KeyTags) -> Result<Self, Fault> {
        self.0.extend(more.0.clone());
        self.counted()
    }

    pub(crate) fn without(mut self, keys: &[String]) -> Self {
        self.0.retain(|key, _| !keys.contains(key));
        self
    }

    pub(crate) fn print(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of texts becomes JSON")
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map(KeyTags).map_err(|error| Fault::internal(format!("stored tags: {error}")))
    }

    fn counted(self) -> Result<Self, Fault> {
        if self.0.len() as u64 > TAGS_MAX { Err(limit("tags of a key", TAGS_MAX)) } else { Ok(self) }
    }
}

fn check(key: &str, value: &str) -> Result<(), Fault> {
    let shown: String = key.chars().take(KEY_CHARS_MAX).collect();
    let refuse = |what: String| Err(Fault::new(FaultKind::KmsTagInvalid, what));
    if !(1..=KEY_CHARS_MAX).contains(&key.chars().count()) {
        return refuse(format!("The key of the tag {shown:?} must have 1 to {KEY_CHARS_MAX} characters"));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return refuse(format!("The key of the tag {shown:?} begins with aws:, which is reserved"));
    }
    if value.chars().count() > VALUE_CHARS_MAX {
        return refuse(format!("The value of the tag {shown:?} may have {VALUE_CHARS_MAX} characters"));
    }
    Ok(())
}
