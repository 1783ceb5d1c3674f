use crate::{identity, json::Nothing, policy_of::{PolicyText, WrittenPolicyOf}};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Writes a policy into a role, in the place of one of the same name.
#[derive(JsonSchema)]
pub struct PutRolePolicy;

impl Operation for PutRolePolicy {
    type Wire = Rest;
    const NAME: &'static str = "PutRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/roles/{role}/inline-policies/{inline}");
    type Needs = Identities;
    type Request = WrittenPolicyOf;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<PolicyText>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::MalformedPolicyDocument, FaultKind::IdentityLimitExceeded]);
    }

    fn access(request: &WrittenPolicyOf, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_PUT_ROLE_POLICY, "role", &request.name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        WrittenPolicyOf { name, policy, document }: WrittenPolicyOf,
    ) -> Result<Nothing, Fault> {
        identities.put_inline_policy(cx, IdentityKind::Role, &name, &policy, &document).await.map(|()| Nothing)
    }
}
