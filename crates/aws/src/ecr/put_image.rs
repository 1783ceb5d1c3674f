use crate::{
    image,
    model::{Image, ImageIdentifier, PutImageRequest, PutImageResponse},
    repository,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use bytes::Bytes;
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories, Traffic};
use gantry_words::Cx;

/// `ecr:PutImage`: stores a manifest and points a tag at it. What would change nothing is an error.
pub struct PutImage;

impl Operation for PutImage {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutImage";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.PutImage");
    type Needs = (Repositories, Images, Traffic);
    type Request = Asked<PutImageRequest>;
    type Response = Answer<PutImageResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let put = Access::on(action::ECR_PUT_IMAGE, &asked.input.repository_name);
        vec![put.with_image(asked.input.image_tag.as_deref(), asked.input.image_digest.as_deref())]
    }

    async fn call(
        (repositories, images, traffic): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let tag = input.image_tag.as_deref().map(image::read_tag).transpose()?;
        let digest = input.image_digest.as_deref().map(|text| image::read_digest("imageDigest", text)).transpose()?;
        let body = Bytes::from(input.image_manifest.clone());
        let media_type = input.image_manifest_media_type.as_deref();
        let put =
            images.put_new_image(cx, &repository, tag, digest.as_ref(), media_type, body).await.map_err(in_manifest)?;
        traffic.pushed(cx, &repository, &put.digest);
        let stored = images.load(cx, &repository, &Reference::Digest(put.digest)).await?;
        let id = ImageIdentifier { image_digest: Some(stored.digest.to_string()), image_tag: input.image_tag };
        Ok(Answer(PutImageResponse {
            image: Some(Image {
                registry_id: Some(cx.account),
                repository_name: Some(input.repository_name),
                image_id: Some(id),
                image_manifest: Some(input.image_manifest),
                image_manifest_media_type: Some(stored.media_type.to_string()),
            }),
        }))
    }
}

/// A manifest that cannot be read is a parameter that is wrong.
fn in_manifest(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::ManifestInvalid | FaultKind::ManifestTooLarge | FaultKind::ManifestUnsupported => {
            refusal("imageManifest", &fault.message)
        }
        _ => fault,
    }
}
