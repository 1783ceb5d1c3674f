use crate::{
    model::{
        BatchGetRepositoryScanningConfigurationRequest, BatchGetRepositoryScanningConfigurationResponse,
        RepositoryScanningConfiguration, RepositoryScanningConfigurationFailure, ScanFrequency,
        ScanningConfigurationFailureCode,
    },
    registry, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{Documents, Repositories, ScanFrequency as Frequency};
use gantry_words::Cx;

/// `ecr:BatchGetRepositoryScanningConfiguration`: what of the registry's scanning holds for each repository.
pub struct BatchGetRepositoryScanningConfiguration;

impl Operation for BatchGetRepositoryScanningConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:BatchGetRepositoryScanningConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.BatchGetRepositoryScanningConfiguration");
    type Needs = (Repositories, Documents, Accounts);
    type Request = Asked<BatchGetRepositoryScanningConfigurationRequest>;
    type Response = Answer<BatchGetRepositoryScanningConfigurationResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let on = |name| Access::on(action::ECR_BATCH_GET_REPOSITORY_SCANNING_CONFIGURATION, name);
        asked.input.repository_names.iter().map(on).collect()
    }

    async fn call(
        (repositories, documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let scanning = registry::scanning(documents, cx).await?;
        let (mut configurations, mut failures) = (Vec::new(), Vec::new());
        for name in asked.input.repository_names {
            let Some(found) = repositories.find(cx, &name).await? else {
                failures.push(RepositoryScanningConfigurationFailure {
                    failure_code: Some(ScanningConfigurationFailureCode::RepositoryNotFound),
                    failure_reason: Some(repository::not_found_reason(&name, cx)),
                    repository_name: Some(name),
                });
                continue;
            };
            let applied = scanning.applied(name.as_str(), found.rules.scans_on_push);
            configurations.push(RepositoryScanningConfiguration {
                repository_arn: Some(repository::arn(accounts.site(), cx.account, &name)),
                repository_name: Some(name),
                scan_on_push: Some(applied.frequency != Frequency::Manual),
                scan_frequency: Some(match applied.frequency {
                    Frequency::Manual => ScanFrequency::Manual,
                    Frequency::ScanOnPush => ScanFrequency::ScanOnPush,
                    Frequency::ContinuousScan => ScanFrequency::ContinuousScan,
                }),
                applied_scan_filters: Some(registry::convert(&applied.filters)?),
            });
        }
        Ok(Answer(BatchGetRepositoryScanningConfigurationResponse {
            scanning_configurations: Some(configurations),
            failures: Some(failures),
        }))
    }
}
