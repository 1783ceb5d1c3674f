//! Every case below `fixtures/<ecosystem>/`: what `input` holds is read as a layer would be, and gives `packages.json`.
//! `UPDATE_FIXTURES=1` writes those anew: read them before they are committed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use crate::{ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, Package};

/// How deep archives are followed here.
const DEPTH_MAX: usize = 4;

/// Reads one file with the ecosystem of a name.
pub(super) fn read(ecosystem: &str, path: &str, bytes: &[u8]) -> Found {
    let ecosystem = named(ecosystem);
    let mut found = Found::default();
    let mut file = File { path, length: bytes.len() as u64, mode: 0o755, content: &mut Cursor::new(bytes) };
    ecosystem.read(&mut file, &mut found);
    found
}

/// Returns the names and versions of packages, as `name version`.
pub(super) fn names(packages: &[Package]) -> Vec<String> {
    packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
}

fn named(name: &str) -> &'static dyn Ecosystem {
    *ECOSYSTEMS.iter().find(|ecosystem| ecosystem.name() == name).unwrap()
}

#[test]
fn each_ecosystem_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = ECOSYSTEMS.iter().map(|ecosystem| ecosystem.name()).collect();

    assert_eq!(names.len(), ECOSYSTEMS.len(), "{names:?}");
}

#[test]
fn the_fixtures_give_the_packages_they_are_of() {
    let ours = ["bitnami", "cargo-lock", "dotnet", "go-binary", "java-archive", "python-wheel", "rust-binary", "sbom"];

    let cases: Vec<PathBuf> = ours
        .iter()
        .flat_map(|ecosystem| folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(ecosystem)))
        .collect();

    assert!(cases.len() >= ours.len(), "{cases:?}");
    cases.iter().for_each(|case| assert_case(case));
}

fn assert_case(case: &Path) {
    let ecosystem = named(case.parent().unwrap().file_name().unwrap().to_str().unwrap());
    let mut found = BTreeMap::new();
    for path in files(&case.join("input")) {
        let bytes = std::fs::read(&path).unwrap();
        collect(ecosystem, path.strip_prefix(case.join("input")).unwrap().to_str().unwrap(), &bytes, 0, &mut found);
    }
    let printed = serde_json::to_string_pretty(&found).unwrap() + "\n";

    let expected = case.join("packages.json");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&expected, &printed).unwrap();
    }
    assert_eq!(printed, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", case.display());
}

fn collect(ecosystem: &dyn Ecosystem, path: &str, bytes: &[u8], depth: usize, all: &mut BTreeMap<String, Found>) {
    if depth > DEPTH_MAX || !ecosystem.claims(path, &bytes[..bytes.len().min(HEAD_BYTES)], 0o755) {
        return;
    }
    let mut found = read(ecosystem.name(), path, bytes);
    for (name, bytes) in std::mem::take(&mut found.nested) {
        collect(ecosystem, &format!("{path}!{name}"), &bytes, depth + 1, all);
    }
    all.insert(path.to_owned(), found);
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (folders, mut files): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| self::files(folder)));
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
