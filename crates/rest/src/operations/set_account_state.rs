use crate::{
    account::{self, AccountDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{AccountState, Accounts};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Suspends an account, or lets it go on. Of a suspended one nobody comes in; what it holds stays. Only the root user of the site's own account may.
#[derive(JsonSchema)]
pub struct SetAccountState;

/// Which one, and what it shall be.
pub struct Request {
    account: AccountId,
    state: AccountState,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// `active` or `suspended`.
    state: State,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
enum State {
    Active,
    Suspended,
}

/// The account.
pub struct Response(AccountDocument);

impl Operation for SetAccountState {
    type Wire = Rest;
    const NAME: &'static str = "SetAccountState";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/accounts/{account}/state");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<AccountDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        account::access(action::GANTRY_UPDATE_ACCOUNT, request.account)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let changed = accounts.set_account_state(cx, principal, request.account, request.state).await?;
        Ok(Response(changed.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let account = account::id(&incoming)?;
        let body: Body = json::body(incoming).await?;
        let state = match body.state {
            State::Active => AccountState::Active,
            State::Suspended => AccountState::Suspended,
        };
        Ok(Request { account, state })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
