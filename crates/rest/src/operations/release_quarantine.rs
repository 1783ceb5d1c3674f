use crate::{document::ImageDocument, gates, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Lets a tag out of quarantine, whatever is wrong with its image: from now on it points there. Pulls of the image go by the scan
/// policy as before.
#[derive(JsonSchema)]
pub struct ReleaseQuarantine;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Why, in a line.
    #[schemars(extend("example" = "tried by hand"))]
    reason: String,
    /// The image that is meant, by its digest: where another was pushed meanwhile, nothing happens.
    #[serde(default)]
    #[schemars(with = "String")]
    digest: Option<String>,
}

/// Which tag, and why.
pub struct Request {
    name: RepositoryName,
    tag: Tag,
    reason: String,
    digest: Option<Digest>,
}

/// The image, with its tags.
pub struct Response(ImageDocument);

impl Operation for ReleaseQuarantine {
    type Wire = Rest;
    const NAME: &'static str = "ReleaseQuarantine";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/repositories/{name}/quarantine/{tag}/release");
    type Needs = (Repositories, Images, Gates);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ImageDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::TagInvalid,
            FaultKind::RepositoryNotFound,
            FaultKind::NoSuchEntity,
            FaultKind::TagImmutable,
            FaultKind::ImageArchived,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::GANTRY_RELEASE_QUARANTINE, &request.name)]
    }

    async fn call((repositories, images, gates): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { name, tag, reason, digest } = request;
        let repository = repositories.load(cx, &name).await?;
        gates.release(cx, &repository, &tag, digest.as_ref(), &reason).await?;
        images.describe(&repository, &Reference::Tag(tag)).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, tag) = (json::name(&incoming)?, json::tag(&incoming)?);
        let Body { reason, digest } = json::body(incoming).await?;
        let parsed = digest.map(|text| {
            text.parse().map_err(|error: gantry_oci::DigestError| gates::wrong(format!("digest: {error}")))
        });
        Ok(Request { name, tag, reason, digest: parsed.transpose()? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
