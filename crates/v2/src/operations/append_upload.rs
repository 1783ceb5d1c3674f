use super::start_upload::progress;
use crate::{range, refusal, target};
use gantry_access::{Access, Principal, action};
use gantry_api::{Body, FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Appended, Repositories, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;

/// `PATCH /v2/<name>/blobs/uploads/<id>` (end-5): adds a chunk, or a stream of unknown length.
pub struct AppendUpload;

/// The chunk.
pub struct Request {
    name: RepositoryName,
    id: UploadId,
    chunk: Chunk,
}

/// Bytes for an upload, with what the client said of their place.
pub(crate) struct Chunk {
    pub(crate) start: Option<u64>,
    pub(crate) length: Option<u64>,
    pub(crate) body: Body,
}

/// Where the upload stands.
pub struct Response {
    name: RepositoryName,
    id: UploadId,
    appended: Appended,
}

impl Operation for AppendUpload {
    type Wire = Oci;
    const NAME: &'static str = "AppendUpload";
    const ROUTE: (&'static str, &'static str) = ("PATCH", "/v2/{name}/blobs/uploads/{id}");
    type Needs = (Repositories, Uploads);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_UPLOAD_LAYER_PART, &request.name)
    }

    async fn call((repositories, uploads): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let Chunk { start, length, body } = request.chunk;
        let appended = uploads.append(cx, &repository, &request.id, start, length, body).await.map_err(refusal::of_upload)?;
        Ok(Response { name: request.name, id: request.id, appended })
    }
}

impl Chunk {
    /// Reads `Content-Range`, which may be missing, and checks it against `Content-Length`, which may be missing too.
    pub(crate) fn read(incoming: Incoming) -> Result<Chunk, Fault> {
        let announced = incoming.body.content_length();
        let Some(text) = incoming.header("content-range").map(str::to_string) else {
            return Ok(Chunk { start: None, length: announced, body: incoming.body });
        };
        let (start, length) = range::chunk(&text).ok_or_else(|| {
            let message = format!("Content-Range {text:?} is no range of bytes; write <first>-<last>, such as 0-1023");
            Fault::new(FaultKind::UploadInvalid, message)
        })?;
        if announced.is_some_and(|announced| announced != length) {
            let message = format!("Content-Range {text:?} means {length} bytes, but Content-Length says {}", announced.unwrap_or(0));
            return Err(Fault::new(FaultKind::SizeInvalid, message));
        }
        Ok(Chunk { start: Some(start), length: Some(length), body: incoming.body })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, id) = (target::name(&incoming)?, target::upload(&incoming)?);
        Ok(Request { name, id, chunk: Chunk::read(incoming)? })
    }
}

/// Which refusal an answer is that says where the upload stands.
pub(crate) fn refused(appended: Appended) -> Option<FaultKind> {
    match appended {
        Appended::At(_) => None,
        Appended::OutOfOrder(_) => Some(FaultKind::UploadOutOfOrder),
    }
}

impl IntoWire<Oci> for Response {
    fn refusal(&self) -> Option<FaultKind> {
        refused(self.appended)
    }

    fn write(self) -> Outgoing {
        match self.appended {
            Appended::At(bytes) => {
                Outgoing { status: StatusCode::ACCEPTED, headers: progress(&self.name, &self.id, bytes), body: Payload::Empty }
            }
            Appended::OutOfOrder(bytes) => out_of_order(&self.name, &self.id, bytes),
        }
    }
}

/// The refusal of a chunk that begins elsewhere than the upload ends: it says where to go on.
pub(crate) fn out_of_order(name: &RepositoryName, id: &UploadId, bytes: u64) -> Outgoing {
    let message = format!("The upload has {bytes} bytes: the next chunk must begin at {bytes}");
    let detail = serde_json::json!({"offset": bytes});
    let mut outgoing = refusal::refusal(FaultKind::UploadOutOfOrder, &message, &detail);
    outgoing.headers.extend(progress(name, id, bytes));
    outgoing
}
