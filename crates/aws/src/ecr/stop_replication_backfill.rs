use crate::{
    backfill,
    model::{StopReplicationBackfillRequest, StopReplicationBackfillResponse},
    repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Documents;
use gantry_words::Cx;

/// `ecr:StopReplicationBackfill`: none is running, since nothing is copied yet.
pub struct StopReplicationBackfill;

impl Operation for StopReplicationBackfill {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:StopReplicationBackfill";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.StopReplicationBackfill");
    type Needs = Documents;
    type Request = Asked<StopReplicationBackfillRequest>;
    type Response = Answer<StopReplicationBackfillResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_STOP_REPLICATION_BACKFILL)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        let found = backfill::load(documents, cx, &input.replication_backfill_id).await?;
        let message =
            format!("The replication backfill with id '{}' has ended (FAILED) and cannot be stopped", found.name);
        Err(Fault::new(FaultKind::BackfillInvalidStatus, message))
    }
}
