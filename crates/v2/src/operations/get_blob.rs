use crate::{
    headers,
    range::{self, Wanted},
    refusal::refusal,
    target,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories};
use gantry_store::Reading;
use gantry_words::{Cx, RepositoryName};
use http::{HeaderValue, Method, StatusCode, header};

/// `GET` and `HEAD /v2/<name>/blobs/<digest>` (end-2): the bytes of a blob, or a part of them.
pub struct GetBlob;

/// Which blob, which part, and what the client has of it already.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
    is_head: bool,
    range: Option<String>,
    if_none_match: Option<String>,
}

/// The blob.
pub struct Response {
    digest: Digest,
    found: Found,
}

enum Found {
    Unchanged,
    /// Its length, for `HEAD`.
    Length(u64),
    Bytes(Reading, Wanted),
}

impl Operation for GetBlob {
    type Wire = Oci;
    const NAME: &'static str = "GetBlob";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/blobs/{digest}");
    type Needs = (Repositories, Blobs);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let read = Access::on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, &request.name);
        // Whoever only pushes may ask whether a blob is there.
        vec![if request.is_head { read.or(action::ECR_BATCH_CHECK_LAYER_AVAILABILITY) } else { read }]
    }

    async fn call((repositories, blobs): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let Request { digest, .. } = request;
        let is_unchanged = headers::is_unchanged(request.if_none_match.as_deref(), &digest);
        if request.is_head {
            let found = blobs.check(cx, &repository, &digest).await?;
            let found = if is_unchanged { Found::Unchanged } else { Found::Length(found.size) };
            return Ok(Response { digest, found });
        }
        let reading = blobs.open(cx, &repository, &digest).await?;
        if is_unchanged {
            return Ok(Response { digest, found: Found::Unchanged });
        }
        let wanted = range::wanted(request.range.as_deref(), reading.length());
        Ok(Response { digest, found: Found::Bytes(reading, wanted) })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let digest = target::digest(&incoming)?;
        Ok(Request {
            name: target::name(&incoming)?,
            is_head: incoming.method == Method::HEAD,
            range: headers::range(&incoming.headers, &digest),
            if_none_match: headers::if_none_match(&incoming.headers),
            digest,
        })
    }
}

impl IntoWire<Oci> for Response {
    fn refusal(&self) -> Option<FaultKind> {
        matches!(self.found, Found::Bytes(_, Wanted::Unsatisfiable)).then_some(FaultKind::RangeNotSatisfiable)
    }

    fn write(self) -> Outgoing {
        let mut headers = headers::immutable(&self.digest);
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
        let (status, body) = match self.found {
            Found::Unchanged => return Outgoing { status: StatusCode::NOT_MODIFIED, headers, body: Payload::Empty },
            Found::Length(length) => (StatusCode::OK, Payload::Head(length)),
            Found::Bytes(reading, Wanted::Whole) => {
                let length = reading.length();
                (StatusCode::OK, Payload::Blob(reading.body(0..length)))
            }
            Found::Bytes(reading, Wanted::Part(part)) => {
                let range = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), reading.length());
                headers.insert(header::CONTENT_RANGE, headers::value(&range));
                (StatusCode::PARTIAL_CONTENT, Payload::Blob(reading.body(part)))
            }
            Found::Bytes(reading, Wanted::Unsatisfiable) => return beyond(&self.digest, reading.length()),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Outgoing { status, headers, body }
    }
}

/// The refusal of a range that lies outside: it says how long the blob is. What is said of the blob itself, how long it may
/// be kept above all, is not said of a refusal.
fn beyond(digest: &Digest, length: u64) -> Outgoing {
    let message = format!("The blob {digest} has {length} bytes: the range asked for lies outside of it");
    let mut outgoing = refusal(FaultKind::RangeNotSatisfiable, &message, &serde_json::json!({"length": length}));
    outgoing.headers.insert(header::CONTENT_RANGE, headers::value(&format!("bytes */{length}")));
    outgoing
}
