use crate::json::{self, Nothing};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Repositories;
use gantry_words::{Cx, RepositoryName};
use schemars::JsonSchema;

/// Deletes a repository. One that holds images is deleted only with `force`.
#[derive(JsonSchema)]
pub struct DeleteRepository;

#[derive(Default, JsonSchema)]
struct Query {
    /// Also where it holds images.
    #[schemars(default)]
    force: bool,
}

/// Which one, and how.
pub struct Request {
    name: RepositoryName,
    query: Query,
}

impl Operation for DeleteRepository {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRepository";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}");
    type Needs = Repositories;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers_nothing();
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::RepositoryNotEmpty,
            FaultKind::ImageHeld,
            FaultKind::TagProtected,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DELETE_REPOSITORY, &request.name)]
    }

    async fn call(repositories: &Repositories, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        repositories.delete(cx, &request.name, request.query.force).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, query: Query { force: json::switch(&incoming, "force")? } })
    }
}
