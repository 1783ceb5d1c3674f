use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Deletes a group that has nothing any more: no policies and no members.
#[derive(JsonSchema)]
pub struct DeleteGroup;

/// Which one.
pub struct Request {
    name: String,
}

impl Operation for DeleteGroup {
    type Wire = Rest;
    const NAME: &'static str = "DeleteGroup";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::DeleteConflict]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_GROUP, "group", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.delete(cx, IdentityKind::Group, &request.name).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "group") })
    }
}
