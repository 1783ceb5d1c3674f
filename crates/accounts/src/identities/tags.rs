use super::faults::{invalid, quota};
use gantry_fault::Fault;
use std::collections::BTreeMap;

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The tags of an identity: keys of 1 to 128 characters, values of up to 256; letters, digits, blanks and `_.:/=+-@`. Keys are
/// kept as written, and are the same without regard to case (IAM User Guide, "Tagging IAM resources").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityTags(BTreeMap<String, String>);

impl IdentityTags {
    /// Reads tags that a request brings.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidInput`] for the first that is not taken, or comes twice;
    /// [`gantry_fault::FaultKind::IdentityLimitExceeded`] for more than 50.
    pub fn parse<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Fault> {
        let mut found = IdentityTags::default();
        for (key, value) in tags {
            check(key, value)?;
            if found.take(key).is_some() {
                return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
            }
            found.0.insert(key.into(), value.into());
        }
        found.counted()
    }

    /// Returns these with `more` over them.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::IdentityLimitExceeded`] for more than 50.
    pub fn with(mut self, more: &IdentityTags) -> Result<Self, Fault> {
        for (key, value) in &more.0 {
            self.take(key);
            self.0.insert(key.clone(), value.clone());
        }
        self.counted()
    }

    /// Returns these without some keys, which need not be there.
    #[must_use]
    pub fn without(mut self, keys: &[String]) -> Self {
        self.0.retain(|key, _| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
        self
    }

    /// Returns keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints them to be kept: a JSON object.
    pub(super) fn print(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of texts becomes JSON")
    }

    /// Reads what [`IdentityTags::print`] printed.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map(IdentityTags).map_err(|error| Fault::internal(format!("stored tags: {error}")))
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let same = self.0.keys().find(|known| known.eq_ignore_ascii_case(key)).cloned()?;
        self.0.remove(&same)
    }

    fn counted(self) -> Result<Self, Fault> {
        if self.0.len() > TAGS_MAX { Err(quota("TagsPerResource", TAGS_MAX)) } else { Ok(self) }
    }
}

fn check(key: &str, value: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    let is_text = |text: &str, min, max| (min..=max).contains(&text.chars().count()) && text.chars().all(allowed);
    let shown: String = key.chars().take(KEY_CHARS_MAX).collect();
    if !is_text(key, 1, KEY_CHARS_MAX) {
        return Err(invalid(format!(
            "Invalid tag key {shown:?}: a key has 1 to {KEY_CHARS_MAX} letters, digits, blanks or any of _.:/=+-@"
        )));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(invalid(format!("The tag key {shown:?} begins with aws:, which is reserved")));
    }
    if !is_text(value, 0, VALUE_CHARS_MAX) {
        return Err(invalid(format!(
            "Invalid value of the tag {shown:?}: a value has at most {VALUE_CHARS_MAX} letters, digits, blanks or any of _.:/=+-@"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<IdentityTags, Fault> {
        IdentityTags::parse(pairs.iter().copied())
    }

    #[test]
    fn what_no_tag_may_be_is_refused() {
        let (key, value) = ("a".repeat(129), "a".repeat(257));

        for pairs in
            [&[("", "")][..], &[("a\n", "")], &[(&key, "")], &[("a", &value)], &[("a", "<b>")], &[("AWS:a", "")]]
        {
            assert_eq!(parse(pairs).unwrap_err().kind, gantry_fault::FaultKind::InvalidInput, "{pairs:?}");
        }
        assert_eq!(parse(&[("a", "1"), ("A", "2")]).unwrap_err().kind, gantry_fault::FaultKind::InvalidInput);
    }

    #[test]
    fn there_are_at_most_fifty_tags() {
        let keys: Vec<String> = (0..51).map(|number| format!("key{number}")).collect();
        let first = |count: usize| IdentityTags::parse(keys[..count].iter().map(|key| (key.as_str(), "")));

        assert!(first(50).unwrap().with(&parse(&[("KEY7", "other")]).unwrap()).is_ok());
        assert!(first(51).is_err());
        assert!(first(50).unwrap().with(&parse(&[("other", "")]).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn tags_that_are_kept_are_read_again(key in "\\PC{0,130}", value in "\\PC{0,20}") {
            if let Ok(tags) = parse(&[(&key, &value)]) {
                prop_assert_eq!(IdentityTags::read(&tags.print()).unwrap(), tags.clone());
                prop_assert!(tags.without(&[key.to_ascii_uppercase()]).is_empty());
            }
        }
    }
}
