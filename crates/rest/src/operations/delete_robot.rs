use crate::{identity, json::Nothing, robot};
use gantry_access::{Access, Principal};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Deletes a robot with its access keys and all that was given to it.
#[derive(JsonSchema)]
pub struct DeleteRobot;

/// Which one.
pub struct Request {
    name: String,
}

impl Operation for DeleteRobot {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRobot";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/robots/{robot}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        robot::access_to_delete(&request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        robot::delete(identities, cx, &request.name).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "robot") })
    }
}
