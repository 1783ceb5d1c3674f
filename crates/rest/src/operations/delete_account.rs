use crate::{account, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use schemars::JsonSchema;

/// Deletes an account that holds nothing any more, with its settings. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct DeleteAccount;

/// Which one.
pub struct Request(AccountId);

impl Operation for DeleteAccount {
    type Wire = Rest;
    const NAME: &'static str = "DeleteAccount";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/accounts/{account}");
    type Needs = Accounts;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::InvalidInput,
            FaultKind::NoSuchEntity,
            FaultKind::DeleteConflict,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        account::access(action::GANTRY_DELETE_ACCOUNT, request.0)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Nothing, Fault> {
        accounts.delete_account(cx, principal, request.0).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        account::id(&incoming).map(Request)
    }
}
