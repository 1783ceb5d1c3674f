use super::get_token::{self, issue};
use gantry_access::{Access, Principal, Scopes};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, Lock, Oci, Operation, form};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};

/// Bytes of a form: user, password and scopes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// `POST /token`: as `GET /token`, with the credentials in a form (OAuth 2.0, RFC 6749, section 4.3).
pub struct PostToken;

/// The form.
pub struct Request {
    user: String,
    password: Secret<String>,
    scopes: Scopes,
}

impl Operation for PostToken {
    type Wire = Oci;
    const NAME: &'static str = "PostToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/token");
    const LOCK: Lock = Lock::Open;
    type Needs = Accounts;
    type Request = Request;
    type Response = get_token::Response;

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, _: &Principal, request: Request) -> Result<get_token::Response, Fault> {
        let principal = accounts.log_in(&request.user, &request.password, cx)?;
        issue(accounts, cx, &principal, request.scopes)
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body = incoming.body.collect(FORM_BYTES_MAX).await?;
        let mut fields = form(&body);
        let mut take = |name: &str| fields.iter().position(|(key, _)| key == name).map(|at| fields.swap_remove(at).1);
        match take("grant_type").as_deref() {
            Some("password") => {}
            other => {
                let message = format!("grant_type {other:?} is not served here; send grant_type=password, or use GET /token with Basic");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        }
        Ok(Request {
            user: take("username").unwrap_or_default(),
            password: Secret::new(take("password").unwrap_or_default()),
            scopes: Scopes::parse(take("scope").iter().map(String::as_str)),
        })
    }
}
