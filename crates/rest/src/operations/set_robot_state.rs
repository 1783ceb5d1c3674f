use crate::{identity::{self, KeyState}, json::{self, Nothing}, robot};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;
use serde::Deserialize;

/// Switches a robot off, or on again: all of its access keys.
#[derive(JsonSchema)]
pub struct SetRobotState;

/// Which one, and what it shall be.
pub struct Request {
    name: String,
    state: KeyState,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    state: KeyState,
}

impl Operation for SetRobotState {
    type Wire = Rest;
    const NAME: &'static str = "SetRobotState";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/robots/{robot}/state");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_ACCESS_KEY, "user", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        robot::switch(identities, cx, &request.name, request.state.is_active()).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = identity::place(&incoming, "robot");
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, state: body.state })
    }
}
