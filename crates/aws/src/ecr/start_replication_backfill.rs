use crate::{
    model::{ReplicationBackfillStatus, StartReplicationBackfillRequest, StartReplicationBackfillResponse},
    registry, repository,
    shape::refusal,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents, ReplicationDestination, print_document};
use gantry_words::Cx;

/// `ecr:StartReplicationBackfill`: copies what was there before a rule. Nothing is copied yet: it is kept, and has failed.
pub struct StartReplicationBackfill;

impl Operation for StartReplicationBackfill {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:StartReplicationBackfill";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.StartReplicationBackfill");
    type Needs = (Documents, Accounts);
    type Request = Asked<StartReplicationBackfillRequest>;
    type Response = Answer<StartReplicationBackfillResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_START_REPLICATION_BACKFILL)]
    }

    async fn call(
        (documents, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        let to: ReplicationDestination = registry::convert(&input.destination)?;
        let replication = registry::replication(documents, cx).await?;
        if !replication.rules.iter().any(|rule| rule.destinations.contains(&to)) {
            return Err(refusal("destination", "must be one of the replication configuration"));
        }
        let id = accounts.fresh_id().to_string();
        documents.put(cx, None, DocumentKind::ReplicationBackfill, &id, print_document(&to)).await?;
        Ok(Answer(StartReplicationBackfillResponse {
            replication_backfill_id: Some(id),
            registry_id: Some(cx.account),
            destination: Some(input.destination),
            status: Some(ReplicationBackfillStatus::Failed),
            started_at: Some(cx.now.into()),
        }))
    }
}
