use crate::{
    model::{PutSigningConfigurationRequest, PutSigningConfigurationResponse},
    registry,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, SigningConfiguration, print_document};
use gantry_words::Cx;

/// `ecr:PutSigningConfiguration`: which images are signed when they are pushed. None is yet: that is said where an image's
/// status is asked for.
pub struct PutSigningConfiguration;

impl Operation for PutSigningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutSigningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.PutSigningConfiguration");
    type Needs = Documents;
    type Request = Asked<PutSigningConfigurationRequest>;
    type Response = Answer<PutSigningConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_PUT_SIGNING_CONFIGURATION)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let signing: SigningConfiguration = registry::convert(&asked.input.signing_configuration)?;
        documents.put(cx, None, DocumentKind::SigningConfiguration, "", print_document(&signing)).await?;
        let signing_configuration = Some(asked.input.signing_configuration);
        Ok(Answer(PutSigningConfigurationResponse { signing_configuration }))
    }
}
