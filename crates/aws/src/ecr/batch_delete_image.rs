use crate::{
    image::{self, Wanted},
    model::{BatchDeleteImageRequest, BatchDeleteImageResponse, ImageFailure, ImageFailureCode, ImageIdentifier},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Detail, Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{Images, Repositories, Repository};
use gantry_words::Cx;

/// `ecr:BatchDeleteImage`: by digest an image goes with all its tags; by tag the tag goes, and the image with its last.
///
/// Each item stands for itself: what fails is told, and the others go on.
pub struct BatchDeleteImage;

impl Operation for BatchDeleteImage {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:BatchDeleteImage";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage");
    type Needs = (Repositories, Images);
    type Request = Asked<BatchDeleteImageRequest>;
    type Response = Answer<BatchDeleteImageResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        image::accesses(action::ECR_BATCH_DELETE_IMAGE, &asked.input.repository_name, &asked.input.image_ids)
    }

    async fn call(
        (repositories, images): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let (mut image_ids, mut failures) = (Vec::new(), Vec::new());
        for id in &input.image_ids {
            match remove(images, cx, &repository, id).await {
                Ok(Ok(removed)) => image_ids.extend(removed),
                Ok(Err(failure)) => failures.push(failure),
                Err(fault) => failures.push(told(fault, id)?),
            }
        }
        Ok(Answer(BatchDeleteImageResponse { image_ids: Some(image_ids), failures: Some(failures) }))
    }
}

/// Removes what one identifier names; returns all that went.
async fn remove(
    images: &Images,
    cx: &Cx,
    repository: &Repository,
    id: &ImageIdentifier,
) -> Result<Result<Vec<ImageIdentifier>, ImageFailure>, Fault> {
    let wanted = match Wanted::read(id) {
        Ok(wanted) => wanted,
        Err(failure) => return Ok(Err(failure)),
    };
    match &wanted {
        Wanted::Tag(tag) => {
            let digest = images.remove_tagged(cx, repository, tag).await?;
            Ok(Ok(vec![wanted.found(digest.as_str())]))
        }
        Wanted::Digest(digest) => Ok(Ok(remove_image(images, cx, repository, digest).await?)),
        Wanted::Both(digest, tag) => {
            let named = images.describe(repository, &Reference::Tag(tag.clone())).await?;
            match wanted.is(&named.digest) {
                true => Ok(Ok(remove_image(images, cx, repository, digest).await?)),
                false => Ok(Err(image::mismatch(id.clone()))),
            }
        }
    }
}

async fn remove_image(
    images: &Images,
    cx: &Cx,
    repository: &Repository,
    digest: &Digest,
) -> Result<Vec<ImageIdentifier>, Fault> {
    let tags = images.remove_image(cx, repository, digest).await?;
    let id = |image_tag| ImageIdentifier { image_digest: Some(digest.to_string()), image_tag };
    if tags.is_empty() {
        return Ok(vec![id(None)]);
    }
    Ok(tags.into_iter().map(|tag| id(Some(tag))).collect())
}

/// What is the item's fault is told with it; what is not, of the whole.
fn told(fault: Fault, id: &ImageIdentifier) -> Result<ImageFailure, Fault> {
    match fault.kind {
        FaultKind::ImageNotFound => Ok(image::missing(id.clone())),
        FaultKind::ImageReferenced => {
            let parents = fault.members.iter().filter_map(|(_, detail)| match detail {
                Detail::Text(parent) => Some(parent.as_str()),
                Detail::Number(_) => None,
            });
            let parents = parents.collect::<Vec<_>>().join(", ");
            let reason = format!("Requested image referenced by manifest list: [{parents}]");
            Ok(image::failure(id.clone(), ImageFailureCode::ImageReferencedByManifestList, reason))
        }
        // Of ECR's codes the one that says least of what is not true.
        FaultKind::ImageHeld | FaultKind::TagProtected => {
            Ok(image::failure(id.clone(), ImageFailureCode::ImageInaccessible, fault.message))
        }
        _ => Err(fault),
    }
}
