mod list;
mod referrers;
mod search;

pub use list::{ImageFilter, ImagePlace, ImageSummary, TagFilter};
pub(crate) use referrers::fitting;
pub use referrers::{Referrer, Referrers};
pub use search::{ImageSearch, SearchPage, SearchPlace, SearchedImage, SearchedRepository};

use crate::{
    admit::store_fault,
    archive::ImageStatus,
    caches::remembered,
    imports::ImportedImage,
    ports::Ports,
    push::{ImageDates, PutImage, PutImageAnswer},
    remove::{RemoveImage, RemoveTag, RemoveTagged, Removed, image_not_found},
    repositories::Repository,
    selection::Chosen,
    settings::{AttachedSbom, DeadlineSettings},
};
use bytes::Bytes;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, manifests, tags};
use gantry_oci::{Algorithm, Digest, Manifest, ManifestError, ManifestLimits, Reference, Tag};
use gantry_words::{Cx, Page};
use std::{sync::Arc, time::Duration};

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

/// A manifest on its way in.
struct Put {
    digest: Digest,
    manifest: Manifest,
    body: Bytes,
    tags: Vec<Tag>,
    refuses_repeat: bool,
    /// Whether its tags may have to wait in quarantine.
    may_wait: bool,
    /// As what it was chosen; nothing is done where it is another by now.
    chosen: Option<Chosen>,
    /// When it was pushed elsewhere, where it is imported.
    dates: Option<ImageDates>,
}

impl Images {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Images { ports }
    }

    /// Returns the largest manifest that is taken, in bytes.
    pub fn manifest_bytes_max(&self) -> u64 {
        self.ports.settings.limits.manifest_bytes_max.get()
    }

    /// Returns how long an image is not scanned again by hand for.
    pub fn scan_repeat_after(&self) -> Duration {
        self.ports.settings.scanning.repeat_after.duration()
    }

    /// Returns within which time flaws are to be mended.
    pub fn scan_deadlines(&self) -> &DeadlineSettings {
        &self.ports.settings.scanning.deadlines
    }

    /// Returns which bill of materials is attached to images that are scanned.
    pub fn attached_sbom(&self) -> AttachedSbom {
        self.ports.settings.scanning.attach_sbom
    }

    /// Tells whether VEX documents that hang on an image suppress its findings.
    pub fn counts_vex_referrers(&self) -> bool {
        self.ports.settings.scanning.vex_referrers
    }

    /// Returns the image a tag or digest names.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`]; [`FaultKind::ImageArchived`] where it is in the archive or not quite back;
    /// [`FaultKind::RepositoryKeyUnavailable`].
    pub async fn load(&self, cx: &Cx, repository: &Repository, reference: &Reference) -> Result<ImageFound, Fault> {
        self.ports.check_key(cx, repository).await?;
        let digest = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(tag) => self.resolve(repository.id, tag).await?,
        };
        let found = match digest {
            Some(digest) => match self.by_digest(repository.id, digest.clone()).await? {
                None => return Err(self.why_not(repository, reference, digest).await?),
                found => found,
            },
            None => None,
        };
        found.ok_or_else(|| image_not_found(&repository.name, &reference.to_string()))
    }

    /// Says why there is nothing to be pulled, and what to do.
    async fn why_not(&self, repository: &Repository, reference: &Reference, digest: Digest) -> Result<Fault, Fault> {
        let (id, name, wanted) = (repository.id, &repository.name, digest.clone());
        let standing = self.ports.metadata.read(move |rows| manifests::standing(rows, id, wanted.as_str())).await?;
        let status = standing.filter(|found| found.is_live).map_or(ImageStatus::Active, ImageStatus::from);
        let refused = status.refuse(name, &reference.to_string(), digest.as_str());
        Ok(refused.err().unwrap_or_else(|| image_not_found(name, &reference.to_string())))
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
    /// [`FaultKind::StorageFull`]; [`FaultKind::QuotaExceeded`] where a quota takes no more images.
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
            self.put(
                cx,
                repository,
                Put { digest, manifest, body, tags, refuses_repeat: false, may_wait: true, chosen: None, dates: None },
            )
            .await
        };
        self.ports.push_failures.note(cx.account, repository, put.await)
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
            return self.ports.push_failures.note(
                cx.account,
                repository,
                Err(Fault::new(FaultKind::ImageDigestDiffers, message)),
            );
        }
        let put = async {
            let (digest, manifest) = self.read(&Reference::Digest(found), content_type, &body)?;
            let tags = Vec::from_iter(tag);
            self.put(
                cx,
                repository,
                Put { digest, manifest, body, tags, refuses_repeat: true, may_wait: true, chosen: None, dates: None },
            )
            .await
        };
        self.ports.push_failures.note(cx.account, repository, put.await)
    }

    /// Stores a manifest that was pushed elsewhere before, and points its tags at it.
    ///
    /// # Errors
    /// Those of [`Images::put_image`].
    pub(crate) async fn put_imported(
        &self,
        cx: &Cx,
        repository: &Repository,
        image: ImportedImage,
    ) -> Result<PutImageAnswer, Fault> {
        let ImportedImage { digest, media_type, body, tags, dates } = image;
        let (digest, manifest) = self.read(&Reference::Digest(digest), Some(&media_type), &body)?;
        let (refuses_repeat, chosen, dates) = (false, None, Some(dates));
        self.put(cx, repository, Put { digest, manifest, body, tags, refuses_repeat, may_wait: true, chosen, dates })
            .await
    }

    /// Points a tag at an image, for the way back to where it pointed before: at once, whatever a judge would say, unless it
    /// `may_wait` in quarantine.
    ///
    /// # Errors
    /// Those of [`Images::put_image`].
    pub(crate) async fn point(
        &self,
        cx: &Cx,
        repository: &Repository,
        tag: Tag,
        image: ImageFound,
        may_wait: bool,
    ) -> Result<(), Fault> {
        let ImageFound { digest, media_type, body } = image;
        let (digest, manifest) = self.read(&Reference::Digest(digest), Some(&media_type), &body)?;
        let put =
            Put { digest, manifest, body, tags: vec![tag], refuses_repeat: false, may_wait, chosen: None, dates: None };
        self.put(cx, repository, put).await.map(drop)
    }

    /// Points a tag at an image that is as it was chosen. Returns the tags that wait in quarantine.
    ///
    /// # Errors
    /// Those of [`Images::put_image`]; [`FaultKind::ImageChanged`].
    pub(crate) async fn tag_chosen(
        &self,
        cx: &Cx,
        repository: &Repository,
        tag: Tag,
        chosen: Chosen,
    ) -> Result<Vec<Tag>, Fault> {
        let to = Reference::Digest(chosen.digest.clone());
        let image = self.load(cx, repository, &to).await?;
        let (digest, manifest) = self.read(&to, Some(&image.media_type), &image.body)?;
        let (body, tags, chosen) = (image.body, vec![tag], Some(chosen));
        let put = Put { digest, manifest, body, tags, refuses_repeat: false, may_wait: true, chosen, dates: None };
        self.put(cx, repository, put).await.map(|answer| answer.quarantined)
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
        let Put { digest, manifest, body, mut tags, refuses_repeat, may_wait, chosen, dates } = put;
        self.ports.check_key(cx, repository).await?;
        // Its bytes go into the database, which mostly lies on the same disk: manifests alone could fill it up, too.
        self.ports.store.check_room(body.len() as u64).await.map_err(store_fault)?;
        tags.sort();
        tags.dedup();
        let is_quarantined =
            may_wait && !tags.is_empty() && self.are_tags_held(cx, repository, &digest, &manifest).await?;
        let act = PutImage {
            account: cx.account,
            repository: repository.id,
            name: repository.name.clone(),
            digest,
            manifest,
            body,
            tags: tags.clone(),
            refuses_repeat,
            is_quarantined,
            dates,
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        let answer = match chosen {
            Some(chosen) => self.ports.metadata.perform(cx, chosen.still(repository.id, act)).await,
            None => self.ports.metadata.perform(cx, act).await,
        };
        // Even where the answer is a failure the commit may stand: what is remembered of these tags may be old.
        if let Some(caches) = &self.ports.caches {
            for tag in tags {
                caches.tags.remove(&(repository.id, tag));
            }
        }
        if answer.is_ok() {
            self.ports.pushed.notify_one();
        }
        answer
    }

    /// Waits until an image is pushed to this process; returns at once where one was since this was waited for last. For one who waits:
    /// of several only one is told.
    pub async fn pushed(&self) {
        self.ports.pushed.notified().await;
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
}

/// Whether a refusal says that nothing was removed.
fn is_before_the_act(kind: FaultKind) -> bool {
    use FaultKind::{ImageChanged, ImageHeld, ImageNotFound, ImageReferenced, TagProtected};
    matches!(kind, ImageChanged | ImageNotFound | ImageReferenced | ImageHeld | TagProtected)
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
