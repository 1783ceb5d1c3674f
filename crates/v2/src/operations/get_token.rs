use bytes::Bytes;
use gantry_access::{Access, Principal, PrincipalKind, Scopes};
use gantry_accounts::{Accounts, IssuedToken};
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Oci, Operation, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;

/// `GET /token`: a short-lived Bearer token for the scopes asked for, against Basic credentials.
///
/// What the caller may not do is left out of the token, never an error: the resource answers then.
pub struct GetToken;

/// The scopes asked for.
pub struct Request {
    scopes: Scopes,
}

/// The token.
pub struct Response {
    token: IssuedToken,
    actor: Arc<str>,
}

#[derive(Serialize)]
struct Document<'a> {
    token: &'a str,
    access_token: &'a str,
    expires_in: u64,
    issued_at: String,
    scope: &'a str,
}

impl Operation for GetToken {
    type Wire = Oci;
    const NAME: &'static str = "GetToken";
    const ROUTE: (&'static str, &'static str) = ("GET", "/token");
    const LOCK: Lock = Lock::Credential;
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        issue(accounts, cx, principal, request.scopes).await
    }
}

/// Issues a token to a principal who brought credentials of his own.
pub(crate) async fn issue(
    accounts: &Accounts,
    cx: &Cx,
    principal: &Principal,
    scopes: Scopes,
) -> Result<Response, Fault> {
    if principal.kind == PrincipalKind::Anonymous || principal.scopes.is_some() {
        let message = "A token is issued against a user name and password, not against another token; run: docker login";
        return Err(Fault::new(FaultKind::Unauthenticated, message));
    }
    let cx = Cx { actor: principal.arn.clone(), account: principal.account, ..cx.clone() };
    accounts.note_login(&cx, principal).await;
    Ok(Response { token: accounts.token(principal, scopes, cx.now), actor: principal.arn.clone() })
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let asked: Vec<_> = incoming.query_all("scope").collect();
        Ok(Request { scopes: Scopes::parse(asked.iter().map(AsRef::as_ref)) })
    }
}

impl IntoWire<Oci> for Response {
    fn actor(&self) -> Option<Arc<str>> {
        Some(self.actor.clone())
    }

    fn write(self) -> Outgoing {
        let issued = &self.token;
        let document = Document {
            token: &issued.token,
            access_token: &issued.token,
            expires_in: issued.expires_in_seconds,
            issued_at: issued.issued_at.to_string(),
            scope: &issued.scope,
        };
        let body: Bytes = serde_json::to_vec(&document).expect("strings and a number").into();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(body) }
    }
}
