use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, sync::Arc};

/// The longest name, in bytes (OCI Distribution 1.1.1: clients may be limited to 255 with the host; ECR allows 256).
pub const REPOSITORY_NAME_BYTES_MAX: usize = 256;

/// The name of a repository within an account: components of `[a-z0-9]+` joined by `.`, `_`, `__` or hyphens, the
/// components joined by `/`; at most 256 bytes (OCI Distribution 1.1.1, "Pulling manifests").
///
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(Arc<str>);

/// Why a text is no repository name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryNameError {
    /// More than [`REPOSITORY_NAME_BYTES_MAX`] bytes.
    #[error("a repository name has at most {REPOSITORY_NAME_BYTES_MAX} characters; this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A component breaks the grammar.
    #[error(
        "{name:?} is no repository name: each part between slashes begins and ends with a-z or 0-9, and may hold \
         single '.', '_' or '__' and hyphens in between"
    )]
    Grammar {
        /// The text, cut to 100 characters.
        name: String,
    },
}

impl RepositoryName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;
    fn from_str(text: &str) -> Result<Self, RepositoryNameError> {
        if text.len() > REPOSITORY_NAME_BYTES_MAX {
            return Err(RepositoryNameError::TooLong { bytes: text.len() });
        }
        if !text.split('/').all(is_component) {
            return Err(RepositoryNameError::Grammar { name: text.chars().take(100).collect() });
        }
        Ok(RepositoryName(text.into()))
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !is_letter(*first) || !is_letter(*last) {
        return false;
    }
    bytes
        .split(|byte| is_letter(*byte))
        .filter(|separator| !separator.is_empty())
        .all(|separator| matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RepositoryName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RepositoryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_specification_are_accepted() {
        let longest = "a".repeat(256);
        for name in ["a", "team/app", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1/2/3", &longest] {
            assert_eq!(name.parse::<RepositoryName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let too_long = "a".repeat(257);
        let refused = [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a..b", "a___b", "-a", "a-", "_a", "A", "a._b", "a b",
            "ä", "a\0", "a%2fb", "a:b", "a@b", &too_long,
        ];
        for name in refused {
            assert!(name.parse::<RepositoryName>().is_err(), "{name:?}");
        }
    }
}
