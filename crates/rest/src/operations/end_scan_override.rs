use crate::{gates, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_words::Cx;
use schemars::JsonSchema;

/// Ends an override before its time: scan policies hold again.
#[derive(JsonSchema)]
pub struct EndScanOverride;

/// Which one.
pub struct Request(String);

impl Operation for EndScanOverride {
    type Wire = Rest;
    const NAME: &'static str = "EndScanOverride";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/scan-overrides/{id}");
    type Needs = Gates;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_END_SCAN_OVERRIDE)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, Request(id): Request) -> Result<Nothing, Fault> {
        gates.end_override(cx, &id).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request(gates::id(&incoming)))
    }
}
