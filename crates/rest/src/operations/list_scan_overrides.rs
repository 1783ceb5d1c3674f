use crate::{gates::ScanOverrideDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_findings::Gates;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the overrides of scan policies, also those that hold no more.
#[derive(JsonSchema)]
pub struct ListScanOverrides;

/// All of them.
pub struct Request;

/// The overrides.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScanOverrides")]
pub struct Response {
    overrides: Vec<ScanOverrideDocument>,
}

impl Operation for ListScanOverrides {
    type Wire = Rest;
    const NAME: &'static str = "ListScanOverrides";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/scan-overrides");
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
        let overrides = rules.overrides(cx.account).iter().map(|one| ScanOverrideDocument::of(one, cx.now)).collect();
        Ok(Response { overrides })
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
