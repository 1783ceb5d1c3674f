use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
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

impl Operation for DeleteRole {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRole";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/roles/{role}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::DeleteConflict]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_ROLE, "role", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.delete(cx, IdentityKind::Role, &request.name).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "role") })
    }
}
