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

/// Reads a user with its policies, groups and access keys.
#[derive(JsonSchema)]
pub struct GetUser;

/// Which one.
pub struct Request {
    name: String,
}

/// A user.
pub struct Response(IdentityDetailsDocument);

impl Operation for GetUser {
    type Wire = Rest;
    const NAME: &'static str = "GetUser";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/users/{user}");
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
            action::IAM_GET_USER,
            action::IAM_LIST_ATTACHED_USER_POLICIES,
            action::IAM_LIST_USER_POLICIES,
            action::IAM_GET_USER_POLICY,
            action::IAM_LIST_GROUPS_FOR_USER,
            action::IAM_LIST_ACCESS_KEYS,
        ];
        identity::named_all(&actions, "user", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identity::details(identities, cx, IdentityKind::User, &request.name).await.map(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "user") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
