use crate::{
    admit::store_fault,
    caches::remembered,
    inventory::ImageUse,
    ports::Ports,
    protection::Hold,
    push::{PutImage, PutImageAnswer},
    remove::{RemoveImage, RemoveTag, RemoveTagged, Removed, image_not_found},
    repositories::Repository,
};
use bytes::Bytes;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, inventory, manifests, manifests::Tagged, tags};
use gantry_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestError, ManifestLimits, Reference, Tag};
use gantry_words::{Cx, Page, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Tags of one image that a listing shows.
const TAGS_SHOWN_MAX: usize = 1_000;

/// A page of referrers ends here, whatever was asked for: each may have annotations as large as a manifest.
const REFERRERS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// About what a referrer takes in a list besides its annotations.
const DESCRIPTOR_BYTES: u64 = 512;

/// The room for manifests, indexes, tags and referrers.
#[derive(Clone)]
pub struct Images {
    pub(crate) ports: Arc<Ports>,
}

/// A manifest as it is served. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ImageFound {
    /// Its digest.
    pub digest: Digest,
    /// Media type it was pushed with.
    pub media_type: Arc<str>,
    /// The bytes, as pushed.
    pub body: Bytes,
}

/// Where a list of images goes on: after the one pushed then, of this digest. They come newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePlace {
    /// When the last image seen was pushed.
    pub pushed_at: Timestamp,
    /// Its digest.
    pub digest: String,
}

impl ImagePlace {
    /// Before the newest.
    pub const START: ImagePlace = ImagePlace { pushed_at: Timestamp::from_millis(i64::MAX), digest: String::new() };
}

/// Which images a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagFilter {
    /// All.
    #[default]
    Any,
    /// Those with a tag.
    Tagged,
    /// Those without.
    Untagged,
}

/// What a listing shows of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its digest.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// The manifest it refers to.
    pub subject: Option<String>,
    /// Its tags, at most a thousand.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// Bytes that whoever pulls it gets: for an index, those of its largest child.
    pub pull_bytes: u64,
    /// Living indexes that name it.
    pub parent_count: i64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
    /// When it was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
    /// Who holds it, if anybody does.
    pub hold: Option<Hold>,
    /// Who runs it, by the reports that count now.
    pub uses: Vec<ImageUse>,
}

/// A manifest on its way in.
struct Put {
    digest: Digest,
    manifest: Manifest,
    body: Bytes,
    tags: Vec<Tag>,
    refuses_repeat: bool,
}

/// A page of the manifests that refer to a subject.
pub type Referrers = Page<Descriptor>;

impl Images {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Images { ports }
    }

    /// Returns the largest manifest that is taken, in bytes.
    pub fn manifest_bytes_max(&self) -> u64 {
        self.ports.settings.limits.manifest_bytes_max.get()
    }

    /// Returns the image a tag or digest names.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`].
    pub async fn load(&self, repository: &Repository, reference: &Reference) -> Result<ImageFound, Fault> {
        let digest = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(tag) => self.resolve(repository.id, tag).await?,
        };
        let found = match digest {
            Some(digest) => self.by_digest(repository.id, digest).await?,
            None => None,
        };
        found.ok_or_else(|| image_not_found(&repository.name, &reference.to_string()))
    }

    /// Returns the digest a tag points to.
    pub async fn resolve(&self, repository: i64, tag: &Tag) -> Result<Option<Digest>, Fault> {
        let look = async {
            let wanted = tag.clone();
            let found = self.ports.metadata.read(move |rows| tags::digest(rows, repository, wanted.as_str())).await?;
            found.map(|digest| parse_digest(&digest)).transpose()
        };
        let cache = self.ports.caches.as_ref().map(|caches| &caches.tags);
        remembered(cache, &(repository, tag.clone()), look).await
    }

    async fn by_digest(&self, repository: i64, digest: Digest) -> Result<Option<ImageFound>, Fault> {
        let look = async {
            let wanted = digest.clone();
            let row = self.ports.metadata.read(move |rows| manifests::body(rows, repository, wanted.as_str())).await?;
            Ok(row.map(|row| ImageFound { digest: digest.clone(), media_type: row.media_type.into(), body: row.body }))
        };
        let cache = self.ports.caches.as_ref().map(|caches| &caches.manifests);
        remembered(cache, &(repository, digest.clone()), look).await
    }

    /// Stores a manifest and points tags at it.
    ///
    /// `reference` is where it was pushed to; `more_tags` are set besides.
    ///
    /// # Errors
    /// [`FaultKind::ManifestInvalid`], [`FaultKind::ManifestTooLarge`], [`FaultKind::ManifestUnsupported`],
    /// [`FaultKind::DigestInvalid`] where the reference is another digest than the body's, [`FaultKind::TagImmutable`], and
    /// [`FaultKind::LayersNotFound`] or [`FaultKind::ReferencedImagesNotFound`] where the repository lacks what it names;
    /// [`FaultKind::StorageFull`].
    pub async fn put_image(
        &self,
        cx: &Cx,
        repository: &Repository,
        reference: &Reference,
        more_tags: Vec<Tag>,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<PutImageAnswer, Fault> {
        let mut tags = more_tags;
        if let Reference::Tag(tag) = reference {
            tags.push(tag.clone());
        }
        let put = async {
            let (digest, manifest) = self.read(reference, content_type, &body)?;
            self.put(cx, repository, Put { digest, manifest, body, tags, refuses_repeat: false }).await
        };
        self.ports.push_failures.note(repository, put.await)
    }

    /// Stores a manifest that is new here, or points a tag at it that did not before.
    ///
    /// # Errors
    /// Those of [`Images::put_image`]; [`FaultKind::ImageDigestDiffers`] where `digest` is another than the body's;
    /// [`FaultKind::ImageExists`] where nothing would change.
    pub async fn put_new_image(
        &self,
        cx: &Cx,
        repository: &Repository,
        tag: Option<Tag>,
        digest: Option<&Digest>,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<PutImageAnswer, Fault> {
        let algorithm = digest.map_or(Algorithm::Sha256, Digest::algorithm);
        let found = digest_of(algorithm, &body);
        if let Some(wanted) = digest.filter(|wanted| **wanted != found) {
            let message = format!("The image digest '{wanted}' does not match the digest of the manifest, '{found}'");
            return self.ports.push_failures.note(repository, Err(Fault::new(FaultKind::ImageDigestDiffers, message)));
        }
        let put = async {
            let (digest, manifest) = self.read(&Reference::Digest(found), content_type, &body)?;
            let tags = Vec::from_iter(tag);
            self.put(cx, repository, Put { digest, manifest, body, tags, refuses_repeat: true }).await
        };
        self.ports.push_failures.note(repository, put.await)
    }

    /// Reads a manifest that comes for a reference.
    fn read(
        &self,
        reference: &Reference,
        content_type: Option<&str>,
        body: &Bytes,
    ) -> Result<(Digest, Manifest), Fault> {
        let algorithm = match reference {
            Reference::Digest(digest) => digest.algorithm(),
            Reference::Tag(_) => Algorithm::Sha256,
        };
        let digest = digest_of(algorithm, body);
        if let Reference::Digest(wanted) = reference
            && *wanted != digest
        {
            let message = format!("The manifest was pushed to {wanted}, but its bytes have the digest {digest}");
            return Err(Fault::new(FaultKind::DigestInvalid, message));
        }
        let limits = ManifestLimits { bytes_max: self.manifest_bytes_max() as usize, ..ManifestLimits::default() };
        Ok((digest, Manifest::parse(body, content_type, &limits).map_err(manifest_fault)?))
    }

    async fn put(&self, cx: &Cx, repository: &Repository, put: Put) -> Result<PutImageAnswer, Fault> {
        let Put { digest, manifest, body, mut tags, refuses_repeat } = put;
        // Its bytes go into the database, which mostly lies on the same disk: manifests alone could fill it up, too.
        self.ports.store.check_room(body.len() as u64).await.map_err(store_fault)?;
        tags.sort();
        tags.dedup();
        let act = PutImage {
            account: cx.account,
            repository: repository.id,
            name: repository.name.clone(),
            digest,
            manifest,
            body,
            tags: tags.clone(),
            refuses_repeat,
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let answer = self.ports.metadata.perform(cx, act).await;
        // Even where the answer is a failure the commit may stand: what is remembered of these tags may be old.
        if let Some(caches) = &self.ports.caches {
            for tag in tags {
                caches.tags.remove(&(repository.id, tag));
            }
        }
        answer
    }

    /// Removes what a reference names: a tag, or an image with all its tags.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::ImageReferenced`] where a living index names it;
    /// [`FaultKind::ImageHeld`], [`FaultKind::TagProtected`].
    pub async fn remove(&self, cx: &Cx, repository: &Repository, reference: &Reference) -> Result<(), Fault> {
        match reference {
            Reference::Tag(tag) => self.remove_tag(cx, repository, tag).await,
            Reference::Digest(digest) => self.remove_image(cx, repository, digest).await.map(drop),
        }
    }

    async fn remove_tag(&self, cx: &Cx, repository: &Repository, tag: &Tag) -> Result<(), Fault> {
        let act = RemoveTag {
            repository: repository.id,
            name: repository.name.clone(),
            tag: tag.clone(),
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let removed = self.ports.metadata.perform(cx, act).await;
        if let Some(caches) = &self.ports.caches {
            caches.tags.remove(&(repository.id, tag.clone()));
        }
        removed
    }

    /// Removes a tag, and with its last tag the image.
    ///
    /// `digest` is the image the caller believes it to name. Returns the image's digest.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`] where no image has this tag, or another than `digest`; [`FaultKind::ImageReferenced`]
    /// where it is the last tag and a living index names the image.
    pub async fn remove_tagged(&self, cx: &Cx, repository: &Repository, tag: &Tag) -> Result<Digest, Fault> {
        let act = RemoveTagged {
            repository: repository.id,
            name: repository.name.clone(),
            tag: tag.clone(),
            is_kept: self.ports.keeps_trash(),
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let removed = self.ports.metadata.perform(cx, act).await;
        if let Some(caches) = &self.ports.caches {
            caches.tags.remove(&(repository.id, tag.clone()));
        }
        let (digest, removed) = match removed {
            Ok((digest, removed)) => (Some(digest), Ok(removed)),
            Err(fault) => (None, Err(fault)),
        };
        let parsed = digest.as_deref().map(parse_digest).transpose()?;
        self.forget(repository, parsed.as_ref(), removed)?;
        parsed.ok_or_else(|| Fault::internal("a tag was removed from no image"))
    }

    /// Removes an image with all its tags; returns them.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::ImageReferenced`] where a living index names it;
    /// [`FaultKind::ImageHeld`], [`FaultKind::TagProtected`].
    pub async fn remove_image(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<Vec<String>, Fault> {
        let act = RemoveImage {
            repository: repository.id,
            name: repository.name.clone(),
            digest: digest.clone(),
            is_kept: self.ports.keeps_trash(),
            rule: None,
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let removed = self.ports.metadata.perform(cx, act).await.map(Some);
        let removed = self.forget(repository, Some(digest), removed)?;
        Ok(removed.map(|removed| removed.tags).unwrap_or_default())
    }

    /// Forgets what is remembered of an image that may be gone; of all, where it is not known which.
    pub(crate) fn forget(
        &self,
        repository: &Repository,
        digest: Option<&Digest>,
        removed: Result<Option<Removed>, Fault>,
    ) -> Result<Option<Removed>, Fault> {
        let Some(caches) = &self.ports.caches else { return removed };
        if let Some(digest) = digest {
            caches.manifests.remove(&(repository.id, digest.clone()));
        }
        match &removed {
            Ok(removed) => {
                let removed = removed.iter();
                for tag in removed.clone().flat_map(|removed| &removed.tags).filter_map(|tag| tag.parse::<Tag>().ok()) {
                    caches.tags.remove(&(repository.id, tag));
                }
                for blob in removed.flat_map(|removed| &removed.blobs).filter_map(|blob| blob.parse::<Digest>().ok()) {
                    caches.links.remove(&(repository.id, blob));
                }
            }
            Err(fault) if is_before_the_act(fault.kind) => {}
            Err(_) => {
                // Whether the removal stands is not known: nothing of it may be remembered.
                caches.tags.clear();
                caches.links.clear();
                if digest.is_none() {
                    caches.manifests.clear();
                }
            }
        }
        removed
    }

    /// Returns up to `count` tags after `after`, in the order of their bytes.
    pub async fn tags(&self, repository: &Repository, after: &str, count: usize) -> Result<Page<String>, Fault> {
        let (id, after) = (repository.id, after.to_string());
        let list = move |rows: &mut Reader| tags::names(rows, id, &after, count + 1);
        let names = if count <= 200 {
            self.ports.metadata.read(list).await?
        } else {
            self.ports.metadata.read_long(list).await?
        };
        Ok(Page::cut(names, count))
    }

    /// Returns up to `count` manifests that refer to `subject`, after the digest `after`, of one artifact type where given;
    /// fewer, but at least one, where their annotations are large.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: &str,
        count: usize,
    ) -> Result<Referrers, Fault> {
        let (id, subject, after) = (repository.id, subject.clone(), after.to_string());
        let artifact_type = artifact_type.map(str::to_string);
        let list = move |rows: &mut Reader| {
            let (subject, kind) = (subject.as_str(), artifact_type.as_deref());
            let sizes = manifests::referrer_sizes(rows, id, subject, kind, &after, count + 1)?;
            let fitting = fitting(sizes.iter().map(|bytes| bytes + DESCRIPTOR_BYTES), REFERRERS_BYTES_MAX).min(count);
            let found = manifests::referrers(rows, id, subject, kind, &after, fitting)?;
            Ok((found, sizes.len() > fitting))
        };
        let (rows, has_more) = self.ports.metadata.read_long(list).await?;
        Ok(Page { items: rows.into_iter().map(descriptor).collect::<Result<_, _>>()?, has_more })
    }

    /// Returns up to `count` images after a place in the list, newest first.
    pub async fn list(
        &self,
        repository: &Repository,
        filter: TagFilter,
        after: &ImagePlace,
        count: usize,
    ) -> Result<Page<ImageSummary>, Fault> {
        let (id, after, now) = (repository.id, after.clone(), self.ports.env.now());
        let tagged = match filter {
            TagFilter::Any => Tagged::Any,
            TagFilter::Tagged => Tagged::Yes,
            TagFilter::Untagged => Tagged::No,
        };
        let list = move |rows: &mut Reader| {
            let found = manifests::list(rows, id, tagged, after.pushed_at, &after.digest, count + 1)?;
            summaries(rows, id, found, now)
        };
        Ok(Page::cut(self.ports.metadata.read_long(list).await?, count))
    }

    /// Returns up to `count` tags after `after`, in the order of their bytes, each with the image it names.
    pub async fn tagged(
        &self,
        repository: &Repository,
        after: &str,
        count: usize,
    ) -> Result<Page<(String, String)>, Fault> {
        let (id, after) = (repository.id, after.to_string());
        let list = move |rows: &mut Reader| tags::list(rows, id, &after, count + 1);
        let rows = self.ports.metadata.read_long(list).await?;
        Ok(Page::cut(rows, count).map(|row| (row.name, row.digest)))
    }

    /// Returns what a listing shows of one image.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`].
    pub async fn describe(&self, repository: &Repository, reference: &Reference) -> Result<ImageSummary, Fault> {
        let found = self.describe_all(repository, std::slice::from_ref(reference)).await?.pop().flatten();
        found.ok_or_else(|| image_not_found(&repository.name, &reference.to_string()))
    }

    /// Returns what a listing shows of each of these images, in this order; none for one that is not there.
    pub async fn describe_all(
        &self,
        repository: &Repository,
        references: &[Reference],
    ) -> Result<Vec<Option<ImageSummary>>, Fault> {
        let (id, wanted, now) = (repository.id, references.to_vec(), self.ports.env.now());
        let look = move |rows: &mut Reader| {
            let mut digests = Vec::with_capacity(wanted.len());
            for reference in &wanted {
                digests.push(match reference {
                    Reference::Digest(digest) => Some(digest.as_str().to_string()),
                    Reference::Tag(tag) => tags::digest(rows, id, tag.as_str())?,
                });
            }
            let mut found = Vec::new();
            for digest in digests.iter().flatten().collect::<BTreeSet<_>>() {
                found.extend(manifests::find(rows, id, digest)?);
            }
            let found: BTreeMap<String, ImageSummary> =
                summaries(rows, id, found, now)?.into_iter().map(|image| (image.digest.clone(), image)).collect();
            Ok(digests.iter().map(|digest| found.get(digest.as_ref()?).cloned()).collect())
        };
        self.ports.metadata.read_long(look).await
    }
}

/// Whether a refusal says that nothing was removed.
fn is_before_the_act(kind: FaultKind) -> bool {
    use FaultKind::{ImageHeld, ImageNotFound, ImageReferenced, TagProtected};
    matches!(kind, ImageNotFound | ImageReferenced | ImageHeld | TagProtected)
}

/// Adds to manifests what other tables know of them.
fn summaries(
    rows: &mut Reader,
    repository: i64,
    found: Vec<manifests::ManifestRow>,
    now: Timestamp,
) -> Result<Vec<ImageSummary>, Fault> {
    let digests = |wanted: fn(&manifests::ManifestRow) -> bool| {
        found.iter().filter(move |row| wanted(row)).map(|row| row.digest.as_str()).collect::<Vec<_>>()
    };
    let (tagged, indexes) = (digests(|row| row.tag_count > 0), digests(|row| row.kind == "index"));
    let mut tags_of: HashMap<String, Vec<String>> = HashMap::new();
    if !tagged.is_empty() {
        let count = tagged.len() * TAGS_SHOWN_MAX;
        for (digest, tag) in tags::of_images(rows, repository, tagged, count)? {
            let tags = tags_of.entry(digest).or_default();
            if tags.len() < TAGS_SHOWN_MAX {
                tags.push(tag);
            }
        }
    }
    let largest: HashMap<String, i64> = if indexes.is_empty() {
        HashMap::new()
    } else {
        manifests::largest_children(rows, repository, indexes)?.into_iter().collect()
    };
    let mut uses_of: HashMap<String, Vec<ImageUse>> = HashMap::new();
    for used in inventory::uses(rows, repository, now, found.iter().map(|row| row.digest.as_str()))? {
        uses_of.entry(used.digest.clone()).or_default().push(used.into());
    }
    let summary = |row: manifests::ManifestRow| {
        let pull_bytes = if row.kind == "index" { largest.get(&row.digest).copied().unwrap_or(0) } else { row.bytes };
        ImageSummary {
            tags: tags_of.remove(&row.digest).unwrap_or_default(),
            uses: uses_of.remove(&row.digest).unwrap_or_default(),
            hold: row.hold.map(Hold::from),
            digest: row.digest,
            media_type: row.media_type,
            artifact_type: row.artifact_type,
            subject: row.subject,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            pull_bytes: u64::try_from(pull_bytes).unwrap_or(0),
            parent_count: row.parent_count,
            pushed_at: row.pushed_at,
            pushed_by: row.pushed_by,
            last_pulled_at: row.last_pulled_at,
        }
    };
    Ok(found.into_iter().map(summary).collect())
}

/// Returns how many things of these sizes, from the first on, have at most `bytes_max` together; one always fits.
pub(crate) fn fitting(sizes: impl IntoIterator<Item = u64>, bytes_max: u64) -> usize {
    let mut sum = 0u64;
    let fits = |(position, bytes): &(usize, u64)| {
        sum = sum.saturating_add(*bytes);
        *position == 0 || sum <= bytes_max
    };
    sizes.into_iter().enumerate().take_while(fits).count()
}

fn descriptor(row: manifests::ReferrerRow) -> Result<Descriptor, Fault> {
    Ok(Descriptor {
        media_type: row.media_type,
        digest: parse_digest(&row.digest)?,
        size: u64::try_from(row.size).unwrap_or(0),
        annotations: serde_json::from_str(&row.annotations).map_err(Fault::internal)?,
        artifact_type: row.artifact_type,
        platform: None,
        urls: Vec::new(),
    })
}

fn digest_of(algorithm: Algorithm, body: &[u8]) -> Digest {
    Digest::from_hash(algorithm, &gantry_store::hash_bytes(store_algorithm(algorithm), body))
}

pub(crate) fn parse_digest(text: &str) -> Result<Digest, Fault> {
    text.parse().map_err(|error| Fault::internal(format!("stored digest {text:?}: {error}")))
}

pub(crate) fn store_algorithm(algorithm: Algorithm) -> gantry_store::Algorithm {
    match algorithm {
        Algorithm::Sha256 => gantry_store::Algorithm::Sha256,
        Algorithm::Sha512 => gantry_store::Algorithm::Sha512,
    }
}

fn manifest_fault(error: ManifestError) -> Fault {
    let kind = match error {
        ManifestError::TooLarge { .. } => FaultKind::ManifestTooLarge,
        ManifestError::Schema1 | ManifestError::Unsupported { .. } => FaultKind::ManifestUnsupported,
        _ => FaultKind::ManifestInvalid,
    };
    Fault::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_its_bytes_do_and_has_something_on_it() {
        for (sizes, expected) in
            [(&[][..], 0), (&[11], 1), (&[11, 1], 1), (&[5, 5, 1], 2), (&[1, 2, 3], 3), (&[1, u64::MAX, 1], 1)]
        {
            assert_eq!(fitting(sizes.iter().copied(), 10), expected, "{sizes:?}");
        }
    }
}
