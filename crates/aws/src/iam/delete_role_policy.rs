use crate::{
    iam::{model::DeleteRolePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteRolePolicy`: removes a policy that was written into a role.
pub struct DeleteRolePolicy;

impl Operation for DeleteRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteRolePolicy");
    type Needs = Identities;
    type Request = Filled<DeleteRolePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_DELETE_ROLE_POLICY, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::Role, &asked.role_name, &asked.policy_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        put_role_policy::PutRolePolicy,
        testing::{PULL, Room, TRUST, text},
    };

    #[test]
    fn a_policy_that_a_role_does_not_have_is_not_removed() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<PutRolePolicy>(&format!("RoleName=ci&PolicyName=pull&PolicyDocument={PULL}"));

        let gone = room.ask::<DeleteRolePolicy>("RoleName=ci&PolicyName=pull");
        let again = room.ask::<DeleteRolePolicy>("RoleName=ci&PolicyName=pull");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}
