use crate::{
    layer,
    model::{UploadLayerPartRequest, UploadLayerPartResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Body, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Appended, Repositories, Uploads};
use gantry_words::Cx;

/// `ecr:UploadLayerPart`: adds bytes at the end of an upload.
pub struct UploadLayerPart;

impl Operation for UploadLayerPart {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:UploadLayerPart";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.UploadLayerPart");
    type Needs = (Repositories, Uploads);
    type Request = Asked<UploadLayerPartRequest>;
    type Response = Answer<UploadLayerPartResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_UPLOAD_LAYER_PART, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, uploads): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let id = layer::read_upload(&input.upload_id, cx, &repository)?;
        let (first, last) = (input.part_first_byte, input.part_last_byte);
        let length = input.layer_part_blob.0.len() as u64;
        let start = u64::try_from(first).unwrap_or(0);
        let not_found = |fault: Fault| match fault.kind {
            FaultKind::UploadNotFound => layer::upload_not_found(&input.upload_id, cx, &repository).because(fault),
            _ => fault,
        };
        let told = last.checked_sub(first).and_then(|bytes| bytes.checked_add(1));
        if told.and_then(|bytes| u64::try_from(bytes).ok()) != Some(length) {
            let bytes = uploads.offset(cx, &repository, &id).await.map_err(not_found)?;
            let message = format!("The part has {length} bytes, which is not what lies from {first} to {last}");
            return Err(layer::out_of_order(message, &input.upload_id, bytes, cx, &repository));
        }
        let body = Body::from(input.layer_part_blob.0.clone());
        match uploads.append(cx, &repository, &id, Some(start), Some(length), body).await.map_err(not_found)? {
            Appended::At(bytes) => Ok(Answer(UploadLayerPartResponse {
                registry_id: Some(cx.account),
                repository_name: Some(repository.name),
                upload_id: Some(input.upload_id),
                last_byte_received: Some(i64::try_from(bytes).unwrap_or(i64::MAX) - 1),
            })),
            Appended::OutOfOrder(bytes) => {
                let message = format!("The part begins at {first}, but the upload has {bytes} bytes; go on from there");
                Err(layer::out_of_order(message, &input.upload_id, bytes, cx, &repository))
            }
        }
    }
}
