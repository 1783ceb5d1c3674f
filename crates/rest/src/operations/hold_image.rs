use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{HoldReason, HoldReasonError, Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Puts an image on hold. Neither people nor policies delete it, nor what it needs, until the hold is lifted. There is one
/// for each image; a new one takes the place of the old.
#[derive(JsonSchema)]
pub struct HoldImage;

/// Which image, and why.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
    reason: HoldReason,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Why, in a line of at most 256 bytes: whoever tries to delete the image reads it.
    #[schemars(length(min = 1, max = 256), extend("example" = "case 2026-17"))]
    reason: String,
}

/// The image, with its hold.
pub struct Response(ImageDocument);

impl Operation for HoldImage {
    type Wire = Rest;
    const NAME: &'static str = "HoldImage";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/repositories/{name}/images/{digest}/hold");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_HOLD_IMAGE, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        images.hold(cx, &repository, &request.digest, request.reason).await?;
        images.describe(&repository, &Reference::Digest(request.digest)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, digest) = (json::name(&incoming)?, json::digest(&incoming)?);
        let body: Body = json::body(incoming).await?;
        let wrong = |error: HoldReasonError| Fault::new(FaultKind::InvalidParameter, error.to_string());
        Ok(Request { name, digest, reason: body.reason.parse().map_err(wrong)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
