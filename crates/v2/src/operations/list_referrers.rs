use crate::{headers, paging, target};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, media_type, referrers_index};
use gantry_registry::{ImageStatus, Images, Referrers, Repositories};
use gantry_words::{Cx, Page, RepositoryName};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Descriptors in one answer.
const PAGE_MAX: usize = 1_000;

/// `GET /v2/<name>/referrers/<digest>` (end-12a, end-12b): the manifests that name a subject, whether that exists or not.
pub struct ListReferrers;

/// Of which subject, of which type, and after which one.
pub struct Request {
    name: RepositoryName,
    subject: Digest,
    artifact_type: Option<String>,
    count: usize,
    last: String,
}

/// A page.
pub struct Response {
    request: Request,
    page: Referrers,
}

impl Operation for ListReferrers {
    type Wire = Oci;
    const NAME: &'static str = "ListReferrers";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/referrers/{digest}");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_BATCH_GET_IMAGE, &request.name)
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        // A 404 here would send clients to the tag scheme for good: whatever is unknown simply has no referrers.
        let Some(repository) = repositories.find(cx, &request.name).await? else {
            return Ok(Response { request, page: Page { items: vec![], has_more: false } });
        };
        let artifact_type = request.artifact_type.as_deref();
        let page = images.referrers(&repository, &request.subject, artifact_type, Some(ImageStatus::Active), &request.last, request.count).await?;
        Ok(Response { request, page })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let count = match incoming.query("n") {
            None => PAGE_MAX,
            Some(text) => text.parse::<usize>().ok().filter(|count| *count > 0).map(|count| count.min(PAGE_MAX)).ok_or_else(
                || Fault::new(FaultKind::InvalidParameter, format!("n={text:?} is no number of items; write ?n=100")),
            )?,
        };
        Ok(Request {
            name: target::name(&incoming)?,
            subject: target::digest(&incoming)?,
            artifact_type: incoming.query("artifactType").filter(|kind| !kind.is_empty()).map(|kind| kind.into_owned()),
            count,
            last: incoming.query("last").map(|last| target::parse_digest(&last).map(|last| last.to_string())).transpose()?.unwrap_or_default(),
        })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type::OCI_INDEX));
        if self.request.artifact_type.is_some() {
            headers.insert(headers::OCI_FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        if let Some(last) = self.page.items.last().filter(|_| self.page.has_more) {
            let path = format!("/v2/{}/referrers/{}", self.request.name, self.request.subject);
            let count = self.request.count.to_string();
            let mut parameters = vec![("n", count.as_str()), ("last", last.descriptor.digest.as_str())];
            parameters.extend(self.request.artifact_type.as_deref().map(|kind| ("artifactType", kind)));
            headers.insert(header::LINK, headers::value(&paging::next_link(&path, &parameters)));
        }
        let descriptors: Vec<_> = self.page.items.into_iter().map(|item| item.descriptor).collect();
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(referrers_index(&descriptors).into()) }
    }
}
