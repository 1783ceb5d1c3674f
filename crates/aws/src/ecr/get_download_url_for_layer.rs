use crate::{
    download::{self, Ticket},
    image,
    model::{GetDownloadUrlForLayerRequest, GetDownloadUrlForLayerResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Blobs, Repositories};
use gantry_words::Cx;

/// `ecr:GetDownloadUrlForLayer`: an address at which anybody gets the layer for an hour.
pub struct GetDownloadUrlForLayer;

impl Operation for GetDownloadUrlForLayer {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetDownloadUrlForLayer";
    const ROUTE: (&'static str, &'static str) = ("POST", "AmazonEC2ContainerRegistry_V20150921.GetDownloadUrlForLayer");
    type Needs = (Repositories, Blobs, Accounts);
    type Request = Asked<GetDownloadUrlForLayerRequest>;
    type Response = Answer<GetDownloadUrlForLayerResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, &asked.input.repository_name)]
    }

    async fn call(
        (repositories, blobs, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let Asked { input, origin, .. } = asked;
        let repository = repository::load(repositories, cx, input.registry_id, &input.repository_name).await?;
        let digest = image::read_digest("layerDigest", &input.layer_digest)?;
        blobs.check(cx, &repository, &digest).await.map_err(|fault| match fault.kind {
            FaultKind::BlobNotFound => {
                let message = format!(
                    "Layer with digest '{digest}' does not exist in the repository with name '{}' in the registry with id '{}'",
                    repository.name, cx.account
                );
                Fault::new(FaultKind::LayerNotFound, message)
            }
            _ => fault,
        })?;
        let ticket = Ticket::new(cx.account, repository.name, digest, cx.now);
        Ok(Answer(GetDownloadUrlForLayerResponse {
            download_url: Some(format!("{origin}{}{}", download::PREFIX, ticket.seal(accounts, cx.now))),
            layer_digest: Some(input.layer_digest),
        }))
    }
}
