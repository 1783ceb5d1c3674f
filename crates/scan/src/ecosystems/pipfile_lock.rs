//! Pipenv's lock file.

use super::documents::{self, Members, Text};
use super::python_metadata::normal_name;
use crate::{Ecosystem, File, Found, PackageType};

/// `Pipfile.lock`: the packages of `default`; those of `develop` are left out, like npm's.
pub(crate) struct PipfileLock;

impl Ecosystem for PipfileLock {
    fn name(&self) -> &'static str {
        "pipfile-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        documents::file_name(path) == "Pipfile.lock"
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(lock) = documents::json::<Lock>(file, found) else { return };
        for (name, entry) in &lock.default.0 {
            // What comes from git or from a folder has no version.
            if let Some(version) = entry.version.0.as_deref().and_then(|version| version.strip_prefix("==")) {
                documents::add(found, PackageType::Pypi, &normal_name(name), version);
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Lock {
    #[serde(default)]
    default: Members<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    #[serde(default)]
    version: Text,
}
