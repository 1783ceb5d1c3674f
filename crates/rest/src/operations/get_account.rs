use crate::{
    account::{self, AccountDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;

/// Reads an account. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct GetAccount;

/// Which one.
pub struct Request(AccountId);

/// The account.
pub struct Response(AccountDocument);

impl Operation for GetAccount {
    type Wire = Rest;
    const NAME: &'static str = "GetAccount";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/accounts/{account}");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<AccountDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        account::access(action::GANTRY_GET_ACCOUNT, request.0)
    }

    async fn call(accounts: &Accounts, _: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        accounts.load_account(principal, request.0).await.map(|found| Response(found.into()))
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
