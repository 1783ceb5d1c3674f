use crate::{
    model::{GetRegistryScanningConfigurationRequest, GetRegistryScanningConfigurationResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Documents;
use gantry_words::Cx;

/// `ecr:GetRegistryScanningConfiguration`: which images are scanned, and when.
pub struct GetRegistryScanningConfiguration;

impl Operation for GetRegistryScanningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetRegistryScanningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.GetRegistryScanningConfiguration");
    type Needs = Documents;
    type Request = Asked<GetRegistryScanningConfigurationRequest>;
    type Response = Answer<GetRegistryScanningConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_GET_REGISTRY_SCANNING_CONFIGURATION)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let scanning = registry::scanning(documents, cx).await?;
        Ok(Answer(GetRegistryScanningConfigurationResponse {
            registry_id: Some(cx.account),
            scanning_configuration: Some(registry::show_scanning(&scanning)?),
        }))
    }
}
