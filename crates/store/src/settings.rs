use gantry_words::ByteCount;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where blobs lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder with the blobs, a whole path; empty for `storage` in the data folder.
    pub path: PathBuf,
    /// Room that pushes leave on the disk: below it they are refused, while pulls go on. `0B` switches this off.
    #[schemars(with = "String")]
    pub min_free: ByteCount,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { path: PathBuf::new(), min_free: ByteCount::mebibytes(64) }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let is_relative = !self.path.as_os_str().is_empty() && self.path.is_relative();
        is_relative
            .then(|| format!("storage.path {} is relative; write the whole path", self.path.display()))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_complained_about() {
        assert_eq!(Settings::default().check(), Vec::<String>::new());
        assert_eq!(Settings { path: "/srv/gantry".into(), ..Settings::default() }.check(), Vec::<String>::new());
        assert_eq!(
            Settings { path: "blobs".into(), ..Settings::default() }.check(),
            ["storage.path blobs is relative; write the whole path"]
        );
    }
}
