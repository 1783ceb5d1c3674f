use crate::{document::ImageDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{ImagePlace, Images, Repositories, ImageFilter};
use gantry_words::{Cx, RepositoryName, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the images of a repository, newest first.
#[derive(JsonSchema)]
pub struct ListImages;

/// Of which repository, and which page.
pub struct Request {
    name: RepositoryName,
    after: ImagePlace,
    limit: usize,
}

/// A page of images.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImagePage")]
pub struct Response {
    images: Vec<ImageDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListImages {
    type Wire = Rest;
    const NAME: &'static str = "ListImages";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/images");
    type Needs = (Repositories, Images);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::RepositoryNotFound]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGES, &request.name)]
    }

    async fn call((repositories, images): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let page = images.list(&repository, ImageFilter::default(), &request.after, request.limit).await?;
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| format!("{}~{}", last.pushed_at.millis(), last.digest));
        Ok(Response { images: page.items.into_iter().map(ImageDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let after = match page.after {
            None => ImagePlace::START,
            Some(text) => text
                .split_once('~')
                .and_then(|(millis, digest)| {
                    let pushed_at = Timestamp::from_millis(millis.parse().ok()?);
                    Some(ImagePlace { pushed_at, digest: digest.to_string() })
                })
                .ok_or_else(|| Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next"))?,
        };
        Ok(Request { name: json::name(&incoming)?, after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
