use crate::{
    layer,
    model::{CompleteLayerUploadRequest, CompleteLayerUploadResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Body, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories, Repository, Uploads};
use gantry_words::Cx;

/// `ecr:CompleteLayerUpload`: checks the digest of what has come and makes it a layer of the repository.
pub struct CompleteLayerUpload;

impl Operation for CompleteLayerUpload {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:CompleteLayerUpload";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.CompleteLayerUpload");
    type Needs = (Repositories, Uploads, Blobs);
    type Request = Asked<CompleteLayerUploadRequest>;
    type Response = Answer<CompleteLayerUploadResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_COMPLETE_LAYER_UPLOAD, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, uploads, blobs): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let digest = read_digests(&input.layer_digests)?;
        let id = layer::read_upload(&input.upload_id, cx, &repository)?;
        let not_found = |fault: Fault| match fault.kind {
            FaultKind::UploadNotFound => layer::upload_not_found(&input.upload_id, cx, &repository).because(fault),
            _ => fault,
        };
        if uploads.offset(cx, &repository, &id).await.map_err(not_found)? == 0 {
            let message =
                format!("The upload '{}' has no bytes; send some with UploadLayerPart first", input.upload_id);
            return Err(Fault::new(FaultKind::UploadEmpty, message));
        }
        if is_there(blobs, cx, &repository, &digest).await? {
            uploads.cancel(cx, &repository, &id).await.map_err(not_found)?;
            let message = format!(
                "Layer with digest '{digest}' already exists in the repository with name '{}' in the registry with id '{}'",
                repository.name, cx.account
            );
            return Err(Fault::new(FaultKind::LayerExists, message));
        }
        uploads.finish(cx, &repository, &id, &digest, None, None, Body::empty()).await.map_err(not_found)?;
        Ok(Answer(CompleteLayerUploadResponse {
            registry_id: Some(cx.account),
            repository_name: Some(repository.name),
            upload_id: Some(input.upload_id),
            layer_digest: Some(digest.to_string()),
        }))
    }
}

/// A layer has one digest: that it may be given more than once comes from an older form of the API.
fn read_digests(texts: &[String]) -> Result<Digest, Fault> {
    let invalid = |message: String| Fault::new(FaultKind::DigestInvalid, message);
    let mut digests =
        texts.iter().map(|text| text.parse::<Digest>().map_err(|error| invalid(format!("{text:?}: {error}"))));
    let first = digests.next().unwrap_or_else(|| Err(invalid("The layer has no digest".into())))?;
    for digest in digests {
        if digest? != first {
            return Err(invalid("The digests of the layer differ; a layer has one".into()));
        }
    }
    Ok(first)
}

async fn is_there(blobs: &Blobs, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<bool, Fault> {
    match blobs.check(cx, repository, digest).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.kind == FaultKind::BlobNotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}
