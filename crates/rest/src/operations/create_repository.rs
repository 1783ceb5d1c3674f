use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest};
use gantry_fault::Fault;
use gantry_registry::Repositories;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use serde::Deserialize;

/// Creates a repository: `{"name": "team/app"}`.
pub struct CreateRepository;

/// Which one.
pub struct Request {
    name: RepositoryName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
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
