//! A folder of feeds: which folder in it is read how.
//!
//! | in the folder | what |
//! |---|---|
//! | `secdb/alpine/`, `secdb/wolfi/`, `secdb/chainguard/` | security databases, JSON |
//! | `debian-tracker/` | Debian's security tracker, JSON |
//! | `csaf/` | Red Hat's VEX documents, or the tar of all |
//! | `updateinfo/rocky-9/`, `amazon-2023/`, `oracle-9/`, `fedora-42/` | `updateinfo.xml` of repositories |
//! | `almalinux-errata/9/` | AlmaLinux's `errata.full.json` |
//! | `trivy-db/` | `trivy.db`, the artifact's layer, or an OCI layout with the artifact |
//! | `kev/`, `epss/` | the side tables |
//! | any other | OSV records: `all.zip`, `all.tar.zst`, or `*.json` |

use crate::compile::{Compiler, FeedsError};
use gantry_oci::{Digest, Manifest, ManifestLimits};
use gantry_scan::{
    KnowledgeSource,
    feeds::{
        FeedError, FeedItem, FeedKind,
        osv::{self, OsvError},
        trivy::LAYER_MEDIA_TYPE,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files of a folder at most.
const FILES_MAX: usize = 1_000_000;
/// Folders in each other at most.
const DEPTH_MAX: usize = 3;

/// The folders of `secdb/`, and OSV's word for whose each is.
const SECDB: [(&str, &str); 3] = [("alpine", "Alpine"), ("wolfi", "Wolfi"), ("chainguard", "Chainguard")];
/// What the folders of `updateinfo/` begin with, and OSV's word for whose each is.
const UPDATEINFO: [(&str, &str); 4] =
    [("rocky-", "Rocky Linux"), ("amazon-", "Amazon Linux"), ("oracle-", "Oracle Linux"), ("fedora-", "Fedora")];

/// Compiles the feeds of a folder into the bytes of a [`gantry_scan::Knowledge`] file.
///
/// # Errors
/// [`FeedsError`]; a feed that is broken is refused with all others.
pub fn compile_folder(folder: &Path) -> Result<Vec<u8>, FeedsError> {
    let mut compiler = Compiler::default();
    read_folder(folder, &mut |item| compiler.take(item))?;
    compiler.finish()
}

/// Hands over what the feeds of a folder hold, in the order of names.
pub(crate) fn read_folder(folder: &Path, take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedsError> {
    folders(folder)?.iter().try_for_each(|part| read_part(part, take))
}

fn read_part(part: &Path, take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedsError> {
    match name(part) {
        "kev" => read_files(part, &FeedKind::Kev, take),
        "epss" => read_files(part, &FeedKind::Epss, take),
        "debian-tracker" => read_files(part, &FeedKind::DebianTracker, take),
        "csaf" => read_files(part, &FeedKind::Csaf, take),
        "secdb" => read_each(part, take, "name it alpine, wolfi or chainguard", |name| {
            let (_, ecosystem) = SECDB.iter().find(|(folder, _)| *folder == name)?;
            Some(FeedKind::Secdb((*ecosystem).into()))
        }),
        "updateinfo" => read_each(part, take, "name it rocky-9, amazon-2023, oracle-9 or the like", |name| {
            let (start, ecosystem) = UPDATEINFO.iter().find(|(start, _)| name.starts_with(start))?;
            let release = name.strip_prefix(start).filter(|release| !release.is_empty())?;
            Some(FeedKind::UpdateInfo(KnowledgeSource::new(*ecosystem, release)))
        }),
        "almalinux-errata" => read_each(part, take, "name it by the release, such as 9", |name| {
            name.bytes().all(|byte| byte.is_ascii_digit()).then(|| FeedKind::AlmaLinuxErrata(name.into()))
        }),
        "trivy-db" => read_trivy(part, take),
        _ => Ok(osv::read_path(part, &mut |advisory| take(FeedItem::Advisory(advisory))).map_err(of_osv)?),
    }
}

fn of_osv(error: OsvError) -> FeedError {
    error.into()
}

/// Reads the folders in a folder, each as the kind that its name stands for.
fn read_each(
    part: &Path,
    take: &mut dyn FnMut(FeedItem),
    advice: &str,
    kind: impl Fn(&str) -> Option<FeedKind>,
) -> Result<(), FeedsError> {
    for folder in folders(part)? {
        let unknown = || FeedsError::Unknown {
            path: folder.display().to_string(),
            advice: format!("it cannot be told whose it is; {advice}"),
        };
        let kind = kind(name(&folder)).ok_or_else(unknown)?;
        read_files(&folder, &kind, take)?;
    }
    Ok(())
}

fn read_files(folder: &Path, kind: &FeedKind, take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedsError> {
    files_below(folder)?.iter().try_for_each(|path| read_file(path, kind, take))
}

/// Hands over what a file holds.
pub(crate) fn read_file(path: &Path, kind: &FeedKind, take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedsError> {
    let bytes = fs::read(path).map_err(|error| io_error(path, error))?;
    Ok(kind.read(&path.display().to_string(), &bytes, take)?)
}

/// Reads an OCI layout with the artifact, or the database or layer as a file.
fn read_trivy(part: &Path, take: &mut dyn FnMut(FeedItem)) -> Result<(), FeedsError> {
    let kind = FeedKind::TrivyDb;
    match part.join("index.json").exists() {
        true => read_file(&trivy_layer(part)?, &kind, take),
        false => {
            let files = files_below(part)?;
            let is_database = |path: &&PathBuf| !name(path).ends_with(".json");
            files.iter().filter(is_database).try_for_each(|path| read_file(path, &kind, take))
        }
    }
}

/// Finds the database's layer in an OCI layout (OCI Image 1.1.1, Image Layout).
fn trivy_layer(layout: &Path) -> Result<PathBuf, FeedsError> {
    let refuse = |path: &Path, advice: String| FeedsError::Unknown { path: path.display().to_string(), advice };
    let manifest = |path: &Path| {
        let bytes = fs::read(path).map_err(|error| io_error(path, error))?;
        Manifest::parse(&bytes, None, &ManifestLimits::default()).map_err(|error| refuse(path, error.to_string()))
    };
    let place = |digest: &Digest| layout.join("blobs").join(digest.as_str().replacen(':', "/", 1));
    let index = layout.join("index.json");
    for listed in manifest(&index)?.manifests {
        let image = manifest(&place(&listed.digest))?;
        if let Some(layer) = image.layers.iter().find(|layer| layer.media_type == LAYER_MEDIA_TYPE) {
            return Ok(place(&layer.digest));
        }
    }
    Err(refuse(&index, format!("no image in it has a layer of type {LAYER_MEDIA_TYPE}; give the artifact trivy-db:2")))
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The folders in a folder, sorted.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, FeedsError> {
    let mut parts: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    parts.sort_unstable();
    Ok(parts)
}

/// Returns all files below a folder, sorted; folders that lie deeper than four are not looked into.
///
/// # Errors
/// [`FeedsError::Io`], and [`FeedsError::TooMany`] beyond a million.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FeedsError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = folders.pop() {
        for entry in entries(&path)? {
            match entry.is_dir() {
                true if depth < DEPTH_MAX => folders.push((entry, depth + 1)),
                true => {}
                false => found.push(entry),
            }
        }
        if found.len() > FILES_MAX {
            return Err(FeedsError::TooMany { files_max: FILES_MAX });
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FeedsError> {
    let fail = |error| io_error(folder, error);
    let read = fs::read_dir(folder).map_err(fail)?;
    read.map(|entry| Ok(entry.map_err(fail)?.path())).collect()
}

pub(crate) fn io_error(path: &Path, error: std::io::Error) -> FeedsError {
    FeedsError::Io { path: path.display().to_string(), error }
}

#[cfg(test)]
mod tests;
