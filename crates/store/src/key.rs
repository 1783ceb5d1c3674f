use std::{fmt, str::FromStr, sync::Arc};

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 512;
/// The longest component of a key, in bytes: what file systems take as a name.
const COMPONENT_BYTES_MAX: usize = 255;
/// The longest upload id, in bytes.
const UPLOAD_ID_BYTES_MAX: usize = 64;

/// What the keys of blobs in the archive begin with.
pub(crate) const ARCHIVED: &str = "archive/";

/// A place in the store: components of `[a-z0-9._-]`, joined by `/`, none of them made of dots only. Cheap to clone.
///
/// No key leads out of the store's folder, and no two keys are one file on a system that ignores case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no place in the store")]
pub struct KeyError {
    text: String,
}

impl Key {
    /// Returns the key, a relative path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a place in the archive.
    pub fn is_archived(&self) -> bool {
        self.0.starts_with(ARCHIVED)
    }

    /// Returns the same place in the archive.
    ///
    /// # Errors
    /// Where the whole is no key.
    pub fn archived(&self) -> Result<Key, KeyError> {
        format!("{ARCHIVED}{self}").parse()
    }

    /// Returns the place within the archive, or else within the rest of the store.
    pub(crate) fn within(&self) -> &str {
        self.0.strip_prefix(ARCHIVED).unwrap_or(&self.0)
    }

    /// Returns the key of `name` below this one; `name` may have several components.
    ///
    /// # Errors
    /// Where the whole is no key.
    pub fn child(&self, name: &str) -> Result<Key, KeyError> {
        format!("{self}/{name}").parse()
    }
}

impl FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() <= KEY_BYTES_MAX && text.split('/').all(is_component) {
            Ok(Key(text.into()))
        } else {
            Err(KeyError { text: text.chars().take(100).collect() })
        }
    }
}

fn is_component(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=COMPONENT_BYTES_MAX).contains(&part.len())
        && part.bytes().all(allowed)
        && part.bytes().any(|byte| byte != b'.')
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an upload: 1 to 64 of `[a-z0-9-]`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(Arc<str>);

/// Why a text is no upload id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload id is 1 to 64 of a-z, 0-9 and '-'")]
pub struct UploadIdError;

impl UploadId {
    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = UploadIdError;
    fn from_str(text: &str) -> Result<Self, UploadIdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_id = (1..=UPLOAD_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        if is_id { Ok(UploadId(text.into())) } else { Err(UploadIdError) }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn what_could_lead_out_of_the_store_is_no_key() {
        let long = "a".repeat(256);
        let refused = [
            "",
            "/",
            "/etc",
            "a/",
            "a//b",
            ".",
            "..",
            "...",
            "../a",
            "a/..",
            "a/../../b",
            "a/./b",
            "A",
            "a b",
            "a\\b",
            "a\0b",
            "a\n",
            "ä",
            &long,
        ];
        for text in refused {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_child_is_below_its_parent_or_refused() {
        let key: Key = "sha256/ab".parse().unwrap();

        assert_eq!(key.child("abc.1f").unwrap().as_str(), "sha256/ab/abc.1f");
        assert!(key.child("..").is_err());
        assert!(key.child("").is_err());
    }

    #[test]
    fn the_archive_has_each_place_once_more() {
        let key: Key = "sha256/ab/abc.1f".parse().unwrap();

        let archived = key.archived().unwrap();

        assert_eq!((archived.as_str(), archived.within()), ("archive/sha256/ab/abc.1f", key.as_str()));
        assert!(archived.is_archived() && !key.is_archived());
        assert!(!"archived/ab".parse::<Key>().unwrap().is_archived(), "a whole component is meant");
    }

    #[test]
    fn an_upload_id_is_a_plain_word() {
        for text in ["", ".", "..", "a/b", "a.b", "A", &"a".repeat(65)] {
            assert_eq!(text.parse::<UploadId>(), Err(UploadIdError), "{text:?}");
        }
        assert_eq!("0193-ab".parse::<UploadId>().unwrap().as_str(), "0193-ab");
    }

    proptest! {
        #[test]
        fn every_key_stays_below_its_folder(text in "[a-z0-9._/A\\\\ -]{0,24}|\\PC{0,12}") {
            let Ok(key) = text.parse::<Key>() else { return Ok(()) };

            let path = Path::new(key.as_str());
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{}", text);
            prop_assert_eq!(path.components().count(), key.as_str().split('/').count());
            prop_assert_eq!(key.to_string(), text);
        }
    }
}
