use crate::{
    gates::{self, ScanOverrideDocument},
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
use serde::Deserialize;
use std::time::Duration;

/// Overrides scan policies in an emergency: until its time is over, at most seven days, every image of these repositories can be
/// pulled, with a warning that says so.
#[derive(JsonSchema)]
pub struct CreateScanOverride;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// For which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one.
    #[schemars(extend("example" = "team/app"))]
    scope: String,
    /// Why.
    reason: String,
    /// For how long it holds, up to 7d.
    #[schemars(extend("example" = "4h"))]
    holds_for: String,
}

/// What it shall be.
pub struct Request {
    scope: GateScope,
    reason: String,
    holds_for: Duration,
}

/// The override.
pub struct Response(ScanOverrideDocument);

impl Operation for CreateScanOverride {
    type Wire = Rest;
    const NAME: &'static str = "CreateScanOverride";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/scan-overrides");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ScanOverrideDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_CREATE_SCAN_OVERRIDE)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { scope, reason, holds_for } = request;
        let made = gates.open_for(cx, scope, reason, holds_for).await?;
        Ok(Response(ScanOverrideDocument::of(&made, cx.now)))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let Body { scope, reason, holds_for } = json::body(incoming).await?;
        Ok(Request { scope: gates::parse_scope(&scope)?, reason, holds_for: gates::holds_for(&holds_for)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}
