use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{Images, LabelChange, LabelError, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use std::collections::BTreeMap;

/// Removes labels that were given to an image here: those that are named, or all. What its configuration says stays.
#[derive(JsonSchema)]
pub struct UnlabelImage;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// A label to remove; it may come up to 50 times. All go where none is named.
    #[schemars(extend("example" = "team"))]
    label: Option<String>,
}

/// Which image, and which labels.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
    labels: BTreeMap<String, Option<String>>,
}

/// The image, with the labels that it has still.
pub struct Response(ImageDocument);

impl Operation for UnlabelImage {
    type Wire = Rest;
    const NAME: &'static str = "UnlabelImage";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}/images/{digest}/labels");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_LABEL_IMAGE, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { name, digest, mut labels } = request;
        let (repository, image) = (repositories.load(cx, &name).await?, Reference::Digest(digest.clone()));
        if labels.is_empty() {
            // One that somebody sets meanwhile stays: he did not mean it to go.
            labels = images.describe(&repository, &image).await?.labels.into_keys().map(|label| (label, None)).collect();
        }
        if !labels.is_empty() {
            let wrong = |error: LabelError| Fault::new(FaultKind::InvalidParameter, format!("label: {error}"));
            images.label(cx, &repository, &digest, LabelChange::read(labels).map_err(wrong)?).await?;
        }
        images.describe(&repository, &image).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let labels = incoming.query_all("label").map(|label| (label.into_owned(), None)).collect();
        Ok(Request { name: json::name(&incoming)?, digest: json::digest(&incoming)?, labels })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
