//! pip's requirements files ("Requirements File Format"), as far as they pin versions.

use super::documents;
use super::python_metadata::normal_name;
use crate::{Ecosystem, File, Found, PackageType};

/// `requirements.txt`: lines `name==version`. What is not pinned says nothing of what is installed.
pub(crate) struct Requirements;

impl Ecosystem for Requirements {
    fn name(&self) -> &'static str {
        "requirements"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        documents::file_name(path) == "requirements.txt"
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(text) = documents::text(file, found) else { return };
        for (name, version) in text.lines().filter_map(pinned) {
            documents::add(found, PackageType::Pypi, &normal_name(name), version);
        }
    }
}

/// Reads `name[extras]==version ; marker --hash=… \ # comment`; `None` for anything else.
fn pinned(line: &str) -> Option<(&str, &str)> {
    let line = line.split('#').next()?.split(';').next()?;
    let (name, version) = line.split_once("==")?;
    let name = name.split('[').next()?.trim();
    let version = version.split_whitespace().next()?.trim_end_matches('\\');
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let in_version = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+!".contains(&byte);
    (name.bytes().all(in_name) && version.bytes().all(in_version)).then_some((name, version))
}
