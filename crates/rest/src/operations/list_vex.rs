use crate::{
    json::{self, PageQuery},
    vex::VexDocument,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the VEX documents that were uploaded, in the order of their upload.
#[derive(JsonSchema)]
pub struct ListVex;

/// Which page.
pub struct Request {
    after: i64,
    limit: usize,
}

/// A page of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VexDocuments")]
pub struct Response {
    documents: Vec<VexDocument>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for ListVex {
    type Wire = Rest;
    const NAME: &'static str = "ListVex";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/vex");
    type Needs = Scans;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_VEX)]
    }

    async fn call(scans: &Scans, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let page = scans.list_vex(cx, request.after, request.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        Ok(Response { documents: page.items.into_iter().map(VexDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let PageQuery { after, limit } = json::page(&incoming)?;
        let wrong = |text: &str| Fault::new(FaultKind::InvalidParameter, format!("after={text:?} is no `next` of a page"));
        let after = after.map_or(Ok(i64::MIN), |text| text.parse().map_err(|_| wrong(&text)))?;
        Ok(Request { after, limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
