use crate::{
    identity::{self, IdentityDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists groups, by name.
#[derive(JsonSchema)]
pub struct ListGroups;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of groups.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GroupPage")]
pub struct Response {
    groups: Vec<IdentityDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListGroups {
    type Wire = Rest;
    const NAME: &'static str = "ListGroups";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/groups");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        identity::below(action::IAM_LIST_GROUPS, "group")
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (found, next) = identity::page(identities, cx, IdentityKind::Group, request.0).await?;
        Ok(Response { groups: found.into_iter().map(IdentityDocument::from).collect(), next })
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
