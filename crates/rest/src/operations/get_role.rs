use crate::{
    identity::{self, IdentityDetailsDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Reads a role with its policies, and who may become it.
#[derive(JsonSchema)]
pub struct GetRole;

/// Which one.
pub struct Request {
    name: String,
}

/// A role.
pub struct Response(IdentityDetailsDocument);

impl Operation for GetRole {
    type Wire = Rest;
    const NAME: &'static str = "GetRole";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/roles/{role}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<IdentityDetailsDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let actions = [
            action::IAM_GET_ROLE,
            action::IAM_LIST_ATTACHED_ROLE_POLICIES,
            action::IAM_LIST_ROLE_POLICIES,
            action::IAM_GET_ROLE_POLICY,
        ];
        identity::named_all(&actions, "role", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identity::details(identities, cx, IdentityKind::Role, &request.name).await.map(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "role") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
