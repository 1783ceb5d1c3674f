use crate::{account::AccountDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists all accounts, by id. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct ListAccounts;

/// All of them.
pub struct Request;

/// The accounts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountList")]
pub struct Response {
    accounts: Vec<AccountDocument>,
}

impl Operation for ListAccounts {
    type Wire = Rest;
    const NAME: &'static str = "ListAccounts";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/accounts");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::of(action::GANTRY_LIST_ACCOUNTS, "gantry", "account/*")]
    }

    async fn call(accounts: &Accounts, _: &Cx, principal: &Principal, _: Request) -> Result<Response, Fault> {
        let found = accounts.list_accounts(principal).await?;
        Ok(Response { accounts: found.into_iter().map(AccountDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
