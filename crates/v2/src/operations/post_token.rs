use super::get_token::{self, issue};
use gantry_access::{Access, Principal, Scopes};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, Lock, Oci, Operation, form};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};

/// Bytes of a form: user, password and scopes. The longest password is a token of an identity provider.
const FORM_BYTES_MAX: usize = 32 * 1024;

/// `POST /token`: as `GET /token`, with the scopes in a form, and the credentials too (OAuth 2.0, RFC 6749, section 4.3)
/// unless they come as Basic. Tokens that renew themselves are not issued: `offline_token` and `access_type` are ignored.
pub struct PostToken;

/// The form.
pub struct Request {
    /// User and password of the form; `None` where the request brought its credentials as Basic.
    credentials: Option<(String, Secret<String>)>,
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

    async fn call(accounts: &Accounts, cx: &Cx, caller: &Principal, request: Request) -> Result<get_token::Response, Fault> {
        match &request.credentials {
            Some((user, password)) => {
                let principal = accounts.log_in(user, password, caller.arrival.clone()).await?;
                issue(accounts, cx, &principal, request.scopes).await
            }
            None => issue(accounts, cx, caller, request.scopes).await,
        }
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body = incoming.body.collect(FORM_BYTES_MAX).await?;
        let fields = form(&body);
        let all = |name: &'static str| fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = |name| all(name).next();
        let credentials = match first("grant_type") {
            Some("password") => {
                let text = |name| first(name).unwrap_or_default().to_string();
                Some((text("username"), Secret::new(text("password"))))
            }
            None | Some("") => None,
            Some(other) => {
                let message = format!("A token is not issued for grant_type={}; send grant_type=password, or Basic", named(other));
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        };
        Ok(Request { credentials, scopes: Scopes::parse(all("scope")) })
    }
}

/// The beginning of what a client wrote, fit to be shown to it.
fn named(text: &str) -> String {
    text.chars().filter(|char| char.is_ascii_graphic()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use gantry_api::Body;
    use http::Method;

    fn read(text: &str) -> Result<Request, Fault> {
        let incoming = Incoming::new(Method::POST, "/token");
        let body = Body::from(bytes::Bytes::from(text.to_string()));
        Request::read(Incoming { body, ..incoming }).now_or_never().expect("the whole body is at hand")
    }

    #[test]
    fn every_scope_of_the_form_counts_whether_repeated_or_parted_by_blanks() {
        let form = "grant_type=password&username=a&password=b&scope=repository%3Ax%3Apull&scope=repository%3Ay%3Apush+repository:z:pull";

        let request = read(form).unwrap();

        assert_eq!(request.scopes.to_string(), "repository:x:pull repository:y:push repository:z:pull");
        assert_eq!(request.credentials.unwrap().0, "a");
    }

    #[test]
    fn a_request_without_a_grant_brings_its_credentials_elsewhere() {
        for form in ["", "scope=repository:x:pull", "grant_type="] {
            assert!(read(form).unwrap().credentials.is_none(), "{form}");
        }
    }

    #[test]
    fn an_unknown_grant_is_named_in_plain_words() {
        let refused = read("grant_type=refresh_token&refresh_token=x").err().unwrap();

        assert_eq!(
            refused.message,
            "A token is not issued for grant_type=refresh_token; send grant_type=password, or Basic"
        );
    }
}
