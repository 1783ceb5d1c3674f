//! Finds the images that policies ask about.

use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::{ImageFound, Registry, Repository};
use gantry_words::{Cx, RepositoryName};

/// Why an image is given to nobody; the call says it, to those who may know.
const NOT_THERE: [FaultKind; 3] =
    [FaultKind::ImageNotFound, FaultKind::ImageArchived, FaultKind::RepositoryKeyUnavailable];

/// Returns the image of `digest`, or where there is none the one with `tag`, with its repository in the account of `cx`; `None`
/// where nobody gets it.
///
/// # Errors
/// It cannot be looked up.
pub(crate) async fn find(
    registry: &Registry,
    cx: &Cx,
    repository: &RepositoryName,
    (tag, digest): (Option<&str>, Option<&str>),
) -> Result<Option<(Repository, ImageFound)>, Fault> {
    let reference = match digest {
        Some(digest) => digest.parse().ok().map(Reference::Digest),
        None => tag.and_then(|tag| tag.parse().ok()).map(Reference::Tag),
    };
    let Some(reference) = reference else { return Ok(None) };
    let Some(repository) = registry.repositories.find(cx, repository).await? else { return Ok(None) };
    Ok(load(registry, cx, &repository, &reference).await?.map(|image| (repository, image)))
}

/// Returns what a reference names in a repository; `None` where nobody gets it.
///
/// # Errors
/// It cannot be looked up.
pub(crate) async fn load(
    registry: &Registry,
    cx: &Cx,
    repository: &Repository,
    reference: &Reference,
) -> Result<Option<ImageFound>, Fault> {
    match registry.images.load(cx, repository, reference).await {
        Ok(found) => Ok(Some(found)),
        Err(fault) if NOT_THERE.contains(&fault.kind) => Ok(None),
        Err(fault) => Err(fault),
    }
}
