use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Reference, Tag};
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Points a tag at an image the repository holds. The tag may exist, and then moves. Where a scan policy asks for quarantine it
/// waits until the image passes.
#[derive(JsonSchema)]
pub struct PutTag;

/// Which tag, and where to.
pub struct Request {
    name: RepositoryName,
    tag: Tag,
    image: Reference,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The image, by another tag of it or by its digest.
    #[schemars(extend("example" = "v1"))]
    image: String,
}

/// The image, with its tags.
pub struct Response(ImageDocument);

impl Operation for PutTag {
    type Wire = Rest;
    const NAME: &'static str = "PutTag";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/repositories/{name}/tags/{tag}");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::TagInvalid, FaultKind::RepositoryNotFound, FaultKind::ImageNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let on = |action| Access::on(action, &request.name);
        vec![on(action::ECR_BATCH_GET_IMAGE), on(action::ECR_PUT_IMAGE)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.load(cx, &repository, &request.image).await?;
        // The same act as a push of the same bytes: one rule for every way of setting a tag.
        let to = Reference::Digest(image.digest);
        images.put_image(cx, &repository, &to, vec![request.tag], Some(&image.media_type), image.body).await?;
        images.describe(&repository, &to).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = json::name(&incoming)?;
        let tag = json::tag(&incoming)?;
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, tag, image: json::parse_reference(&body.image)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
