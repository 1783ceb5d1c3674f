use crate::{json, quota::QuotaDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_accounts::Accounts;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Quotas;
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the quotas of the registry by their scopes, with how much of each is used.
#[derive(JsonSchema)]
pub struct ListQuotas;

/// All of them, of which account.
pub struct Request(Option<AccountId>);

/// The quotas.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QuotaList")]
pub struct Response {
    quotas: Vec<QuotaDocument>,
}

impl Operation for ListQuotas {
    type Wire = Rest;
    const NAME: &'static str = "ListQuotas";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/quotas");
    type Needs = (Quotas, Accounts);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::OfAccount>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_QUOTAS)]
    }

    async fn call(
        (quotas, accounts): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        Request(account): Request,
    ) -> Result<Response, Fault> {
        let cx = accounts.asking_for(cx, principal, account)?;
        Ok(Response { quotas: quotas.list(&cx).await?.into_iter().map(QuotaDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::account(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
