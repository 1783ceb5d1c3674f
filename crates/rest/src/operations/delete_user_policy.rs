use crate::{identity, json::Nothing, policy_of::InlinePolicyOf};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Removes a policy that was written into a user.
#[derive(JsonSchema)]
pub struct DeleteUserPolicy;

impl Operation for DeleteUserPolicy {
    type Wire = Rest;
    const NAME: &'static str = "DeleteUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/users/{user}/inline-policies/{inline}");
    type Needs = Identities;
    type Request = InlinePolicyOf;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &InlinePolicyOf, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_DELETE_USER_POLICY, "user", &request.name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        InlinePolicyOf { name, policy }: InlinePolicyOf,
    ) -> Result<Nothing, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::User, &name, &policy).await.map(|()| Nothing)
    }
}
