use gantry_words::ByteCount;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where blobs lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder with the blobs; empty for `storage` in the data folder.
    pub path: PathBuf,
    /// Room that pushes leave on the disk: below it they are refused, while pulls go on. 0B switches this off.
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
