use crate::{identity, json::{self, Nothing}};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;
use serde::Deserialize;

/// Says anew who may become a role.
#[derive(JsonSchema)]
pub struct SetTrustPolicy;

/// Which role, and who.
pub struct Request {
    name: String,
    document: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The text of the trust policy, which is JSON itself.
    document: String,
}

impl Operation for SetTrustPolicy {
    type Wire = Rest;
    const NAME: &'static str = "SetTrustPolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/roles/{role}/trust-policy");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::MalformedPolicyDocument]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_ASSUME_ROLE_POLICY, "role", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.set_trust(cx, &request.name, &request.document).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = identity::place(&incoming, "role");
        let body: Body = json::body(incoming).await?;
        Ok(Request { name, document: body.document })
    }
}
