use crate::target;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderMap, StatusCode};

/// `DELETE /v2/<name>/blobs/<digest>` (end-10): removes a blob that no manifest of the repository names.
pub struct DeleteBlob;

/// Which one.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
}

/// It is gone.
pub struct Response;

impl Operation for DeleteBlob {
    type Wire = Oci;
    const NAME: &'static str = "DeleteBlob";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/v2/{name}/blobs/{digest}");
    type Needs = (Repositories, Blobs);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_BATCH_DELETE_IMAGE, &request.name)
    }

    async fn call((repositories, blobs): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        blobs.remove(cx, &repository, &request.digest).await?;
        Ok(Response)
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: target::name(&incoming)?, digest: target::digest(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        Outgoing { status: StatusCode::ACCEPTED, headers: HeaderMap::new(), body: Payload::Empty }
    }
}
