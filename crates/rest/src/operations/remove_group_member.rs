use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Takes a user out of a group.
#[derive(JsonSchema)]
pub struct RemoveGroupMember;

/// Which group, and whom.
pub struct Request {
    group: String,
    user: String,
}

impl Operation for RemoveGroupMember {
    type Wire = Rest;
    const NAME: &'static str = "RemoveGroupMember";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}/members/{user}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_REMOVE_USER_FROM_GROUP, "group", &request.group)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.remove_from_group(cx, &request.group, &request.user).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { group: identity::place(&incoming, "group"), user: identity::place(&incoming, "user") })
    }
}
