use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Lifts the hold of an image. One that is not on hold stays as it is.
#[derive(JsonSchema)]
pub struct ReleaseImage;

/// Which image.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
}

/// The image, without a hold.
pub struct Response(ImageDocument);

impl Operation for ReleaseImage {
    type Wire = Rest;
    const NAME: &'static str = "ReleaseImage";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}/images/{digest}/hold");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_RELEASE_IMAGE, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        images.release(cx, &repository, &request.digest).await?;
        images.describe(&repository, &Reference::Digest(request.digest)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, digest: json::digest(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
