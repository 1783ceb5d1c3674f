use crate::{
    model::{ListPullTimeUpdateExclusionsRequest, ListPullTimeUpdateExclusionsResponse},
    paging,
    wire::{Answer, Asked, AwsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{Operation, Paging};
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;

/// `ecr:ListPullTimeUpdateExclusions`: whose pulls do not count, by ARN.
pub struct ListPullTimeUpdateExclusions;

impl Operation for ListPullTimeUpdateExclusions {
    type Wire = AwsJson;
    const NAME: &'static str = "ecr:ListPullTimeUpdateExclusions";
    const ROUTE: (&'static str, &'static str) =
        ("POST", "AmazonEC2ContainerRegistry_V20150921.ListPullTimeUpdateExclusions");
    type Needs = (Documents, Paging);
    type Request = Asked<ListPullTimeUpdateExclusionsRequest>;
    type Response = Answer<ListPullTimeUpdateExclusionsResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::ECR_LIST_PULL_TIME_UPDATE_EXCLUSIONS)]
    }

    async fn call(
        (documents, paging): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        asked: Self::Request,
    ) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let after: String = paging::place(paging, cx, "", input.next_token.as_deref())?.unwrap_or_default();
        let count = paging::count(input.max_results);
        let page = documents.list(cx, None, DocumentKind::PullTimeExclusion, &after, count).await?;
        let next_token = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, "", &last.name));
        let arns = page.items.into_iter().map(|document| document.name).collect();
        Ok(Answer(ListPullTimeUpdateExclusionsResponse { pull_time_update_exclusions: Some(arns), next_token }))
    }
}
