use crate::{
    found::{self, FoundSecretDocument, Rooms},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::SecretQuestion;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the secrets in the layers of all images, the worst first: each once, with the images that hold it, also where a layer above
/// deletes its file. It looks at images that were scanned and can be pulled, in the repositories of whose findings the caller may ask;
/// what was pushed a second ago may be missing.
#[derive(JsonSchema)]
pub struct ListExposedSecrets;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only of these severities, as in `HIGH,CRITICAL`.
    #[schemars(extend("example" = "HIGH,CRITICAL"))]
    severity: Option<String>,
    /// Only of this kind, by the rule that found it.
    #[schemars(extend("example" = "github-token"))]
    rule: Option<String>,
    /// Only the secret of this fingerprint.
    fingerprint: Option<String>,
    /// Only in repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// Whether those are listed too that lie among tests, examples and documentation only.
    #[schemars(with = "bool", default)]
    examples: bool,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// What is asked, and which page.
pub struct Request {
    question: SecretQuestion,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

/// A page of secrets.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FoundSecretPage")]
pub struct Response {
    secrets: Vec<FoundSecretDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListExposedSecrets {
    type Wire = Rest;
    const NAME: &'static str = "ListExposedSecrets";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/findings/secrets");
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
        let page = rooms.1.find_secrets(visible, request.question, after, request.limit).await?;
        let next = found::next(rooms, cx, "", &page, |last| &last.place);
        Ok(Response { secrets: page.items.into_iter().map(FoundSecretDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = |name: &str| incoming.query(name).map(String::from);
        let question = SecretQuestion {
            severities: found::severities(&text("severity").unwrap_or_default())?,
            rule: text("rule"),
            fingerprint: text("fingerprint"),
            has_examples: json::switch(&incoming, "examples")?,
        };
        Ok(Request { question, prefix: text("repository").unwrap_or_default(), after: page.after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
