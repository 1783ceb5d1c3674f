use crate::{json, vex::VexDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{NewVex, Scans, VEX_BYTES_MAX};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Uploads a VEX document: OpenVEX, CSAF or CycloneDX. From now on findings that it speaks against are suppressed, with its
/// reason.
#[derive(JsonSchema)]
pub struct PutVex;

/// What is uploaded.
pub struct Request(NewVex);

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Of which repositories it speaks: of this one, and of those below it; of all without it.
    #[schemars(length(max = 256), extend("example" = "team"))]
    prefix: Option<String>,
    /// What it is called, for people.
    #[schemars(length(max = 256), extend("example" = "openssl.openvex.json"))]
    name: Option<String>,
}

/// It, as it is kept.
pub struct Response(VexDocument);

impl Operation for PutVex {
    type Wire = Rest;
    const NAME: &'static str = "PutVex";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/vex");
    type Needs = Scans;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.takes_body::<serde_json::Value>();
        shape.answers::<VexDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_PUT_VEX)]
    }

    async fn call(scans: &Scans, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        scans.add_vex(cx, request.0).await.map(|vex| Response(vex.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let prefix = incoming.query("prefix").map(String::from).unwrap_or_default();
        let name = incoming.query("name").map(String::from).unwrap_or_default();
        let body = incoming.body.collect(VEX_BYTES_MAX).await?.to_vec();
        Ok(Request(NewVex { prefix, name, body }))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}
