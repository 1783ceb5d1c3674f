use crate::{
    identity::{self, PolicyDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Gives a managed policy another text: a new version, which counts from then on.
#[derive(JsonSchema)]
pub struct UpdatePolicy;

/// Which one, and its text.
pub struct Request {
    arn: String,
    document: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Its text, which is JSON itself.
    document: String,
}

/// The policy.
pub struct Response(PolicyDocument);

impl Operation for UpdatePolicy {
    type Wire = Rest;
    const NAME: &'static str = "UpdatePolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/policies/{policy}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<PolicyDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::NoSuchEntity,
            FaultKind::UnmodifiableEntity,
            FaultKind::MalformedPolicyDocument,
            FaultKind::IdentityLimitExceeded,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let actions = [action::IAM_CREATE_POLICY_VERSION, action::IAM_SET_DEFAULT_POLICY_VERSION];
        actions.map(|action| Access::on_arn(action, &*request.arn)).into()
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.create_policy_version(cx, &request.arn, &request.document, true).await?;
        identities.load_policy(cx.account, &request.arn).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let arn = identity::place(&incoming, "policy");
        let body: Body = json::body(incoming).await?;
        Ok(Request { arn, document: body.document })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
