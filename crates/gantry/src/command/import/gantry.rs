use super::{
    facts::Facts,
    past::{ImagePast, Past},
    source::SourceError,
};
use crate::moving::{ListBytes, RegistryClient, RegistryError};
use gantry_oci::Digest;
use gantry_rest::ImageDocument;
use gantry_words::{Moment, Precision, RepositoryName, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::Arc;

/// Pages of a list at most.
const PAGES_MAX: usize = 10_000;
/// Bytes of a page at most.
const PAGE_BYTES_MAX: u64 = 16 << 20;
/// Entries of a list at most.
const ENTRIES_MAX: usize = 2_000_000;

const NO_LIST: &str = "it is no such list";

/// Another Gantry, asked over its management API: for images that no tag names, and what is known of them.
pub(super) struct Gantry {
    client: Arc<RegistryClient>,
}

#[derive(Deserialize)]
struct RepositoryPage {
    repositories: Vec<Repository>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    name: RepositoryName,
}

#[derive(Deserialize)]
struct ImagePage {
    images: Vec<ImageDocument>,
    next: Option<String>,
}

impl Gantry {
    /// What its management API is asked for; it takes passwords, and no tokens of registries.
    pub(super) const SCOPE: &'static str = "api";

    pub(super) fn new(client: Arc<RegistryClient>) -> Gantry {
        Gantry { client }
    }

    /// Reads a list page by page; each names where the next one begins.
    fn pages<P: DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(P) -> Result<Option<String>, RegistryError>,
    ) -> Result<(), RegistryError> {
        let (mut after, mut bytes) = (String::new(), ListBytes::default());
        for _ in 0..PAGES_MAX {
            let path = format!("{path}?limit=1000{after}");
            let page = self.client.document(&path, Some("application/json"), Gantry::SCOPE, PAGE_BYTES_MAX)?;
            let page = page.ok_or_else(|| self.misunderstood(&path, NO_LIST))?;
            bytes.take(&page.bytes).map_err(|problem| self.misunderstood(&path, &problem))?;
            let page = serde_json::from_slice(&page.bytes).map_err(|_| self.misunderstood(&path, NO_LIST))?;
            match take(page)? {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(()),
            }
        }
        Err(self.misunderstood(path, &format!("it has more than {PAGES_MAX} pages")))
    }

    fn misunderstood(&self, path: &str, problem: &str) -> RegistryError {
        let (host, what) = (self.client.host().to_owned(), path.to_owned());
        RegistryError::Answer { host, what, problem: problem.to_owned() }
    }

    /// Sees that a list is not too long yet.
    fn bound(&self, entries: usize, what: &'static str) -> Result<(), RegistryError> {
        let too_many = || RegistryError::TooMany { host: self.client.host().to_owned(), what, most: ENTRIES_MAX };
        if entries > ENTRIES_MAX { Err(too_many()) } else { Ok(()) }
    }

    fn list_images(&self, repository: &RepositoryName) -> Result<Vec<(Digest, ImageDocument)>, RegistryError> {
        let (path, mut images) = (format!("/api/v1/repositories/{repository}/images"), Vec::new());
        self.pages(&path, |page: ImagePage| {
            for image in page.images {
                let digest = image.digest.parse().map_err(|_| self.misunderstood(&path, NO_LIST))?;
                images.push((digest, image));
            }
            self.bound(images.len(), "images of a repository")?;
            Ok(page.next)
        })?;
        Ok(images)
    }
}

impl Facts for Gantry {
    fn repositories(&self) -> Result<Option<Vec<RepositoryName>>, SourceError> {
        let mut names = Vec::new();
        self.pages("/api/v1/repositories", |page: RepositoryPage| {
            names.extend(page.repositories.into_iter().map(|repository| repository.name));
            self.bound(names.len(), "repositories")?;
            Ok(page.next)
        })?;
        Ok(Some(names))
    }

    fn images(&self, repository: &RepositoryName) -> Result<Option<Vec<Digest>>, SourceError> {
        let images = self.list_images(repository)?.into_iter();
        Ok(Some(images.filter(|(_, image)| is_active(image)).map(|(digest, _)| digest).collect()))
    }

    fn past(&self, repository: &RepositoryName) -> Result<Past, SourceError> {
        Ok(past_of(self.list_images(repository)?))
    }

    fn credentials(&self) -> Result<Option<(String, String)>, SourceError> {
        Ok(None)
    }
}

/// Only an active image can be pulled.
fn is_active(image: &ImageDocument) -> bool {
    image.status == "ACTIVE"
}

fn past_of(images: Vec<(Digest, ImageDocument)>) -> Past {
    let mut past = Past::default();
    let archived = images.iter().filter(|(_, image)| !is_active(image)).count();
    if archived > 0 {
        let remark = format!("{archived} images are archived there and are not brought; restore them before.");
        past.repository.remarks.push(remark);
    }
    for (digest, image) in images.into_iter().filter(|(_, image)| is_active(image)) {
        let (pushed, pushed_by) = (pushed_at(&image), Some(image.pushed_by).filter(|by| !by.is_empty()));
        past.images.insert(digest, ImagePast { pushed, pushed_by, labels: image.labels, ..ImagePast::default() });
    }
    past
}

/// When an image was pushed; `None` where that server does not know either.
fn pushed_at(image: &ImageDocument) -> Option<Moment> {
    let precisions = [Precision::Exact, Precision::Estimated];
    let precision = precisions.into_iter().find(|precision| precision.as_str() == image.pushed_at_precision)?;
    let at = image.pushed_at.parse::<Timestamp>().ok()?;
    Some(Moment { at, precision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(number: u8, status: &str, precision: &str) -> (Digest, ImageDocument) {
        let digest = format!("sha256:{number:064x}");
        let document = json!({
            "digest": digest, "mediaType": "application/vnd.oci.image.manifest.v1+json", "tags": [], "bytes": 7,
            "isChild": false, "pushedAt": "2017-07-14T02:40:00.000Z", "pushedAtPrecision": precision,
            "pushedBy": "alice", "status": status, "labels": {"stage": "prod"},
        });
        (digest.parse().unwrap(), serde_json::from_value(document).unwrap())
    }

    #[test]
    fn times_come_with_how_well_they_are_known_and_labels_as_they_are_and_what_is_not_known_is_not_told() {
        let [exact, unknown, archived] =
            [image(1, "ACTIVE", "exact"), image(2, "ACTIVE", "unknown"), image(3, "ARCHIVED", "exact")];

        let past = past_of(vec![exact.clone(), unknown.clone(), archived.clone()]);

        let at = Timestamp::from_millis(1_500_000_000_000);
        assert_eq!(past.images[&exact.0].pushed, Some(Moment { at, precision: Precision::Exact }));
        assert_eq!(past.images[&exact.0].pushed_by.as_deref(), Some("alice"));
        assert_eq!(past.images[&unknown.0].pushed, None);
        assert_eq!(past.images[&unknown.0].labels, [("stage".to_owned(), "prod".to_owned())].into());
        assert!(!past.images.contains_key(&archived.0));
        assert_eq!(past.repository.remarks.len(), 1);
    }
}
