//! Wheels that lie about as files, such as those that Python's `ensurepip` brings (packaging.python.org, "Binary distribution format").

use super::documents;
use super::python_metadata::{Metadata, normal_name};
use super::zip::Zip;
use crate::{Ecosystem, File, Found, PackageType};

/// `*.whl`: archives with a package's core metadata.
pub(crate) struct PythonWheel;

const EXTENSION: &str = ".whl";
const METADATA_BYTES_MAX: u64 = 4 << 20;

impl Ecosystem for PythonWheel {
    fn name(&self) -> &'static str {
        "python-wheel"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let name = documents::file_name(path);
        name.len() > EXTENSION.len() && name.ends_with(EXTENSION)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let path = file.path;
        let metadata = match metadata(file) {
            Ok(metadata) => metadata,
            Err(reason) => {
                documents::complain(found, format_args!("{reason}"));
                None
            }
        };
        let text = metadata.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let metadata = Metadata::parse(&text);
        let named = metadata.name.zip(metadata.version).or_else(|| named_by_file(documents::file_name(path)));
        let Some((name, version)) = named else {
            return documents::complain(found, format_args!("neither its metadata nor its name tells what it is"));
        };
        if let Some(package) = documents::add(found, PackageType::Pypi, &normal_name(name), version) {
            metadata.add_licences(package);
        }
    }
}

/// Returns the metadata of the package that a wheel is of; packages that were put into it are part of it, and not looked at.
fn metadata(file: &mut File<'_>) -> Result<Option<Vec<u8>>, String> {
    let zip = Zip::open(file.content)?;
    let (entries, outcome) = zip.list(is_metadata);
    match entries.first() {
        Some(entry) => zip.unpack(entry, METADATA_BYTES_MAX).map(Some),
        None => outcome.map(|()| None),
    }
}

fn is_metadata(path: &str) -> bool {
    let folder = path.strip_suffix("/METADATA").and_then(|folder| folder.strip_suffix(".dist-info"));
    folder.is_some_and(|folder| !folder.contains('/'))
}

/// Reads `name-version(-build)?-python-abi-platform.whl`.
fn named_by_file(name: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = name.strip_suffix(EXTENSION)?.split('-').collect();
    match parts[..] {
        [name, version, _, _, _] | [name, version, _, _, _, _] => Some((name, version)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecosystems::packed_tests::{names, read};

    #[test]
    fn a_wheel_that_is_damaged_is_known_by_its_name_and_complained_about() {
        let found = read("python-wheel", "opt/left_pad-1.0-py3-none-any.whl", b"PK\x03\x04 and nothing more");

        assert_eq!(names(&found.packages), ["left-pad 1.0"]);
        assert_eq!(found.complaints.len(), 1, "{:?}", found.complaints);
    }

    #[test]
    fn what_has_no_name_of_a_wheel_and_no_metadata_is_no_package() {
        let found = read("python-wheel", "opt/other.whl", b"");

        assert!(found.packages.is_empty() && !found.complaints.is_empty());
        assert!(
            !PythonWheel.claims("opt/.whl", b"", 0o644) && PythonWheel.claims("a/b-1-py3-none-any.whl", b"", 0o644)
        );
    }
}
