use crate::{
    iam::{
        model::{GetRolePolicyRequest, GetRolePolicyResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetRolePolicy`: reads a policy that was written into a role.
pub struct GetRolePolicy;

impl Operation for GetRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetRolePolicy");
    type Needs = Identities;
    type Request = Filled<GetRolePolicyRequest>;
    type Response = Reply<GetRolePolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_GET_ROLE_POLICY, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let text =
            identities.load_inline_policy(cx.account, IdentityKind::Role, &asked.role_name, &asked.policy_name).await?;
        Ok(Reply::with(
            cx,
            GetRolePolicyResponse {
                role_name: asked.role_name,
                policy_document: show::document(&text),
                policy_name: asked.policy_name,
            },
        ))
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
    fn a_policy_of_a_role_comes_back_as_it_was_written() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<PutRolePolicy>(&format!("RoleName=ci&PolicyName=pull&PolicyDocument={PULL}"));

        let answer = room.ask::<GetRolePolicy>("RoleName=ci&PolicyName=pull");
        let other = room.ask::<GetRolePolicy>("RoleName=ci&PolicyName=other");

        assert_eq!(text(&answer, "PolicyDocument"), show::document(PULL));
        assert_eq!(text(&other, "Code"), "NoSuchEntity");
    }
}
