use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{Images, LabelChange, LabelError, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Sets labels of an image, and removes others; what it has besides stays. They are Gantry's own, and no part of the digest: what its
/// configuration says is not changed. An image has at most 50.
#[derive(JsonSchema)]
pub struct LabelImage;

/// Which image, and which labels.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
    change: LabelChange,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The labels to set, each with its value, and with null those to remove: names of at most 128 bytes, values of at most 256.
    #[schemars(extend("example" = {"team": "blue"}))]
    labels: BTreeMap<String, Option<String>>,
}

/// The image, with its labels.
pub struct Response(ImageDocument);

impl Operation for LabelImage {
    type Wire = Rest;
    const NAME: &'static str = "LabelImage";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/repositories/{name}/images/{digest}/labels");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
            FaultKind::LimitExceeded,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_LABEL_IMAGE, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        images.label(cx, &repository, &request.digest, request.change).await?;
        images.describe(&repository, &Reference::Digest(request.digest)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, digest) = (json::name(&incoming)?, json::digest(&incoming)?);
        let body: Body = json::body(incoming).await?;
        let wrong = |error: LabelError| Fault::new(FaultKind::InvalidParameter, format!("labels: {error}"));
        Ok(Request { name, digest, change: LabelChange::read(body.labels).map_err(wrong)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
