//! OpenVEX (specification 0.2.0; documents of 0.0.x, whose products are plain texts, too).

use serde::Deserialize;

use super::{Product, Statement, Status, time};
use crate::feeds::{FeedError, parse_json};

#[derive(Deserialize)]
struct Document {
    author: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
    #[serde(default)]
    statements: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Vec<Component>,
    /// Of 0.0.x: they hold for every product.
    #[serde(default)]
    subcomponents: Vec<Component>,
    status: Word,
    justification: Option<String>,
    impact_statement: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Id(String),
    Named {
        #[serde(rename = "@id")]
        id: Option<String>,
        name: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Id(String),
    Described {
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        identifiers: Identifiers,
        #[serde(default)]
        hashes: std::collections::BTreeMap<String, String>,
        #[serde(default)]
        subcomponents: Vec<Component>,
    },
}

#[derive(Default, Deserialize)]
struct Identifiers {
    purl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

/// Reads a document. Products that name neither a package nor an image by purl or digest are left out; where a statement names no
/// product, it is about what the document hangs on (OpenVEX, Attesting OpenVEX Documents: the product is inherited).
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Statement>, FeedError> {
    let document: Document = parse_json(file, bytes)?;
    let default_time = document.last_updated.or(document.timestamp);
    let mut statements = Vec::new();
    for (place, said) in document.statements.into_iter().enumerate() {
        let record = format!("statements[{place}]");
        let (vulnerability, aliases) = match said.vulnerability {
            Vulnerability::Id(id) => (id, Vec::new()),
            Vulnerability::Named { id, name, aliases } => match name.or(id) {
                Some(name) => (name, aliases),
                None => return Err(FeedError::record(file, record, "the vulnerability has no name")),
            },
        };
        let at = said.last_updated.or(said.timestamp);
        statements.push(Statement {
            vulnerability,
            aliases,
            products: match said.products.is_empty() {
                true => within(&Product { repository: Some(String::new()), ..Product::default() }, &said.subcomponents),
                false => said.products.iter().flat_map(|product| products(product, &said.subcomponents)).collect(),
            },
            status: match said.status {
                Word::NotAffected => Status::NotAffected,
                Word::Affected => Status::Affected,
                Word::Fixed => Status::Fixed,
                Word::UnderInvestigation => Status::UnderInvestigation,
            },
            justification: said.justification.or(said.impact_statement),
            author: document.author.clone(),
            time: time(file, &record, at.as_deref().or(default_time.as_deref()))?,
        });
    }
    Ok(statements)
}

/// A product with subcomponents is said of these within it.
fn products(product: &Component, common: &[Component]) -> Vec<Product> {
    let own: &[Component] = match product {
        Component::Id(_) => &[],
        Component::Described { subcomponents, .. } => subcomponents,
    };
    let parts = if own.is_empty() { common } else { own };
    parse(product).iter().flat_map(|whole| within(whole, parts)).collect()
}

fn within(whole: &Product, parts: &[Component]) -> Vec<Product> {
    if parts.is_empty() {
        return vec![whole.clone()];
    }
    let (image, repository) = (&whole.image, &whole.repository);
    // A package within a package cannot be told apart in an image; the part alone would say too much.
    let is_told_apart = image.is_some() || repository.is_some();
    let parts = parts.iter().flat_map(parse).filter(|part| part.package.is_some() && is_told_apart);
    parts.map(|part| Product { image: image.clone(), repository: repository.clone(), ..part }).collect()
}

fn parse(component: &Component) -> Vec<Product> {
    match component {
        Component::Id(id) => Product::parse(id).into_iter().collect(),
        Component::Described { id, identifiers, hashes, .. } => {
            let named = identifiers.purl.as_deref().and_then(Product::parse);
            let named = named.or_else(|| id.as_deref().and_then(Product::parse));
            let hashed = hashes.get("sha-256").and_then(|hex| Product::parse(&format!("sha256:{hex}")));
            named.or(hashed).into_iter().collect()
        }
    }
}
