use std::{fmt, str::FromStr, sync::Arc};

/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 512;

/// A place in the store: components of `[a-z0-9._-]`, joined by `/`, none of them made of dots only. Cheap to clone.
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
}

impl FromStr for Key {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let is_component =
            |part: &str| !part.is_empty() && part.bytes().all(allowed) && !part.bytes().all(|byte| byte == b'.');
        if text.len() <= KEY_BYTES_MAX && text.split('/').all(is_component) {
            Ok(Key(text.into()))
        } else {
            Err(KeyError { text: text.chars().take(100).collect() })
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
