//! SPDX JSON: version 2 (SPDX 2.3, clause 7) with its packages, version 3 with a graph of elements.

use super::Named;
use crate::Package;

#[derive(serde::Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<Described>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(default)]
    version_info: Option<String>,
    #[serde(default)]
    license_declared: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
    #[serde(default)]
    checksums: Vec<Checksum>,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    reference_type: String,
    reference_locator: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, serde_json::Error> {
    let document: Document = serde_json::from_slice(bytes)?;
    Ok(document.packages.into_iter().filter_map(named).filter_map(Named::package).collect())
}

fn named(described: Described) -> Option<Named> {
    let purl = described.external_refs.into_iter().find(|reference| reference.reference_type == "purl")?;
    let sha1 = described.checksums.into_iter().find(|checksum| checksum.algorithm == "SHA1");
    Some(Named {
        purl: purl.reference_locator,
        version: described.version_info,
        licences: described.license_declared.into_iter().collect(),
        sha1: sha1.map(|checksum| checksum.checksum_value),
    })
}

/// An element of version 3; those that are no packages have none of it.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Element {
    #[serde(rename = "software_packageUrl")]
    purl: Option<String>,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
}

pub(super) fn read_graph(bytes: &[u8]) -> Result<Vec<Package>, serde_json::Error> {
    let elements: Vec<Element> = serde_json::from_slice(bytes)?;
    let named = elements
        .into_iter()
        .filter_map(|element| Some(Named { purl: element.purl?, version: element.version, ..Named::default() }));
    Ok(named.filter_map(Named::package).collect())
}
