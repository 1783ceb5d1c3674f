use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
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

/// It is gone.
pub struct Response;

impl Operation for DeleteGroup {
    type Wire = Rest;
    const NAME: &'static str = "DeleteGroup";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::DeleteConflict]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_GROUP, "group", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.delete(cx, IdentityKind::Group, &request.name).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "group") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
