//! Each ecosystem reads its fixtures: `fixtures/<ecosystem>/<case>/input/…` is an image's files, `packages.json` the
//! inventory of it.
//!
//! A new ecosystem needs a folder with its name and at least one case; its `packages.json` is written, to be read before it
//! is committed, by `UPDATE_FIXTURES=1 cargo test -p gantry-scan --test it fixtures`. Where a fixture comes from stands in
//! `fixtures/<ecosystem>/README.md`.

use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gantry_scan::{ECOSYSTEMS, Inventory, Layer, LayerBuilder, Limits, Spool, put_together};

#[test]
fn every_ecosystem_has_a_fixture() {
    let names: Vec<String> = folders(&fixtures()).iter().map(|folder| name(folder)).collect();

    let without: Vec<&str> = ECOSYSTEMS
        .iter()
        .map(|ecosystem| ecosystem.name())
        .filter(|ecosystem| !names.iter().any(|name| name == ecosystem))
        .collect();

    assert_eq!(without, [""; 0], "these need crates/scan/fixtures/<name>/<case>/input and its packages.json");
}

/// The ecosystems whose files make sense only together, as a layer. The others are tested a file at a time, beside their readers.
const WHOLE: [&str; 4] = ["apk", "dpkg", "os-release", "rpm"];

#[test]
fn every_fixture_of_a_distribution_is_read_as_its_packages_say() {
    let cases: Vec<PathBuf> = WHOLE.iter().flat_map(|ecosystem| folders(&fixtures().join(ecosystem))).collect();
    assert!(cases.len() >= WHOLE.len());

    let differing: Vec<String> = cases.iter().filter_map(|case| difference(case)).collect();

    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

fn difference(case: &Path) -> Option<String> {
    let layer = read(&case.join("input"));
    // Layers are stored: what is lost by that is lost to everybody.
    let stored = serde_json::to_string(&layer).unwrap();
    let layer: Layer = serde_json::from_str(&stored).unwrap();
    // Which other files there are is no matter of packages.
    let inventory = Inventory { loose: None, ..put_together(&[&layer]) };
    let printed = serde_json::to_string_pretty(&inventory).unwrap() + "\n";
    let expected = case.join("packages.json");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(&expected, &printed).unwrap();
    }
    let text = fs::read_to_string(&expected).unwrap_or_default();
    match serde_json::from_str::<Inventory>(&text) {
        Ok(wanted) if wanted == inventory => None,
        _ => Some(format!("{}: found\n{printed}", expected.display())),
    }
}

fn read(root: &Path) -> Layer {
    let limits = Limits::default();
    let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(Cursor::new(Vec::new()))) };
    let mut builder = LayerBuilder::new(&limits, &mut spool);
    walk(root, root, &mut builder);
    builder.finish()
}

fn walk(root: &Path, folder: &Path, builder: &mut LayerBuilder<'_>) {
    for path in entries(folder) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_symlink() {
            builder.link(name, fs::read_link(&path).unwrap().to_str().unwrap()).unwrap();
        } else if metadata.is_dir() {
            builder.folder(name).unwrap();
            walk(root, &path, builder);
        } else {
            let bytes = fs::read(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            builder.file(name, mode, bytes.len() as u64, &mut Cursor::new(bytes)).unwrap();
        }
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_unstable();
    entries
}
