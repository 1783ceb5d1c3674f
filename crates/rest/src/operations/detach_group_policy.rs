use crate::{identity, json::Nothing, policy_of::ManagedPolicyOf};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Takes a managed policy from a group.
#[derive(JsonSchema)]
pub struct DetachGroupPolicy;

impl Operation for DetachGroupPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DetachGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/groups/{group}/policies/{policy}");
    type Needs = Identities;
    type Request = ManagedPolicyOf;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &ManagedPolicyOf, _: &Cx) -> Vec<Access> {
        identity::with_policy(identity::named(action::IAM_DETACH_GROUP_POLICY, "group", &request.name), &request.arn)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: ManagedPolicyOf) -> Result<Nothing, Fault> {
        identities.detach_policy(cx, IdentityKind::Group, &request.name, &request.arn).await.map(|()| Nothing)
    }
}
