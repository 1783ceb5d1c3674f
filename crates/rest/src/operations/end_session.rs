use crate::json::Nothing;
use gantry_access::{Access, Principal, action};
use gantry_accounts::Logins;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use schemars::JsonSchema;

/// Ends a session. With one at the pages all sessions of its person end, and what was made of them: passwords, tokens and
/// credentials of terminals; he may log in again while his provider lets him. A terminal that waits gets nothing any more.
#[derive(JsonSchema)]
pub struct EndSession;

/// Which one.
pub struct Request {
    id: String,
}

impl Operation for EndSession {
    type Wire = Rest;
    const NAME: &'static str = "EndSession";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/sessions/{id}");
    type Needs = Logins;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_END_SESSION)]
    }

    async fn call(logins: &Logins, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        logins.end_session(cx, &request.id).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { id: incoming.params.get("id").into() })
    }
}
