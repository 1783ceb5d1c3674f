use crate::{
    model::{PutReplicationConfigurationRequest, PutReplicationConfigurationResponse},
    registry,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, ReplicationConfiguration, print_document};
use gantry_words::Cx;

/// `ecr:PutReplicationConfiguration`: where images are copied to. Nothing is copied yet: that is said where an image's status
/// is asked for.
pub struct PutReplicationConfiguration;

impl Operation for PutReplicationConfiguration {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:PutReplicationConfiguration";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.PutReplicationConfiguration");
    type Needs = (Documents, Accounts);
    type Request = Asked<PutReplicationConfigurationRequest>;
    type Response = Answer<PutReplicationConfigurationResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_PUT_REPLICATION_CONFIGURATION)]
    }

    async fn call(
        (documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let replication: ReplicationConfiguration = registry::convert(&asked.input.replication_configuration)?;
        let checked = replication.check(&accounts.site().region, cx.account);
        checked.map_err(|error| refusal("replicationConfiguration", &error.to_string()))?;
        let body = print_document(&replication);
        documents.put(cx, None, DocumentKind::ReplicationConfiguration, "", body).await?;
        let replication_configuration = Some(registry::convert(&replication)?);
        Ok(Answer(PutReplicationConfigurationResponse { replication_configuration }))
    }
}
