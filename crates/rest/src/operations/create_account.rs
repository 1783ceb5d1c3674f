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
use serde::Deserialize;

/// Creates an account. The answer has the key of its root user, this once. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct CreateAccount;

/// Which one.
pub struct Request {
    account: AccountId,
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// The id of the new account: 12 digits.
    #[schemars(length(min = 12, max = 12), extend("example" = "111122223333"))]
    account_id: String,
    /// What people call it; its id where nothing is said.
    #[serde(default)]
    #[schemars(with = "String", length(min = 1, max = 64))]
    name: Option<String>,
}

/// The new account.
pub struct Response(NewAccountDocument);

impl Operation for CreateAccount {
    type Wire = Rest;
    const NAME: &'static str = "CreateAccount";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/accounts");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<NewAccountDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::EntityAlreadyExists]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        account::access(action::GANTRY_CREATE_ACCOUNT, request.account)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let created = accounts.create_account(cx, principal, request.account, &request.name).await?;
        Ok(Response(created.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        let account = account::parse_id(&body.account_id)?;
        Ok(Request { account, name: body.name.unwrap_or(body.account_id) })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}
