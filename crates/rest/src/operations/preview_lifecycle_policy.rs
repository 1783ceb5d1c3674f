use crate::{json, past::LifecyclePreviewDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{DocumentKind, Documents, Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Says how many images a lifecycle policy would act on now, if it were the repository's. It is not switched on by that; it is kept as
/// the repository's preview, which `GetLifecyclePolicyPreview` of the ECR API shows image by image.
#[derive(JsonSchema)]
pub struct PreviewLifecyclePolicy;

/// Of which repository, and which policy.
pub struct Request {
    name: RepositoryName,
    policy: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The policy, as ECR's `PutLifecyclePolicy` takes its text.
    policy: String,
}

/// What it would do.
pub struct Response(LifecyclePreviewDocument);

impl Operation for PreviewLifecyclePolicy {
    type Wire = Rest;
    const NAME: &'static str = "PreviewLifecyclePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/lifecycle/preview");
    type Needs = (Repositories, Images, Documents);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<LifecyclePreviewDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_START_LIFECYCLE_POLICY_PREVIEW, &request.name)]
    }

    async fn call(
        (repositories, images, documents): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let (counts, printed) = images.count_preview(cx, &repository, &request.policy).await?;
        documents.put(cx, Some(&repository), DocumentKind::LifecyclePreview, "", printed).await?;
        Ok(Response(counts.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = json::name(&incoming)?;
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, policy: body.policy })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
