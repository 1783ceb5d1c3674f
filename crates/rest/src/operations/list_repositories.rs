use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Repositories;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the repositories the caller may see, by name.
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
    type Needs = (Repositories, Accounts);
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

    async fn call((repositories, accounts): &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let page = repositories.list(cx, &request.0.after.unwrap_or_default(), request.0.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| last.name.to_string());
        let seen = page.items.into_iter().filter(|repository| accounts.may_see(principal, &repository.name));
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
