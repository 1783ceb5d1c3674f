use crate::{
    model::{PutRegistryScanningConfigurationRequest, PutRegistryScanningConfigurationResponse, ScanType},
    registry,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, ScanKind, ScanningConfiguration, print_document};
use gantry_words::Cx;

/// `ecr:PutRegistryScanningConfiguration`: which images are scanned, and when. What is not given is as it is at first.
pub struct PutRegistryScanningConfiguration;

impl Operation for PutRegistryScanningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutRegistryScanningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.PutRegistryScanningConfiguration");
    type Needs = Documents;
    type Request = Asked<PutRegistryScanningConfigurationRequest>;
    type Response = Answer<PutRegistryScanningConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_PUT_REGISTRY_SCANNING_CONFIGURATION)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let scan_type = match asked.input.scan_type {
            None | Some(ScanType::Basic) => ScanKind::Basic,
            Some(ScanType::Enhanced) => ScanKind::Enhanced,
        };
        let rules = registry::convert(&asked.input.rules.unwrap_or_default())?;
        let scanning = ScanningConfiguration { scan_type, rules };
        scanning.check().map_err(|error| refusal("rules", &error.to_string()))?;
        documents.put(cx, None, DocumentKind::ScanningConfiguration, "", print_document(&scanning)).await?;
        Ok(Answer(PutRegistryScanningConfigurationResponse {
            registry_scanning_configuration: Some(registry::show_scanning(&scanning)?),
        }))
    }
}
