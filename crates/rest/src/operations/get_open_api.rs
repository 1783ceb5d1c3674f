use crate::openapi;
use bytes::Bytes;
use gantry_access::{Access, Principal};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Outgoing, Payload, Rest, Shape};
use gantry_fault::Fault;
use gantry_words::Cx;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use std::sync::OnceLock;

/// Returns this document. It is the same for all who may come in at all.
#[derive(JsonSchema)]
pub struct GetOpenApi;

/// Nothing more.
pub struct Request;

/// The document.
pub struct Response;

impl Operation for GetOpenApi {
    type Wire = Rest;
    const NAME: &'static str = "GetOpenApi";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/openapi.json");
    // It tells which version runs, which is nobody's business who may not come in; docs/openapi.json is for those.
    const LOCK: Lock = Lock::Credential;
    type Needs = ();
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<serde_json::Map<String, serde_json::Value>>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        Vec::new()
    }

    async fn call((): &(), _: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        Ok(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
        let body = DOCUMENT.get_or_init(|| openapi().into()).clone();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(body) }
    }
}
