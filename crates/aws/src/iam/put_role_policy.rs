use crate::{
    iam::{model::PutRolePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:PutRolePolicy`: writes a policy into a role, in the place of one of that name.
pub struct PutRolePolicy;

impl Operation for PutRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:PutRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=PutRolePolicy");
    type Needs = Identities;
    type Request = Filled<PutRolePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_PUT_ROLE_POLICY, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (name, document) = (&asked.policy_name, &asked.policy_document);
        identities.put_inline_policy(cx, IdentityKind::Role, &asked.role_name, name, document).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        testing::{PULL, Room, TRUST, text},
    };

    #[test]
    fn what_is_no_policy_is_not_written_into_a_role() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let written = room.ask::<PutRolePolicy>(&format!("RoleName=ci&PolicyName=pull&PolicyDocument={PULL}"));
        let refused = room.ask::<PutRolePolicy>("RoleName=ci&PolicyName=pull&PolicyDocument={}");

        assert!(!written.contains("Error"), "{written}");
        assert_eq!(text(&refused, "Code"), "MalformedPolicyDocument");
    }
}
