use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Repositories, Repository};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the repositories the caller may see, by name. A page may have fewer than were asked for, or none, and a next one all the
/// same.
#[derive(JsonSchema)]
pub struct ListRepositories;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of repositories.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RepositoryPage")]
pub struct Response {
    repositories: Vec<RepositoryDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListRepositories {
    type Wire = Rest;
    const NAME: &'static str = "ListRepositories";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories");
    type Needs = (Repositories, Accounts, Paging);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)]
    }

    async fn call((repositories, accounts, paging): &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let unknown = || Fault::new(FaultKind::InvalidParameter, "after is neither a name nor what an answer gave as next");
        let after = paging.name_after(cx, "", &request.0.after.unwrap_or_default()).ok_or_else(unknown)?;
        let page = repositories.list(cx, &after, request.0.limit).await?;
        let may_see = |repository: &Repository| accounts.may_see(principal, &repository.name);
        // The last of them may be one that the caller must not know of.
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| paging.after_name(cx, "", last.name.as_str(), may_see(last)));
        let seen = page.items.into_iter().filter(may_see);
        Ok(Response { repositories: seen.map(RepositoryDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::page(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
