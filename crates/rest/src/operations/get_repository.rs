use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Archive, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Shows a repository with its counts as they are now.
#[derive(JsonSchema)]
pub struct GetRepository;

/// Which one.
pub struct Request {
    name: RepositoryName,
}

/// The repository.
pub struct Response(RepositoryDocument);

impl Operation for GetRepository {
    type Wire = Rest;
    const NAME: &'static str = "GetRepository";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}");
    type Needs = (Repositories, Archive);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<RepositoryDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::RepositoryNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_REPOSITORIES, &request.name)]
    }

    async fn call((repositories, archive): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let found = repositories.describe(cx, &request.name).await?;
        let archived = archive.of(&found).await?;
        Ok(Response(RepositoryDocument { archive: Some(archived.into()), ..found.into() }))
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
