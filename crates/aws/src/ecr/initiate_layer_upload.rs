use crate::{
    model::{InitiateLayerUploadRequest, InitiateLayerUploadResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_oci::Algorithm;
use gantry_registry::{Repositories, Uploads};
use gantry_words::Cx;

/// What clients are asked to send at a time, in bytes, as in ECR.
const PART_BYTES: i64 = 10 * 1024 * 1024;

/// `ecr:InitiateLayerUpload`: opens an upload, which belongs to who opened it.
pub struct InitiateLayerUpload;

impl Operation for InitiateLayerUpload {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:InitiateLayerUpload";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.InitiateLayerUpload");
    type Needs = (Repositories, Uploads);
    type Request = Asked<InitiateLayerUploadRequest>;
    type Response = Answer<InitiateLayerUploadResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_INITIATE_LAYER_UPLOAD, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, uploads): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let id = uploads.open(cx, &repository, Algorithm::Sha256).await?;
        Ok(Answer(InitiateLayerUploadResponse { upload_id: Some(id.to_string()), part_size: Some(PART_BYTES) }))
    }
}
