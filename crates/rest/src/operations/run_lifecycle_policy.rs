use crate::{json, lifecycle::LifecycleRunResultDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Lifecycle, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Runs a repository's lifecycle policy now, or says what that would do. What expires goes to the trash. Each policy is run
/// once a day without this, too.
#[derive(JsonSchema)]
pub struct RunLifecyclePolicy;

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Whether it only says what it would do, and changes nothing.
    #[schemars(default)]
    dry_run: bool,
}

/// Of which repository.
pub struct Request {
    name: RepositoryName,
    is_dry: bool,
}

/// What it came to.
pub struct Response(LifecycleRunResultDocument);

impl Operation for RunLifecyclePolicy {
    type Wire = Rest;
    const NAME: &'static str = "RunLifecyclePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/lifecycle/run");
    type Needs = (Repositories, Lifecycle);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<LifecycleRunResultDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::LifecyclePolicyNotFound,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let needed =
            if request.is_dry { action::ECR_GET_LIFECYCLE_POLICY_PREVIEW } else { action::ECR_BATCH_DELETE_IMAGE };
        vec![Access::on(needed, &request.name)]
    }

    async fn call((repositories, lifecycle): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let (run, images) = match request.is_dry {
            true => lifecycle.dry_run(cx, &repository).await?,
            false => lifecycle.run(cx, &repository).await?,
        };
        let images = images.into_iter().map(Into::into).collect();
        Ok(Response(LifecycleRunResultDocument { dry_run: request.is_dry, run: run.into(), images }))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, is_dry: json::switch(&incoming, "dryRun")? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
