use crate::{
    identity::{self, PolicyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, ManagedPolicy, PolicyScope};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists managed policies, those of the account and those that come with Gantry.
#[derive(JsonSchema)]
pub struct ListPolicies;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of policies.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PolicyPage")]
pub struct Response {
    policies: Vec<PolicyDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListPolicies {
    type Wire = Rest;
    const NAME: &'static str = "ListPolicies";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/policies");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        identity::below(action::IAM_LIST_POLICIES, "policy")
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let after = request.0.after.unwrap_or_default();
        let page = identities.list_policies(cx.account, PolicyScope::All, false, "/", &after, request.0.limit).await?;
        let next = page.items.last().filter(|_| page.has_more).map(ManagedPolicy::marker);
        Ok(Response { policies: page.items.into_iter().map(PolicyDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::page(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}
