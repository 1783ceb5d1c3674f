use crate::{
    image::{self, Wanted},
    model::{BatchGetImageRequest, BatchGetImageResponse, Image, ImageFailure, ImageFailureCode, ImageIdentifier},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{GateAnswer, Gates};
use gantry_oci::Digest;
use gantry_registry::{Images, Traffic, Repositories, Repository};
use gantry_words::Cx;

/// `ecr:BatchGetImage`: manifests, byte for byte as they were pushed.
///
/// `acceptedMediaTypes` is not gone by: nothing is ever converted, and a client sees what it got.
pub struct BatchGetImage;

impl Operation for BatchGetImage {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:BatchGetImage";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.BatchGetImage");
    type Needs = (Repositories, Images, (Traffic, Gates));
    type Request = Asked<BatchGetImageRequest>;
    type Response = Answer<BatchGetImageResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        image::accesses(action::ECR_BATCH_GET_IMAGE, &asked.input.repository_name, &asked.input.image_ids)
    }

    async fn call(
        (repositories, images, (traffic, gates)): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for id in &input.image_ids {
            match find((images, gates), cx, &repository, id).await? {
                Ok((digest, image)) => {
                    traffic.pulled(cx, &repository, &digest);
                    found.push(image);
                }
                Err(failure) => failures.push(failure),
            }
        }
        Ok(Answer(BatchGetImageResponse { images: Some(found), failures: Some(failures) }))
    }
}

async fn find(
    (images, gates): (&Images, &Gates),
    cx: &Cx,
    repository: &Repository,
    id: &ImageIdentifier,
) -> Result<Result<(Digest, Image), ImageFailure>, Fault> {
    let wanted = match Wanted::read(id) {
        Ok(wanted) => wanted,
        Err(failure) => return Ok(Err(failure)),
    };
    let image = match images.load(cx, repository, &wanted.reference()).await {
        Ok(image) => image,
        Err(fault) if fault.kind == FaultKind::ImageNotFound => return Ok(Err(image::missing(id.clone()))),
        Err(fault) if fault.kind == FaultKind::ImageArchived => {
            return Ok(Err(image::failure(id.clone(), ImageFailureCode::ImageInaccessible, fault.message)));
        }
        Err(fault) if fault.kind == FaultKind::RepositoryKeyUnavailable => {
            return Ok(Err(image::failure(id.clone(), ImageFailureCode::KmsError, fault.message)));
        }
        Err(fault) => return Err(fault),
    };
    if !wanted.is(image.digest.as_str()) {
        return Ok(Err(image::mismatch(id.clone())));
    }
    if let GateAnswer::Refused { message, .. } = gates.judge(cx, repository, &image).await? {
        return Ok(Err(image::failure(id.clone(), ImageFailureCode::ImageInaccessible, message)));
    }
    let manifest = String::from_utf8(image.body.to_vec()).map_err(Fault::internal)?;
    let shown = Image {
        registry_id: Some(cx.account),
        repository_name: Some(repository.name.clone()),
        image_id: Some(wanted.found(image.digest.as_str())),
        image_manifest: Some(manifest),
        image_manifest_media_type: Some(image.media_type.to_string()),
    };
    Ok(Ok((image.digest, shown)))
}
