//! CycloneDX documents with `vulnerabilities[].analysis` (1.4 to 1.6).

use std::collections::HashMap;

use serde::Deserialize;

use super::{Product, Statement, Status, time};
use crate::feeds::{FeedError, parse_json};

#[derive(Deserialize)]
struct Document {
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
    supplier: Option<Supplier>,
}

#[derive(Deserialize)]
struct Supplier {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affected>,
    updated: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<State>,
    justification: Option<String>,
    detail: Option<String>,
    last_updated: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Resolved,
    ResolvedWithPedigree,
    Exploitable,
    InTriage,
    FalsePositive,
    NotAffected,
}

#[derive(Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
}

/// Reads a document; vulnerabilities without an analysis say nothing.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Statement>, FeedError> {
    let document: Document = parse_json(file, bytes)?;
    let mut purls = HashMap::new();
    let metadata = document.metadata.as_ref();
    collect(&document.components, &mut purls);
    if let Some(component) = metadata.and_then(|metadata| metadata.component.as_ref()) {
        collect(std::slice::from_ref(component), &mut purls);
    }
    let written = metadata.and_then(|metadata| metadata.timestamp.as_deref());
    let author = metadata.and_then(|metadata| metadata.supplier.as_ref()?.name.clone());
    let mut statements = Vec::new();
    for (place, vulnerability) in document.vulnerabilities.iter().enumerate() {
        let record = format!("vulnerabilities[{place}]");
        let Some((analysis, state)) = vulnerability.analysis.as_ref().and_then(|one| Some((one, one.state?))) else {
            continue;
        };
        let Some(id) = vulnerability.id.clone() else {
            return Err(FeedError::record(file, record, "it has no id"));
        };
        let at = analysis.last_updated.as_deref().or(vulnerability.updated.as_deref()).or(written);
        statements.push(Statement {
            vulnerability: id,
            aliases: vulnerability.references.iter().map(|reference| reference.id.clone()).collect(),
            products: vulnerability.affects.iter().filter_map(|one| product(&one.reference, &purls)).collect(),
            status: match state {
                State::Resolved | State::ResolvedWithPedigree => Status::Fixed,
                State::Exploitable => Status::Affected,
                State::InTriage => Status::UnderInvestigation,
                State::FalsePositive | State::NotAffected => Status::NotAffected,
            },
            justification: analysis.justification.clone().or_else(|| analysis.detail.clone()),
            author: author.clone(),
            time: time(file, &record, at)?,
        });
    }
    Ok(statements)
}

/// Components nest as deep as the JSON parser lets them (128).
fn collect<'a>(components: &'a [Component], purls: &mut HashMap<&'a str, &'a str>) {
    let mut waiting: Vec<_> = components.iter().collect();
    while let Some(component) = waiting.pop() {
        if let (Some(reference), Some(purl)) = (&component.reference, &component.purl) {
            purls.insert(reference, purl);
        }
        waiting.extend(&component.components);
    }
}

/// A reference is a component of this document, a purl, or one of these within another document
/// (`urn:cdx:serial/version#reference`).
fn product(reference: &str, purls: &HashMap<&str, &str>) -> Option<Product> {
    let reference = match reference.strip_prefix("urn:cdx:") {
        Some(link) => link.split_once('#')?.1,
        None => reference,
    };
    match purls.get(reference) {
        Some(purl) => Product::parse(purl),
        // Within a link it is escaped, and does not begin with `pkg:`.
        None => Product::parse(reference)
            .or_else(|| Product::parse(&percent_encoding::percent_decode_str(reference).decode_utf8_lossy())),
    }
}
