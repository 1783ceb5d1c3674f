//! What is known of an image, for policies that ask for `gantry:FindingSeverity` or `gantry:Signed`. It is looked up only where
//! one does, since it is the one thing about a request that is not in memory.

use crate::Accounts;
use gantry_access::{
    Access, Resource,
    policy::{FINDING_SEVERITY, ImageKeys, SIGNED},
};
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_words::{Cx, RepositoryName};
use std::sync::{Arc, OnceLock};

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

/// Who knows which images are signed.
pub trait SignatureSource: Send + Sync + 'static {
    /// Whether an image of the account of `cx` has a signature in its repository that verifies with a key that is trusted here;
    /// `false` too where there is no such image. The image is the one of `digest`, or where there is none the one with `tag`.
    fn is_signed<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        digest: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Fault>>;
}

/// Who knows what policies can ask of images.
#[derive(Default)]
pub(crate) struct ImageSources {
    severities: OnceLock<Arc<dyn SeveritySource>>,
    signatures: OnceLock<Arc<dyn SignatureSource>>,
}

impl Accounts {
    /// Says who knows what was found in images. Who was first said to stays; without anybody nothing is known of any image.
    pub fn set_severity_source(&self, source: Arc<dyn SeveritySource>) {
        let _ = self.image_sources().severities.set(source);
    }

    /// Says who knows which images are signed. Who was first said to stays; without anybody none is.
    pub fn set_signature_source(&self, source: Arc<dyn SignatureSource>) {
        let _ = self.image_sources().signatures.set(source);
    }

    /// Adds to those of `accesses` that are about an image what is `asked` of it and not said there yet. Where how bad the worst is
    /// that was found in it is not known, that is a key without a value, as one that is absent.
    ///
    /// # Errors
    /// It cannot be looked up.
    pub async fn look_up_images(&self, cx: &Cx, accesses: &mut [Access], asked: ImageKeys) -> Result<(), Fault> {
        for access in accesses {
            let wanted = access.lacking_keys().and(asked);
            if wanted.severity {
                let worst = self.worst(cx, access).await?;
                *access = access.clone().with(FINDING_SEVERITY, worst);
            }
            if wanted.signed {
                let is_signed = self.is_signed(cx, access).await?;
                *access = access.clone().with(SIGNED, [if is_signed { "true" } else { "false" }]);
            }
        }
        Ok(())
    }

    async fn worst(&self, cx: &Cx, access: &Access) -> Result<Option<&'static str>, Fault> {
        match (&access.resource, access.image(), self.image_sources().severities.get()) {
            (Resource::Repository(name), Some((tag, digest)), Some(source)) => {
                source.worst(cx, name, tag, digest).await
            }
            _ => Ok(None),
        }
    }

    async fn is_signed(&self, cx: &Cx, access: &Access) -> Result<bool, Fault> {
        match (&access.resource, access.image(), self.image_sources().signatures.get()) {
            (Resource::Repository(name), Some((tag, digest)), Some(source)) => {
                source.is_signed(cx, name, tag, digest).await
            }
            _ => Ok(false),
        }
    }
}
