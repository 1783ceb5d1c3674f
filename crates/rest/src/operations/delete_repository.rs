use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest};
use gantry_fault::Fault;
use gantry_registry::Repositories;
use gantry_words::{Cx, RepositoryName};

/// Deletes a repository; with `?force=true` also one that holds images.
pub struct DeleteRepository;

/// Which one, and how.
pub struct Request {
    name: RepositoryName,
    force: bool,
}

/// It is gone.
pub struct Response;

impl Operation for DeleteRepository {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRepository";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}");
    type Needs = Repositories;
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DELETE_REPOSITORY, &request.name)]
    }

    async fn call(repositories: &Repositories, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        repositories.delete(cx, &request.name, request.force).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, force: json::switch(&incoming, "force")? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
