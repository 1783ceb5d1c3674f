//! SPDX 2.3 JSON (ISO/IEC 5962 and its successor).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Component, Image, TOOL, TOOL_VERSION, components, fingerprint, licences};
use crate::Inventory;

/// The element that stands for the image.
const IMAGE: &str = "SPDXRef-Image";
/// What SPDX says where nobody looked.
const UNKNOWN: &str = "NOASSERTION";

/// Writes the bill of materials of an image.
///
/// The image is a package that contains the others; where each lies, and what brought it, is told in its `sourceInfo`. A licence that
/// is no SPDX
/// expression becomes a `LicenseRef-…` with the packager's words.
pub fn write(image: &Image<'_>, inventory: &Inventory) -> Value {
    let components = components(inventory);
    let mut words = BTreeMap::new();
    let packages: Vec<_> = components.iter().map(|component| package(component, &mut words)).collect();
    let contains = packages.iter().map(|package| {
        json!({
            "spdxElementId": IMAGE,
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": package["SPDXID"],
        })
    });
    let describes = json!({
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": IMAGE,
    });
    let relationships: Vec<_> = [describes].into_iter().chain(contains).collect();
    let packages: Vec<_> = [image_package(image, inventory)].into_iter().chain(packages).collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": image.reference,
        "documentNamespace": format!("https://spdx.org/spdxdocs/{TOOL}-{}", image.uuid("spdx")),
        "creationInfo": {
            "created": image.created,
            "creators": [format!("Tool: {TOOL}-{TOOL_VERSION}")],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if !words.is_empty() {
        let extracted = |(id, text): (&String, &String)| json!({"licenseId": id, "name": text, "extractedText": text});
        document["hasExtractedLicensingInfos"] = words.iter().map(extracted).collect();
    }
    document
}

fn image_package(image: &Image<'_>, inventory: &Inventory) -> Value {
    let mut package = json!({
        "SPDXID": IMAGE,
        "name": image.reference,
        "versionInfo": image.digest,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": "CONTAINER",
        "externalRefs": [purl_reference(&image.purl())],
    });
    let checksum = image.digest.split_once(':').and_then(|(algorithm, hex)| match algorithm {
        "sha256" => Some(json!([{"algorithm": "SHA256", "checksumValue": hex}])),
        "sha512" => Some(json!([{"algorithm": "SHA512", "checksumValue": hex}])),
        _ => None,
    });
    if let Some(checksum) = checksum {
        package["checksums"] = checksum;
    }
    if let Some(distribution) = &inventory.distribution {
        let name = distribution.pretty_name.clone();
        package["summary"] = json!(name.unwrap_or_else(|| format!("{} {}", distribution.id, distribution.version)));
    }
    package
}

fn package(component: &Component<'_>, words: &mut BTreeMap<String, String>) -> Value {
    let package = component.package;
    let mut made = json!({
        "SPDXID": format!("SPDXRef-Package-{}", short_name(&component.id)),
        "name": package.name,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": declared(&package.licences, words),
        "copyrightText": UNKNOWN,
        "sourceInfo": source_info(component),
        "externalRefs": [purl_reference(&component.purl)],
    });
    if !package.version.is_empty() {
        made["versionInfo"] = json!(package.version);
    }
    if let Some(vendor) = package.vendor.as_ref().filter(|vendor| !vendor.trim().is_empty()) {
        // A name in one line; an address in parentheses would be read as an e-mail address.
        let vendor: String = vendor.chars().filter(|one| !one.is_control() && !"()<>".contains(*one)).collect();
        made["supplier"] = json!(format!("Organization: {}", vendor.trim()));
    }
    if let Some(sha1) = package.sha1.as_ref().filter(|sha1| sha1.len() == 40) {
        made["checksums"] = json!([{"algorithm": "SHA1", "checksumValue": sha1.to_ascii_lowercase()}]);
    }
    made
}

/// Where it lies, and what brought it there.
fn source_info(component: &Component<'_>) -> String {
    let paths: Vec<_> = component.paths.iter().copied().collect();
    let found = format!("found in {}", paths.join(", "));
    match component.build_steps[..] {
        [] => found,
        _ => format!("{found}; brought by {}", component.build_steps.join("; ")),
    }
}

fn purl_reference(purl: &str) -> Value {
    json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl})
}

/// Names of elements are letters, digits, `.` and `-` (SPDX 2.3, section 7.2).
fn short_name(text: &str) -> String {
    format!("{:016x}", fingerprint(&[text]) >> 64)
}

/// Returns the licences joined by `AND`: what a packager lists holds together.
fn declared(texts: &[String], words: &mut BTreeMap<String, String>) -> String {
    use licences::Licence::{Expression, Id, Words};
    let mut parts = Vec::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        parts.push(match licences::classify(text) {
            Id(id) => id.to_owned(),
            Expression(text) if texts.len() > 1 => format!("({text})"),
            Expression(text) => text.to_owned(),
            Words(text) => {
                let id = format!("LicenseRef-{}", short_name(text));
                words.insert(id.clone(), text.to_owned());
                id
            }
        });
    }
    if parts.is_empty() { UNKNOWN.to_owned() } else { parts.join(" AND ") }
}
