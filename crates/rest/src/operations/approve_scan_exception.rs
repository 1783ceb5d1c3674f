use crate::{
    gates::{self, ScanExceptionDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Agrees to an exception from scan policies that somebody else has made.
#[derive(JsonSchema)]
pub struct ApproveScanException;

/// Which one.
pub struct Request(String);

/// The exception.
pub struct Response(ScanExceptionDocument);

impl Operation for ApproveScanException {
    type Wire = Rest;
    const NAME: &'static str = "ApproveScanException";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/scan-exceptions/{id}/approve");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ScanExceptionDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_APPROVE_SCAN_EXCEPTION)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, Request(id): Request) -> Result<Response, Fault> {
        let approved = gates.approve_exception(cx, &id).await?;
        Ok(Response(ScanExceptionDocument::of(&approved, cx.now)))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request(gates::id(&incoming)))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
