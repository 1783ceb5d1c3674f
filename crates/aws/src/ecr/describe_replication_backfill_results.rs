use crate::{
    backfill,
    model::{
        DescribeReplicationBackfillResultsRequest, DescribeReplicationBackfillResultsResponse,
        ReplicationBackfillStatus,
    },
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_registry::Documents;
use gantry_words::Cx;

/// `ecr:DescribeReplicationBackfillResults`: what became of a backfill. Nothing is copied yet, and that is what is answered.
pub struct DescribeReplicationBackfillResults;

impl Operation for DescribeReplicationBackfillResults {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:DescribeReplicationBackfillResults";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.DescribeReplicationBackfillResults");
    type Needs = Documents;
    type Request = Asked<DescribeReplicationBackfillResultsRequest>;
    type Response = Answer<DescribeReplicationBackfillResultsResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_DESCRIBE_REPLICATION_BACKFILL_RESULTS)]
    }

    async fn call(
        documents: &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        paging::no_place(input.next_token.as_deref())?;
        let found = backfill::load(documents, cx, &input.replication_backfill_id).await?;
        Ok(Answer(DescribeReplicationBackfillResultsResponse {
            registry_id: Some(cx.account),
            destination: Some(backfill::destination(&found)?),
            status: Some(ReplicationBackfillStatus::Failed),
            failure_code: Some(backfill::FAILURE.into()),
            progress: Some(backfill::progress()),
            results: Some(vec![]),
            started_at: Some(found.created_at.into()),
            ended_at: Some(found.created_at.into()),
            replication_backfill_id: Some(found.name),
            next_token: None,
        }))
    }
}
