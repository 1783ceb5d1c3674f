use crate::{Algorithm, Digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, sync::Arc};

/// The longest tag, in bytes (OCI Distribution 1.1.1, "Pulling manifests").
pub const TAG_BYTES_MAX: usize = 128;

/// How much of a digest's hash the referrers tag schema keeps, in digits (OCI Distribution 1.1.1).
const FALLBACK_DIGITS: usize = 64;

/// An image tag: 1 to 128 of `[A-Za-z0-9._-]`, not beginning with `.` or `-` (OCI Distribution 1.1.1, "Pulling
/// manifests").
///
/// Cheap to clone. Ordered as its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

/// Why a text is no tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// No character at all.
    #[error("the tag is empty; a tag has 1 to {TAG_BYTES_MAX} characters")]
    Empty,
    /// More than [`TAG_BYTES_MAX`] bytes.
    #[error("a tag has at most {TAG_BYTES_MAX} characters; this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A first character that is allowed only later.
    #[error("a tag begins with a letter, a digit or '_', not with '.' or '-'")]
    Start,
    /// A character that no tag has.
    #[error("a tag holds letters, digits, '.', '_' and '-'; its character {} is another", .at + 1)]
    Character {
        /// Where, in bytes from 0.
        at: usize,
    },
}

impl Tag {
    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether clients keep a list of referrers under this tag: `sha256-` or `sha512-` and 64 hexadecimal
    /// digits, where a registry has no referrers API or the client does not trust it (OCI Distribution 1.1.1,
    /// "Referrers Tag Schema").
    pub fn is_referrers_fallback(&self) -> bool {
        let Some((algorithm, digits)) = self.0.split_once('-') else { return false };
        Algorithm::ALL.iter().any(|known| known.as_str() == algorithm)
            && digits.len() == FALLBACK_DIGITS
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Returns the tag under which clients would keep the list of `subject`'s referrers.
    pub fn referrers_fallback(subject: &Digest) -> Tag {
        Tag(format!("{}-{}", subject.algorithm(), &subject.hex()[..FALLBACK_DIGITS]).into())
    }
}

impl FromStr for Tag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        if text.len() > TAG_BYTES_MAX {
            return Err(TagError::TooLong { bytes: text.len() });
        }
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        match text.bytes().position(|byte| !is_allowed(byte)) {
            Some(at) => Err(TagError::Character { at }),
            None if text.is_empty() => Err(TagError::Empty),
            None if text.starts_with(['.', '-']) => Err(TagError::Start),
            None => Ok(Tag(text.into())),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_of_the_specification_are_accepted() {
        let longest = "a".repeat(128);
        for text in ["a", "_", "0", "latest", "v1.2.3-rc.1", "1.0_5", "A..B--", "_.", &longest] {
            assert_eq!(text.parse::<Tag>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_refusal_names_what_is_wrong() {
        let too_long = "a".repeat(129);
        let cases = [
            ("", TagError::Empty),
            (&*too_long, TagError::TooLong { bytes: 129 }),
            (".INVALID_MANIFEST_NAME", TagError::Start),
            ("-rf", TagError::Start),
            ("..", TagError::Start),
            ("a/b", TagError::Character { at: 1 }),
            ("../x", TagError::Character { at: 2 }),
            ("1.0+5", TagError::Character { at: 3 }),
            ("a b", TagError::Character { at: 1 }),
            ("a\n", TagError::Character { at: 1 }),
            ("a\0", TagError::Character { at: 1 }),
            ("sha256:aa", TagError::Character { at: 6 }),
            ("ä", TagError::Character { at: 0 }),
            ("a%2e", TagError::Character { at: 1 }),
        ];
        for (text, refusal) in cases {
            assert_eq!(text.parse::<Tag>(), Err(refusal), "{text:?}");
        }
    }

    #[test]
    fn only_an_algorithm_and_64_digits_are_a_list_of_referrers() {
        let digits = "0123456789abcdef".repeat(4);
        let is_fallback = |text: String| text.parse::<Tag>().unwrap().is_referrers_fallback();

        assert!(is_fallback(format!("sha256-{digits}")));
        assert!(is_fallback(format!("sha512-{digits}")));
        for text in ["latest".into(), "sha256-".into(), format!("sha256-{digits}.sig"), format!("sha1-{digits}")] {
            assert!(!is_fallback(text));
        }
        assert!(!is_fallback(format!("sha256-{}", digits.to_uppercase())));
        assert!(!is_fallback(format!("sha256-{}", &digits[1..])));
    }

    #[test]
    fn the_fallback_of_a_subject_keeps_64_digits() {
        for (algorithm, hash) in [(Algorithm::Sha256, &[0xab; 32][..]), (Algorithm::Sha512, &[0xab; 64])] {
            let tag = Tag::referrers_fallback(&Digest::from_hash(algorithm, hash));

            assert_eq!(tag.as_str(), format!("{algorithm}-{}", "ab".repeat(32)));
            assert!(tag.is_referrers_fallback());
        }
    }

    #[test]
    fn in_json_a_tag_is_its_text() {
        let tag: Tag = "v1".parse().unwrap();

        assert_eq!(serde_json::to_string(&tag).unwrap(), "\"v1\"");
        assert_eq!(serde_json::from_str::<Tag>("\"v1\"").unwrap(), tag);
        assert!(serde_json::from_str::<Tag>("\"-v1\"").is_err());
    }

    proptest! {
        #[test]
        fn printing_after_parsing_gives_the_text_back(text in "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}") {
            prop_assert_eq!(text.parse::<Tag>().unwrap().to_string(), text);
        }

        #[test]
        fn whatever_parses_is_of_the_grammar(text in "[ -~ä]{0,6}") {
            if let Ok(tag) = text.parse::<Tag>() {
                prop_assert_eq!(tag.as_str(), &*text);
                let mut characters = text.chars();
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                prop_assert!(characters.next().is_some_and(is_word));
                prop_assert!(characters.all(|c| is_word(c) || c == '.' || c == '-'));
            }
        }
    }
}
