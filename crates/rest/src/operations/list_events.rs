use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{
    EVENT_FORMATS, EVENTS_WAIT_MAX, EventCursor, EventCursorError, EventFormat, EventKinds, EventKindsError,
    EventQuestion, EventStart, Events, FeedEvent,
};
use gantry_words::{Cx, RepositoryName, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::{collections::HashMap, time::Duration};

/// What `after` says for the end of the feed.
const LATEST: &str = "latest";
/// Subjects of events that tell which flaws images have. What waits in quarantine is told with the reasons.
const OF_FLAWS: [&str; 4] = ["finding.", "image.scanned", "image.judged", "tag.quarantined"];
/// The subject of those that are the account's, also where they are about a repository.
const OF_QUOTAS: &str = "quota.";

/// Reads on in the feed of what happened in the account: images pushed and removed, tags moved, scans, findings and more, in one order.
/// Who gives the `cursor` of each answer as `after` of the next question misses nothing and sees nothing twice, also where several
/// servers share a database. It shows events of repositories that the caller may see and whose events he may read
/// (`gantry:ListEvents`), those of flaws to those who may read findings, and those of no repository or of quotas to those who may read
/// the audit.
#[derive(JsonSchema)]
pub struct ListEvents;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// What an answer gave as `cursor`, or `latest` for what happens from now on; without it and `since` the oldest event comes first.
    after: Option<String>,
    /// Instead of `after`: begins with what happened at this moment (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// Only these kinds, as in `image.pushed,finding.*`; `docs/events.md` has them all.
    #[schemars(extend("example" = "image.pushed,finding.*"))]
    kind: Option<String>,
    /// Only in repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// How events are written: in Gantry's own words (`gantry`), as the envelopes of EventBridge where there is one (`eventbridge`), or
    /// as CloudEvents 1.0 (`cloudevents`).
    #[schemars(with = "String", default = "format_default", extend("enum" = ["gantry", "eventbridge", "cloudevents"]))]
    format: String,
    /// How many seconds to wait for an event where there is none.
    #[schemars(with = "i32", default = "wait_default", range(min = 0, max = 30))]
    wait: u32,
    /// How many events it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

fn format_default() -> &'static str {
    EVENT_FORMATS[0].name
}

fn wait_default() -> u32 {
    0
}

/// What is asked, and how it is written.
pub struct Request {
    question: EventQuestion,
    format: EventFormat,
}

/// A part of the feed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub struct Response {
    /// The events, in the format that was asked for.
    #[schemars(with = "Vec<std::collections::BTreeMap<String, serde_json::Value>>")]
    events: Vec<Value>,
    /// What to give as `after` next.
    cursor: String,
    /// Whether there is more at once.
    more: bool,
    /// Whether events after `after` are gone (`retention.events`), or it is of another feed: the answer then goes on with the oldest
    /// that are there.
    missed: bool,
}

impl Operation for ListEvents {
    type Wire = Rest;
    const NAME: &'static str = "ListEvents";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/events");
    type Needs = (Events, Accounts);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::TooManyRequests]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::GANTRY_LIST_EVENTS)]
    }

    async fn call(
        (events, accounts): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let Request { question, format } = request;
        let mut sight = Sight::of(accounts, principal);
        let show = |event: FeedEvent| if sight.has(&event) { format.write(&event) } else { Vec::new() };
        let page = events.page(cx, &question, show).await?;
        let cursor = page.cursor.to_string();
        Ok(Response { events: page.items, cursor, more: page.has_more, missed: page.has_missed })
    }
}

/// What somebody may see, for the time of one answer.
struct Sight<'a> {
    accounts: &'a Accounts,
    principal: &'a Principal,
    /// Whether he sees what is of no repository.
    sees_account: bool,
    /// Whether he sees events of a repository, and those that tell of flaws.
    repositories: HashMap<String, (bool, bool)>,
}

impl<'a> Sight<'a> {
    fn of(accounts: &'a Accounts, principal: &'a Principal) -> Self {
        let sees_account = accounts.may(principal, &Access::to(action::GANTRY_LIST_AUDIT_RECORDS));
        Sight { accounts, principal, sees_account, repositories: HashMap::new() }
    }

    fn has(&mut self, event: &FeedEvent) -> bool {
        let Some(name) = place(event) else { return self.sees_account };
        let (sees, sees_flaws) = match self.repositories.get(name) {
            Some(known) => *known,
            None => {
                let found = self.look_at(name);
                self.repositories.insert(name.to_string(), found);
                found
            }
        };
        if is_of_flaws(&event.kind) { sees_flaws } else { sees }
    }

    fn look_at(&self, name: &str) -> (bool, bool) {
        let Ok(name) = name.parse::<RepositoryName>() else { return (false, false) };
        let may = |action| self.accounts.may(self.principal, &Access::on(action, &name));
        let sees = self.accounts.may_see(self.principal, &name) && may(action::GANTRY_LIST_EVENTS);
        (sees, sees && may(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS))
    }
}

/// The repository that one has to see for an event; none for those of the account.
fn place(event: &FeedEvent) -> Option<&str> {
    event.repository.as_deref().filter(|_| !event.kind.starts_with(OF_QUOTAS))
}

fn is_of_flaws(kind: &str) -> bool {
    OF_FLAWS.iter().any(|subject| kind.starts_with(subject))
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = |name: &str| incoming.query(name).map(String::from);
        let kinds = text("kind").unwrap_or_default();
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty()).map(str::parse::<EventKinds>);
        let question = EventQuestion {
            start: start(page.after, text("since"))?,
            kinds: kinds.collect::<Result<Vec<_>, _>>().map_err(|error: EventKindsError| wrong(error.to_string()))?,
            prefix: text("repository").unwrap_or_default(),
            count: page.limit,
            wait: wait(text("wait"))?,
        };
        let format = text("format").unwrap_or_else(|| format_default().into());
        let format = EventFormat::find(&format).ok_or_else(|| {
            let known = EVENT_FORMATS.map(|format| format.name).join(", ");
            wrong(format!("format={format:?} is none; there are {known}"))
        })?;
        Ok(Request { question, format })
    }
}

/// Reads where to begin.
fn start(after: Option<String>, since: Option<String>) -> Result<EventStart, Fault> {
    match (after, since) {
        (None, None) => Ok(EventStart::Oldest),
        (None, Some(since)) => {
            let unread = |_| wrong(format!("since={since:?} is no moment; write it as in 2026-03-01T00:00:00Z"));
            since.parse::<Timestamp>().map(EventStart::Since).map_err(unread)
        }
        (Some(after), None) if after == LATEST => Ok(EventStart::Latest),
        (Some(after), None) => {
            let unread = |error: EventCursorError| wrong(format!("after: {error}"));
            after.parse::<EventCursor>().map(EventStart::After).map_err(unread)
        }
        (Some(_), Some(_)) => Err(wrong("after and since both say where to begin; give one of them".into())),
    }
}

/// Reads for how long to wait.
fn wait(seconds: Option<String>) -> Result<Duration, Fault> {
    let Some(text) = seconds else { return Ok(Duration::ZERO) };
    let wait = text.parse().ok().map(Duration::from_secs).filter(|wait| *wait <= EVENTS_WAIT_MAX);
    wait.ok_or_else(|| {
        wrong(format!("wait={text:?} is no number of seconds from 0 to {}", EVENTS_WAIT_MAX.as_secs()))
    })
}

fn wrong(message: String) -> Fault {
    Fault::new(FaultKind::InvalidParameter, message)
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::{AccountId, Region};
    use http::Method;
    use std::task::{Context, Poll, Waker};

    fn read(query: &str) -> Result<Request, Fault> {
        let incoming = Incoming::new(Method::GET, &format!("/api/v1/events?{query}"));
        let mut reading = std::pin::pin!(Request::read(incoming));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => panic!("a query is read at once"),
        }
    }

    #[test]
    fn what_is_asked_is_read_from_the_query_of_the_address() {
        let request = read("after=11-7f&kind=image.pushed,finding.*&repository=team/&wait=30&limit=7&format=cloudevents");
        let Request { question, format } = request.unwrap();

        let kinds = ["image.pushed", "finding.*"].map(|kind| kind.parse().unwrap());
        assert_eq!(question.start, EventStart::After(EventCursor { number: 0x11, id: 0x7f }));
        assert_eq!((question.kinds.as_slice(), question.prefix.as_str()), (kinds.as_slice(), "team/"));
        assert_eq!((question.wait, question.count, format.name), (Duration::from_secs(30), 7, "cloudevents"));
    }

    #[test]
    fn who_says_nothing_gets_the_oldest_events_at_once_in_gantrys_words() {
        let Request { question, format } = read("").unwrap();

        assert_eq!((question.start, question.wait, format.name), (EventStart::Oldest, Duration::ZERO, "gantry"));
        assert_eq!(read("after=latest").unwrap().question.start, EventStart::Latest);
    }

    #[test]
    fn what_names_flaws_is_for_those_who_may_read_findings() {
        let of_flaws = ["finding.gone", "image.scanned", "image.judged", "tag.quarantined"];
        for kind in of_flaws {
            assert!(is_of_flaws(kind), "{kind}");
        }
        for kind in ["image.pushed", "tag.moved", "tag.released"] {
            assert!(!is_of_flaws(kind), "{kind}");
        }
    }

    #[test]
    fn quotas_are_the_accounts_also_where_a_push_has_reached_them() {
        let event = |kind: &str| FeedEvent {
            id: 1,
            at: Timestamp::default(),
            kind: kind.into(),
            account: AccountId::DEFAULT,
            region: Region::default(),
            repository: Some("team/app".into()),
            body: Value::Null,
        };

        assert_eq!(place(&event("quota.reached")), None);
        assert_eq!(place(&event("tag.moved")), Some("team/app"));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for (query, says) in [
            ("after=newest", "after: \"newest\" is no cursor"),
            ("since=yesterday", "since=\"yesterday\" is no moment"),
            ("after=1-1&since=2026-03-01T00:00:00Z", "after and since both"),
            ("kind=image.push", "kind=\"image.push\" is no kind"),
            ("wait=31", "wait=\"31\" is no number of seconds"),
            ("wait=-1", "wait=\"-1\" is no number of seconds"),
            ("format=xml", "format=\"xml\" is none"),
            ("limit=1001", "limit=\"1001\" is no number"),
        ] {
            let fault = read(query).err().unwrap();

            assert_eq!(fault.kind, FaultKind::InvalidParameter, "{query}");
            assert!(fault.message.starts_with(says), "{query}: {}", fault.message);
        }
    }
}
