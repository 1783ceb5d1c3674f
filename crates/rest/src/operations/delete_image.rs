use crate::json::{self, Nothing};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Reference;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use schemars::JsonSchema;

/// Removes a tag, or by digest an image with all its tags.
#[derive(JsonSchema)]
pub struct DeleteImage;

/// Which one.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

impl Operation for DeleteImage {
    type Wire = Rest;
    const NAME: &'static str = "DeleteImage";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/repositories/{name}/images/{reference}");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
            FaultKind::ImageReferenced,
            FaultKind::ImageHeld,
            FaultKind::TagProtected,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_BATCH_DELETE_IMAGE, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        images.remove(cx, &repository, &request.reference).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: json::name(&incoming)?, reference: json::reference(&incoming)? })
    }
}
