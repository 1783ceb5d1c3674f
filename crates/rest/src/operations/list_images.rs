use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Images, Repositories};
use gantry_words::{Cx, RepositoryName, Timestamp};
use http::StatusCode;
use serde::Serialize;

/// Lists the images of a repository, newest first.
pub struct ListImages;

/// Of which repository, and which page.
pub struct Request {
    name: RepositoryName,
    before: Timestamp,
    after: String,
    limit: usize,
}

/// A page.
#[derive(Serialize)]
pub struct Response {
    images: Vec<ImageDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for ListImages {
    type Wire = Rest;
    const NAME: &'static str = "ListImages";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGES, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let page = images.list(&repository, request.before, &request.after, request.limit).await?;
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| format!("{}~{}", last.pushed_at.millis(), last.digest));
        Ok(Response { images: page.items.into_iter().map(ImageDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (before, after) = match incoming.query("after") {
            None => (Timestamp::from_millis(i64::MAX), String::new()),
            Some(text) => text
                .split_once('~')
                .and_then(|(millis, digest)| Some((Timestamp::from_millis(millis.parse().ok()?), digest.to_string())))
                .ok_or_else(|| Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next"))?,
        };
        Ok(Request { name: json::name(&incoming)?, before, after, limit: json::limit(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
