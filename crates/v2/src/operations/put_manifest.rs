use crate::{headers, target};
use bytes::Bytes;
use gantry_access::{Access, Principal, action};
use gantry_api::{Body, Held, FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Reference, Tag};
use gantry_registry::{Images, PutImageAnswer, Repositories, Traffic};
use gantry_words::{Cx, RepositoryName};
use http::{StatusCode, header};

/// Tags one push may set besides the reference.
const TAGS_MAX: usize = 10;

/// `PUT /v2/<name>/manifests/<reference>` (end-7a, end-7b): stores a manifest and points a tag at it. `?tag=` names more tags.
pub struct PutManifest;

/// Where to, and the body still to be read.
pub struct Request {
    name: RepositoryName,
    reference: Reference,
    tags: Vec<Tag>,
    content_type: Option<String>,
    body: Body,
}

/// What was stored.
pub struct Response {
    name: RepositoryName,
    tags: Vec<Tag>,
    put: PutImageAnswer,
}

impl Operation for PutManifest {
    type Wire = Oci;
    const NAME: &'static str = "PutManifest";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/v2/{name}/manifests/{reference}");
    type Needs = (Repositories, Images, Traffic);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on_tags(action::ECR_PUT_IMAGE, &request.name, &request.reference, &request.tags)
    }

    async fn call((repositories, images, traffic): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        // It counts among the bytes that are kept until the manifest is stored.
        let (body, _held) = read_body(request.body, images.manifest_bytes_max()).await?;
        let put = images
            .put_image(cx, &repository, &request.reference, request.tags.clone(), request.content_type.as_deref(), body)
            .await?;
        traffic.pushed(cx, &repository, &put.digest);
        Ok(Response { name: request.name, tags: request.tags, put })
    }
}

async fn read_body(body: Body, bytes_max: u64) -> Result<(Bytes, Held), Fault> {
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    body.collect_held(limit).await.map_err(|fault| match fault.kind {
        FaultKind::BodyTooLarge => {
            let message = format!("A manifest may have {bytes_max} bytes (limits.manifest_bytes_max); this one has more");
            Fault::new(FaultKind::ManifestTooLarge, message)
        }
        _ => fault,
    })
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let tags = incoming.query_all("tag").map(|tag| target::parse_tag(&tag)).collect::<Result<Vec<_>, _>>()?;
        if tags.len() > TAGS_MAX {
            let message = format!("{} tags in one push; at most {TAGS_MAX} are taken, push again for the others", tags.len());
            return Err(Fault::new(FaultKind::InvalidParameter, message));
        }
        Ok(Request {
            name: target::name(&incoming)?,
            reference: target::reference(&incoming)?,
            tags,
            content_type: incoming.header("content-type").map(str::to_string),
            body: incoming.body,
        })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = headers::immutable(&self.put.digest);
        headers.insert(header::LOCATION, headers::value(&format!("/v2/{}/manifests/{}", self.name, self.put.digest)));
        if let Some(subject) = &self.put.subject {
            headers.insert(headers::OCI_SUBJECT, headers::value(subject.as_str()));
        }
        let quarantined = &self.put.quarantined;
        for tag in self.tags.iter().filter(|tag| !quarantined.contains(tag)) {
            headers.append(headers::OCI_TAG, headers::value(tag.as_str()));
        }
        if let Some(first) = quarantined.first() {
            headers.insert(header::WARNING, headers::warning(&in_quarantine(&self.name, first, quarantined.len())));
        }
        Outgoing { status: StatusCode::CREATED, headers, body: Payload::Empty }
    }
}

/// That tags wait, for whoever reads what a client prints.
fn in_quarantine(name: &RepositoryName, tag: &Tag, count: usize) -> String {
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    format!(
        "The tag {tag}{more} waits in quarantine until the image passes the scan policy; see: gantry gate quarantine ls {name}"
    )
}
