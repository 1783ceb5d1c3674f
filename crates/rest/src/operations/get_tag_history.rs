use crate::{json, undo::TagMoveDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Tag;
use gantry_registry::{Repositories, Tags};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the moves of a tag, the last first: where it pointed before and since, when, and who moved it.
#[derive(JsonSchema)]
pub struct GetTagHistory;

/// Which tag, and which page.
pub struct Request {
    name: RepositoryName,
    tag: Tag,
    before: Option<i64>,
    limit: usize,
}

/// A page of moves.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TagHistoryPage")]
pub struct Response {
    moves: Vec<TagMoveDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for GetTagHistory {
    type Wire = Rest;
    const NAME: &'static str = "GetTagHistory";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/tags/{tag}/history");
    type Needs = (Repositories, Tags);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::TagInvalid,
            FaultKind::RepositoryNotFound,
            FaultKind::ImageNotFound,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_DESCRIBE_IMAGES, &request.name)]
    }

    async fn call((repositories, tags): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        let page = tags.history(&repository, &request.tag, request.before, request.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        Ok(Response { moves: page.items.into_iter().map(TagMoveDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let unknown = |_| Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next");
        let before = page.after.map(|text| text.parse().map_err(unknown)).transpose()?;
        Ok(Request { name: json::name(&incoming)?, tag: json::tag(&incoming)?, before, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
