use crate::{gates, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_scan::GateScope;
use gantry_words::Cx;
use schemars::JsonSchema;

/// Removes the scan policy of a scope: the next wider one governs its repositories then, if there is one.
#[derive(JsonSchema)]
pub struct DeleteScanPolicy;

/// Which one.
pub struct Request(GateScope);

impl Operation for DeleteScanPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeleteScanPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/scan-policies/{scope}");
    type Needs = Gates;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_DELETE_SCAN_POLICY)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, Request(scope): Request) -> Result<Nothing, Fault> {
        gates.remove_policy(cx, &scope).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        gates::scope(&incoming).map(Request)
    }
}
