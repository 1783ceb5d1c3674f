use gantry_accounts::SeveritySource;
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_oci::Reference;
use gantry_registry::Registry;
use gantry_words::{Cx, RepositoryName};

/// What scans found in images, as the accounts ask for it.
pub(crate) struct ScannedImages {
    pub(crate) registry: Registry,
    pub(crate) scans: Scans,
}

impl SeveritySource for ScannedImages {
    fn worst<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        digest: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<&'static str>, Fault>> {
        Box::pin(async move {
            let Some(reference) = reference(tag, digest) else { return Ok(None) };
            let Some(repository) = self.registry.repositories.find(cx, repository).await? else { return Ok(None) };
            match self.registry.images.load(cx, &repository, &reference).await {
                Ok(image) => self.scans.worst(&repository, image.digest.as_str()).await,
                // Nobody gets it; the call says why, to those who may know.
                Err(fault) if NOT_THERE.contains(&fault.kind) => Ok(None),
                Err(fault) => Err(fault),
            }
        })
    }
}

/// Why an image is given to nobody.
pub(crate) const NOT_THERE: [FaultKind; 3] =
    [FaultKind::ImageNotFound, FaultKind::ImageArchived, FaultKind::RepositoryKeyUnavailable];

/// Returns what names an image: its digest, or where there is none its tag.
pub(crate) fn reference(tag: Option<&str>, digest: Option<&str>) -> Option<Reference> {
    match digest {
        Some(digest) => digest.parse().ok().map(Reference::Digest),
        None => tag?.parse().ok().map(Reference::Tag),
    }
}
