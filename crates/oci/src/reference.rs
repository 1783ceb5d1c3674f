use crate::{Digest, DigestError, Tag, TagError};
use std::{fmt, str::FromStr};

/// How a manifest is asked for: by tag or by digest (OCI Distribution 1.1.1, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// Whatever the tag points to now.
    Tag(Tag),
    /// This manifest and no other.
    Digest(Digest),
}

/// Why a text is no reference: a text with `:` was read as a digest, any other as a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has no `:`, and is no tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// It has a `:`, and is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl FromStr for Reference {
    type Err = ReferenceError;
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        // No tag holds a ':', and every digest does.
        if text.contains(':') { Ok(Reference::Digest(text.parse()?)) } else { Ok(Reference::Tag(text.parse()?)) }
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Reference {
        Reference::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Reference {
        Reference::Digest(digest)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Tag(tag) => tag.fmt(f),
            Reference::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_with_a_colon_is_a_digest_and_any_other_a_tag() {
        let digest = format!("sha256:{}", "a".repeat(64));

        assert_eq!(digest.parse(), Ok(Reference::Digest(digest.parse().unwrap())));
        assert_eq!("latest".parse(), Ok(Reference::Tag("latest".parse().unwrap())));
        assert_eq!("a".repeat(64).parse(), Ok(Reference::Tag("a".repeat(64).parse().unwrap())));
    }

    #[test]
    fn a_refusal_speaks_of_what_was_meant() {
        let refusal = |text: &str| text.parse::<Reference>().unwrap_err();

        assert_eq!(refusal(""), ReferenceError::Tag(TagError::Empty));
        assert_eq!(refusal("a@b"), ReferenceError::Tag(TagError::Character { at: 1 }));
        assert!(matches!(refusal("sha256:baddigeststring"), ReferenceError::Digest(DigestError::Length { .. })));
        assert!(matches!(refusal("latest:"), ReferenceError::Digest(DigestError::UnknownAlgorithm { .. })));
    }

    proptest! {
        #[test]
        fn printing_after_parsing_gives_the_text_back(text in "([A-Z0-9_][a-z0-9._-]{0,127}|sha256:[0-9a-f]{64})") {
            let reference: Reference = text.parse().unwrap();

            prop_assert_eq!(reference.to_string(), text);
        }

        #[test]
        fn whatever_parses_prints_as_it_was(text in "\\PC{0,8}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
