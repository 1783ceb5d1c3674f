use crate::{json, lifecycle::LifecycleExplanationDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::{Images, Lifecycle, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says what the repository's lifecycle policy does with an image: which rule acts on it or keeps it, why, and when it goes.
#[derive(JsonSchema)]
pub struct ExplainImage;

/// Which one.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// What becomes of it.
pub struct Response(LifecycleExplanationDocument);

impl Operation for ExplainImage {
    type Wire = Rest;
    const NAME: &'static str = "ExplainImage";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/lifecycle");
    type Needs = (Repositories, Images, Lifecycle);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<LifecycleExplanationDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_LIFECYCLE_POLICY_PREVIEW, &request.name)]
    }

    async fn call((repositories, images, lifecycle): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.describe(&repository, &request.reference).await?;
        let digest = image.digest.parse().map_err(Fault::internal)?;
        lifecycle.explain(cx, &repository, &digest).await.map(|explanation| Response(explanation.into()))
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
