//! What conda installed: `conda-meta/*.json`.

use super::documents::{self, Text};
use super::python_metadata::normal_name;
use crate::{Ecosystem, File, Found, PackageType};

/// The records of conda's Python packages.
///
/// Conda packages other than Python's have no advisories of their own and are passed over.
pub(crate) struct Conda;

impl Ecosystem for Conda {
    fn name(&self) -> &'static str {
        "conda"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        documents::file_name(folder) == "conda-meta" && name.ends_with(".json")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(record) = documents::json::<Record>(file, found) else { return };
        let needs_python = |need: &String| matches!(need.split(' ').next(), Some("python" | "python_abi"));
        if record.noarch.0.as_deref() != Some("python") && !record.depends.iter().any(needs_python) {
            return;
        }
        let package = documents::add(found, PackageType::Pypi, &normal_name(&record.name), &record.version);
        if let (Some(package), Some(words)) = (package, &record.license.0) {
            documents::add_licence(package, words);
        }
    }
}

#[derive(serde::Deserialize)]
struct Record {
    name: String,
    version: String,
    #[serde(default)]
    noarch: Text,
    #[serde(default)]
    depends: Vec<String>,
    #[serde(default)]
    license: Text,
}
