use crate::output::Failure;
use gantry_oci::{Descriptor, Digest, Tag};
use gantry_rest::{LifecyclePreviewDocument, PastDocument, PastTakenDocument};
use std::io::{self, Read};

/// Opens the bytes of a blob, as often as it takes.
pub(crate) type Opener<'a> = dyn Fn() -> io::Result<Box<dyn Read + Send>> + 'a;

/// A blob that is sent.
pub(crate) struct Blob<'a> {
    /// What its bytes must be of.
    pub(crate) digest: &'a Digest,
    /// How many there are.
    pub(crate) length: u64,
    /// Where they come from.
    pub(crate) open: &'a Opener<'a>,
}

/// What came of sending a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was taken from another repository of the registry.
    Mounted,
    /// Its bytes went over the line.
    Bytes,
}

/// A manifest as it was loaded.
pub(crate) struct Loaded {
    /// What the registry says that it is.
    pub(crate) media_type: Option<String>,
    /// Its bytes, [`MANIFEST_BYTES_MAX`](super::MANIFEST_BYTES_MAX) at most.
    pub(crate) bytes: Vec<u8>,
}

/// Why something did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The registry does not do this; something else it may.
    #[error("{0}")]
    Refused(String),
    /// What was to be sent is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// Nothing more can be done.
    #[error(transparent)]
    Stopped(#[from] Failure),
}

impl Trouble {
    /// Takes apart what concerns one thing from what ends all.
    pub(crate) fn of_one(self) -> Result<String, Failure> {
        match self {
            Trouble::Refused(problem) | Trouble::Damaged(problem) => Ok(problem),
            Trouble::Stopped(failure) => Err(failure),
        }
    }
}

/// Where it can be told what was before images came. Some do not take that, and answer nothing.
pub(crate) trait PastTaker {
    /// Tells whether there is a repository.
    fn has_repository(&self, repository: &str) -> Result<bool, Trouble>;

    /// Writes down who pushed and tagged elsewhere, and when.
    fn take_past(&self, repository: &str, past: &PastDocument) -> Result<Option<PastTakenDocument>, Trouble>;

    /// Says what a lifecycle policy would do, without switching it on.
    fn preview_lifecycle(&self, repository: &str, policy: &str) -> Result<Option<LifecyclePreviewDocument>, Trouble>;
}

/// A registry, as far as images are moved to it and from it. References are tags or digests, as text.
pub(crate) trait Registry: PastTaker + Sync {
    /// Returns the digest of what is there; `None` where nothing is, not even the repository.
    fn find_manifest(&self, repository: &str, reference: &str) -> Result<Option<Digest>, Trouble>;

    /// Tells whether the repository has a blob.
    fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Trouble>;

    /// Sends a blob, unless it can be had `from` another repository of the same registry.
    fn send_blob(&self, repository: &str, blob: &Blob<'_>, from: Option<&str>) -> Result<Sent, Trouble>;

    /// Stores a manifest, and points the reference at it where that is a tag.
    fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> Result<(), Trouble>;

    /// Loads a manifest that must be there.
    fn load_manifest(&self, repository: &str, reference: &str) -> Result<Loaded, Trouble>;

    /// Opens a blob that must be there.
    fn open_blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + '_>, Trouble>;

    /// Lists the tags of a repository.
    fn list_tags(&self, repository: &str) -> Result<Vec<Tag>, Trouble>;

    /// Lists all images of a repository, those without a tag too; with whether each can be pulled.
    fn list_images(&self, repository: &str) -> Result<Vec<(Digest, bool)>, Trouble>;

    /// Lists the manifests that name a subject.
    fn list_referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>, Trouble>;
}
