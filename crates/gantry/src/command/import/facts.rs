use super::{past::Past, source::SourceError};
use gantry_oci::Digest;
use gantry_words::RepositoryName;

/// What a registry tells over an API of its own, beside the bytes of its images.
pub(super) trait Facts: Sync {
    /// Lists the repositories that may be seen; `None` where that is not told.
    ///
    /// # Errors
    /// The registry cannot be asked, or refuses.
    fn repositories(&self) -> Result<Option<Vec<RepositoryName>>, SourceError>;

    /// Lists the images of a repository, those without a tag too; `None` where that is not told. What only others list or
    /// refer to may be missing.
    ///
    /// # Errors
    /// The registry cannot be asked, or refuses.
    fn images(&self, repository: &RepositoryName) -> Result<Option<Vec<Digest>>, SourceError>;

    /// Returns what is known of the images, tags and rules of a repository. What may not be asked is among its remarks.
    ///
    /// # Errors
    /// The registry cannot be asked.
    fn past(&self, repository: &RepositoryName) -> Result<Past, SourceError>;

    /// Returns the name and the password for `/v2/`; `None` where it is asked without.
    ///
    /// # Errors
    /// The registry gives none.
    fn credentials(&self) -> Result<Option<(String, String)>, SourceError>;
}
