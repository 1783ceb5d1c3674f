use crate::{
    found::{self, FoundFlawDocument, Rooms},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{FlawOrder, FlawQuestion};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists what is known to be wrong with all images, by the advisories of this moment, the worst first: each flaw of a version of
/// a package once, with the images that hold it. It looks at images that were scanned and can be pulled, in the repositories of
/// whose findings the caller may ask; what was pushed a second ago may be missing. What VEX documents suppress is left out, unless
/// it is asked for.
#[derive(JsonSchema)]
pub struct ListFindings;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only of these severities, as in `HIGH,CRITICAL`.
    #[schemars(extend("example" = "HIGH,CRITICAL"))]
    severity: Option<String>,
    /// Only this flaw, by any of its ids.
    #[schemars(extend("example" = "CVE-2024-0727"))]
    id: Option<String>,
    /// Only in packages of this name, or built from a source package of this name; `*` stands for any characters.
    #[schemars(extend("example" = "openssl"))]
    package: Option<String>,
    /// Only in repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// Whether only what a newer version mends is listed.
    #[schemars(with = "bool", default)]
    fixable: bool,
    /// Whether only what CISA's catalogue of known exploited vulnerabilities names is listed.
    #[serde(rename = "knownExploited")]
    #[schemars(with = "bool", default)]
    known_exploited: bool,
    /// Only what is exploited within 30 days with at least this probability (EPSS).
    #[schemars(extend("example" = 0.1))]
    epss: Option<f32>,
    /// Whether what VEX documents suppress is listed, with the reason, and nothing else.
    #[schemars(with = "bool", default)]
    suppressed: bool,
    /// Whether only what should have been mended by now is listed (`scanning.deadlines`), and only repositories where it is so.
    #[schemars(with = "bool", default)]
    overdue: bool,
    /// Whether only images are looked at that somebody runs, by the reports that count now (`/api/v1/inventory`).
    #[schemars(with = "bool", default)]
    running: bool,
    /// What comes first: the worst (`severity`), or what should be mended first (`priority`).
    #[schemars(with = "String", default = "order_default", extend("enum" = ["severity", "priority"]))]
    order: String,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

fn order_default() -> &'static str {
    "severity"
}

/// What is asked, and which page.
pub struct Request {
    question: FlawQuestion,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

/// A page of findings.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FindingPage")]
pub struct Response {
    findings: Vec<FoundFlawDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListFindings {
    type Wire = Rest;
    const NAME: &'static str = "ListFindings";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/findings");
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
        let list = match request.question.order {
            FlawOrder::Severity => "",
            FlawOrder::Priority => "priority",
        };
        let after = found::place(rooms, cx, list, request.after)?;
        let visible = found::visible(rooms, cx, principal, &request.prefix).await?;
        let page = rooms.1.find_flaws(cx, visible, request.question, after, request.limit).await?;
        let next = found::next(rooms, cx, list, &page, |last| &last.place);
        let show = |found| FoundFlawDocument::of(found, cx.now);
        Ok(Response { findings: page.items.into_iter().map(show).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = |name: &str| incoming.query(name).map(String::from);
        let order = match text("order").as_deref() {
            None | Some("severity") => FlawOrder::Severity,
            Some("priority") => FlawOrder::Priority,
            Some(word) => {
                let message = format!("order={word:?} is none; it is severity or priority");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        };
        let question = FlawQuestion {
            severities: found::severities(&text("severity").unwrap_or_default())?,
            id: text("id"),
            package: text("package"),
            is_fixable: json::switch(&incoming, "fixable")?,
            is_known_exploited: json::switch(&incoming, "knownExploited")?,
            epss_min: text("epss").map(|text| found::probability("epss", &text)).transpose()?,
            is_suppressed: json::switch(&incoming, "suppressed")?,
            is_overdue: json::switch(&incoming, "overdue")?,
            is_running: json::switch(&incoming, "running")?,
            order,
        };
        Ok(Request { question, prefix: text("repository").unwrap_or_default(), after: page.after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
