//! `updateinfo.xml` of rpm repositories: Rocky Linux, Amazon Linux, and their kin (createrepo_c's format). Untested against
//! the live feeds; the fixtures follow what these repositories publish.

use roxmltree::{Document, Node, ParsingOptions};

use super::{FeedError, errata, errata::Build, packed};
use crate::{Advisory, KnowledgeSource, Rating, severity};

/// Bytes of a document, unpacked, at most: the tree of a document is several times as large.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;
/// Nodes of a document at most.
const NODES_MAX: u32 = 20_000_000;

/// Reads the errata of one repository, also packed: those of type `security`, each with the CVEs that it refers to.
///
/// `source` is the release whose repository it is: `Rocky Linux:9`, `Amazon Linux:2023`; `rated_by` whose word the severity
/// is: `rocky`, `amazon`. A modular build whose stream is not said is left out: it cannot be compared.
///
/// # Errors
/// [`FeedError`], naming the errata.
pub fn read(file: &str, bytes: &[u8], source: &KnowledgeSource, rated_by: &str) -> Result<Vec<Advisory>, FeedError> {
    let bytes = packed::unpack(file, bytes, DOCUMENT_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| FeedError::record(file, "the document", "it is not UTF-8"))?;
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|source| FeedError::Xml { file: file.to_owned(), source })?;
    let root = document.root_element();
    if !root.has_tag_name("updates") {
        return Err(FeedError::record(file, "the document", "it should be <updates>"));
    }
    let mut advisories = Vec::new();
    for (place, update) in elements(root, "update").enumerate() {
        if update.attribute("type").is_some_and(|kind| kind != "security") {
            continue;
        }
        let id = text_of(update, "id");
        if id.is_empty() {
            return Err(FeedError::record(file, format!("update {place}"), "it has no id"));
        }
        advisories.push(advisory(file, id, update, source, rated_by)?);
    }
    Ok(advisories)
}

fn elements<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn text_of<'a>(node: Node<'a, '_>, name: &'static str) -> &'a str {
    node.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text()).unwrap_or_default().trim()
}

fn advisory(
    file: &str,
    id: &str,
    update: Node<'_, '_>,
    source: &KnowledgeSource,
    rated_by: &str,
) -> Result<Advisory, FeedError> {
    let references: Vec<_> = elements(update, "references").flat_map(|list| elements(list, "reference")).collect();
    let of = |name: &'static str| {
        let date = update.children().find(|child| child.has_tag_name(name))?.attribute("date")?;
        Some(rfc3339(date))
    };
    let rating = severity::parse_word(text_of(update, "severity")).map(|severity| Rating {
        source: rated_by.to_owned(),
        severity: Some(severity),
        ..Rating::default()
    });
    let description = [text_of(update, "description"), text_of(update, "summary")];
    let mut builds = Vec::new();
    for collection in elements(update, "pkglist").flat_map(|list| elements(list, "collection")) {
        let module = elements(collection, "module")
            .next()
            .and_then(|module| Some(format!("{}:{}", module.attribute("name")?, module.attribute("stream")?)));
        for package in elements(collection, "package") {
            builds.push(
                build(package, &module).ok_or_else(|| {
                    FeedError::record(file, id, "a package lacks its name, its version or its release")
                })?,
            );
        }
    }
    let mut upstream: Vec<_> = references.iter().filter_map(|reference| cve(*reference)).collect();
    upstream.sort_unstable();
    upstream.dedup();
    Ok(Advisory {
        id: id.to_owned(),
        upstream,
        published: of("issued"),
        modified: of("updated").or_else(|| of("issued")),
        title: text_of(update, "title").to_owned(),
        description: description.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned(),
        ratings: rating.into_iter().collect(),
        references: references.iter().filter_map(|one| one.attribute("href")).map(str::to_owned).collect(),
        affected: errata::affected(source, builds),
        ..Advisory::default()
    })
}

/// Some repositories have the id of a CVE in the title only.
fn cve(reference: Node<'_, '_>) -> Option<String> {
    let ids = [reference.attribute("id"), reference.attribute("title")];
    let id = ids.into_iter().flatten().map(str::trim).find(|id| id.starts_with("CVE-"))?;
    let end = id.find(|one: char| !(one.is_ascii_alphanumeric() || one == '-')).unwrap_or(id.len());
    Some(id[..end].to_owned())
}

fn build(package: Node<'_, '_>, module: &Option<String>) -> Option<Build> {
    let filled = |name| package.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned);
    Some(Build {
        name: filled("name")?,
        epoch: filled("epoch").unwrap_or_default(),
        version: filled("version")?,
        release: filled("release")?,
        architecture: filled("arch").unwrap_or_default(),
        module_streams: module.iter().cloned().collect(),
    })
}

/// Repositories write `2023-02-17 20:41:00` in UTC, or only the day; what is neither stays as it is.
fn rfc3339(date: &str) -> String {
    let date = date.trim();
    match date.parse::<jiff::civil::DateTime>() {
        Ok(time) => format!("{}Z", time.strftime("%Y-%m-%dT%H:%M:%S")),
        Err(_) => date.to_owned(),
    }
}
