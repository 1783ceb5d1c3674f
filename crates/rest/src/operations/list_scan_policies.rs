use crate::{gates::ScanPolicyDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_findings::Gates;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the scan policies of the registry, the most specific first: of several that mean a repository the first governs it.
#[derive(JsonSchema)]
pub struct ListScanPolicies;

/// All of them.
pub struct Request;

/// The policies.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScanPolicies")]
pub struct Response {
    policies: Vec<ScanPolicyDocument>,
}

impl Operation for ListScanPolicies {
    type Wire = Rest;
    const NAME: &'static str = "ListScanPolicies";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/scan-policies");
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
        let policies = rules.policies(cx.account).iter().map(ScanPolicyDocument::from).collect();
        Ok(Response { policies })
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
