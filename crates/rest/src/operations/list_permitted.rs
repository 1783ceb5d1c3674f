use super::explain_access::{Question, arrival};
use crate::access::{PermittedDocument, PermittedPageDocument};
use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, PERMITTED_MAX};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Lists who may do something, with the statement that allows it: root, users, robots and roles, those without credentials, and
/// other accounts that a repository's policy names, where those allow it too.
#[derive(JsonSchema)]
pub struct ListPermitted;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// What: an action such as `ecr:PutImage`, or `pull`, `push`, `delete`.
    #[schemars(extend("example" = "push"))]
    action: String,
    /// To what: a repository, an ARN, or `*` for the registry as a whole.
    #[schemars(extend("example" = "team/app"))]
    resource: String,
    /// What else the request brings, as `key=value`; as often as there are values.
    context: Option<String>,
}

/// What, and to what.
pub struct Request(Question);

/// Who may.
pub struct Response(PermittedPageDocument);

impl Operation for ListPermitted {
    type Wire = Rest;
    const NAME: &'static str = "ListPermitted";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/access/who-can");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<PermittedPageDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NameInvalid]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS)]
    }

    async fn call(accounts: &Accounts, cx: &Cx, asker: &Principal, request: Request) -> Result<Response, Fault> {
        let mut found = accounts.who_can(cx.account, &request.0.needs(accounts, cx).await?, &arrival(asker, cx));
        let has_more = found.len() > PERMITTED_MAX;
        found.truncate(PERMITTED_MAX);
        let principals = found.into_iter().map(PermittedDocument::from).collect();
        Ok(Response(PermittedPageDocument { principals, has_more }))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Question::read(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
