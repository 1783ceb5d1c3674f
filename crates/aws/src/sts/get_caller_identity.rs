use crate::wire::{AwsQuery, Form, Xml};
use gantry_access::{Access, Principal};
use gantry_api::{Lock, Operation};
use gantry_fault::Fault;
use gantry_words::Cx;

/// `sts:GetCallerIdentity`: who signed this. Needs no permission, and cannot be denied.
pub struct GetCallerIdentity;

impl Operation for GetCallerIdentity {
    type Wire = AwsQuery;
    const NAME: &'static str = "sts:GetCallerIdentity";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetCallerIdentity");
    const LOCK: Lock = Lock::Credential;
    type Needs = ();
    type Request = Form;
    type Response = Xml;

    fn access(_: &Form, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call((): &(), cx: &Cx, principal: &Principal, _: Form) -> Result<Xml, Fault> {
        Ok(Xml::response("GetCallerIdentity", cx.request_id, |xml| {
            xml.text("UserId", &user_id(principal));
            xml.text("Account", principal.account.as_str());
            xml.text("Arn", &principal.arn);
        }))
    }
}

/// The unique id of a user; of a session of a role that and its name; of the root user the account.
fn user_id(principal: &Principal) -> String {
    let id = principal.caller.id();
    principal.role_session.as_ref().map_or_else(|| id.to_string(), |session| format!("{id}:{}", session.name))
}
