use crate::folder::ARCHIVE;
use gantry_words::ByteCount;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where blobs lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder with the blobs, a whole path; empty for `storage` in the data folder.
    pub path: PathBuf,
    /// The folder with the blobs of archived images, a whole path, mostly on a cheaper disk; empty for `archive` in the blob
    /// folder.
    pub archive: PathBuf,
    /// Room that pushes leave on the disk: below it they are refused, while pulls go on. `0B` switches this off.
    #[schemars(with = "String")]
    pub min_free: ByteCount,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { path: PathBuf::new(), archive: PathBuf::new(), min_free: ByteCount::mebibytes(64) }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let is_relative = |path: &&(&str, &PathBuf)| !path.1.as_os_str().is_empty() && path.1.is_relative();
        let paths = [("path", &self.path), ("archive", &self.archive)];
        let complaint = |(name, path): &(&str, &PathBuf)| {
            format!("storage.{name} {} is relative; write the whole path", path.display())
        };
        paths.iter().filter(is_relative).map(complaint).collect()
    }

    /// The folder of the archive of a store in `root`.
    pub(crate) fn archive_folder(&self, root: &Path) -> PathBuf {
        if self.archive.as_os_str().is_empty() { root.join(ARCHIVE) } else { self.archive.clone() }
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
        assert_eq!(
            Settings { archive: "cold".into(), ..Settings::default() }.check(),
            ["storage.archive cold is relative; write the whole path"]
        );
    }
}
