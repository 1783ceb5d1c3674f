use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference};
use gantry_registry::{Archive, Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Moves an image to the archive, with the children and referrers that only it reaches, or brings it back. In the archive it
/// cannot be pulled; on the way back its status is ACTIVATING until its bytes are there.
#[derive(JsonSchema)]
pub struct SetStorageClass;

/// Which image, and where to.
pub struct Request {
    name: RepositoryName,
    digest: Digest,
    class: StorageClass,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Where its bytes are to lie.
    storage_class: StorageClass,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum StorageClass {
    Standard,
    Archive,
}

/// The image, with its status.
pub struct Response(ImageDocument);

impl Operation for SetStorageClass {
    type Wire = Rest;
    const NAME: &'static str = "SetStorageClass";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/repositories/{name}/images/{digest}/storage-class");
    type Needs = (Repositories, Images, Archive);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
            FaultKind::StorageClassUpdateUnsupported,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_UPDATE_IMAGE_STORAGE_CLASS, &request.name)]
    }

    async fn call((repositories, images, archive): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        match request.class {
            StorageClass::Archive => archive.put(cx, &repository, &request.digest).await?,
            StorageClass::Standard => archive.take(cx, &repository, &request.digest).await?,
        };
        images.describe(&repository, &Reference::Digest(request.digest)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, digest) = (json::name(&incoming)?, json::digest(&incoming)?);
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, digest, class: body.storage_class })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
