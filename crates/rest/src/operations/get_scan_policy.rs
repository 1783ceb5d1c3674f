use crate::{
    gates::{self, ScanPolicyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_scan::GateScope;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Reads the scan policy of a scope.
#[derive(JsonSchema)]
pub struct GetScanPolicy;

/// Which one.
pub struct Request(GateScope);

/// The policy.
pub struct Response(ScanPolicyDocument);

impl Operation for GetScanPolicy {
    type Wire = Rest;
    const NAME: &'static str = "GetScanPolicy";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/scan-policies/{scope}");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ScanPolicyDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_SCAN_POLICIES)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, Request(scope): Request) -> Result<Response, Fault> {
        find(gates, cx, &scope).await.map(Response)
    }
}

/// Returns the policy of a scope.
pub(super) async fn find(gates: &Gates, cx: &Cx, scope: &GateScope) -> Result<ScanPolicyDocument, Fault> {
    let rules = gates.rules().await?;
    let found = rules.policies(cx.account).iter().find(|policy| policy.scope == *scope);
    let missing = || Fault::new(FaultKind::NoSuchEntity, format!("There is no scan policy {scope}"));
    found.map(ScanPolicyDocument::from).ok_or_else(missing)
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        gates::scope(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
