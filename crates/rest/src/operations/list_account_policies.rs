use crate::{access::AccountPolicyDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_registry::{DocumentKind, Documents};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// The most account-wide policies.
pub(crate) const ACCOUNT_POLICIES_MAX: usize = 20;

/// Lists the account-wide policies, by name. They only deny, and to everybody, the root user too.
#[derive(JsonSchema)]
pub struct ListAccountPolicies;

/// All of them.
pub struct Request;

/// The policies.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountPolicies")]
pub struct Response {
    policies: Vec<AccountPolicyDocument>,
}

impl Operation for ListAccountPolicies {
    type Wire = Rest;
    const NAME: &'static str = "ListAccountPolicies";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/access/account-policies");
    type Needs = Documents;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_ACCOUNT_POLICIES)]
    }

    async fn call(documents: &Documents, cx: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        let found = documents.list(cx, None, DocumentKind::AccountPolicy, "", ACCOUNT_POLICIES_MAX).await?;
        Ok(Response { policies: found.items.into_iter().map(AccountPolicyDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
