use crate::{
    headers,
    paging::{self, Paging},
    target,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Payload};
use gantry_fault::Fault;
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, Page, RepositoryName};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

/// `GET /v2/<name>/tags/list` (end-8a, end-8b): the tags of a repository in the order of their bytes, in pages.
pub struct ListTags;

/// Of which repository, and which page.
pub struct Request {
    name: RepositoryName,
    paging: Paging,
}

/// A page.
pub struct Response {
    name: RepositoryName,
    count: usize,
    page: Page<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    tags: &'a [String],
}

impl Operation for ListTags {
    type Wire = Oci;
    const NAME: &'static str = "ListTags";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/{name}/tags/list");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        target::on(action::ECR_LIST_IMAGES, &request.name)
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let Paging { count, last } = request.paging;
        let page = match count {
            0 => Page { items: vec![], has_more: false },
            count => images.tags(&repository, &last, count).await?,
        };
        Ok(Response { name: request.name, count, page })
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { name: target::name(&incoming)?, paging: Paging::read(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(last) = self.page.items.last().filter(|_| self.page.has_more) {
            let path = format!("/v2/{}/tags/list", self.name);
            let link = paging::next_link(&path, &[("n", &self.count.to_string()), ("last", last)]);
            headers.insert(header::LINK, headers::value(&link));
        }
        let document = Document { name: self.name.as_str(), tags: &self.page.items };
        let body = serde_json::to_vec(&document).expect("names and tags are strings");
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(body.into()) }
    }
}
