use crate::target;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_registry::{Repositories, UploadId, Uploads};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderMap, StatusCode};

/// `DELETE /v2/<name>/blobs/uploads/<id>`: gives an upload up, and its bytes with it.
pub struct CancelUpload;

/// Which upload.
pub struct Request {
    name: RepositoryName,
    id: UploadId,
}

/// It is gone.
pub struct Response;

impl Operation for CancelUpload {
    type Wire = Oci;
    const NAME: &'static str = "CancelUpload";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/v2/{name}/blobs/uploads/{id}");
    type Needs = (Repositories, Uploads);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_UPLOAD_LAYER_PART, &request.name)
    }

    async fn call((repositories, uploads): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        uploads.cancel(cx, &repository, &request.id).await?;
        Ok(Response)
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: target::name(&incoming)?, id: target::upload(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        Outgoing { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: Payload::Empty }
    }
}
