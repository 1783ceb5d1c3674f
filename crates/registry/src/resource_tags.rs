use std::collections::BTreeMap;

/// The most tags of a resource (Amazon ECR User Guide, "Tagging a private repository").
pub const RESOURCE_TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;
/// What only the site itself may write.
const RESERVED: &str = "aws:";

/// The tags of a resource: keys of 1 to 128 characters, values of up to 256; letters, digits, blanks and `_.:/=+-@`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceTags(BTreeMap<String, String>);

/// Why tags are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceTagError {
    /// A key of another length, or with another character.
    #[error("Invalid tag key: '{key}': a key has 1 to {KEY_CHARS_MAX} letters, digits, blanks or any of _.:/=+-@")]
    Key {
        /// The key, cut to its first characters.
        key: String,
    },
    /// A value of another length, or with another character.
    #[error(
        "Invalid value of the tag '{key}': a value has at most {VALUE_CHARS_MAX} letters, digits, blanks or any of _.:/=+-@"
    )]
    Value {
        /// The key.
        key: String,
    },
    /// A key that begins as those of AWS do.
    #[error("The tag key '{key}' begins with '{RESERVED}', which is reserved")]
    Reserved {
        /// The key.
        key: String,
    },
    /// A key twice.
    #[error("The tag key '{key}' is given more than once")]
    Twice {
        /// The key.
        key: String,
    },
    /// More than there may be.
    #[error("A resource has at most {RESOURCE_TAGS_MAX} tags; these would be {count}")]
    TooMany {
        /// How many there would be.
        count: usize,
    },
}

impl ResourceTags {
    /// Reads tags that a request brings.
    ///
    /// # Errors
    /// The first tag that is not taken; too many of them.
    pub fn parse<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, ResourceTagError> {
        let mut found = BTreeMap::new();
        for (key, value) in tags {
            let shown = || key.chars().take(KEY_CHARS_MAX).collect::<String>();
            if !is_text(key, 1, KEY_CHARS_MAX) {
                return Err(ResourceTagError::Key { key: shown() });
            }
            if !is_text(value, 0, VALUE_CHARS_MAX) {
                return Err(ResourceTagError::Value { key: shown() });
            }
            if key.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED)) {
                return Err(ResourceTagError::Reserved { key: shown() });
            }
            if found.insert(key.to_string(), value.to_string()).is_some() {
                return Err(ResourceTagError::Twice { key: shown() });
            }
        }
        ResourceTags(found).counted()
    }

    /// Reads what [`ResourceTags::print`] printed; nothing where it is none.
    pub fn read(text: &str) -> Self {
        ResourceTags(serde_json::from_str(text).unwrap_or_default())
    }

    /// Prints them to be kept: a JSON object.
    pub fn print(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of texts becomes JSON")
    }

    /// Returns these with `more` over them.
    ///
    /// # Errors
    /// [`ResourceTagError::TooMany`].
    pub fn with(mut self, more: &ResourceTags) -> Result<Self, ResourceTagError> {
        self.0.extend(more.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.counted()
    }

    /// Returns these without some keys, which need not be there.
    #[must_use]
    pub fn without(mut self, keys: &[String]) -> Self {
        self.0.retain(|key, _| !keys.contains(key));
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

    fn counted(self) -> Result<Self, ResourceTagError> {
        match self.0.len() {
            count if count > RESOURCE_TAGS_MAX => Err(ResourceTagError::TooMany { count }),
            _ => Ok(self),
        }
    }
}

fn is_text(text: &str, min: usize, max: usize) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    (min..=max).contains(&text.chars().count()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> ResourceTags {
        ResourceTags::parse(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn tags_that_are_kept_are_read_again() {
        let tags = tags(&[("team", "größe"), ("cost centre", "")]);

        assert_eq!(ResourceTags::read(&tags.print()), tags);
        assert!(ResourceTags::read("").is_empty());
    }

    #[test]
    fn later_tags_stand_over_earlier_ones() {
        let both = tags(&[("a", "1"), ("b", "1")]).with(&tags(&[("b", "2")])).unwrap();

        assert_eq!(both, tags(&[("a", "1"), ("b", "2")]));
        assert_eq!(both.without(&["a".into(), "x".into()]), tags(&[("b", "2")]));
    }

    #[test]
    fn what_no_tag_may_be_is_refused() {
        let (key, value) = ("a".repeat(129), "a".repeat(257));
        for (pairs, error) in [
            (&[("", "")][..], ResourceTagError::Key { key: "".into() }),
            (&[("a\n", "")], ResourceTagError::Key { key: "a\n".into() }),
            (&[(&key, "")], ResourceTagError::Key { key: "a".repeat(128) }),
            (&[("a", &value)], ResourceTagError::Value { key: "a".into() }),
            (&[("a", "<b>")], ResourceTagError::Value { key: "a".into() }),
            (&[("AWS:a", "")], ResourceTagError::Reserved { key: "AWS:a".into() }),
            (&[("a", "1"), ("a", "2")], ResourceTagError::Twice { key: "a".into() }),
        ] {
            assert_eq!(ResourceTags::parse(pairs.iter().copied()).unwrap_err(), error);
        }
    }

    #[test]
    fn a_resource_has_at_most_fifty_tags() {
        let keys: Vec<String> = (0..51).map(|number| format!("key{number}")).collect();
        let first = |count: usize| ResourceTags::parse(keys[..count].iter().map(|key| (key.as_str(), "")));

        assert!(first(50).is_ok());
        assert_eq!(first(51).unwrap_err(), ResourceTagError::TooMany { count: 51 });
        let more = first(50).unwrap().with(&tags(&[("other", "")]));
        assert_eq!(more.unwrap_err(), ResourceTagError::TooMany { count: 51 });
    }
}
