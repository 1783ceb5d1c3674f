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

/// Lists roles, by name.
#[derive(JsonSchema)]
pub struct ListRoles;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of roles.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RolePage")]
pub struct Response {
    roles: Vec<IdentityDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListRoles {
    type Wire = Rest;
    const NAME: &'static str = "ListRoles";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/roles");
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
        identity::below(action::IAM_LIST_ROLES, "role")
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (found, next) = identity::page(identities, cx, IdentityKind::Role, request.0).await?;
        Ok(Response { roles: found.into_iter().map(IdentityDocument::from).collect(), next })
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
