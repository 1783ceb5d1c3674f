//! What a registry lists, page by page, each of which names the next in its header `Link`.

use super::{RegistryClient, RegistryError, pull_of, url};
use crate::moving::ListBytes;
use gantry_oci::{Descriptor, Digest, Manifest, ManifestLimits, Tag, TagError, media_type};
use serde::Deserialize;

/// Pages of a list at most.
const PAGES_MAX: usize = 10_000;
/// Bytes of a page at most.
const PAGE_BYTES_MAX: u64 = 16 << 20;
/// Entries of a list at most.
const ENTRIES_MAX: usize = 2_000_000;
/// What a token for the list of repositories has to be good for.
const CATALOG: &str = "registry:catalog:*";
/// Characters that are kept of what is no tag.
const ODD_CHARS_MAX: usize = 150;

/// A tag as a registry lists it, or how what is none begins, with why.
pub(crate) type ListedTag = Result<Tag, (String, TagError)>;

#[derive(Deserialize)]
struct CatalogPage {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct TagPage {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// Reads a page of `/v2/_catalog`: names as they stand there. `None` where it is none.
pub(crate) fn read_catalog(page: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice::<CatalogPage>(object(page)?).ok().map(|page| page.repositories.unwrap_or_default())
}

/// Reads a page of `/v2/<name>/tags/list`: tags as they stand there. `None` where it is none.
pub(crate) fn read_tags(page: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice::<TagPage>(object(page)?).ok().map(|page| page.tags.unwrap_or_default())
}

/// Reads the same, and keeps of what is no tag no more than is told of it.
fn read_listed_tags(page: &[u8]) -> Option<Vec<ListedTag>> {
    let tag_of = |name: String| -> ListedTag {
        name.parse::<Tag>().map_err(|error| (name.chars().take(ODD_CHARS_MAX).collect(), error))
    };
    Some(read_tags(page)?.into_iter().map(tag_of).collect())
}

/// What is no object is no page: a list would be read as the members in their order.
fn object(page: &[u8]) -> Option<&[u8]> {
    Some(page).filter(|page| page.trim_ascii_start().starts_with(b"{"))
}

fn read_referrers(page: &[u8]) -> Option<Vec<Descriptor>> {
    let limits = ManifestLimits { bytes_max: PAGE_BYTES_MAX as usize, ..ManifestLimits::default() };
    Manifest::parse(page, Some(media_type::OCI_INDEX), &limits).ok().map(|index| index.manifests)
}

impl RegistryClient {
    /// Lists the repositories, as their names stand there; `None` where the registry has no such list.
    pub(crate) fn list_repositories(&self) -> Result<Option<Vec<String>>, RegistryError> {
        self.pages("/v2/_catalog".to_owned(), CATALOG, "repositories", read_catalog)
    }

    /// Lists the tags of a repository; `None` where there is no such repository.
    pub(crate) fn list_tags(&self, repository: &str) -> Result<Option<Vec<ListedTag>>, RegistryError> {
        self.pages(format!("/v2/{repository}/tags/list?n=1000"), &pull_of(repository), "tags", read_listed_tags)
    }

    /// Lists the manifests that name a subject; `None` where the registry does not know of such lists.
    pub(crate) fn list_referrers(
        &self,
        repository: &str,
        subject: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let first = format!("/v2/{repository}/referrers/{subject}");
        match self.pages(first, &pull_of(repository), "referrers", read_referrers) {
            // Registries from before OCI Distribution 1.1 say so in many ways.
            Err(RegistryError::Status { status: 400 | 405 | 406 | 501, .. }) => Ok(None),
            listed => listed,
        }
    }

    fn pages<T>(
        &self,
        first: String,
        scope: &str,
        what: &'static str,
        read: fn(&[u8]) -> Option<Vec<T>>,
    ) -> Result<Option<Vec<T>>, RegistryError> {
        self.pages_within(ListBytes::default(), first, scope, what, read)
    }

    pub(super) fn pages_within<T>(
        &self,
        mut bytes: ListBytes,
        first: String,
        scope: &str,
        what: &'static str,
        read: fn(&[u8]) -> Option<Vec<T>>,
    ) -> Result<Option<Vec<T>>, RegistryError> {
        let (mut all, mut path) = (Vec::new(), first);
        for number in 0..PAGES_MAX {
            let Some(page) = self.document(&path, None, scope, PAGE_BYTES_MAX)? else {
                let gone = || self.misunderstood(&path, "a page that it named is not there");
                return if number == 0 { Ok(None) } else { Err(gone()) };
            };
            bytes.take(&page.bytes).map_err(|problem| self.misunderstood(&path, &problem))?;
            let entries = read(&page.bytes).ok_or_else(|| self.misunderstood(&path, "it is no such list"))?;
            all.extend(entries);
            if all.len() > ENTRIES_MAX {
                return Err(RegistryError::TooMany { host: self.host.clone(), what, most: ENTRIES_MAX });
            }
            let links = page.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
            let Some(next) = links.filter_map(url::next_page).next() else { return Ok(Some(all)) };
            let next = url::path_at(&self.base, next);
            let next = next.ok_or_else(|| self.misunderstood(&path, "its next page is at another server"))?.to_owned();
            if next == path {
                return Err(self.misunderstood(&path, "its next page is the same again"));
            }
            path = next;
        }
        Err(self.misunderstood(&path, &format!("it has more than {PAGES_MAX} pages")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_names_as_they_stand_there() {
        assert_eq!(read_catalog(br#"{"repositories":["team/app","Odd"]}"#).unwrap(), ["team/app", "Odd"]);
        assert_eq!(read_tags(br#"{"name":"team/app","tags":["v1"],"manifest":{}}"#).unwrap(), ["v1"]);
    }

    #[test]
    fn of_what_is_no_tag_only_the_beginning_is_kept() {
        let long = "a".repeat(100_000);

        let listed = read_listed_tags(format!(r#"{{"tags":["v1","{long}"]}}"#).as_bytes()).unwrap();

        assert_eq!(listed[0], Ok("v1".parse().unwrap()));
        assert_eq!(listed[1], Err(("a".repeat(ODD_CHARS_MAX), TagError::TooLong { bytes: 100_000 })));
    }

    #[test]
    fn a_repository_without_tags_is_no_error_and_what_is_no_list_is_one() {
        assert_eq!(read_tags(br#"{"name":"team/app","tags":null}"#), Some(vec![]));
        assert_eq!(read_tags(br#"{"name":"team/app"}"#), Some(vec![]));
        for page in [&b""[..], b"[]", b"<html>", br#"{"tags":"v1"}"#, br#"{"tags":[1]}"#] {
            assert_eq!(read_tags(page), None);
        }
        assert_eq!(read_referrers(b"{}"), None);
    }
}
