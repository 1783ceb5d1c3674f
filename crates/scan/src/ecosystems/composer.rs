//! PHP packages: what Composer installed, and its lock file.

use super::documents::{self, Licences};
use crate::{Ecosystem, File, Found, PackageType};

/// `vendor/composer/installed.json` of Composer 1 and 2, and `composer.lock`.
///
/// Of a lock file only `packages` counts, `packages-dev` is left out, like npm's; what was installed counts whole.
pub(crate) struct Composer;

impl Ecosystem for Composer {
    fn name(&self) -> &'static str {
        "composer"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        path == "composer/installed.json"
            || path.ends_with("/composer/installed.json")
            || documents::file_name(path) == "composer.lock"
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(document) = documents::json::<Document>(file, found) else { return };
        let (Document::Listed { packages } | Document::Bare(packages)) = document;
        for entry in &packages {
            let name = entry.name.to_ascii_lowercase();
            if let Some(package) = documents::add(found, PackageType::Composer, &name, plain(&entry.version)) {
                entry.license.add_to(package);
            }
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Document {
    /// Composer 2, and lock files.
    Listed { packages: Vec<Entry> },
    /// Composer 1.
    Bare(Vec<Entry>),
}

#[derive(serde::Deserialize)]
struct Entry {
    name: String,
    version: String,
    #[serde(default)]
    license: Licences,
}

/// Returns a version without the `v` that tags begin with.
fn plain(version: &str) -> &str {
    let rest = version.strip_prefix(['v', 'V']).unwrap_or(version);
    if rest.starts_with(|first: char| first.is_ascii_digit()) { rest } else { version }
}
