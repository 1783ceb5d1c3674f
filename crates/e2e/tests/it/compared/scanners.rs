//! What the two scanners say of an image, in the same words.

use gantry_e2e::{program, tool};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// A flaw that a scanner sees in a version of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said {
    /// As it is installed: `libssl3`, not `openssl`.
    pub(super) package: String,
    /// Without the `v` that Go puts before it.
    pub(super) version: String,
    /// All names of the flaw.
    pub(super) ids: BTreeSet<String>,
}

/// Advisories of some ecosystems, as osv.dev exports them: the same files for both scanners.
pub(super) struct Advisories {
    /// Where Gantry reads them.
    folder: PathBuf,
    /// The folder above: osv-scanner looks for `osv-scalibr` in what it is given.
    above: PathBuf,
}

impl Advisories {
    pub(super) fn of(above: &Path, ecosystems: &[&str]) -> Advisories {
        let shared = env::var_os("GANTRY_SHARED").filter(|shared| !shared.is_empty());
        let shared =
            shared.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
        let shared = fs::canonicalize(shared.join("advisories"))
            .expect("GANTRY_SHARED names a folder with advisories; cargo xtask test sets it");
        let folder = above.join("osv-scalibr");
        for ecosystem in ecosystems {
            fs::create_dir_all(folder.join(ecosystem)).unwrap();
            symlink(shared.join(ecosystem).join("all.zip"), folder.join(ecosystem).join("all.zip")).unwrap();
        }
        Advisories { folder, above: above.to_path_buf() }
    }
}

/// What `gantry scan` says.
pub(super) fn gantry(archive: &Path, advisories: &Advisories, cache: &Path) -> Vec<Said> {
    let mut command = program();
    command.args(["scan", "--format", "json", "--input"]).arg(archive);
    command.arg("--advisories").arg(&advisories.folder).env("XDG_CACHE_HOME", cache);
    let report = report(&mut command, &[0]);
    let findings = report["findings"].as_array().unwrap().iter();
    let said = findings.map(|finding| {
        let ids = texts(&finding["aliases"]).chain([text(&finding["id"])]);
        said(&finding["package"], &finding["version"], ids.collect())
    });
    let mut said: Vec<Said> = said.collect();
    said.sort();
    said
}

/// What osv-scanner says without a network; `plugins` read what it would not look for in images.
pub(super) fn osv_scanner(archive: &Path, advisories: &Advisories, plugins: &[&str]) -> Vec<Said> {
    let mut command = Command::new(tool("osv-scanner"));
    // It needs both words, and without the second says that nothing was found.
    command.args(["scan", "image", "--offline", "--offline-vulnerabilities", "--format", "json", "--all-vulns"]);
    command.args(["artifact"].iter().chain(plugins).flat_map(|plugin| ["--experimental-plugins", *plugin]));
    command.arg("--archive").arg(archive).env("OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY", &advisories.above);
    // 1 is: something was found.
    let report = report(&mut command, &[0, 1]);
    let packages = report["results"].as_array().unwrap().iter().flat_map(|result| result["packages"].as_array());
    let mut all = BTreeSet::new();
    for package in packages.flatten() {
        let named = &package["package"];
        let name = if named["os_package_name"].is_string() { &named["os_package_name"] } else { &named["name"] };
        for record in package["vulnerabilities"].as_array().into_iter().flatten() {
            let ids = [text(&record["id"])].into_iter().chain(texts(&record["aliases"]));
            let ids = ids.chain(texts(&record["upstream"]));
            all.insert(said(name, &named["version"], ids.collect()));
        }
    }
    all.into_iter().collect()
}

#[track_caller]
fn report(command: &mut Command, codes: &[i32]) -> Value {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {errors}");
    assert!(!errors.contains("could not load db"), "osv-scanner has no advisories: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}: {errors}"))
}

fn said(package: &Value, version: &Value, ids: BTreeSet<String>) -> Said {
    let version = text(version);
    let number = version.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Said { package: text(package), version: number.unwrap_or(&version).to_owned(), ids }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> impl Iterator<Item = String> {
    value.as_array().into_iter().flatten().map(text)
}
