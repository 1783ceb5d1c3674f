//! SBOMs that somebody else made: in images, as attestations, as referrers. What they name by package URL is read.

mod cyclonedx;
mod spdx;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use crate::{Ecosystem, File, Found, Package, PackageType, purl};

/// Reads SBOMs that lie in images.
pub(crate) struct Sbom;

/// Folders in which builders leave SBOMs under any name.
const FOLDERS: &[&str] = &["usr/local/share/sbom/", "usr/share/sbom/", "var/lib/db/sbom/"];
/// Packages of a document at most.
const PACKAGES_MAX: usize = 200_000;

impl Ecosystem for Sbom {
    fn name(&self) -> &'static str {
        "sbom"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, head: &[u8], _mode: u32) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_json = head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let is_named = name.ends_with(".cdx.json") || name.ends_with(".spdx.json");
        let in_folder = name.ends_with(".json") && FOLDERS.iter().any(|folder| path.starts_with(folder));
        let by_content = name == "bom.json" && head.windows(9).any(|window| window == b"CycloneDX");
        is_json && (is_named || in_folder || by_content)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        read_file(file, found);
    }
}

/// Reads a file of an image as a document.
pub(super) fn read_file(file: &mut File<'_>, found: &mut Found) {
    let read = file.whole().map_err(|error| error.to_string());
    match read.and_then(|bytes| read_document(&bytes).map_err(|error| error.to_string())) {
        Ok(packages) => found.packages.extend(packages),
        Err(reason) => found.complaints.push(reason),
    }
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON, or not the JSON that its format demands.
    #[error("the SBOM cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The payload of its envelope is not base64.
    #[error("the attestation's payload is no base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// It is JSON of another kind.
    #[error("is neither CycloneDX JSON, nor SPDX JSON of version 2 or 3, nor an attestation with one of them")]
    Unknown,
    /// It names too much.
    #[error("the SBOM names more than {PACKAGES_MAX} packages")]
    TooMany,
}

/// What tells the formats apart.
#[derive(serde::Deserialize)]
struct Outline<'a> {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(borrow, rename = "@graph")]
    graph: Option<&'a RawValue>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
    payload: Option<String>,
}

/// Reads an SBOM: CycloneDX JSON 1.2 to 1.7, SPDX JSON 2.x or 3.0, also as the predicate of an in-toto statement, plain or in
/// a DSSE envelope (whose signature is not looked at).
///
/// Returns what it names by a package URL of a known kind, sorted, each once. A package whose version the document does
/// not tell has an empty one.
///
/// # Errors
/// [`DocumentError`]: it is another kind of document, broken, or names too much.
pub fn read_document(bytes: &[u8]) -> Result<Vec<Package>, DocumentError> {
    let outline: Outline<'_> = serde_json::from_slice(bytes)?;
    let Some(payload) = outline.payload else { return read_statement(bytes, &outline) };
    let payload = STANDARD.decode(payload)?;
    read_statement(&payload, &serde_json::from_slice(&payload)?)
}

fn read_statement(bytes: &[u8], outline: &Outline<'_>) -> Result<Vec<Package>, DocumentError> {
    let Some(predicate) = outline.predicate else { return read_plain(bytes, outline) };
    let predicate = predicate.get().as_bytes();
    read_plain(predicate, &serde_json::from_slice(predicate)?)
}

fn read_plain(bytes: &[u8], outline: &Outline<'_>) -> Result<Vec<Package>, DocumentError> {
    let packages = match (outline.bom_format.as_deref(), &outline.spdx_version, outline.graph) {
        (Some("CycloneDX"), _, _) => cyclonedx::read(bytes)?,
        (_, Some(version), _) if version.starts_with("SPDX-2.") => spdx::read(bytes)?,
        (_, _, Some(graph)) => spdx::read_graph(graph.get().as_bytes())?,
        _ => return Err(DocumentError::Unknown),
    };
    let packages: BTreeSet<Package> = packages.into_iter().collect();
    match packages.len() > PACKAGES_MAX {
        true => Err(DocumentError::TooMany),
        false => Ok(packages.into_iter().collect()),
    }
}

/// What a document says about a package, in either format.
#[derive(Debug, Default)]
struct Named {
    purl: String,
    version: Option<String>,
    licences: Vec<String>,
    sha1: Option<String>,
}

impl Named {
    fn package(self) -> Option<Package> {
        let mut package = purl::parse(&self.purl)?;
        match self.version {
            Some(version) if package.version.is_empty() => package.version = version,
            _ => {}
        }
        if package.kind == PackageType::Bitnami {
            without_revision(&mut package.version);
        }
        let words =
            self.licences.into_iter().filter(|licence| !matches!(licence.as_str(), "" | "NOASSERTION" | "NONE"));
        package.licences = words.collect();
        package.licences.dedup();
        let is_sha1 = |text: &String| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Only archives of Java are looked up by it.
        package.sha1 = self.sha1.filter(|sha1| package.kind == PackageType::Maven && is_sha1(sha1));
        Some(package)
    }
}

/// `15.2.0-3` is Bitnami's third build of 15.2.0; as a semantic version it would be one before it.
fn without_revision(version: &mut String) {
    if let Some((release, revision)) = version.rsplit_once('-')
        && !revision.is_empty()
        && revision.bytes().all(|byte| byte.is_ascii_digit())
    {
        version.truncate(release.len());
    }
}

#[cfg(test)]
mod tests;
