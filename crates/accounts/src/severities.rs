//! How bad the worst is that was found in an image, for policies that ask for `gantry:FindingSeverity`. It is looked up only where
//! one does, since it is the one thing about a request that is not in memory.

use crate::Accounts;
use gantry_access::{Access, Resource, policy::FINDING_SEVERITY};
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_words::{Cx, RepositoryName};
use std::sync::Arc;

/// Who knows what was found in images.
pub trait SeveritySource: Send + Sync + 'static {
    /// Says how bad the worst is that was found in an image of the account of `cx`: a severity in ECR's words, or `NONE` where
    /// nothing was. `None` where that is not known: no such image, never scanned, no advisories. The image is the one of `digest`,
    /// or where there is none the one with `tag`.
    fn worst<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        digest: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<&'static str>, Fault>>;
}

impl Accounts {
    /// Says who knows what was found in images. Who was first said to stays; without anybody nothing is known of any image.
    pub fn set_severity_source(&self, source: Arc<dyn SeveritySource>) {
        let _ = self.severity_source().set(source);
    }

    /// Adds to those of `accesses` that are about an image how bad the worst is that was found in it; where that is not known, a
    /// key without a value, as one that is absent. What is said already stays.
    ///
    /// # Errors
    /// It cannot be looked up.
    pub async fn look_up_severities(&self, cx: &Cx, accesses: &mut [Access]) -> Result<(), Fault> {
        for access in accesses.iter_mut().filter(|access| access.lacks_severity()) {
            let worst = match (&access.resource, access.image(), self.severity_source().get()) {
                (Resource::Repository(name), Some((tag, digest)), Some(source)) => {
                    source.worst(cx, name, tag, digest).await?
                }
                _ => None,
            };
            *access = access.clone().with(FINDING_SEVERITY, worst);
        }
        Ok(())
    }
}
