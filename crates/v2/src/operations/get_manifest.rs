use crate::{headers, target};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_oci::Reference;
use gantry_registry::{ImageFound, Images, Pulls, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::{Method, StatusCode, header};

/// `GET` and `HEAD /v2/<name>/manifests/<reference>` (end-3): the manifest as it was pushed, never converted.
pub struct GetManifest;

/// Which manifest, and what the client has of it already.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
    if_none_match: Option<String>,
    is_head: bool,
}

/// The manifest.
pub struct Response {
    image: ImageFound,
    is_unchanged: bool,
}

impl Operation for GetManifest {
    type Wire = Oci;
    const NAME: &'static str = "GetManifest";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/manifests/{reference}");
    type Needs = (Repositories, Images, Pulls);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on_image(action::ECR_BATCH_GET_IMAGE, &request.name, &request.reference)
    }

    async fn call((repositories, images, pulls): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.load(cx, &repository, &request.reference).await?;
        // Whoever asks with HEAD, or has it already, only looks.
        let is_unchanged = headers::is_unchanged(request.if_none_match.as_deref(), &image.digest);
        if !request.is_head && !is_unchanged {
            pulls.note(cx, &repository, &image.digest);
        }
        Ok(Response { image, is_unchanged })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request {
            name: target::name(&incoming)?,
            reference: target::wanted(&incoming)?,
            if_none_match: headers::if_none_match(&incoming.headers),
            is_head: incoming.method == Method::HEAD,
        })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = headers::immutable(&self.image.digest);
        if self.is_unchanged {
            return Outgoing { status: StatusCode::NOT_MODIFIED, headers, body: Payload::Empty };
        }
        headers.insert(header::CONTENT_TYPE, headers::value(&self.image.media_type));
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(self.image.body) }
    }
}
