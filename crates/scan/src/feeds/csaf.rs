//! CSAF 2.0 (OASIS): the tree of products that its documents speak of, and Red Hat's VEX documents as advisories.
//!
//! Red Hat publishes one document for each CVE (`https://security.access.redhat.com/data/csaf/v2/vex/`), and all of them in
//! a `tar.zst`. Untested against the live feed; the fixtures follow its published format.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{FeedError, packed, parse_json};
use crate::{Advisory, Affected, KnowledgeSource, PackageType, Range, Rating, Standing, Until, purl, severity};

/// Products of a document at most.
const PRODUCTS_MAX: usize = 2_000_000;
/// How many products a product may be a component of, one within the other: a package of a module of a stream of a product.
const DEPTH_MAX: usize = 8;

/// The products of a document.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProductTree {
    branches: Vec<Branch>,
    full_product_names: Vec<FullName>,
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branches: Vec<Branch>,
    product: Option<FullName>,
}

#[derive(Deserialize)]
struct FullName {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Helper,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Helper {
    purl: Option<String>,
    cpe: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: FullName,
    product_reference: String,
    relates_to_product_reference: String,
}

/// The products of a document by their ids.
pub(crate) struct Products<'a> {
    named: HashMap<&'a str, &'a FullName>,
    related: HashMap<&'a str, &'a Relationship>,
}

/// A product, and what it is a component of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product<'a> {
    /// The component's own id.
    id: &'a str,
    /// The component's purl.
    pub(crate) purl: Option<&'a str>,
    /// The CPE of the product that it is a component of in the end.
    cpe: Option<&'a str>,
    /// The id of the product that it is a component of.
    pub(crate) within: Option<&'a str>,
}

impl ProductTree {
    /// Puts the products in order.
    ///
    /// # Errors
    /// [`FeedError::Record`] where there are more than [`PRODUCTS_MAX`].
    pub(crate) fn products(&self, file: &str) -> Result<Products<'_>, FeedError> {
        let mut named: HashMap<_, _> =
            self.full_product_names.iter().map(|product| (product.product_id.as_str(), product)).collect();
        // Branches nest as deep as the JSON parser lets them (128).
        let mut waiting: Vec<_> = self.branches.iter().collect();
        while let Some(branch) = waiting.pop() {
            named.extend(branch.product.iter().map(|product| (product.product_id.as_str(), product)));
            waiting.extend(&branch.branches);
        }
        let related = self.relationships.iter().map(|one| (one.full_product_name.product_id.as_str(), one));
        let related: HashMap<_, _> = related.collect();
        if named.len() + related.len() > PRODUCTS_MAX {
            return Err(FeedError::record(file, "product_tree", format!("more than {PRODUCTS_MAX} products")));
        }
        Ok(Products { named, related })
    }
}

impl<'a> Products<'a> {
    /// Finds a product; `None` where the tree does not name it.
    pub(crate) fn find(&self, id: &str) -> Option<Product<'a>> {
        let mut component = self.related.get(id).copied();
        let within = component.map(|relationship| relationship.relates_to_product_reference.as_str());
        let mut own = id;
        for _ in 0..DEPTH_MAX {
            let Some(relationship) = component else { break };
            own = &relationship.product_reference;
            component = self.related.get(own).copied();
        }
        let mut platform = within;
        for _ in 0..DEPTH_MAX {
            match platform.and_then(|platform| self.related.get(platform)) {
                Some(relationship) => platform = Some(&relationship.relates_to_product_reference),
                None => break,
            }
        }
        let product = self.named.get(own)?;
        let cpe = |id: &str| self.named.get(id)?.product_identification_helper.cpe.as_deref();
        Some(Product {
            id: &product.product_id,
            purl: product.product_identification_helper.purl.as_deref(),
            cpe: platform.and_then(cpe).or(product.product_identification_helper.cpe.as_deref()),
            within,
        })
    }

    /// Returns the module that a product's component is of: `nodejs:18`.
    fn module(&self, product: &Product<'a>) -> Option<String> {
        let own = product.purl.and_then(purl::parse).and_then(|package| package.module_stream);
        own.or_else(|| {
            let relationship = self.related.get(product.within?)?;
            let module = self.named.get(relationship.product_reference.as_str())?;
            let label = match &module.product_identification_helper.purl {
                Some(purl) => purl.strip_prefix("pkg:rpmmod/redhat/")?.replacen('@', ":", 1),
                // `nodejs:18:8090020240301:rhel8`; what has fewer parts is another kind of product.
                None => Some(&module.product_id).filter(|id| id.matches(':').count() == 3)?.clone(),
            };
            let mut parts = label.split([':', '?']);
            Some(format!("{}:{}", parts.next()?, parts.next()?))
        })
    }
}

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
    aggregate_severity: Option<Text>,
    tracking: Tracking,
}

#[derive(Deserialize)]
struct Tracking {
    id: String,
    current_release_date: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    title: Option<String>,
    release_date: Option<String>,
    #[serde(default)]
    notes: Vec<Note>,
    #[serde(default)]
    product_status: Statuses,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    remediations: Vec<Remediation>,
    #[serde(default)]
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Note {
    category: String,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Statuses {
    fixed: Vec<String>,
    known_affected: Vec<String>,
    known_not_affected: Vec<String>,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

#[derive(Deserialize)]
struct Remediation {
    category: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Score {
    cvss_v3: Option<Cvss>,
    cvss_v2: Option<Cvss>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cvss {
    vector_string: String,
}

/// Reads Red Hat's VEX documents: one of them, or a tar of all (both also packed with gzip or zstd).
///
/// The source of what is said is `Red Hat:` with the release for Enterprise Linux itself (`Red Hat:9`), and with the rest of
/// the CPE for other streams (`Red Hat:rhel_eus:9.2::baseos`). What is under investigation says nothing. Packages without
/// a fix are named by their source package, which is the binary one's name in most cases; no more is published.
///
/// # Errors
/// [`FeedError`], naming the document and the CVE.
pub fn read(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    let bytes = packed::unpack(file, bytes, packed::UNPACKED_BYTES_MAX)?;
    if bytes.first() == Some(&b'{') {
        return document(file, &bytes);
    }
    let mut advisories = Vec::new();
    packed::each_file(file, &bytes, |name, bytes| {
        if name.ends_with(".json") {
            advisories.extend(document(name, bytes)?);
        }
        Ok(())
    })?;
    Ok(advisories)
}

fn document(file: &str, bytes: &[u8]) -> Result<Vec<Advisory>, FeedError> {
    let document: Document = parse_json(file, bytes)?;
    let products = document.product_tree.products(file)?;
    document
        .vulnerabilities
        .iter()
        .map(|vulnerability| advisory(file, &document.document, &products, vulnerability))
        .collect()
}

fn advisory(
    file: &str,
    head: &Head,
    products: &Products<'_>,
    vulnerability: &Vulnerability,
) -> Result<Advisory, FeedError> {
    let id = vulnerability.cve.clone().unwrap_or_else(|| head.tracking.id.clone());
    let standings = standings(&vulnerability.remediations);
    let mut affected = Vec::new();
    for product in &vulnerability.product_status.fixed {
        affected.extend(fixed(file, &id, products, product)?);
    }
    for product in &vulnerability.product_status.known_affected {
        let standing = standings.get(product.as_str()).copied().unwrap_or_default();
        affected.extend(unfixed(products, product, standing));
    }
    for product in &vulnerability.product_status.known_not_affected {
        affected.extend(unfixed(products, product, Standing::NotAffected));
    }
    let is_described = |note: &&Note| note.category == "description";
    Ok(Advisory {
        upstream: if id.starts_with("CVE-") { vec![id.clone()] } else { Vec::new() },
        id,
        published: vulnerability.release_date.clone(),
        modified: head.tracking.current_release_date.clone(),
        title: vulnerability.title.clone().unwrap_or_default(),
        description: vulnerability.notes.iter().find(is_described).map(|note| note.text.clone()).unwrap_or_default(),
        ratings: ratings(head, vulnerability),
        references: vulnerability.references.iter().map(|reference| reference.url.clone()).collect(),
        affected: merge(affected),
        ..Advisory::default()
    })
}

fn ratings(head: &Head, vulnerability: &Vulnerability) -> Vec<Rating> {
    let word = head.aggregate_severity.as_ref().and_then(|word| severity::parse_word(&word.text));
    let score = vulnerability.scores.iter().find_map(|score| score.cvss_v3.as_ref().or(score.cvss_v2.as_ref()));
    let vector = score.map(|score| score.vector_string.clone());
    if word.is_none() && vector.is_none() {
        return Vec::new();
    }
    vec![Rating { source: "redhat".to_owned(), vector, score: None, severity: word }]
}

/// Returns what Red Hat says about products without a fix, in its own words (section 3.2.3.12 of CSAF has the categories).
fn standings(remediations: &[Remediation]) -> HashMap<&str, Standing> {
    let mut standings = HashMap::new();
    for remediation in remediations {
        let standing = match (remediation.category.as_str(), remediation.details.to_ascii_lowercase().as_str()) {
            ("no_fix_planned", details) if details.contains("out of support") => Standing::EndOfLife,
            ("no_fix_planned", _) => Standing::WontFix,
            ("none_available", details) if details.contains("deferred") => Standing::Deferred,
            _ => continue,
        };
        standings.extend(remediation.product_ids.iter().map(|product| (product.as_str(), standing)));
    }
    standings
}

/// Where a product is: `cpe:/o:redhat:enterprise_linux:9::baseos`, or `cpe:2.3:…`, which no document had yet.
fn source(cpe: &str) -> Option<KnowledgeSource> {
    let product = cpe.strip_prefix("cpe:/")?.split_once(":redhat:")?.1;
    Some(KnowledgeSource::parse(&format!("Red Hat:{product}")))
}

fn start(products: &Products<'_>, id: &str) -> Option<(Affected, crate::Package)> {
    let product = products.find(id)?;
    let package = purl::parse(product.purl?).filter(|package| package.kind == PackageType::Rpm)?;
    let mut affected = Affected::new(source(product.cpe?)?, package.name.clone());
    affected.module_streams.extend(products.module(&product));
    Some((affected, package))
}

fn fixed(file: &str, cve: &str, products: &Products<'_>, id: &str) -> Result<Option<Affected>, FeedError> {
    let Some((mut affected, package)) = start(products, id) else { return Ok(None) };
    let is_installed = !matches!(package.architecture.as_deref(), Some("src"));
    let is_symbols = ["-debuginfo", "-debugsource"].iter().any(|end| package.name.ends_with(end));
    if !is_installed || is_symbols {
        return Ok(None);
    }
    if package.version.is_empty() {
        return Err(FeedError::record(file, cve, format!("product `{id}` is fixed, but by no version")));
    }
    affected.ranges.push(Range { from: None, until: Until::Fixed(package.version) });
    affected.architectures.extend(package.architecture);
    Ok(Some(affected))
}

fn unfixed(products: &Products<'_>, id: &str, standing: Standing) -> Option<Affected> {
    let (mut affected, _) = start(products, id)?;
    affected.standing = standing;
    if standing != Standing::NotAffected {
        affected.ranges.push(Range::default());
    }
    Some(affected)
}

/// Architectures with the same version become one, which is said for all: a build for another one is not published later.
fn merge(all: Vec<Affected>) -> Vec<Affected> {
    type Key = (KnowledgeSource, String, Vec<String>, Standing);
    let mut groups = BTreeMap::<Key, BTreeMap<String, Affected>>::new();
    for affected in all {
        let key =
            (affected.source.clone(), affected.package.clone(), affected.module_streams.clone(), affected.standing);
        let range = affected.ranges.first().map(ToString::to_string).unwrap_or_default();
        let ranges = groups.entry(key).or_default();
        match ranges.get_mut(&range) {
            Some(known) => known.architectures.extend(affected.architectures),
            None => {
                ranges.insert(range, affected);
            }
        }
    }
    let mut merged = Vec::new();
    for ranges in groups.into_values() {
        let differ = ranges.len() > 1;
        for mut affected in ranges.into_values() {
            affected.architectures.sort_unstable();
            affected.architectures.dedup();
            if !differ {
                affected.architectures.clear();
            }
            merged.push(affected);
        }
    }
    merged
}
