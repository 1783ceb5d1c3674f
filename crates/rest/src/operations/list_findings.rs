use crate::{
    found::{self, FoundFlawDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{FlawPlace, FlawQuestion, Scans};
use gantry_registry::Repositories;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists what is known to be wrong with all images, by the advisories of this moment, the worst first: each flaw of a version of
/// a package once, with the images that hold it. It looks at images that were scanned and can be pulled, in the repositories of
/// whose findings the caller may ask; what was pushed a second ago may be missing.
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
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
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
    type Needs = (Repositories, Scans, (Accounts, Paging));
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

    async fn call(
        (repositories, scans, (accounts, paging)): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let unknown = || Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next");
        let after = request.after.map(|token| paging.place::<FlawPlace>(cx, "", &token).ok_or_else(unknown)).transpose()?;
        let action = action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS;
        let visible = found::visible((repositories, accounts), cx, principal, action, &request.prefix).await?;
        let page = scans.find_flaws(visible, request.question, after, request.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, "", &last.place));
        Ok(Response { findings: page.items.into_iter().map(FoundFlawDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = |name: &str| incoming.query(name).map(String::from);
        let question = FlawQuestion {
            severities: found::severities(&text("severity").unwrap_or_default())?,
            id: text("id"),
            package: text("package"),
            is_fixable: json::switch(&incoming, "fixable")?,
        };
        Ok(Request { question, prefix: text("repository").unwrap_or_default(), after: page.after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
