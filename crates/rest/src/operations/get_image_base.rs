use crate::{
    base::BaseImageDocument,
    found::{self, Rooms},
    json, scan,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_oci::Reference;
use gantry_registry::Images;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Says from which image another was made: one whose layers are the lowest of it, in a repository of whose findings the caller may
/// ask. How much of what is wrong came with it, and whether a later base has less.
#[derive(JsonSchema)]
pub struct GetImageBase;

/// Of which image.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
}

/// The base.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImageBase")]
pub struct Response {
    /// The base with the most layers; missing where none of the image's beginnings was ever pushed and scanned here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BaseImageDocument")]
    base: Option<BaseImageDocument>,
}

impl Operation for GetImageBase {
    type Wire = Rest;
    const NAME: &'static str = "GetImageBase";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images/{reference}/base");
    type Needs = (Rooms, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(scan::REFUSALS);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &request.name)]
    }

    async fn call((rooms, images): &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let of = (rooms.0.clone(), images.clone(), rooms.1.clone());
        let found = scan::known(&of, cx, &request.name, &request.reference).await?.found;
        let visible = found::visible(rooms, cx, principal, "").await?;
        let base = rooms.1.base_of(visible, found).await?;
        Ok(Response { base: base.map(BaseImageDocument::from) })
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
