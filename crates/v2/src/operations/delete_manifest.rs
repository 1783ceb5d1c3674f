use crate::target;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderMap, StatusCode};

/// `DELETE /v2/<name>/manifests/<reference>` (end-9): removes a tag, or an image with all its tags.
pub struct DeleteManifest;

/// Which one.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// It is gone.
pub struct Response;

impl Operation for DeleteManifest {
    type Wire = Oci;
    const NAME: &'static str = "DeleteManifest";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/v2/{name}/manifests/{reference}");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on_image(action::ECR_BATCH_DELETE_IMAGE, &request.name, &request.reference)
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        images.remove(cx, &repository, &request.reference).await?;
        Ok(Response)
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: target::name(&incoming)?, reference: target::wanted(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        Outgoing { status: StatusCode::ACCEPTED, headers: HeaderMap::new(), body: Payload::Empty }
    }
}
