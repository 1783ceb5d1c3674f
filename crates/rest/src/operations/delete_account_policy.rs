use super::put_account_policy::name;
use crate::json::Nothing;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;
use schemars::JsonSchema;

/// Removes an account-wide policy: what only that denied may be done again from the next request on.
#[derive(JsonSchema)]
pub struct DeleteAccountPolicy;

/// Which one.
pub struct Request(String);

impl Operation for DeleteAccountPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeleteAccountPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/access/account-policies/{account_policy}");
    type Needs = Documents;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_DELETE_ACCOUNT_POLICY)]
    }

    async fn call(documents: &Documents, cx: &Cx, _: &Principal, Request(name): Request) -> Result<Nothing, Fault> {
        match documents.remove(cx, None, DocumentKind::AccountPolicy, &name).await? {
            Some(_) => Ok(Nothing),
            None => Err(Fault::new(FaultKind::NoSuchEntity, format!("There is no account-wide policy {name}"))),
        }
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        name(&incoming).map(Request)
    }
}
