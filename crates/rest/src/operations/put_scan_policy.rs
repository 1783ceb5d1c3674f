use super::get_scan_policy::find;
use crate::{
    gates::{self, ScanPolicyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_scan::{GatePolicy, GateScope};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Sets what images must be like to be pulled from the repositories of a scope, in the place of what was set before. It holds from
/// the next pull on; images that were never scanned are scanned from then on.
#[derive(JsonSchema)]
pub struct PutScanPolicy;

/// For which repositories, and what.
pub struct Request {
    scope: GateScope,
    policy: GatePolicy,
}

/// The policy as it is kept.
pub struct Response(ScanPolicyDocument);

impl Operation for PutScanPolicy {
    type Wire = Rest;
    const NAME: &'static str = "PutScanPolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/scan-policies/{scope}");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<GatePolicy>();
        shape.answers::<ScanPolicyDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_PUT_SCAN_POLICY)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        gates.put_policy(cx, &request.scope, &request.policy).await?;
        find(gates, cx, &request.scope).await.map(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let scope = gates::scope(&incoming)?;
        Ok(Request { scope, policy: json::body(incoming).await? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
