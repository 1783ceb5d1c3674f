use crate::{json, undo::RestoredImageDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::Trash;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Takes an image out of the trash, by its digest or a tag that it had; with its children, with what refers to it and was
/// deleted when it was or later, and with the tags that are free. Where the repository was deleted it must exist again.
#[derive(JsonSchema)]
pub struct RestoreImage;

/// Which one.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// What came back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Restored")]
pub struct Response {
    /// The image that was asked for, and behind it what came with it.
    images: Vec<RestoredImageDocument>,
}

impl Operation for RestoreImage {
    type Wire = Rest;
    const NAME: &'static str = "RestoreImage";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/trash/{reference}/restore");
    type Needs = Trash;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::NameInvalid,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
            FaultKind::ReferencedImagesNotFound,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_PUT_IMAGE, &request.name)]
    }

    async fn call(trash: &Trash, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let restored = trash.restore(cx, &request.name, &request.reference, true).await?;
        Ok(Response { images: restored.into_iter().map(RestoredImageDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, reference: json::reference(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
