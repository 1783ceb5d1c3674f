use crate::{
    model::{ImageScanningConfiguration, PutImageScanningConfigurationRequest, PutImageScanningConfigurationResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Repositories;
use gantry_words::Cx;

/// `ecr:PutImageScanningConfiguration`: whether images of a repository are scanned when they are pushed.
pub struct PutImageScanningConfiguration;

impl Operation for PutImageScanningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutImageScanningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.PutImageScanningConfiguration");
    type Needs = Repositories;
    type Request = Asked<PutImageScanningConfigurationRequest>;
    type Response = Answer<PutImageScanningConfigurationResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_PUT_IMAGE_SCANNING_CONFIGURATION, &asked.input.repository_name)]
    }

    async fn call(
        repositories: &Repositories,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let name = input.repository_name;
        repository::in_registry(cx, input.registry_id, &name)?;
        let scans_on_push = input.image_scanning_configuration.scan_on_push.unwrap_or(false);
        let changed = repositories.change_rules(cx, &name, move |rules| {
            rules.scans_on_push = scans_on_push;
            Ok(())
        }).await?;
        let scanning = ImageScanningConfiguration { scan_on_push: Some(changed.rules.scans_on_push) };
        Ok(Answer(PutImageScanningConfigurationResponse {
            registry_id: Some(cx.account),
            repository_name: Some(name),
            image_scanning_configuration: Some(scanning),
        }))
    }
}
