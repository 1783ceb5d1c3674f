use crate::{
    json::{self, Nothing},
    quota,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{QuotaScope, Quotas};
use gantry_words::{AccountId, Cx};
use schemars::JsonSchema;

/// Removes the quota of a scope: its repositories may hold as much as wider and narrower quotas allow.
#[derive(JsonSchema)]
pub struct DeleteQuota;

/// Which one.
pub struct Request(Option<AccountId>, QuotaScope);

impl Operation for DeleteQuota {
    type Wire = Rest;
    const NAME: &'static str = "DeleteQuota";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/quotas/{scope}");
    type Needs = (Quotas, Accounts);
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::OfAccount>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_DELETE_QUOTA)]
    }

    async fn call(
        (quotas, accounts): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        Request(account, scope): Request,
    ) -> Result<Nothing, Fault> {
        let cx = accounts.asking_for(cx, principal, account)?;
        quotas.remove(&cx, &scope).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request(json::account(&incoming)?, quota::scope(&incoming)?))
    }
}
