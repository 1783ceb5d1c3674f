use bytes::Bytes;
use gantry_access::{Access, Principal};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_words::Cx;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// `GET /v2/` (end-1): says that this is a registry, to whoever is known here. `docker login` tests its credentials with it.
pub struct ApiVersion;

/// Nothing is asked.
pub struct Request;

/// An empty object.
pub struct Response;

impl Operation for ApiVersion {
    type Wire = Oci;
    const NAME: &'static str = "ApiVersion";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/");
    const LOCK: Lock = Lock::Credential;
    type Needs = ();
    type Request = Request;
    type Response = Response;

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call((): &(), _: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        Ok(Response)
    }
}

impl FromWire<Oci> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(Bytes::from_static(b"{}")) }
    }
}
