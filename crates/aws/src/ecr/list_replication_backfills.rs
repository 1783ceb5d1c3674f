use crate::{
    backfill,
    model::{ListReplicationBackfillsRequest, ListReplicationBackfillsResponse},
    paging, repository,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// Backfills of a page where the request does not say how many.
const COUNT: usize = 50;

/// `ecr:ListReplicationBackfills`: those that were asked for, by id.
pub struct ListReplicationBackfills;

impl Operation for ListReplicationBackfills {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ListReplicationBackfills";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.ListReplicationBackfills");
    type Needs = (Documents, Paging);
    type Request = Asked<ListReplicationBackfillsRequest>;
    type Response = Answer<ListReplicationBackfillsResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_LIST_REPLICATION_BACKFILLS)]
    }

    async fn call(
        (documents, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        repository::this_registry(cx, input.registry_id)?;
        let after: String = paging::place(paging, cx, "", input.next_token.as_deref())?.unwrap_or_default();
        let count = input.max_results.and_then(|count| usize::try_from(count).ok()).unwrap_or(COUNT);
        let page = documents.list(cx, None, DocumentKind::ReplicationBackfill, &after, count).await?;
        let next_token = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, "", &last.name));
        Ok(Answer(ListReplicationBackfillsResponse {
            registry_id: Some(cx.account),
            backfills: Some(page.items.iter().map(backfill::show).collect::<Result<_, _>>()?),
            next_token,
        }))
    }
}
