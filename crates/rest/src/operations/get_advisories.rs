use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Payload, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_scan::Knowledge;
use gantry_words::Cx;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use std::sync::Arc;

/// Gets all advisories that hold now, as the one file that another Gantry reads: what `gantry advisories update` fetches from a
/// source `gantry=…`. Its `ETag` changes when they do.
#[derive(JsonSchema)]
pub struct GetAdvisories;

/// What the client has already.
pub struct Request {
    known: Option<String>,
}

/// The file's bytes (`application/octet-stream`), in a format of Gantry's own.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct AdvisoriesFile(String);

/// The file, or that the client has it.
pub struct Response {
    etag: String,
    file: Option<Arc<Knowledge>>,
}

impl Operation for GetAdvisories {
    type Wire = Rest;
    const NAME: &'static str = "GetAdvisories";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/advisories");
    type Needs = Scans;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<AdvisoriesFile>(StatusCode::OK);
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_GET_ADVISORIES)]
    }

    async fn call(scans: &Scans, _: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (Some(knowledge), _) = scans.advisories().now() else {
            let message = "there are no advisories here; bring some in with: gantry advisories import DIR";
            return Err(Fault::new(FaultKind::NoSuchEntity, message));
        };
        let etag = format!("\"{:016x}\"", knowledge.checksum());
        let has_it = request.known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
        Ok(Response { etag, file: (!has_it).then_some(knowledge) })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { known: incoming.header("if-none-match").map(str::to_owned) })
    }
}

/// The bytes of a file in memory, sent from there.
struct Shared(Arc<Knowledge>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.extend(HeaderValue::from_str(&self.etag).ok().map(|etag| (header::ETAG, etag)));
        match self.file {
            None => Outgoing { status: StatusCode::NOT_MODIFIED, headers, body: Payload::Empty },
            Some(file) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                let body = Payload::Bytes(bytes::Bytes::from_owner(Shared(file)));
                Outgoing { status: StatusCode::OK, headers, body }
            }
        }
    }
}
