use crate::{
    model::{DeleteSigningConfigurationRequest, DeleteSigningConfigurationResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, SigningConfiguration, read_document};
use gantry_words::Cx;

/// `ecr:DeleteSigningConfiguration`.
pub struct DeleteSigningConfiguration;

impl Operation for DeleteSigningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DeleteSigningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DeleteSigningConfiguration");
    type Needs = Documents;
    type Request = Asked<DeleteSigningConfigurationRequest>;
    type Response = Answer<DeleteSigningConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DELETE_SIGNING_CONFIGURATION)]
    }

    async fn call(documents: &Self::Needs, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let removed = documents.remove(cx, None, DocumentKind::SigningConfiguration, "").await?;
        let removed = removed.ok_or_else(|| registry::without_signing(cx))?;
        let signing: SigningConfiguration = read_document(&removed.body)?;
        Ok(Answer(DeleteSigningConfigurationResponse {
            registry_id: Some(cx.account),
            signing_configuration: Some(registry::convert(&signing)?),
        }))
    }
}
