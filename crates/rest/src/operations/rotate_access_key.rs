use crate::{
    identity::{self, NewAccessKeyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Gives an access key of a user another secret, which is in the answer, this once; the one before can stay good for a while.
#[derive(JsonSchema)]
pub struct RotateAccessKey;

/// Whose, and which.
pub struct Request {
    user: String,
    key: String,
    overlap: Duration,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// For how long the secret before stays good too, up to `7d`; not at all where nothing is said.
    #[serde(default)]
    #[schemars(with = "String")]
    overlap: Option<String>,
}

/// The key with its new secret.
pub struct Response(NewAccessKeyDocument);

impl Operation for RotateAccessKey {
    type Wire = Rest;
    const NAME: &'static str = "RotateAccessKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/users/{user}/access-keys/{key}/rotate");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<NewAccessKeyDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_ACCESS_KEY, "user", &request.user)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { user, key, overlap } = request;
        identities.rotate_access_key(cx, &user, &key, overlap).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (user, key) = (identity::place(&incoming, "user"), identity::place(&incoming, "key"));
        let body: Body = json::body(incoming).await?;
        Ok(Request { user, key, overlap: identity::period(body.overlap.as_deref())? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
