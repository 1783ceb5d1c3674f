use crate::{json, tokens, tokens::PersonalTokenDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Revokes a personal token: it is worth nothing at once, and neither is what was made of it.
#[derive(JsonSchema)]
pub struct RevokeToken;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Whose it is; of whoever asks where nobody is named, and whosever for `*`.
    user: Option<String>,
}

/// Which, and whose.
pub struct Request {
    id: String,
    user: Option<String>,
}

/// The token that was.
pub struct Response(PersonalTokenDocument);

impl Operation for RevokeToken {
    type Wire = Rest;
    const NAME: &'static str = "RevokeToken";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/tokens/{id}");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<PersonalTokenDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, cx: &Cx) -> Vec<Access> {
        tokens::access(action::GANTRY_REVOKE_TOKEN, request.user.as_deref(), &cx.actor)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let owner = tokens::owner(accounts, request.user.as_deref(), principal)?;
        let revoked = accounts.identities().revoke_personal_token(cx, owner, &request.id).await?;
        Ok(Response(revoked.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let user = incoming.query("user").map(Into::into);
        Ok(Request { id: incoming.params.get("id").into(), user })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
