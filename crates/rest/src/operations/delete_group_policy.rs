use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Removes a policy that was written into a group.
#[derive(JsonSchema)]
pub struct DeleteGroupPolicy;

/// From whom, and which.
pub struct Request {
    name: String,
    policy: String,
}

/// It is done.
pub struct Response;

impl Operation for DeleteGroupPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeleteGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}/inline-policies/{inline}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_GROUP_POLICY, "group", &request.name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Request { name, policy }: Request,
    ) -> Result<Response, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::Group, &name, &policy).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "group"), policy: identity::place(&incoming, "inline") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
