use crate::{identity, json::Nothing, policy_of::ManagedPolicyOf};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Gives a managed policy to a role.
#[derive(JsonSchema)]
pub struct AttachRolePolicy;

impl Operation for AttachRolePolicy {
    type Wire = Rest;
    const NAME: &'static str = "AttachRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/roles/{role}/policies/{policy}");
    type Needs = Identities;
    type Request = ManagedPolicyOf;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::IdentityLimitExceeded]);
    }

    fn access(request: &ManagedPolicyOf, _: &Cx) -> Vec<Access> {
        identity::with_policy(identity::named(action::IAM_ATTACH_ROLE_POLICY, "role", &request.name), &request.arn)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: ManagedPolicyOf) -> Result<Nothing, Fault> {
        identities.attach_policy(cx, IdentityKind::Role, &request.name, &request.arn).await.map(|()| Nothing)
    }
}
