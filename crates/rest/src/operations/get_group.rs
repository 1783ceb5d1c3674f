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

/// Reads a group with its policies and members.
#[derive(JsonSchema)]
pub struct GetGroup;

/// Which one.
pub struct Request {
    name: String,
}

/// A group.
pub struct Response(IdentityDetailsDocument);

impl Operation for GetGroup {
    type Wire = Rest;
    const NAME: &'static str = "GetGroup";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/groups/{group}");
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
            action::IAM_GET_GROUP,
            action::IAM_LIST_ATTACHED_GROUP_POLICIES,
            action::IAM_LIST_GROUP_POLICIES,
            action::IAM_GET_GROUP_POLICY,
        ];
        identity::named_all(&actions, "group", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identity::details(identities, cx, IdentityKind::Group, &request.name).await.map(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "group") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
