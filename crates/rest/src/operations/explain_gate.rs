use crate::{gates::GateExplanationDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says what the scan policy of its repository says of an image, and why.
#[derive(JsonSchema)]
pub struct ExplainGate;

/// Which one.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// What is decided.
pub struct Response(GateExplanationDocument);

impl Operation for ExplainGate {
    type Wire = Rest;
    const NAME: &'static str = "ExplainGate";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/gate");
    type Needs = (Repositories, Images, Gates);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<GateExplanationDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call((repositories, images, gates): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.load(cx, &repository, &request.reference).await?;
        let found = gates.explain(cx, &repository, &image).await?;
        Ok(Response(GateExplanationDocument::of(image.digest.as_str(), found, cx.now)))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, reference: json::reference(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
