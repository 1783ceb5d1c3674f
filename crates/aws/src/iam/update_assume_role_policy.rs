use crate::{
    iam::{model::UpdateAssumeRolePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateAssumeRolePolicy`: sets who may take a role.
pub struct UpdateAssumeRolePolicy;

impl Operation for UpdateAssumeRolePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateAssumeRolePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateAssumeRolePolicy");
    type Needs = Identities;
    type Request = Filled<UpdateAssumeRolePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_UPDATE_ASSUME_ROLE_POLICY, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_trust(cx, &asked.role_name, &asked.policy_document).await?;
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
    fn who_may_take_a_role_must_be_there() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        let nobody = TRUST.replace("000000000000", "arn:aws:iam::000000000000:user/nobody");

        let refused = room.ask::<UpdateAssumeRolePolicy>(&format!("RoleName=ci&PolicyDocument={nobody}"));
        let changed = room.ask::<UpdateAssumeRolePolicy>(&format!("RoleName=ci&PolicyDocument={TRUST}"));

        assert_eq!(text(&refused, "Code"), "MalformedPolicyDocument");
        assert!(text(&refused, "Message").starts_with("Invalid principal in policy"), "{refused}");
        assert!(!changed.contains("Error"), "{changed}");
    }
}
