use crate::{
    iam::{model::DeleteGroupPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteGroupPolicy`: removes a policy that was written into a group.
pub struct DeleteGroupPolicy;

impl Operation for DeleteGroupPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteGroupPolicy");
    type Needs = Identities;
    type Request = Filled<DeleteGroupPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_DELETE_GROUP_POLICY, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::Group, &asked.group_name, &asked.policy_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        put_group_policy::PutGroupPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_that_a_group_does_not_have_is_not_removed() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        room.ask::<PutGroupPolicy>(&format!("GroupName=ops&PolicyName=pull&PolicyDocument={PULL}"));

        let gone = room.ask::<DeleteGroupPolicy>("GroupName=ops&PolicyName=pull");
        let again = room.ask::<DeleteGroupPolicy>("GroupName=ops&PolicyName=pull");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}
