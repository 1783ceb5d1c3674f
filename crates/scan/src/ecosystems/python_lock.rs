//! The lock files of Poetry, uv and PDM: TOML with a `[[package]]` for each package.

use super::documents::{self, Text};
use super::python_metadata::normal_name;
use crate::{Ecosystem, File, Found, PackageType};

/// `poetry.lock`, `uv.lock`, `pdm.lock`.
///
/// Poetry's packages outside of the group `main` are left out, like npm's of development; uv and PDM do not tell.
pub(crate) struct PythonLock;

impl Ecosystem for PythonLock {
    fn name(&self) -> &'static str {
        "python-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        matches!(documents::file_name(path), "poetry.lock" | "uv.lock" | "pdm.lock")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(lock) = documents::toml::<Lock>(file, found) else { return };
        let is_poetry = documents::file_name(file.path) == "poetry.lock";
        for entry in &lock.package {
            let Some(version) = &entry.version.0 else { continue };
            if !entry.source.is_own() && entry.path.0.is_none() && !(is_poetry && entry.is_development()) {
                documents::add(found, PackageType::Pypi, &normal_name(&entry.name), version);
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    version: Text,
    /// Poetry before 1.5.
    #[serde(default)]
    category: Text,
    /// Poetry since 2.0.
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    source: Source,
    /// PDM's word for a package in a folder of the project.
    #[serde(default)]
    path: Text,
}

impl Entry {
    fn is_development(&self) -> bool {
        let of_groups = !self.groups.is_empty() && !self.groups.iter().any(|group| group == "main");
        of_groups || self.category.0.as_deref() == Some("dev")
    }
}

/// Where a package comes from.
#[derive(Default, serde::Deserialize)]
struct Source {
    /// Poetry: `directory` is a folder.
    #[serde(default)]
    r#type: Text,
    /// uv: a folder that is installed in place.
    #[serde(default)]
    editable: Text,
    /// uv: a folder that is installed.
    #[serde(default)]
    directory: Text,
    /// uv: a project that is no package.
    #[serde(default)]
    r#virtual: Text,
}

impl Source {
    /// Tells whether it is the project itself, or a part of it.
    fn is_own(&self) -> bool {
        let folders = [&self.editable, &self.directory, &self.r#virtual];
        self.r#type.0.as_deref() == Some("directory") || folders.iter().any(|folder| folder.0.is_some())
    }
}
