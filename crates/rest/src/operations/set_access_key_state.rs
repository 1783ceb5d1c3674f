use crate::{identity::{self, KeyState}, json::{self, Nothing}};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;
use serde::Deserialize;

/// Switches an access key of a user off, or on again.
#[derive(JsonSchema)]
pub struct SetAccessKeyState;

/// Whose, and which.
pub struct Request {
    user: String,
    key: String,
    state: KeyState,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    state: KeyState,
}

impl Operation for SetAccessKeyState {
    type Wire = Rest;
    const NAME: &'static str = "SetAccessKeyState";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/users/{user}/access-keys/{key}/state");
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
        identity::named(action::IAM_UPDATE_ACCESS_KEY, "user", &request.user)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let is_active = request.state.is_active();
        identities.set_access_key_status(cx, &request.user, &request.key, is_active).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (user, key) = (identity::place(&incoming, "user"), identity::place(&incoming, "key"));
        let body: Body = json::body(incoming).await?;
        Ok(Request { user, key, state: body.state })
    }
}
