//! .NET: `*.deps.json` beside what was published, `packages.lock.json`, and the specifications in NuGet's own folders.

use std::collections::BTreeMap;

use crate::{Ecosystem, File, Found, Package, PackageType};

/// Reads what .NET applications and runtimes say of themselves.
pub(crate) struct DotNet;

/// Bytes of a file at most; the longest known is below 1 MB.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Nodes of a specification at most.
const NODES_MAX: u32 = 50_000;

impl Ecosystem for DotNet {
    fn name(&self) -> &'static str {
        "dotnet"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        Kind::of(path).is_some()
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(kind) = Kind::of(file.path) else { return };
        if file.length > FILE_BYTES_MAX {
            found.complaints.push(format!("is not read, it has more than {FILE_BYTES_MAX} bytes"));
            return;
        }
        let read = file.whole().map_err(|error| error.to_string()).and_then(|bytes| match kind {
            Kind::Dependencies => dependencies(file.path, without_mark(&bytes)),
            Kind::Lock => lock(without_mark(&bytes)),
            Kind::Specification => specification(without_mark(&bytes)),
        });
        match read {
            Ok(packages) => found.packages.extend(packages),
            Err(reason) => found.complaints.push(format!("cannot be read: {reason}")),
        }
    }
}

enum Kind {
    Dependencies,
    Lock,
    Specification,
}

impl Kind {
    fn of(path: &str) -> Option<Kind> {
        match path.rsplit('/').next()? {
            "packages.lock.json" => Some(Kind::Lock),
            name if name.ends_with(".deps.json") => Some(Kind::Dependencies),
            name if name.ends_with(".nuspec") => Some(Kind::Specification),
            _ => None,
        }
    }
}

/// Windows' tools begin text with a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[derive(serde::Deserialize)]
struct Dependencies {
    #[serde(default, rename = "runtimeTarget")]
    target: Target,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Target {
    name: String,
}

#[derive(serde::Deserialize)]
struct Library {
    #[serde(default, rename = "type")]
    kind: String,
}

/// Packages, and the runtime that is published along with a self-contained application.
fn dependencies(path: &str, bytes: &[u8]) -> Result<Vec<Package>, String> {
    let file: Dependencies = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let libraries = file.libraries.iter().filter_map(|(key, library)| {
        let (name, version) = key.split_once('/')?;
        match library.kind.as_str() {
            "package" => Some(Package::new(PackageType::Nuget, name, version)),
            "runtimepack" => {
                Some(Package::new(PackageType::Nuget, name.strip_prefix("runtimepack.").unwrap_or(name), version))
            }
            _ => None,
        }
    });
    let mut packages: Vec<Package> = libraries.collect();
    packages.extend(runtime(path, &file.target.name).filter(|runtime| !packages.contains(runtime)));
    Ok(packages)
}

/// A shared runtime, as the package that advisories name: `shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json`
/// for `linux-x64` is `Microsoft.NETCore.App.Runtime.linux-x64` 8.0.1.
fn runtime(path: &str, target: &str) -> Option<Package> {
    let mut folders = path.rsplit('/');
    let (file, version, framework, shared) = (folders.next()?, folders.next()?, folders.next()?, folders.next()?);
    if shared != "shared" || file.strip_suffix(".deps.json") != Some(framework) {
        return None;
    }
    let name = match target.rsplit_once('/') {
        Some((_, platform)) => format!("{framework}.Runtime.{platform}"),
        None => framework.to_owned(),
    };
    Some(Package::new(PackageType::Nuget, name, version))
}

#[derive(serde::Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Locked>>,
}

#[derive(serde::Deserialize)]
struct Locked {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    resolved: Option<String>,
}

fn lock(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let file: Lock = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let locked = file.dependencies.into_values().flatten().filter(|(_, locked)| locked.kind != "Project");
    let packages = locked.filter_map(|(name, locked)| Some(Package::new(PackageType::Nuget, name, locked.resolved?)));
    // The same package stands below each framework that the project is built for.
    let packages: std::collections::BTreeSet<Package> = packages.collect();
    Ok(packages.into_iter().collect())
}

fn specification(bytes: &[u8]) -> Result<Vec<Package>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let options = roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let metadata = document.root_element().children().find(|node| node.tag_name().name() == "metadata");
    let value = |name: &str| {
        let node = metadata?.children().find(|node| node.tag_name().name() == name)?;
        Some((node.attribute("type"), node.text()?.trim()))
    };
    let (Some((_, id)), Some((_, version))) = (value("id"), value("version")) else {
        return Err("it names no package with a version".to_owned());
    };
    let mut package = Package::new(PackageType::Nuget, id, version);
    let licence = value("license").filter(|(kind, _)| *kind == Some("expression"));
    package.licences.extend(licence.map(|(_, expression)| expression.to_owned()));
    Ok(vec![package])
}

#[cfg(test)]
mod tests;
