use crate::{gates::ScanExceptionDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_findings::Gates;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the exceptions from scan policies, also those that hold no more.
#[derive(JsonSchema)]
pub struct ListScanExceptions;

/// All of them.
pub struct Request;

/// The exceptions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScanExceptions")]
pub struct Response {
    exceptions: Vec<ScanExceptionDocument>,
}

impl Operation for ListScanExceptions {
    type Wire = Rest;
    const NAME: &'static str = "ListScanExceptions";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/scan-exceptions");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_SCAN_POLICIES)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        let rules = gates.rules().await?;
        let exceptions = rules.exceptions(cx.account).iter().map(|one| ScanExceptionDocument::of(one, cx.now)).collect();
        Ok(Response { exceptions })
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
