use crate::{json, sessions::SessionDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Logins;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists who is logged in at the pages, by id, and on the first page the terminals that wait to be let in.
#[derive(JsonSchema)]
pub struct ListSessions;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionPage")]
pub struct Response {
    sessions: Vec<SessionDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListSessions {
    type Wire = Rest;
    const NAME: &'static str = "ListSessions";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/sessions");
    type Needs = Logins;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_SESSIONS)]
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, Request(page): Request) -> Result<Response, Fault> {
        let found = logins.list_sessions(cx, page.after.as_deref().unwrap_or_default(), page.limit).await?;
        let sessions: Vec<SessionDocument> = found.items.into_iter().map(SessionDocument::from).collect();
        let mut pages = sessions.iter().filter(|session| session.kind == "page");
        let next = pages.next_back().filter(|_| found.has_more).map(|session| session.id.clone());
        Ok(Response { sessions, next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::page(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
