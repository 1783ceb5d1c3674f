use crate::{
    json,
    quota::{self, QuotaDocument, QuotaLimitsDocument},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{QuotaLimits, QuotaScope, Quotas};
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;

/// Sets how much the repositories of a scope may hold together, in the place of what was set before. What there is already stays; what is
/// pushed from then on has to be within.
#[derive(JsonSchema)]
pub struct PutQuota;

/// For which repositories, and how much.
pub struct Request {
    account: Option<AccountId>,
    scope: QuotaScope,
    limits: QuotaLimits,
}

/// The quota as it is kept.
pub struct Response(QuotaDocument);

impl Operation for PutQuota {
    type Wire = Rest;
    const NAME: &'static str = "PutQuota";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/quotas/{scope}");
    type Needs = (Quotas, Accounts);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::OfAccount>();
        shape.takes_body::<QuotaLimitsDocument>();
        shape.answers::<QuotaDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_PUT_QUOTA)]
    }

    async fn call(
        (quotas, accounts): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let cx = accounts.asking_for(cx, principal, request.account)?;
        quotas.set(&cx, &request.scope, request.limits).await.map(|quota| Response(quota.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (scope, account) = (quota::scope(&incoming)?, json::account(&incoming)?);
        let limits: QuotaLimitsDocument = json::body(incoming).await?;
        Ok(Request { account, scope, limits: limits.into() })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
