use crate::{
    iam::{model::AttachRolePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:AttachRolePolicy`: gives a managed policy to a role.
pub struct AttachRolePolicy;

impl Operation for AttachRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:AttachRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AttachRolePolicy");
    type Needs = Identities;
    type Request = Filled<AttachRolePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::role(action::IAM_ATTACH_ROLE_POLICY, &asked.role_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.attach_policy(cx, IdentityKind::Role, &asked.role_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn only_a_policy_that_is_there_is_given_to_a_role() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let given = room.ask::<AttachRolePolicy>("RoleName=ci&PolicyArn=arn:aws:iam::aws:policy/gantry/push");
        let refused = room.ask::<AttachRolePolicy>("RoleName=ci&PolicyArn=arn:aws:iam::000000000000:policy/none");

        assert!(!given.contains("Error"), "{given}");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}
