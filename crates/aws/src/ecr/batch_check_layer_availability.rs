use crate::{
    model::{
        BatchCheckLayerAvailabilityRequest, BatchCheckLayerAvailabilityResponse, Layer, LayerAvailability,
        LayerFailure, LayerFailureCode,
    },
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories};
use gantry_words::Cx;

/// `ecr:BatchCheckLayerAvailability`: whether the repository holds layers. Those it does are kept for a while.
pub struct BatchCheckLayerAvailability;

impl Operation for BatchCheckLayerAvailability {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:BatchCheckLayerAvailability";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.BatchCheckLayerAvailability");
    type Needs = (Repositories, Blobs);
    type Request = Asked<BatchCheckLayerAvailabilityRequest>;
    type Response = Answer<BatchCheckLayerAvailabilityResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, blobs): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let (mut layers, mut failures) = (Vec::new(), Vec::new());
        for text in input.layer_digests {
            let Ok(digest) = text.parse::<Digest>() else {
                failures.push(failure(text));
                continue;
            };
            let size = match blobs.check(cx, &repository, &digest).await {
                Ok(found) => Some(found.size),
                Err(fault) if fault.kind == FaultKind::BlobNotFound => None,
                Err(fault) => return Err(fault),
            };
            layers.push(Layer {
                layer_digest: Some(text),
                layer_availability: Some(match size {
                    Some(_) => LayerAvailability::Available,
                    None => LayerAvailability::Unavailable,
                }),
                layer_size: size.and_then(|size| i64::try_from(size).ok()),
                media_type: None,
            });
        }
        Ok(Answer(BatchCheckLayerAvailabilityResponse { layers: Some(layers), failures: Some(failures) }))
    }
}

fn failure(text: String) -> LayerFailure {
    let (code, reason) = match text.is_empty() {
        true => (LayerFailureCode::MissingLayerDigest, "Invalid request parameters: layer digest cannot be empty"),
        false => (
            LayerFailureCode::InvalidLayerDigest,
            "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
    };
    LayerFailure { layer_digest: Some(text), failure_code: Some(code), failure_reason: Some(reason.into()) }
}
