use crate::{identity, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;
use serde::Deserialize;

/// Writes a policy into a user, in the place of one of the same name.
#[derive(JsonSchema)]
pub struct PutUserPolicy;

/// Into whom, and what.
pub struct Request {
    name: String,
    policy: String,
    document: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The text of the policy, which is JSON itself.
    document: String,
}

/// It is done.
pub struct Response;

impl Operation for PutUserPolicy {
    type Wire = Rest;
    const NAME: &'static str = "PutUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/users/{user}/inline-policies/{inline}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::MalformedPolicyDocument, FaultKind::IdentityLimitExceeded]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_PUT_USER_POLICY, "user", &request.name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Request { name, policy, document }: Request,
    ) -> Result<Response, Fault> {
        identities.put_inline_policy(cx, IdentityKind::User, &name, &policy, &document).await.map(|()| Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let (name, policy) = (identity::place(&incoming, "user"), identity::place(&incoming, "inline"));
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, policy, document: body.document })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::nothing()
    }
}
