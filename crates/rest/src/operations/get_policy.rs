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

/// Reads a managed policy, with the text that counts.
#[derive(JsonSchema)]
pub struct GetPolicy;

/// Which one.
pub struct Request {
    arn: String,
}

/// The policy.
pub struct Response(PolicyDocument);

impl Operation for GetPolicy {
    type Wire = Rest;
    const NAME: &'static str = "GetPolicy";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/policies/{policy}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<PolicyDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        [action::IAM_GET_POLICY, action::IAM_GET_POLICY_VERSION]
            .map(|action| Access::on_arn(action, &*request.arn))
            .into()
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let found = identities.load_policy(cx.account, &request.arn).await?;
        let version = identities.load_policy_version(cx.account, &request.arn, found.default_version).await?;
        Ok(Response(PolicyDocument { document: Some(version.document), ..found.into() }))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { arn: identity::place(&incoming, "policy") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}
