use crate::{
    identity::{self, AccessKeyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the access keys of a user, without their secrets.
#[derive(JsonSchema)]
pub struct ListAccessKeys;

/// Which one.
pub struct Request {
    name: String,
}

/// The keys.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessKeyList")]
pub struct Response {
    access_keys: Vec<AccessKeyDocument>,
}

impl Operation for ListAccessKeys {
    type Wire = Rest;
    const NAME: &'static str = "ListAccessKeys";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/users/{user}/access-keys");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_LIST_ACCESS_KEYS, "user", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let found = identities.list_access_keys(cx.account, &request.name).await?;
        Ok(Response { access_keys: found.into_iter().map(AccessKeyDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: identity::place(&incoming, "user") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
