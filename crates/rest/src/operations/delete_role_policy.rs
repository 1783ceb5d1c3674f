use crate::{identity, json::Nothing, policy_of::InlinePolicyOf};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Removes a policy that was written into a role.
#[derive(JsonSchema)]
pub struct DeleteRolePolicy;

impl Operation for DeleteRolePolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeleteRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/roles/{role}/inline-policies/{inline}");
    type Needs = Identities;
    type Request = InlinePolicyOf;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &InlinePolicyOf, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_ROLE_POLICY, "role", &request.name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        InlinePolicyOf { name, policy }: InlinePolicyOf,
    ) -> Result<Nothing, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::Role, &name, &policy).await.map(|()| Nothing)
    }
}
