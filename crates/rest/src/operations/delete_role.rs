use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Deletes a role that has nothing any more: no policies.
#[derive(JsonSchema)]
pub struct DeleteRole;

/// Which one.
pub struct Request {
    name: String,
}

/// It is gone.
pub struct Response;

impl Operation for DeleteRole {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRole";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/roles/{role}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::DeleteConflict]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_ROLE, "role", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.delete(cx, IdentityKind::Role, &request.name).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "role") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
