use super::list_account_policies::ACCOUNT_POLICIES_MAX;
use crate::{access::AccountPolicyDocument, json};
use gantry_access::{
    Access, Principal, action,
    policy::{Policy, PolicyPlace},
};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Change, DocumentKind, DocumentSeen, Documents};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

const NAME_BYTES_MAX: usize = 64;

/// Writes an account-wide policy, in the place of one of that name. What it denies nobody may do, the root user neither; only
/// policies of this kind he can still write and remove.
#[derive(JsonSchema)]
pub struct PutAccountPolicy;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Its text: a policy whose statements all deny.
    policy: String,
}

/// The name and the text.
pub struct Request {
    name: String,
    text: String,
}

/// The policy as it is kept.
pub struct Response(AccountPolicyDocument);

impl Operation for PutAccountPolicy {
    type Wire = Rest;
    const NAME: &'static str = "PutAccountPolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/access/account-policies/{account_policy}");
    type Needs = Documents;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<AccountPolicyDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::MalformedPolicyDocument, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_PUT_ACCOUNT_POLICY)]
    }

    async fn call(documents: &Documents, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { name, text } = request;
        let write = move |seen: &DocumentSeen| {
            if seen.document.is_none() && seen.count >= ACCOUNT_POLICIES_MAX as u64 {
                let message = format!("There are {ACCOUNT_POLICIES_MAX} account-wide policies, as many as may be; remove one first");
                return Err(Fault::new(FaultKind::LimitExceeded, message));
            }
            Ok(Change::Write(text.clone()))
        };
        documents.change(cx, None, DocumentKind::AccountPolicy, &name, Box::new(write)).await?;
        let found = documents.find(cx, None, DocumentKind::AccountPolicy, &name).await?;
        let gone = || Fault::new(FaultKind::NoSuchEntity, format!("The account-wide policy {name} was removed meanwhile"));
        found.map(|document| Response(document.into())).ok_or_else(gone)
    }
}

/// Reads the name of an account-wide policy out of the address.
pub(crate) fn name(incoming: &Incoming) -> Result<String, Fault> {
    let name = incoming.params.get("account_policy");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(name.into());
    }
    let message = format!("{name:?} is no name of an account-wide policy: 1 to {NAME_BYTES_MAX} of [A-Za-z0-9._-]");
    Err(Fault::new(FaultKind::InvalidParameter, message))
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = name(&incoming)?;
        let Body { policy } = json::body(incoming).await?;
        match Policy::parse(&policy, PolicyPlace::AccountWide) {
            Ok(_) => Ok(Request { name, text: policy }),
            Err(error) => Err(Fault::new(FaultKind::MalformedPolicyDocument, error.to_string())),
        }
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_api::Params;
    use http::Method;

    fn read(name: &str, policy: &str) -> Result<Request, Fault> {
        let mut incoming = Incoming::new(Method::PUT, "/");
        incoming.params = Params::new().with("account_policy", name);
        incoming.body = bytes::Bytes::from(serde_json::json!({"policy": policy}).to_string()).into();
        let mut reading = std::pin::pin!(Request::read(incoming));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match std::future::Future::poll(reading.as_mut(), &mut cx) {
            std::task::Poll::Ready(read) => read,
            std::task::Poll::Pending => panic!("a body at hand is read at once"),
        }
    }

    #[test]
    fn only_what_denies_is_taken() {
        let policy = |effect: &str| {
            format!("{{\"Version\": \"2012-10-17\", \"Statement\": {{\"Effect\": \"{effect}\", \"Action\": \"ecr:DeleteRepository\", \"Resource\": \"*\"}}}}")
        };

        assert!(read("no-deletion", &policy("Deny")).is_ok());
        let fault = read("no-deletion", &policy("Allow")).map(drop).unwrap_err();
        assert_eq!(fault.kind, FaultKind::MalformedPolicyDocument);
        assert!(fault.message.contains("only denies"), "{}", fault.message);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "a b", "ä", &"a".repeat(65)] {
            assert_eq!(read(name, "{}").map(drop).unwrap_err().kind, FaultKind::InvalidParameter, "{name}");
        }
    }
}
