use crate::{headers, refusal::refusal, target};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{GateAnswer, Gates};
use gantry_oci::Reference;
use gantry_registry::{ImageFound, Images, Traffic, Repositories};
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

/// The manifest, or why it is kept back.
pub enum Response {
    /// It goes.
    Found {
        /// The manifest.
        image: ImageFound,
        /// Whether the client has it already.
        is_unchanged: bool,
        /// What whoever pulls it should know.
        warning: Option<String>,
    },
    /// The scan policy of the repository keeps it back.
    Refused {
        /// Why, in a sentence.
        message: String,
        /// The same for programs.
        detail: serde_json::Value,
    },
}

impl Operation for GetManifest {
    type Wire = Oci;
    const NAME: &'static str = "GetManifest";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/manifests/{reference}");
    type Needs = (Repositories, Images, (Traffic, Gates));
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on_image(action::ECR_BATCH_GET_IMAGE, &request.name, &request.reference)
    }

    async fn call((repositories, images, (traffic, gates)): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let image = images.load(cx, &repository, &request.reference).await?;
        // Whoever asks with HEAD, or has it already, only looks.
        let is_unchanged = headers::is_unchanged(request.if_none_match.as_deref(), &image.digest);
        if request.is_head {
            return Ok(Response::Found { image, is_unchanged, warning: None });
        }
        // Whoever has it already is judged too: what is kept back is not to be started from what a node has at hand.
        let warning = match gates.judge(cx, &repository, &image).await? {
            GateAnswer::Passes => None,
            GateAnswer::Warned(warning) => Some(warning),
            GateAnswer::Refused { message, detail } => return Ok(Response::Refused { message, detail }),
        };
        if !is_unchanged {
            traffic.pulled(cx, &repository, &image.digest);
        }
        Ok(Response::Found { image, is_unchanged, warning })
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
    fn refusal(&self) -> Option<FaultKind> {
        matches!(self, Response::Refused { .. }).then_some(FaultKind::GateRefused)
    }

    fn write(self) -> Outgoing {
        let (image, is_unchanged, warning) = match self {
            Response::Found { image, is_unchanged, warning } => (image, is_unchanged, warning),
            Response::Refused { message, detail } => return refusal(FaultKind::GateRefused, &message, &detail),
        };
        let mut headers = headers::immutable(&image.digest);
        if let Some(warning) = warning {
            headers.insert(header::WARNING, headers::warning(&warning));
        }
        if is_unchanged {
            return Outgoing { status: StatusCode::NOT_MODIFIED, headers, body: Payload::Empty };
        }
        headers.insert(header::CONTENT_TYPE, headers::value(&image.media_type));
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(image.body) }
    }
}
