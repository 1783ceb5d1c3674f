use crate::{json, lifecycle::LifecycleStatusDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Lifecycle, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says when a repository's lifecycle policy ran last, what that came to, and when it is to run next.
#[derive(JsonSchema)]
pub struct GetLifecycleStatus;

/// Of which repository.
pub struct Request {
    name: RepositoryName,
}

/// Its runs.
pub struct Response(LifecycleStatusDocument);

impl Operation for GetLifecycleStatus {
    type Wire = Rest;
    const NAME: &'static str = "GetLifecycleStatus";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/lifecycle/run");
    type Needs = (Repositories, Lifecycle);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<LifecycleStatusDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::RepositoryNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_LIFECYCLE_POLICY, &request.name)]
    }

    async fn call((repositories, lifecycle): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        lifecycle.status(cx, &repository).await.map(|status| Response(status.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
