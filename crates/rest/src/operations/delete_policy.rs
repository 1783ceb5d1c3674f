use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Deletes a managed policy that nobody has any more, with all of its versions.
#[derive(JsonSchema)]
pub struct DeletePolicy;

/// Which one.
pub struct Request {
    arn: String,
}

impl Operation for DeletePolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeletePolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/policies/{policy}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::DeleteConflict, FaultKind::UnmodifiableEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let actions = [action::IAM_DELETE_POLICY, action::IAM_DELETE_POLICY_VERSION];
        actions.map(|action| Access::on_arn(action, &*request.arn)).into()
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identity::delete_policy(identities, cx, &request.arn).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { arn: identity::place(&incoming, "policy") })
    }
}
