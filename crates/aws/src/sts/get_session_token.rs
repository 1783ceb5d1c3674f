use crate::wire::{AwsQuery, Form, Xml};
use gantry_access::{Access, Principal};
use gantry_accounts::{Accounts, SESSION_SECONDS_MAX, SESSION_SECONDS_MIN};
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

/// `sts:GetSessionToken`: credentials that end by themselves, for whoever signs with a key of long standing.
pub struct GetSessionToken;

impl Operation for GetSessionToken {
    type Wire = AwsQuery;
    const NAME: &'static str = "sts:GetSessionToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetSessionToken");
    const LOCK: Lock = Lock::Credential;
    type Needs = Accounts;
    type Request = Form;
    type Response = Xml;

    fn access(_: &Form, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, form: Form) -> Result<Xml, Fault> {
        if principal.is_session {
            let message = "Cannot call GetSessionToken with session credentials";
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        if form.get("SerialNumber").is_some() || form.get("TokenCode").is_some() {
            let message = "This site knows no MFA devices; leave SerialNumber and TokenCode out";
            return Err(Fault::new(FaultKind::ValidationFailed, message));
        }
        let seconds = form.number("DurationSeconds", SESSION_SECONDS_MIN..=SESSION_SECONDS_MAX, 43_200)?;
        let session = accounts.session(principal, seconds, cx.now);
        Ok(Xml::response("GetSessionToken", cx.request_id, |xml| {
            xml.open("Credentials");
            xml.text("AccessKeyId", &session.access_key_id);
            xml.text("SecretAccessKey", session.secret_access_key.reveal());
            xml.text("SessionToken", &session.session_token);
            xml.text("Expiration", &session.expires_at.to_string());
            xml.close("Credentials");
        }))
    }
}
