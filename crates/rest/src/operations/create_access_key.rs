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

/// Gives a user an access key. Its secret is in the answer, this once.
#[derive(JsonSchema)]
pub struct CreateAccessKey;

/// Which one.
pub struct Request {
    name: String,
}

/// The key.
pub struct Response(NewAccessKeyDocument);

impl Operation for CreateAccessKey {
    type Wire = Rest;
    const NAME: &'static str = "CreateAccessKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/users/{user}/access-keys");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<NewAccessKeyDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::IdentityLimitExceeded, FaultKind::InvalidInput]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_CREATE_ACCESS_KEY, "user", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.create_access_key(cx, &request.name).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "user") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}
