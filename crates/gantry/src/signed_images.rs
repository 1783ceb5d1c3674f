use crate::asked_images;
use gantry_accounts::SignatureSource;
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Descriptor, Digest, Manifest, ManifestLimits, Reference};
use gantry_registry::{ImageStatus, Registry, Repository};
use gantry_trust::{
    BUNDLE, CLAIMS_MAX, PAYLOAD_BYTES_MAX, SIGNATURE_ARTIFACT, TrustedKeys, claims, is_other_statement, signature_tag,
};
use gantry_words::{Cx, RepositoryName};

/// The most manifests of signatures that are looked at for an image; of what is in them, [`CLAIMS_MAX`] together.
const MANIFESTS_MAX: usize = 64;
/// The longest such manifest: one of 64 signatures with their certificates is shorter.
const MANIFEST_BYTES_MAX: usize = 512 * 1024;
/// How many referrers of a kind are looked through for them at a time, and how many times: there may be many attestations beside,
/// and a page of them ends early where they say much.
const PAGE_COUNT: usize = 256;
const PAGES_MAX: usize = 4;

/// Which images are signed, as the accounts ask for it.
///
/// Nothing of it is remembered: a signature that was deleted counts no more from the next request on. What is looked at is bounded,
/// so whoever may attach signatures without end can keep one from being found; but not make up one.
pub(crate) struct SignedImages {
    pub(crate) registry: Registry,
    pub(crate) keys: TrustedKeys,
}

impl SignatureSource for SignedImages {
    fn is_signed<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        digest: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async move {
            if self.keys.is_empty() {
                return Ok(false);
            }
            let found = asked_images::find(&self.registry, cx, repository, (tag, digest)).await?;
            let Some((repository, image)) = found else { return Ok(false) };
            self.has_signature(cx, &repository, &image.digest).await
        })
    }
}

/// What may still be looked at for an image.
struct Left {
    manifests: usize,
    signatures: usize,
}

impl SignedImages {
    /// Whether an image has a signature that a trusted key verifies.
    async fn has_signature(&self, cx: &Cx, repository: &Repository, image: &Digest) -> Result<bool, Fault> {
        let mut left = Left { manifests: MANIFESTS_MAX, signatures: CLAIMS_MAX };
        if let Some(tag) = signature_tag(image)
            && self.signs(cx, repository, &Reference::Tag(tag), image, &mut left).await?
        {
            return Ok(true);
        }
        for kind in [BUNDLE, SIGNATURE_ARTIFACT] {
            for digest in self.referrers(repository, image, kind).await? {
                if left.manifests == 0 || left.signatures == 0 {
                    tracing::warn!(
                        repository = %repository.name,
                        image.digest = %image,
                        "{image} has more signatures than are looked at, and none of those is trusted"
                    );
                    return Ok(false);
                }
                if self.signs(cx, repository, &Reference::Digest(digest), image, &mut left).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Returns the referrers of a kind that may be signatures, as far as they are looked through.
    async fn referrers(&self, repository: &Repository, image: &Digest, kind: &str) -> Result<Vec<Digest>, Fault> {
        let (images, status) = (&self.registry.images, Some(ImageStatus::Active));
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page = images.referrers(repository, image, Some(kind), status, &after, PAGE_COUNT).await?;
            if let Some(last) = page.items.last() {
                after = last.descriptor.digest.to_string();
            }
            let may_be_one = |one: &Descriptor| one.size <= MANIFEST_BYTES_MAX as u64 && !is_other_statement(one);
            let listed = page.items.into_iter().map(|referrer| referrer.descriptor);
            found.extend(listed.filter(may_be_one).map(|one| one.digest));
            if !page.has_more || found.len() > MANIFESTS_MAX {
                break;
            }
        }
        Ok(found)
    }

    /// Whether something in a manifest is a signature of an image that a trusted key verifies.
    async fn signs(
        &self,
        cx: &Cx,
        repository: &Repository,
        reference: &Reference,
        image: &Digest,
        left: &mut Left,
    ) -> Result<bool, Fault> {
        left.manifests = left.manifests.saturating_sub(1);
        let Some(found) = asked_images::load(&self.registry, cx, repository, reference).await? else {
            return Ok(false);
        };
        let limits = ManifestLimits { bytes_max: MANIFEST_BYTES_MAX, ..ManifestLimits::default() };
        // All manifests can be read, or they would not be here; what is longer than a signature's signs nothing.
        let Ok(manifest) = Manifest::parse(&found.body, Some(&found.media_type), &limits) else { return Ok(false) };
        for claim in claims(&manifest).into_iter().take(left.signatures) {
            left.signatures -= 1;
            let blobs = &self.registry.blobs;
            let payload = match blobs.read_small(cx, repository, &claim.payload, PAYLOAD_BYTES_MAX).await {
                Ok(payload) => payload,
                Err(fault) if fault.kind == FaultKind::BlobNotFound => None,
                Err(fault) => return Err(fault),
            };
            let Some(payload) = payload else { continue };
            match claim.check(&payload, image, &self.keys) {
                Ok(()) => return Ok(true),
                Err(problem) => tracing::debug!(
                    repository = %repository.name,
                    image.digest = %image,
                    "{} in {} is no signature of {image}: {problem}", claim.payload, found.digest
                ),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
