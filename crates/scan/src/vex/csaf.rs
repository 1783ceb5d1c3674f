//! CSAF 2.0 documents of the profile VEX (OASIS, section 4.5).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Product, Statement, Status, time};
use crate::feeds::{
    FeedError,
    csaf::{ProductTree, Products},
    parse_json,
};

#[derive(Deserialize)]
struct Document {
    document: Head,
    #[serde(default)]
    product_tree: ProductTree,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    publisher: Option<Publisher>,
    tracking: Tracking,
}

#[derive(Deserialize)]
struct Publisher {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Tracking {
    current_release_date: Option<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<Id>,
    #[serde(default)]
    product_status: ProductStatus,
    #[serde(default)]
    flags: Vec<Flag>,
}

#[derive(Deserialize)]
struct Id {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProductStatus {
    fixed: Vec<String>,
    first_fixed: Vec<String>,
    known_affected: Vec<String>,
    known_not_affected: Vec<String>,
    under_investigation: Vec<String>,
}

#[derive(Deserialize)]
struct Flag {
    label: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

/// Reads a document. Products without a purl or an image's digest are left out.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<Statement>, FeedError> {
    let Document { document, product_tree, vulnerabilities } = parse_json(file, bytes)?;
    let released = time(file, "document.tracking", document.tracking.current_release_date.as_deref())?;
    let author = document.publisher.and_then(|publisher| publisher.name);
    let tree = product_tree.products(file)?;
    let mut statements = Vec::new();
    for (place, vulnerability) in vulnerabilities.into_iter().enumerate() {
        let mut ids = vulnerability.cve.into_iter().chain(vulnerability.ids.into_iter().map(|id| id.text));
        let Some(id) = ids.next() else {
            return Err(FeedError::record(file, format!("vulnerabilities[{place}]"), "it has no id"));
        };
        let aliases: Vec<_> = ids.collect();
        let labels: BTreeMap<_, _> = vulnerability
            .flags
            .iter()
            .flat_map(|flag| flag.product_ids.iter().map(|product| (product.as_str(), flag.label.as_str())))
            .collect();
        let ProductStatus { fixed, first_fixed, known_affected, known_not_affected, under_investigation } =
            &vulnerability.product_status;
        let said = [
            (Status::Fixed, fixed),
            (Status::Fixed, first_fixed),
            (Status::Affected, known_affected),
            (Status::NotAffected, known_not_affected),
            (Status::UnderInvestigation, under_investigation),
        ];
        for (status, products) in said {
            let mut by_label = BTreeMap::<Option<&str>, Vec<Product>>::new();
            for product in products {
                let label = labels.get(product.as_str()).copied().filter(|_| status == Status::NotAffected);
                by_label.entry(label).or_default().extend(find(&tree, product));
            }
            statements.extend(by_label.into_iter().filter(|(_, products)| !products.is_empty()).map(
                |(label, products)| Statement {
                    vulnerability: id.clone(),
                    aliases: aliases.clone(),
                    products,
                    status,
                    justification: label.map(str::to_owned),
                    author: author.clone(),
                    time: released,
                },
            ));
        }
    }
    Ok(statements)
}

/// A component of a product is said of the component; within an image, of both.
fn find(tree: &Products<'_>, id: &str) -> Option<Product> {
    let product = tree.find(id)?;
    let component = product.purl.and_then(Product::parse)?;
    let whole = product.within.and_then(|whole| tree.find(whole)?.purl).and_then(Product::parse);
    match whole {
        Some(Product { image, repository, .. }) if component.image.is_none() && component.repository.is_none() => {
            Some(Product { image, repository, ..component })
        }
        Some(_) | None => Some(component),
    }
}
