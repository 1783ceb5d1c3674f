use crate::{
    image,
    model::{TargetStorageClass, UpdateImageStorageClassRequest, UpdateImageStorageClassResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{Archive, Images, Repositories};
use gantry_words::Cx;

/// `ecr:UpdateImageStorageClass`: to the archive and back. On the way back an image is activating until its bytes are there.
pub struct UpdateImageStorageClass;

impl Operation for UpdateImageStorageClass {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:UpdateImageStorageClass";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.UpdateImageStorageClass");
    type Needs = (Repositories, Images, Archive);
    type Request = Asked<UpdateImageStorageClassRequest>;
    type Response = Answer<UpdateImageStorageClassResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_UPDATE_IMAGE_STORAGE_CLASS, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, images, archive): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let found = image::describe(images, cx, &repository, &input.image_id).await?;
        let digest = image::read_digest("imageDigest", &found.digest)?;
        let status = match input.target_storage_class {
            TargetStorageClass::Archive => archive.put(cx, &repository, &digest).await?,
            TargetStorageClass::Standard => archive.take(cx, &repository, &digest).await?,
        };
        Ok(Answer(UpdateImageStorageClassResponse {
            registry_id: Some(cx.account),
            image_id: Some(image::name(&found, &input.image_id)),
            repository_name: Some(repository.name),
            image_status: Some(image::status(status)),
        }))
    }
}
