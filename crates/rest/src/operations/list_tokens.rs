use crate::{json, tokens, tokens::PersonalTokenDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the personal tokens of a user, or of somebody from a directory, the oldest first, without their secrets.
#[derive(JsonSchema)]
pub struct ListTokens;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Whose; those of whoever asks where nobody is named, and all there are for `*`.
    user: Option<String>,
}

/// Whose.
pub struct Request {
    user: Option<String>,
}

/// All of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PersonalTokens")]
pub struct Response {
    tokens: Vec<PersonalTokenDocument>,
}

impl Operation for ListTokens {
    type Wire = Rest;
    const NAME: &'static str = "ListTokens";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/tokens");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, cx: &Cx) -> Vec<Access> {
        tokens::access(action::GANTRY_LIST_TOKENS, request.user.as_deref(), &cx.actor)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let owner = tokens::owner(accounts, request.user.as_deref(), principal)?;
        let found = accounts.identities().list_personal_tokens(cx.account, owner).await?;
        Ok(Response { tokens: found.into_iter().map(PersonalTokenDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { user: incoming.query("user").map(Into::into) })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
