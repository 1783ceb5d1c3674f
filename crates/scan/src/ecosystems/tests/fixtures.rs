//! The fixtures: `fixtures/<ecosystem>/<case>/input/<path in the layer>`, and what is found in them in `packages.json`.
//! With `UPDATE_FIXTURES=1` the latter are written anew.

use super::read;
use crate::{ECOSYSTEMS, Package};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What `packages.json` says: for each path, its packages.
type Expected = BTreeMap<String, Vec<Package>>;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let ecosystems = folders(&root).into_iter().filter(|folder| {
        let name = folder.file_name().unwrap().to_str().unwrap();
        OURS.contains(&name)
    });
    ecosystems.flat_map(|ecosystem| folders(&ecosystem)).collect()
}

/// The ecosystems whose fixtures these are.
const OURS: &[&str] = &[
    "composer",
    "conda",
    "gemfile-lock",
    "gemspec",
    "node-modules",
    "npm-lock",
    "pipfile-lock",
    "pnpm-lock",
    "python",
    "python-lock",
    "requirements",
    "yarn-lock",
];

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders = entries.filter(|path| path.is_dir()).collect::<Vec<_>>();
    folders.sort();
    folders
}

/// The files below a folder, by their paths within it.
fn files(folder: &Path, within: &str, found: &mut Vec<(String, Vec<u8>)>) {
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{within}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push((path, fs::read(entry.path()).unwrap()));
        }
    }
}

/// All files of all fixtures, by their paths in the layer.
pub(super) fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    cases().iter().for_each(|case| files(&case.join("input"), "", &mut found));
    found
}

#[test]
fn each_fixture_holds_the_packages_that_it_says() {
    for case in cases() {
        let mut inputs = Vec::new();
        files(&case.join("input"), "", &mut inputs);
        let mut seen = Expected::new();
        for (path, bytes) in &inputs {
            let claims = ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.claims(path, bytes, 0o644));
            for ecosystem in claims {
                let found = read(*ecosystem, path, bytes);
                assert_eq!(found.complaints, Vec::<String>::new(), "{}", case.display());
                seen.entry(path.clone()).or_default().extend(found.packages);
            }
        }

        let page = case.join("packages.json");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(&page, serde_json::to_string_pretty(&seen).unwrap() + "\n").unwrap();
        }
        let expected: Expected = serde_json::from_slice(&fs::read(&page).unwrap()).unwrap();
        assert_eq!(seen, expected, "{}", case.display());
    }
}

#[test]
fn each_ecosystem_has_a_fixture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");

    for name in OURS {
        assert!(ECOSYSTEMS.iter().any(|ecosystem| ecosystem.name() == *name), "{name}");
        assert!(!folders(&root.join(name)).is_empty(), "{name}");
    }
}
