use crate::{
    iam::{model::DetachRolePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DetachRolePolicy`: takes a managed policy from a role.
pub struct DetachRolePolicy;

impl Operation for DetachRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DetachRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DetachRolePolicy");
    type Needs = Identities;
    type Request = Filled<DetachRolePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::role(action::IAM_DETACH_ROLE_POLICY, &asked.role_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.detach_policy(cx, IdentityKind::Role, &asked.role_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_role_policy::AttachRolePolicy,
        create_role::CreateRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn a_policy_is_taken_from_a_role_once() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        let form = "RoleName=ci&PolicyArn=arn:aws:iam::aws:policy/gantry/push";
        room.ask::<AttachRolePolicy>(form);

        let taken = room.ask::<DetachRolePolicy>(form);
        let again = room.ask::<DetachRolePolicy>(form);

        assert!(!taken.contains("Error"), "{taken}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}
