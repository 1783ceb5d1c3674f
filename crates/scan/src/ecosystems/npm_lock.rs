//! npm's lock files, `lockfileVersion` 1 to 3 (npm's package-lock.json(5)), and the one that it leaves in `node_modules`.

use super::documents::{self, Licences, Members, Text};
use crate::{Ecosystem, File, Found, PackageType};

/// `package-lock.json`, `npm-shrinkwrap.json`, `node_modules/.package-lock.json`.
///
/// Packages that only development needs are left out of the first two: a lock file says what could be installed, and
/// what was installed is found by itself. The hidden one says what was, so all of it counts.
pub(crate) struct NpmLock;

impl Ecosystem for NpmLock {
    fn name(&self) -> &'static str {
        "npm-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        match documents::file_name(path) {
            // One in `node_modules` was packed by mistake, and npm passes over it; a shrinkwrap there is obeyed.
            "package-lock.json" => !path.split('/').any(|segment| segment == "node_modules"),
            "npm-shrinkwrap.json" => true,
            ".package-lock.json" => path == HIDDEN || path.ends_with(&format!("/{HIDDEN}")),
            _ => false,
        }
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(lock) = documents::json::<Lock>(file, found) else { return };
        let with_development = documents::file_name(file.path) == ".package-lock.json";
        // Version 2 says the same twice, for old readers.
        match lock.packages {
            Some(packages) => packages.0.iter().for_each(|(place, entry)| {
                if with_development || !entry.dev {
                    add_placed(place, entry, found);
                }
            }),
            None => add_dependencies(&lock.dependencies, with_development, found),
        }
    }
}

const HIDDEN: &str = "node_modules/.package-lock.json";

#[derive(serde::Deserialize)]
struct Lock {
    packages: Option<Members<Placed>>,
    #[serde(default)]
    dependencies: Members<Dependency>,
}

/// An entry of versions 2 and 3, by the folder where the package lies.
#[derive(serde::Deserialize)]
struct Placed {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    license: Licences,
}

/// An entry of version 1. Their depth is bounded by the JSON reader's.
#[derive(serde::Deserialize)]
struct Dependency {
    #[serde(default)]
    version: Text,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dependencies: Members<Dependency>,
}

fn add_placed(place: &str, entry: &Placed, found: &mut Found) {
    // The project itself, its workspaces and links to them are not installed packages.
    let Some((_, folder)) = place.rsplit_once("node_modules/") else { return };
    let (false, Some(version)) = (entry.link, &entry.version.0) else { return };
    let name = entry.name.0.as_deref().unwrap_or(folder);
    if let Some(package) = documents::add(found, PackageType::Npm, name, version) {
        entry.license.add_to(package);
    }
}

fn add_dependencies(dependencies: &Members<Dependency>, with_development: bool, found: &mut Found) {
    for (name, dependency) in &dependencies.0 {
        if dependency.dev && !with_development {
            continue;
        }
        if let Some(version) = dependency.version.0.as_deref().filter(|version| !version.starts_with("file:")) {
            let (name, version) = unalias(name, version);
            documents::add(found, PackageType::Npm, name, version);
        }
        add_dependencies(&dependency.dependencies, with_development, found);
    }
}

/// Reads `npm:name@version`, which stands where a package is installed under another name.
fn unalias<'a>(name: &'a str, version: &'a str) -> (&'a str, &'a str) {
    version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')).unwrap_or((name, version))
}
