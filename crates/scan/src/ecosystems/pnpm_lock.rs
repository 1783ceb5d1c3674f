//! pnpm's lock file, `lockfileVersion` 5, 6 and 9 (pnpm's specification, "lockfile").

use super::documents::{self, Members, Text};
use crate::{Ecosystem, File, Found, PackageType};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// `pnpm-lock.yaml`. Packages that only development needs are left out, as in npm's: older versions mark them, in version 9
/// they are those that no importer's other dependencies lead to.
pub(crate) struct PnpmLock;

impl Ecosystem for PnpmLock {
    fn name(&self) -> &'static str {
        "pnpm-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        documents::file_name(path) == "pnpm-lock.yaml"
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(lock) = documents::yaml::<Lock>(file, found) else { return };
        let Some(major) = lock.version.split('.').next().and_then(|major| major.parse::<u32>().ok()) else {
            return documents::complain(found, format_args!("its lockfileVersion is no number"));
        };
        let needed = (!lock.snapshots.0.is_empty()).then(|| needed(&lock));
        for (key, Entry(entry)) in &lock.packages.0 {
            if entry.dev || needed.as_ref().is_some_and(|needed| !needed.contains(key.as_str())) {
                continue;
            }
            let (name, version) = split_key(key, major).unzip();
            // A version that is an address is none: the entry says what was found there.
            let version = entry.version.0.as_deref().or(version.filter(|version| !version.contains(':')));
            if let Some((name, version)) = entry.name.0.as_deref().or(name).zip(version) {
                documents::add(found, PackageType::Npm, name, version);
            }
        }
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: String,
    #[serde(default)]
    packages: Members<Entry>,
    /// Version 9: what the projects of the workspace ask for.
    #[serde(default)]
    importers: Members<Importer>,
    /// Version 9: what each package needs, by its key and the peers it is used with.
    #[serde(default)]
    snapshots: Members<Snapshot>,
}

#[derive(Deserialize)]
struct Importer {
    #[serde(default)]
    dependencies: Members<Resolved>,
    #[serde(default, rename = "optionalDependencies")]
    optional: Members<Resolved>,
}

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    version: Text,
}

#[derive(Deserialize)]
struct Snapshot {
    #[serde(default)]
    dependencies: Members<String>,
    #[serde(default, rename = "optionalDependencies")]
    optional: Members<String>,
}

/// Returns the keys of the packages that the importers' dependencies lead to, other than those of development.
fn needed(lock: &Lock) -> HashSet<&str> {
    let snapshots = lock.snapshots.0.iter().map(|(key, snapshot)| (key.as_str(), snapshot)).collect::<HashMap<_, _>>();
    let asked = lock.importers.0.iter().flat_map(|(_, importer)| [&importer.dependencies.0, &importer.optional.0]);
    let asked = asked.flatten().filter_map(|(name, resolved)| Some(key(name, resolved.version.0.as_ref()?)));
    let mut waiting = asked.collect::<Vec<_>>();
    let (mut seen, mut needed) = (HashSet::new(), HashSet::new());
    while let Some(next) = waiting.pop() {
        let Some((known, snapshot)) = snapshots.get_key_value(next.as_str()) else { continue };
        if seen.insert(*known) {
            needed.insert(known.split('(').next().unwrap_or(known));
            let further = snapshot.dependencies.0.iter().chain(&snapshot.optional.0);
            waiting.extend(further.map(|(name, version)| key(name, version)));
        }
    }
    needed
}

/// Returns the key of what a dependency was resolved to: under another name, the version holds that as well.
fn key(name: &str, version: &str) -> String {
    let of_own_name = version.split('(').next().unwrap_or(version);
    match of_own_name.get(1..).is_some_and(|rest| rest.contains('@')) && !of_own_name.contains("://") {
        true => version.to_owned(),
        false => format!("{name}@{version}"),
    }
}

/// An entry; one without anything in it is written as nothing.
struct Entry(Fields);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Entry(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

#[derive(Default, Deserialize)]
struct Fields {
    /// Said where the key does not: of packages from git or from an address; version 9 says the version only.
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    dev: bool,
}

/// Reads `/name/version_peers` (5), `/name@version(peers)` (6) or `name@version` (9); `None` for what is no such key.
fn split_key(key: &str, major: u32) -> Option<(&str, &str)> {
    let key = key.split('(').next().unwrap_or(key);
    if major < 6 {
        let (name, version) = key.strip_prefix('/')?.rsplit_once('/')?;
        return Some((name, version.split('_').next().unwrap_or(version)));
    }
    let key = if major < 9 { key.strip_prefix('/')? } else { key };
    // A scope begins with an at sign, too.
    let at = key.char_indices().skip(1).find(|(_, character)| *character == '@')?.0;
    Some((&key[..at], &key[at + 1..]))
}
