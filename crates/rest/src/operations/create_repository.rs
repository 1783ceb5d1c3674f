use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Repositories;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Creates a repository.
#[derive(JsonSchema)]
pub struct CreateRepository;

/// Which one.
pub struct Request {
    name: RepositoryName,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The name of the new repository.
    #[schemars(length(min = 1, max = 256), extend("example" = "team/app"))]
    name: String,
}

/// The new repository.
pub struct Response(RepositoryDocument);

impl Operation for CreateRepository {
    type Wire = Rest;
    const NAME: &'static str = "CreateRepository";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories");
    type Needs = Repositories;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<RepositoryDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::NameInvalid, FaultKind::RepositoryExists]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_CREATE_REPOSITORY, &request.name)]
    }

    async fn call(repositories: &Repositories, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        repositories.create(cx, &request.name).await.map(|created| Response(created.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        Ok(Request { name: json::parse_name(&body.name)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}
