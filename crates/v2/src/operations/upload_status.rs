use super::start_upload::progress;
use crate::target;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_registry::{Repositories, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;

/// `GET /v2/<name>/blobs/uploads/<id>` (end-13): how many bytes an upload has, so that a client can go on.
pub struct UploadStatus;

/// Which upload.
pub struct Request {
    name: RepositoryName,
    id: UploadId,
}

/// Where it stands.
pub struct Response {
    request: Request,
    bytes: u64,
}

impl Operation for UploadStatus {
    type Wire = Oci;
    const NAME: &'static str = "UploadStatus";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/blobs/uploads/{id}");
    type Needs = (Repositories, Uploads);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_UPLOAD_LAYER_PART, &request.name)
    }

    async fn call((repositories, uploads): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let bytes = uploads.offset(cx, &repository, &request.id).await?;
        Ok(Response { request, bytes })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: target::name(&incoming)?, id: target::upload(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let headers = progress(&self.request.name, &self.request.id, self.bytes);
        Outgoing { status: StatusCode::NO_CONTENT, headers, body: Payload::Empty }
    }
}
