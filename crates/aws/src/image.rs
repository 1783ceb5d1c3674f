//! Images as ECR names and shows them.

use crate::{
    model::{ImageDetail, ImageFailure, ImageFailureCode, ImageIdentifier, ImageStatus, ImageStatusFilter, TagStatus},
    shape::refusal,
};
use gantry_access::{Access, Action};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{ImageFilter, ImageStatus as Status, ImageSummary, Images, Repository, TagFilter};
use gantry_words::{Cx, RepositoryName};

const DIGEST_FORM: &str = "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+";
const TAG_FORM: &str = "[a-zA-Z0-9-_.]+";

/// An action on each of some images, which are told apart by what policies can ask of them.
pub(crate) fn accesses(action: Action, name: &RepositoryName, ids: &[ImageIdentifier]) -> Vec<Access> {
    let on =
        |id: &ImageIdentifier| Access::on(action, name).with_image(id.image_tag.as_deref(), id.image_digest.as_deref());
    ids.iter().map(on).collect()
}

/// Which image is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The one of this digest.
    Digest(Digest),
    /// The one with this tag.
    Tag(Tag),
    /// The one of this digest, which must have this tag.
    Both(Digest, Tag),
}

impl Wanted {
    /// Reads an identifier.
    ///
    /// # Errors
    /// What is wrong with it, as an item of a batch says it.
    pub(crate) fn read(id: &ImageIdentifier) -> Result<Self, ImageFailure> {
        let fail = |code, reason: String| failure(id.clone(), code, reason);
        let digest = id.image_digest.as_deref().map(str::parse::<Digest>).transpose().map_err(|_| {
            let reason = format!("Invalid request parameters: image digest should satisfy the regex '{DIGEST_FORM}'");
            fail(ImageFailureCode::InvalidImageDigest, reason)
        })?;
        let tag = id.image_tag.as_deref().map(str::parse::<Tag>).transpose().map_err(|_| {
            let reason = format!("Invalid request parameters: image tag should satisfy the regex '{TAG_FORM}'");
            fail(ImageFailureCode::InvalidImageTag, reason)
        })?;
        match (digest, tag) {
            (Some(digest), Some(tag)) => Ok(Wanted::Both(digest, tag)),
            (Some(digest), None) => Ok(Wanted::Digest(digest)),
            (None, Some(tag)) => Ok(Wanted::Tag(tag)),
            (None, None) => {
                let reason = "Invalid request parameters: both tag and digest cannot be null";
                Err(fail(ImageFailureCode::MissingDigestAndTag, reason.into()))
            }
        }
    }

    /// Reads the one identifier of a request.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`].
    pub(crate) fn read_one(id: &ImageIdentifier) -> Result<Self, Fault> {
        Wanted::read(id)
            .map_err(|failure| Fault::new(FaultKind::InvalidParameter, failure.failure_reason.unwrap_or_default()))
    }

    /// The reference to look up: by its tag, where it has one.
    pub(crate) fn reference(&self) -> Reference {
        match self {
            Wanted::Digest(digest) => Reference::Digest(digest.clone()),
            Wanted::Tag(tag) | Wanted::Both(_, tag) => Reference::Tag(tag.clone()),
        }
    }

    /// Whether the image found is the one meant.
    pub(crate) fn is(&self, found: &str) -> bool {
        match self {
            Wanted::Tag(_) => true,
            Wanted::Digest(digest) | Wanted::Both(digest, _) => digest.as_str() == found,
        }
    }

    /// Names an image that was found for this.
    pub(crate) fn found(&self, digest: &str) -> ImageIdentifier {
        let image_tag = match self {
            Wanted::Digest(_) => None,
            Wanted::Tag(tag) | Wanted::Both(_, tag) => Some(tag.to_string()),
        };
        ImageIdentifier { image_digest: Some(digest.into()), image_tag }
    }
}

/// An item of a batch that failed.
pub(crate) fn failure(id: ImageIdentifier, code: ImageFailureCode, reason: impl Into<String>) -> ImageFailure {
    ImageFailure { image_id: Some(id), failure_code: Some(code), failure_reason: Some(reason.into()) }
}

/// An item of a batch that is not there.
pub(crate) fn missing(id: ImageIdentifier) -> ImageFailure {
    failure(id, ImageFailureCode::ImageNotFound, "Requested image not found")
}

/// An item of a batch whose tag names another image than its digest does.
pub(crate) fn mismatch(id: ImageIdentifier) -> ImageFailure {
    let reason = "The image tag does not match the image digest";
    failure(id, ImageFailureCode::ImageTagDoesNotMatchDigest, reason)
}

/// Returns what is known of an image that must be there.
///
/// # Errors
/// [`FaultKind::ImageNotFound`], in ECR's words.
pub(crate) async fn describe(
    images: &Images,
    cx: &Cx,
    repository: &Repository,
    id: &ImageIdentifier,
) -> Result<ImageSummary, Fault> {
    let wanted = Wanted::read_one(id)?;
    let found = images.describe_all(repository, &[wanted.reference()]).await?.pop().flatten();
    found.filter(|found| wanted.is(&found.digest)).ok_or_else(|| not_found(cx, repository, id))
}

/// There is no such image.
pub(crate) fn not_found(cx: &Cx, repository: &Repository, id: &ImageIdentifier) -> Fault {
    let message = format!(
        "The image with imageId {} does not exist within the repository with name '{}' in the registry with id '{}'",
        print_id(id),
        repository.name,
        cx.account
    );
    Fault::new(FaultKind::ImageNotFound, message)
}

/// Prints an identifier as ECR's messages have it.
pub(crate) fn print_id(id: &ImageIdentifier) -> String {
    let shown = |part: &Option<String>| part.clone().unwrap_or_else(|| "null".into());
    format!("{{imageDigest:'{}', imageTag:'{}'}}", shown(&id.image_digest), shown(&id.image_tag))
}

/// Names an image that was found for an identifier: with its digest, and the tag that was asked for.
pub(crate) fn name(found: &ImageSummary, asked: &ImageIdentifier) -> ImageIdentifier {
    ImageIdentifier { image_digest: Some(found.digest.clone()), image_tag: asked.image_tag.clone() }
}

/// Shows what is known of an image.
pub(crate) fn show(image: ImageSummary, cx: &Cx, repository: &Repository) -> ImageDetail {
    ImageDetail {
        registry_id: Some(cx.account),
        repository_name: Some(repository.name.clone()),
        image_digest: Some(image.digest),
        image_tags: Some(image.tags).filter(|tags| !tags.is_empty()),
        image_size_in_bytes: i64::try_from(image.pull_bytes).ok(),
        image_pushed_at: Some(image.pushed_at.into()),
        image_manifest_media_type: Some(image.media_type),
        artifact_media_type: image.artifact_type,
        last_recorded_pull_time: image.last_pulled_at.map(Into::into),
        subject_manifest_digest: image.subject,
        image_status: Some(status(image.status)),
        last_archived_at: image.archived_at.map(Into::into),
        last_activated_at: image.activated_at.filter(|_| image.status == Status::Active).map(Into::into),
        ..ImageDetail::default()
    }
}

/// Which images a filter lets through.
pub(crate) fn by(tags: Option<TagStatus>, status: Option<ImageStatusFilter>) -> ImageFilter {
    ImageFilter { tags: by_tags(tags), status: by_status(status) }
}

/// Which images a filter lets through by their tags.
pub(crate) fn by_tags(status: Option<TagStatus>) -> TagFilter {
    match status {
        None | Some(TagStatus::Any) => TagFilter::Any,
        Some(TagStatus::Tagged) => TagFilter::Tagged,
        Some(TagStatus::Untagged) => TagFilter::Untagged,
    }
}

/// Which images a filter lets through by their status: where nothing is said, active ones. `None` is all.
pub(crate) fn by_status(filter: Option<ImageStatusFilter>) -> Option<Status> {
    match filter {
        None | Some(ImageStatusFilter::Active) => Some(Status::Active),
        Some(ImageStatusFilter::Archived) => Some(Status::Archived),
        Some(ImageStatusFilter::Activating) => Some(Status::Activating),
        Some(ImageStatusFilter::Any) => None,
    }
}

/// The status of an image, in ECR's words.
pub(crate) fn status(status: Status) -> ImageStatus {
    match status {
        Status::Active => ImageStatus::Active,
        Status::Archived => ImageStatus::Archived,
        Status::Activating => ImageStatus::Activating,
    }
}

/// Reads the tag of a request.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn read_tag(text: &str) -> Result<Tag, Fault> {
    text.parse().map_err(|_| refusal("imageTag", &format!("must satisfy regular expression '{TAG_FORM}'")))
}

/// Reads a digest of a request.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn read_digest(member: &str, text: &str) -> Result<Digest, Fault> {
    text.parse().map_err(|_| refusal(member, &format!("must satisfy regular expression '{DIGEST_FORM}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digest: Option<&str>, tag: Option<&str>) -> ImageIdentifier {
        ImageIdentifier { image_digest: digest.map(str::to_string), image_tag: tag.map(str::to_string) }
    }

    #[test]
    fn an_image_is_named_by_digest_by_tag_or_by_both() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let (parsed, tag): (Digest, Tag) = (digest.parse().unwrap(), "v1".parse().unwrap());

        assert_eq!(Wanted::read(&id(Some(&digest), None)), Ok(Wanted::Digest(parsed.clone())));
        assert_eq!(Wanted::read(&id(None, Some("v1"))), Ok(Wanted::Tag(tag.clone())));
        assert_eq!(Wanted::read(&id(Some(&digest), Some("v1"))), Ok(Wanted::Both(parsed, tag)));
    }

    #[test]
    fn what_names_no_image_fails_by_its_kind() {
        for (id, code) in [
            (id(None, None), ImageFailureCode::MissingDigestAndTag),
            (id(Some("sha256:zz"), None), ImageFailureCode::InvalidImageDigest),
            (id(Some("sha256:aa"), Some("v1")), ImageFailureCode::InvalidImageDigest),
            (id(None, Some("a b")), ImageFailureCode::InvalidImageTag),
        ] {
            assert_eq!(Wanted::read(&id).unwrap_err().failure_code, Some(code), "{id:?}");
        }
    }
}
