use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_audit::Outcome;
use gantry_chronicle::{Audit, Place, Question};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists records of the audit, the newest first: who did what, and who was refused. What is still being counted together
/// is among them, marked `pending` and without an `eventID`, until its minute is over.
#[derive(JsonSchema)]
pub struct ListAuditRecords;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only what this principal did: an ARN, or `anonymous`.
    #[schemars(extend("example" = "arn:aws:iam::000000000000:root"))]
    principal: Option<String>,
    /// Only what happened in this repository.
    #[schemars(extend("example" = "team/app"))]
    repository: Option<String>,
    /// Only what happened to this manifest or blob.
    digest: Option<String>,
    /// Only this action, such as `ecr:PutImage`.
    action: Option<String>,
    /// Only what ended so: `success`, `refused` or `failed`.
    outcome: Option<String>,
    /// Only from this moment on (RFC 3339).
    from: Option<String>,
    /// Only before this moment (RFC 3339).
    until: Option<String>,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many records it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// What is asked, and which page.
pub struct Request {
    question: Question,
    before: Option<Place>,
    limit: usize,
}

/// A page of the audit.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
pub struct Response {
    /// Records in the shape of CloudTrail's; what that has no words for stands in `additionalEventData.gantry`.
    #[schemars(with = "Vec<std::collections::BTreeMap<String, serde_json::Value>>")]
    records: Vec<serde_json::Value>,
    /// What to give as `after` for the next page; missing at the end. A page may have fewer records than were asked for, or none,
    /// and a next one all the same: where much had to be looked at, the search goes on there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListAuditRecords {
    type Wire = Rest;
    const NAME: &'static str = "ListAuditRecords";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/audit");
    type Needs = Audit;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_AUDIT_RECORDS)]
    }

    async fn call(audit: &Audit, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let page = audit.search(cx.account, &request.question, request.before, request.limit).await?;
        let next = page.next.as_ref().map(print);
        let read = |bytes: &str| serde_json::from_str(bytes).map_err(Fault::internal);
        let records = page.items.iter().map(|found| read(&found.bytes)).collect::<Result<_, _>>()?;
        Ok(Response { records, next })
    }
}

fn print(place: &Place) -> String {
    format!("{}~{}~{}", place.at, place.writer, place.seq)
}

fn parse(text: &str) -> Option<Place> {
    let mut numbers = text.splitn(3, '~').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    Some(Place { at: next()?, writer: next()?, seq: next()? })
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
        let text = |name: &str| incoming.query(name).map(String::from);
        let moment = |name: &str| -> Result<Option<Timestamp>, Fault> {
            let Some(text) = text(name) else { return Ok(None) };
            let unread = |_| wrong(format!("{name}={text:?} is no moment; write it as in 2026-03-01T00:00:00Z"));
            text.parse().map(Some).map_err(unread)
        };
        let outcome = text("outcome").map(|text| {
            let unknown = || wrong(format!("outcome={text:?} is none; it is success, refused or failed"));
            Outcome::parse(&text).ok_or_else(unknown)
        });
        let question = Question {
            principal: text("principal"),
            repository: text("repository"),
            digest: text("digest"),
            action: text("action"),
            outcome: outcome.transpose()?,
            from: moment("from")?,
            until: moment("until")?,
        };
        let unknown = || wrong("after is not what an answer gave as next".into());
        let before = page.after.map(|text| parse(&text).ok_or_else(unknown)).transpose()?;
        Ok(Request { question, before, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn a_place_in_the_list_is_read_as_it_was_printed() {
        let place = Place { at: -5, writer: 7, seq: 9 };

        assert_eq!(parse(&print(&place)), Some(place));
        for text in ["", "1~2", "1~2~x", "~~"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in ["outcome=maybe", "from=yesterday", "after=1", "limit=0"] {
            let incoming = Incoming::new(Method::GET, &format!("/api/v1/audit?{query}"));
            let mut reading = std::pin::pin!(Request::read(incoming));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());

            let read = std::future::Future::poll(reading.as_mut(), &mut cx);

            let std::task::Poll::Ready(Err(fault)) = read else { panic!("{query} was taken") };
            assert_eq!(fault.kind, FaultKind::InvalidParameter, "{query}");
        }
    }
}
