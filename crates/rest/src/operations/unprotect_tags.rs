use crate::{document::RepositoryDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Repositories, TagsPattern};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Protects tags by a pattern no longer.
#[derive(JsonSchema)]
pub struct UnprotectTags;

/// Which repository, and which tags.
pub struct Request {
    name: RepositoryName,
    pattern: TagsPattern,
}

/// The repository, with its protected tags.
pub struct Response(RepositoryDocument);

impl Operation for UnprotectTags {
    type Wire = Rest;
    const NAME: &'static str = "UnprotectTags";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}/protected-tags/{pattern}");
    type Needs = Repositories;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<RepositoryDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_PUT_PROTECTED_TAGS, &request.name)]
    }

    async fn call(repositories: &Repositories, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        repositories.unprotect_tags(cx, &request.name, request.pattern).await.map(|changed| Response(changed.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, pattern: json::pattern(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
