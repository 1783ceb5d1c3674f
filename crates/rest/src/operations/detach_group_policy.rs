use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Takes a managed policy from a group.
#[derive(JsonSchema)]
pub struct DetachGroupPolicy;

/// Whom, and which.
pub struct Request {
    name: String,
    arn: String,
}

/// It is done.
pub struct Response;

impl Operation for DetachGroupPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DetachGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}/policies/{policy}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::with_policy(identity::named(action::IAM_DETACH_GROUP_POLICY, "group", &request.name), &request.arn)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.detach_policy(cx, IdentityKind::Group, &request.name, &request.arn).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "group"), arn: identity::place(&incoming, "policy") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
