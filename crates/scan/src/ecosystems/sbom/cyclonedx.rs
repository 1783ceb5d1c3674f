//! CycloneDX JSON (ECMA-424): components, and those within components.

use super::Named;
use crate::Package;

#[derive(serde::Deserialize)]
struct Document {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Metadata {
    component: Option<Component>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Component {
    purl: Option<String>,
    version: Option<String>,
    licenses: Vec<Choice>,
    hashes: Vec<Hash>,
    components: Vec<Component>,
}

/// One licence by its SPDX id or by a name, or an expression.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Choice {
    license: Option<License>,
    expression: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct License {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Hash {
    alg: String,
    content: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Package>, serde_json::Error> {
    let document: Document = serde_json::from_slice(bytes)?;
    let mut packages = Vec::new();
    // The parser has bounded how deep they are within each other, a stack keeps their order from mattering.
    let mut waiting: Vec<Component> = document.metadata.component.into_iter().chain(document.components).collect();
    while let Some(mut component) = waiting.pop() {
        waiting.append(&mut component.components);
        packages.extend(named(component).and_then(Named::package));
    }
    Ok(packages)
}

fn named(component: Component) -> Option<Named> {
    let licence = |choice: Choice| choice.expression.or_else(|| choice.license.and_then(|one| one.id.or(one.name)));
    let sha1 = component.hashes.into_iter().find(|hash| hash.alg == "SHA-1").map(|hash| hash.content);
    Some(Named {
        purl: component.purl?,
        version: component.version,
        licences: component.licenses.into_iter().filter_map(licence).collect(),
        sha1,
    })
}
