use crate::{json, undo::EmptiedDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::Trash;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Destroys images in the trash before their time: all of them, those of a repository, or one. Nobody can restore those.
#[derive(JsonSchema)]
pub struct EmptyTrash;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only what was in this repository, which may be deleted.
    #[schemars(extend("example" = "team/app"))]
    repository: Option<String>,
    /// Only this image of the repository: its digest, or a tag that it had.
    #[schemars(extend("example" = "v1"))]
    image: Option<String>,
}

/// Which ones.
pub enum Request {
    /// All.
    All,
    /// What was in a repository.
    Of(RepositoryName),
    /// One image.
    One(RepositoryName, Reference),
}

/// How much is gone.
pub struct Response(EmptiedDocument);

impl Operation for EmptyTrash {
    type Wire = Rest;
    const NAME: &'static str = "EmptyTrash";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/trash");
    type Needs = Trash;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<EmptiedDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::NameInvalid,
            FaultKind::ImageNotFound,
            FaultKind::ImageReferenced,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let empty = action::GANTRY_EMPTY_TRASH;
        vec![match request {
            Request::All => Access::to(empty),
            Request::Of(name) | Request::One(name, _) => Access::on(empty, name),
        }]
    }

    async fn call(trash: &Trash, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let emptied = match request {
            Request::All => trash.empty(cx, None).await?,
            Request::Of(name) => trash.empty(cx, Some(&name)).await?,
            Request::One(name, reference) => trash.purge(cx, &name, &reference).await?,
        };
        Ok(Response(emptied.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = incoming.query("repository").map(|name| json::parse_name(&name)).transpose()?;
        let image = incoming.query("image").map(|image| json::parse_reference(&image)).transpose()?;
        match (name, image) {
            (None, None) => Ok(Request::All),
            (Some(name), None) => Ok(Request::Of(name)),
            (Some(name), Some(image)) => Ok(Request::One(name, image)),
            // What is half understood would empty too much.
            (None, Some(_)) => {
                Err(Fault::new(FaultKind::InvalidParameter, "image is given without its repository; give both"))
            }
        }
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
