use crate::{
    model::{GetSigningConfigurationRequest, GetSigningConfigurationResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, SigningConfiguration, read_document};
use gantry_words::Cx;

/// `ecr:GetSigningConfiguration`.
pub struct GetSigningConfiguration;

impl Operation for GetSigningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:GetSigningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.GetSigningConfiguration");
    type Needs = Documents;
    type Request = Asked<GetSigningConfigurationRequest>;
    type Response = Answer<GetSigningConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_GET_SIGNING_CONFIGURATION)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let found = documents.find(cx, None, DocumentKind::SigningConfiguration, "").await?;
        let found = found.ok_or_else(|| registry::without_signing(cx))?;
        let signing: SigningConfiguration = read_document(&found.body)?;
        Ok(Answer(GetSigningConfigurationResponse {
            registry_id: Some(cx.account),
            signing_configuration: Some(registry::convert(&signing)?),
        }))
    }
}
