use crate::{
    account::{self, NewAccountDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;

/// Gives the root user of an account another key, which is shown this once; the one before is worth nothing from then on. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct RotateRootKey;

/// Which one.
pub struct Request(AccountId);

/// The account with the new key.
pub struct Response(NewAccountDocument);

impl Operation for RotateRootKey {
    type Wire = Rest;
    const NAME: &'static str = "RotateRootKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/accounts/{account}/root-key");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<NewAccountDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        account::access(action::GANTRY_ROTATE_ROOT_KEY, request.0)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        accounts.rotate_account_root(cx, principal, request.0).await.map(|new| Response(new.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        account::id(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
