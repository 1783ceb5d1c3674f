use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A value that is never printed: `Debug`, `Display` and serialisation show `***`. It cannot be compared either, but by what takes
/// as long whatever the difference:
///
/// ```compile_fail,E0369
/// let secret = gantry_words::Secret::new("hunter2");
/// assert!(secret == secret);
/// ```
#[derive(Clone, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Secret(value)
    }
    /// Shows the value: the word to look for when asking where a secret may leak.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_only_when_asked() {
        let secret = Secret::new("hunter2");

        assert_eq!(format!("{secret:?} {secret}"), "*** ***");
        assert_eq!(*secret.reveal(), "hunter2");
    }
}
