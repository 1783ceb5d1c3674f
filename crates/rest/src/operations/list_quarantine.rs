use crate::{
    gates::{self, QuarantinedTagDocument},
    json::{self, PageQuery},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Gates;
use gantry_scan::GateScope;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the tags that wait in quarantine, by repository and tag. For one repository it takes the permission to see what its
/// scans found, for more than one that to list scan policies.
#[derive(JsonSchema)]
pub struct ListQuarantine;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Of which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one.
    #[schemars(extend("example" = "team/app"))]
    scope: Option<String>,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// Of which repositories, and which page.
pub struct Request {
    scope: GateScope,
    after: (String, String),
    limit: usize,
}

/// A page of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Quarantine")]
pub struct Response {
    tags: Vec<QuarantinedTagDocument>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Operation for ListQuarantine {
    type Wire = Rest;
    const NAME: &'static str = "ListQuarantine";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/quarantine");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![match request.scope.as_str().parse::<RepositoryName>() {
            Ok(name) => Access::on(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, &name),
            Err(_) => Access::to(action::GANTRY_LIST_SCAN_POLICIES),
        }]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let page = gates.quarantined(cx, &request.scope, request.after, request.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(|last| format!("{}:{}", last.repository, last.tag));
        Ok(Response { tags: page.items.into_iter().map(QuarantinedTagDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let scope = gates::parse_scope(incoming.query("scope").as_deref().unwrap_or("*"))?;
        let PageQuery { after, limit } = json::page(&incoming)?;
        let after = match after {
            None => (String::new(), String::new()),
            Some(text) => {
                let (name, tag) =
                    text.split_once(':').ok_or_else(|| gates::wrong(format!("after={text:?} is no `next` of a page")))?;
                (name.into(), tag.into())
            }
        };
        Ok(Request { scope, after, limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
