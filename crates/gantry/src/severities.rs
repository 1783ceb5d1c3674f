use crate::asked_images;
use gantry_accounts::SeveritySource;
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_findings::Scans;
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
            match asked_images::find(&self.registry, cx, repository, (tag, digest)).await? {
                Some((repository, image)) => self.scans.worst(&repository, image.digest.as_str()).await,
                None => Ok(None),
            }
        })
    }
}
