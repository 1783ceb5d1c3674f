use crate::{
    found::{self, GoneFlawDocument, Rooms},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists which flaws are gone from which repositories, those first that went last: no image there has them any more, since they were
/// mended, since the images are gone, or since the advisories say otherwise by now. It is kept for 400 days.
#[derive(JsonSchema)]
pub struct ListGoneFindings;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only this flaw, by the id under which it was listed.
    #[schemars(extend("example" = "CVE-2024-0727"))]
    id: Option<String>,
    /// Only from repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// What is asked, and which page.
pub struct Request {
    id: Option<String>,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

/// A page of findings that are gone.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GoneFindingPage")]
pub struct Response {
    findings: Vec<GoneFlawDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListGoneFindings {
    type Wire = Rest;
    const NAME: &'static str = "ListGoneFindings";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/findings/gone");
    type Needs = Rooms;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS)]
    }

    async fn call(rooms: &Rooms, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let after = found::place(rooms, cx, "", request.after)?;
        let visible = found::visible(rooms, cx, principal, &request.prefix).await?;
        let page = rooms.1.gone_flaws(visible, request.id, after, request.limit).await?;
        let next = found::next(rooms, cx, "", &page, |last| &last.place);
        Ok(Response { findings: page.items.into_iter().map(GoneFlawDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = |name: &str| incoming.query(name).map(String::from);
        let (id, prefix) = (text("id"), text("repository").unwrap_or_default());
        Ok(Request { id, prefix, after: page.after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
