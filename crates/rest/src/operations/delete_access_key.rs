use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Deletes an access key of a user.
#[derive(JsonSchema)]
pub struct DeleteAccessKey;

/// Whose, and which.
pub struct Request {
    user: String,
    key: String,
}

impl Operation for DeleteAccessKey {
    type Wire = Rest;
    const NAME: &'static str = "DeleteAccessKey";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/users/{user}/access-keys/{key}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_ACCESS_KEY, "user", &request.user)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.delete_access_key(cx, &request.user, &request.key).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (user, key) = (identity::place(&incoming, "user"), identity::place(&incoming, "key"));
        Ok(Request { user, key })
    }
}
